#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Breaks TLB maintenance of real source trees, one edit at a time, and holds `bench-host review` against each.

    scripts/review-mutants.py BENCH_HOST TREE... [--number N] [--seed S] [--save DIR] [--show silent|passed|alarm] [--only KIND]

TREE: a folder, or a bare git repository (`mirror.git`, `mirror.git@REVISION`). Places that concern maintenance are found by wide signs, on
purpose other ones than the program's own. Each becomes a patch of one edit (a unified diff with 12 lines of context and the name of the function, as git
makes it), and its reverse, which reads like a fix. The right answer is known by construction:

  silent   neither direction may end with 0 and nothing said;
  passed   (not made: a DSB before a TLBI that keeps the stores, and one of this PE alone behind a local TLBI: they do as well)
           after an edit that takes something away the side after must not be enough, unless what was taken was not needed: read by hand;
  alarm    the reverse must not be insufficient after where it was not before: the edit only gave something back.

N mutants a tree, taken from the kinds in turn, in an order that the seed and the name of the tree decide. Nothing of the trees is kept but what --save asks
for. Exits with 1 where something is silent, or with --strict also where something passed or is an alarm.
"""
import argparse
import collections
import concurrent.futures
import difflib
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

CONTEXT = 12
C_LIKE = {".c", ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".inl", ".inc", ".cppm", ".ixx", ".m", ".d", ".zig"}
# Languages whose statements end with the line.
LINES = {".nim", ".odin", ".swift", ".go"}
ASSEMBLY = {".S", ".s", ".asm"}
OTHERS = set(
    "x86 x86_64 i386 ia32 ia64 riscv riscv64 riscv32 powerpc ppc mips mips64 mipsel sparc sparc64 s390 s390x alpha m68k sh arc csky hexagon loongarch "
    "loongarch64 loong64 microblaze nios2 openrisc parisc um xtensa arm32 aarch32 armv7 armv7a armv7-a armv7-r armv7-m cortex-m avr amd64 i686 ia32e x64 iommu smmu "
    "docs documentation doc tools tests test".split()
)
# A file is AArch64's, or shared by it, by one of these.
OURS = re.compile(r"\btlbi\b|_el[123]\b|\bdsb\W+(ish|nsh|osh)|aarch64|arm64|armv8", re.I)
MENTIONS = r"tlbi|tlb_flush|flush_tlb|tlb_inv|inv[a-z]*_tlb|tlbflush|flushtlb|TTBR[01]_EL|VTTBR"

TLBI = re.compile(r"\b_*tlbi\b|\b_*tlbi_\w+\s*\(|\btlbi::", re.I)
BARRIER = re.compile(r"^\W*(asm\w*|__asm__|llvm_asm)?!?\W*(volatile|__volatile__|goto)?[\s(\"]*\w*?_?(dsb|isb)(_?\w*)\b", re.I)
FLUSH = re.compile(r"\b\w*(tlb\w*(flush|inv)|(flush|inv)\w*tlb)\w*!?\s*\(", re.I)
REGISTER = re.compile(r"\bv?(ttbr[01]?|tcr|mair|sctlr|hcr)(_el[123])?\b", re.I)
WRITE = re.compile(r"\bmsr\b|write|set\w*\(|\bmcr|modify|_w\(|wr\w*\(|store|load\w*\(", re.I)
STORE = re.compile(
    r"\b(set|write|update|clear|put|install)_?\w*(pte|pmd|pud|pgd|pde|entry|desc)\w*\s*\(|\*\s*\w*(pte|pmd|pde|pgd|entry|desc|slot)\w*\s*=[^=]|"
    r"\b\w*(table|pgd|pgtbl|pagetable|l[0-3]|ptes?)\w*(->\w+)?\[[^\]]*\]\s*=[^=]|\bwrite_volatile\(|\bWRITE_ONCE\(\*",
    re.I,
)
OPERATION = re.compile(r"(?i)(?<![a-z])((?:tlbi_?)?)((?:vmalls12|vmall|vaal|vaa|val|va|asid|all|ipas2l|ipas2|rva|rvaal|rvaa|rval)e[123])((?:is|os)?)(?![a-z])")
OPTION = re.compile(r"(?i)\b(_*dsb)(\W{0,3}|_)(sy|ish|ishst|osh|oshst|st)\b")
SHIFT = re.compile(r"\s*>>\s*(12U?L?L?|\w*PAGE_?(SHIFT|BITS)\w*)\b|\s*/\s*(PAGE_SIZE|4096)\b", re.I)
DECLARED = re.compile(r"^\s*(extern|static|inline|typedef|return|else|case|goto|use|pub|fn|let|const|unsafe fn|struct|impl|DEFINE_\w+|EXPORT_\w+|#|//|/\*|\*)")
SECTION = re.compile(r"^[A-Za-z_$]")


class Text:
    """A file: its lines, and what each of them is."""

    def __init__(self, path, text):
        self.path = path
        self.lines = text.split("\n")
        suffix = pathlib.PurePath(path).suffix
        self.language = "asm" if suffix in ASSEMBLY else "rust" if suffix == ".rs" else "lines" if suffix in LINES else "c"
        self.bare = self.without_comments(text)
        self.kinds = [self.kind(index) for index in range(len(self.lines))]

    def without_comments(self, text):
        blank = lambda match: re.sub(r"[^\n]", " ", match.group())
        text = re.sub(r"/\*.*?\*/", blank, text, flags=re.S)
        own = {".asm": r"|;[^\n]*", ".s": r"|(?m:^\s*[#;@] [^\n]*)", ".S": r"|(?m:^\s*[#;@] [^\n]*)"}.get(pathlib.PurePath(self.path).suffix, "")
        text = re.sub(r"//[^\n]*" + own, blank, text)
        return text.split("\n")

    def in_string(self, index):
        """A line of an inline assembly text, one instruction."""
        return re.fullmatch(r'\s*"[^"]*"\s*', self.bare[index].rstrip("\\")) is not None and index > 0

    def whole(self, index):
        """Whether the line is one statement and no more."""
        line = self.bare[index].strip()
        if not line:
            return False
        if self.language == "asm":
            return not line.startswith((".", "#")) and not line.endswith((":", "\\")) and ":" not in line
        if self.in_string(index):
            return ";" in line or "\\n" in line
        body = line.rstrip("\\ \t")
        if self.language == "lines":
            body += "" if body.endswith((":", "=", "{", "}", ",", "(")) else ";"
        if DECLARED.match(line) or not body.endswith(";") or not self.lines[index][:1].isspace():
            return False
        if any(body.count(pair[0]) != body.count(pair[1]) for pair in ("()", "[]", "{}")):
            return False
        above = next((other.strip().rstrip("\\ \t") for other in reversed(self.bare[max(0, index - 6) : index]) if other.strip()), "")
        ends = (";", "{", "}", ":", ")") if self.language != "lines" else tuple("{}:)=abcdefghijklmnopqrstuvwxyz0123456789]\"")
        return above.endswith(ends) or above.startswith("#") or above in ("else", "do")

    def alone_under_condition(self, index):
        above = next((other.strip().rstrip("\\ \t") for other in reversed(self.bare[max(0, index - 6) : index]) if other.strip()), "")
        return self.language not in ("asm", "lines") and (above.endswith(")") or above in ("else", "do"))

    def kind(self, index):
        line = self.bare[index]
        if not self.whole(index):
            return ""
        # A branch, and where a function starts in Go's assembler.
        if self.language == "asm" and re.match(r"\s*(b|bl|\w+:)?\s*$|TEXT\b", line):
            return ""
        if TLBI.search(line):
            return "tlbi"
        if BARRIER.match(line) or (self.in_string(index) and re.search(r"\b(dsb|isb)\b", line)):
            return "dsb" if re.search("dsb", line, re.I) else "isb"
        if FLUSH.search(line) or (self.language == "asm" and re.match(r"\s*bl\s+\w*tlb\w*\s*$", line, re.I)):
            return "flush"
        # In assembly `mrs` reads, and a register is the first operand of what writes it.
        if REGISTER.search(line) and WRITE.search(line) and not re.search(r"\bmrs\b|\bread\w*\(|print|gic|\bich_|^\s*\.\w", line):
            if self.language != "asm" and "=" in line.split("(")[0]:
                return ""
            return "register"
        if STORE.search(line):
            return "store"
        return ""

    def near(self, index, kinds, far):
        return any(self.kinds[at] in kinds for at in range(max(0, index - far), min(len(self.lines), index + far + 1)) if at != index)

    def place(self, index):
        """What the line is to maintenance, or nothing: a barrier only beside what it orders."""
        kind = self.kinds[index]
        if kind in ("dsb", "isb"):
            return kind if self.near(index, ("tlbi", "flush", "register"), 4) else ""
        return "" if kind == "store" and not self.near(index, ("tlbi", "flush"), 6) else kind

    def does_as_well(self, index, weaker):
        """Whether a DSB needs no more than this: before a TLBI this PE's own store has to be complete, and what a local one
        does is completed here."""
        near = [at for at in range(max(0, index - 4), min(len(self.lines), index + 5)) if self.kinds[at] in ("tlbi", "flush")]
        before = any(at > index for at in near) and not any(index - 3 < at < index for at in near)
        words = " ".join(self.bare[max(0, index - 4) : index + 5])
        local = not re.search(r"(?i)e[123](is|os)\b", words) and re.search(r"(?i)e[123]\b", words)
        cache = re.search(r"(?i)\b(dc|ic|cache\w*)\b", words)
        return weaker != "ishld" and not cache and bool(before or weaker == "nsh" and local)

    def section(self, index):
        return next((at for at in range(index, -1, -1) if SECTION.match(self.lines[at]) and not self.lines[at].endswith(":")), -1)


def same_case(new, old):
    return new.upper() if old.isupper() else new


def other_regime(found):
    """Returns an operation for another regime, or another stage, than a match of OPERATION is for."""
    target, scope = found[2].lower(), found[3]
    if target in ("vae1", "vale1", "vae2", "vale2"):
        new = target[:-1] + ("2" if target[-1] == "1" else "1")
    else:
        new = {"alle1": "alle2", "alle2": "alle1", "alle3": "alle2", "vmalle1": "alle2", "vmalls12e1": "vmalle1", "vae3": "vae2", "vale3": "vale2"}.get(target)
        new = new or {"ipas2e1": "vae1", "ipas2le1": "vale1"}.get(target)
    return new and same_case(new, found[2]) + scope


def indent(line):
    return line[: len(line) - len(line.lstrip())]


def edits(text, index):
    """Yields (kind of edit, lines after it) for a place."""
    lines, kind = text.lines, text.place(index)
    line = lines[index]

    def put(at, until, new):
        return lines[:at] + new + lines[until:]

    single = not line.rstrip().endswith("\\")
    if kind != "store":
        if not text.alone_under_condition(index):
            yield f"delete {kind}", put(index, index + 1, [])
        else:
            yield f"delete {kind}", put(index, index + 1, [indent(line) + ";"] if single else [indent(line) + "; \\"])
    for weaker in ("nsh", "ishld", "ishst") if kind == "dsb" else ():
        found = OPTION.search(text.bare[index])
        if found and weaker.upper() not in line.upper() and not text.does_as_well(index, weaker):
            yield f"dsb to {weaker}", put(index, index + 1, [line[: found.start(3)] + weaker + line[found.end(3) :]])
    if kind == "dsb" and (found := OPTION.search(text.bare[index])):
        word = found[1].lstrip("_")
        yield "dsb to dmb", put(index, index + 1, [line[: found.start(1)] + found[1].replace(word, same_case("dmb", word)) + line[found.end(1) :]])
        if text.language == "asm" or text.in_string(index):
            yield "dsb to isb", put(index, index + 1, [line[: found.start(1)] + same_case("isb", word) + line[found.end(3) :]])
        elif (call := re.fullmatch(r"(\s*)(dsb)\s*\(\s*\w+\s*\)\s*;", text.bare[index], re.I)) and text.language == "c":
            yield "dsb to isb", put(index, index + 1, [call[1] + same_case("isb", call[2]) + "();"])
    if kind == "tlbi":
        found = OPERATION.search(text.bare[index])
        if found and found[3]:
            yield "is to local", put(index, index + 1, [line[: found.start(3)] + line[found.end(3) :]])
        if found and re.fullmatch(r"(?i)r?vaa?e[12]", found[2]):
            level = "L" if found[2].isupper() else "l"
            at = found.end(2) - 2
            yield "last level", put(index, index + 1, [line[:at] + level + line[at:]])
        if found and re.fullmatch(r"(?i)vaal?e1", found[2]):
            at = found.start(2) + 2
            yield "one asid", put(index, index + 1, [line[:at] + line[at + 1 :]])
        if found and (new := other_regime(found)):
            yield "other regime", put(index, index + 1, [line[: found.start(2)] + new + line[found.end() :]])
        given = re.search(r'"r"\s*\(\s*(\w+)\s*\)|\bin\(reg\)\s*(\w+(?:\.\w+)*)', text.bare[index])
        if given and (word := given[1] or given[2]) not in ("0", "x0"):
            at = given.start(1 if given[1] else 2)
            yield "operand", put(index, index + 1, [line[:at] + ("0" if given[1] else "0u64") + line[at + len(word) :]])
        if text.language == "asm" and (register := re.search(r"(?i),\s*x(\d+)\s*$", text.bare[index])):
            at = slice(register.start(1), register.end(1))
            other = str((int(register[1]) + 7) % 28)
            yield "operand", put(index, index + 1, [line[: at.start] + other + line[at.stop :]])
        if text.language == "c" and (call := re.search(r",\s*(\w+)\s*\)\s*;", text.bare[index])) and call[1] not in ("0", "memory"):
            yield "operand", put(index, index + 1, [line[: call.start(1)] + "0" + line[call.end(1) :]])
    # Two at once: what completes an invalidation and what synchronizes after it.
    following = [at for at in range(index + 1, min(index + 4, len(lines))) if text.bare[at].strip()]
    if kind == "dsb" and following and text.kinds[following[0]] == "isb" and not text.alone_under_condition(index):
        yield "delete dsb isb", lines[:index] + lines[index + 1 : following[0]] + lines[following[0] + 1 :]
    if kind in ("tlbi", "flush") and following and text.kinds[following[0]] == "dsb" and not text.alone_under_condition(index):
        yield f"delete {kind} dsb", lines[:index] + lines[index + 1 : following[0]] + lines[following[0] + 1 :]
    # A write of a register that goes to the other side of a flush, over all that stands between.
    if kind == "register" and not text.alone_under_condition(index):
        alike = lambda at: indent(lines[at]) == indent(line) and text.section(at) == text.section(index) and text.in_string(at) == text.in_string(index)
        plain = lambda at: not text.bare[at].strip() or text.whole(at)
        for step in (1, -1):
            reach = range(index + step, index + 9 * step, step)
            path = [at for at in reach if 0 <= at < len(lines)]
            path = path[: next((number for number, at in enumerate(path) if not plain(at)), len(path))]
            flush = next((at for at in path if text.kinds[at] in ("tlbi", "flush") and alike(at) and not text.alone_under_condition(at)), None)
            if flush is None or abs(flush - index) == 1:
                continue
            if step == 1:
                yield "register behind flush", lines[:index] + lines[index + 1 : flush + 1] + [line] + lines[flush + 1 :]
            else:
                yield "register before flush", lines[:flush] + [line] + lines[flush:index] + lines[index + 1 :]
    # Statements that trade places with the next.
    after = next((at for at in range(index + 1, min(index + 3, len(lines))) if text.bare[at].strip()), None)
    if (
        after
        and text.whole(after)
        and text.kinds[after]
        and text.bare[after].strip() != text.bare[index].strip()
        and indent(lines[after]) == indent(line)
        and not text.alone_under_condition(index)
        and text.in_string(index) == text.in_string(after)
    ):
        pair = {kind, text.kinds[after]}
        if pair != {"store"} and pair != {"register"}:
            yield f"swap {kind} {text.kinds[after]}", put(index, after + 1, [lines[after], *lines[index + 1 : after], line])
    if kind in ("tlbi", "flush", "dsb") and single and not text.in_string(index):
        space = indent(line)
        if text.language == "asm":
            yield f"condition {kind}", put(index, index + 1, [space + "cbnz\tx9, 7771f", line, "7771:"])
        elif text.language == "rust":
            yield f"condition {kind}", put(index, index + 1, [space + "if !self.idle {", space + "    " + line.lstrip(), space + "}"])
            yield f"return {kind}", put(index, index + 1, [space + "if self.idle {", space + "    return;", space + "}", line])
        elif not text.alone_under_condition(index):
            step = "\t" if "\t" in space or not space else "    "
            yield f"condition {kind}", put(index, index + 1, [space + "if (!idle)", space + step + line.lstrip()])
            yield f"return {kind}", put(index, index + 1, [space + "if (idle)", space + step + "return;", line])
    if kind in ("tlbi", "flush"):
        for at in range(max(0, index - 6), index + 1):
            if text.section(at) != text.section(index):
                continue
            new = SHIFT.sub("", lines[at], count=1)
            if new != lines[at] and (at == index or re.search(r"(va|addr|start|end|page|ipa)\w*\s*>>|=[^=]", lines[at])):
                yield "drop shift", put(at, at + 1, [new])
            elif text.language == "asm" and re.match(r"(?i)\s*lsr\s.*#\s*(12|PAGE_SHIFT)", text.bare[at]):
                yield "drop shift", put(at, at + 1, [])
        for at in range(max(0, index - 2), index):
            condition = re.match(r"(\s*(?:\} else )?if \()(.*)(\)\s*\{?)$", lines[at])
            inside = condition and len(indent(lines[at])) < len(indent(line))
            if inside and lines[at].count("(") == lines[at].count(")"):
                yield "invert", put(at, at + 1, [f"{condition[1]}!({condition[2]}){condition[3]}"])
        for at in range(index - 1, max(0, index - 8), -1):
            if text.kinds[at] == "store" and indent(lines[at]) == indent(line) and text.section(at) == text.section(index):
                yield f"{kind} before store", lines[:at] + [line] + lines[at:index] + lines[index + 1 :]
                break
    if kind in ("tlbi", "flush", "dsb") and single and text.language != "asm" and not text.in_string(index) and not text.alone_under_condition(index):
        # To the end of the next function of the file.
        end = next((at for at in range(index, len(lines)) if lines[at] == "}"), None)
        other = next((at for at in range(end + 1, len(lines)) if lines[at] == "}"), None) if end else None
        if other and not any("return" in lines[at] for at in range(other - 2, other)):
            body = lines[:index] + lines[index + 1 : other]
            yield f"to another function {kind}", body + [("\t" if line.startswith("\t") else "    ") + line.strip()] + lines[other:]


def diff(path, before, after):
    """A unified diff as git writes it."""
    out = [f"diff --git a/{path} b/{path}", f"--- a/{path}", f"+++ b/{path}"]
    for line in list(difflib.unified_diff(before, after, lineterm="", n=CONTEXT))[2:]:
        if line.startswith("@@"):
            start = int(re.match(r"@@ -(\d+)", line)[1])
            name = next((other for other in reversed(before[: max(0, start - 1)]) if SECTION.match(other)), "")
            line = f"{line} {name[:80]}".rstrip()
        out.append(line)
    return "\n".join(out) + "\n"


def mail(body):
    return (
        "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\n"
        "Date: Sat, 28 Nov 2026 00:00:00 +0000\nSubject: [PATCH] change the order of things\n\n---\n" + body + "-- \n2.43.0\n"
    )


def git(mirror, *what):
    environment = dict(os.environ, GIT_NO_LAZY_FETCH="1", GIT_TERMINAL_PROMPT="0")
    run = subprocess.run(["git", f"--git-dir={mirror}", *what], capture_output=True, env=environment)
    return run.stdout.decode("utf-8", "replace")


def wanted(path):
    parts = pathlib.PurePath(path)
    folders = {part.lower() for part in parts.parts[:-1]}
    return (parts.suffix in C_LIKE | ASSEMBLY | LINES | {".rs"}) and not folders & OTHERS and not re.search("iommu|smmu|pvu|arm32|armv7|aarch32|x86|riscv", path.lower())


def texts(tree):
    """Yields the files of a tree that may concern maintenance."""
    place, _, revision = str(tree).partition("@")
    revision = revision or "HEAD"
    root = pathlib.Path(place)
    bare = (root / "HEAD").exists() and (root / "objects").exists()
    if bare:
        names = git(root, "grep", "-l", "-i", "-I", "-E", MENTIONS, revision).splitlines()
        names = [name.partition(":")[2] for name in names]
        read = lambda name: git(root, "cat-file", "blob", f"{revision}:{name}")
    else:
        names = [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and ".git" not in path.parts]
        read = lambda name: (root / name).read_text("utf-8", "replace")
    for name in sorted(filter(wanted, names)):
        text = read(name).replace("\r\n", "\n")
        if len(text) < 400_000 and re.search(MENTIONS, text, re.I) and (OURS.search(text) or OURS.search(name)):
            yield Text(name, text)


def mutants(tree, number, seed, only):
    """Returns (kind, path, line, before, after), from the kinds in turn."""
    kinds = collections.defaultdict(list)
    for text in texts(tree):
        for index in range(len(text.lines)):
            if text.kinds[index] and text.place(index):
                for kind, after in edits(text, index):
                    if not only or kind.startswith(only):
                        kinds[kind].append((kind, text.path, index + 1, text.lines, after))
    name = str(tree).rstrip("/").removesuffix("/repo").rpartition("/")[2]
    chance = random.Random(f"{seed} {name}")
    piles = [kinds[kind] for kind in sorted(kinds)]
    for pile in piles:
        chance.shuffle(pile)
    chance.shuffle(piles)
    out = []
    while piles and len(out) < number:
        out += [pile.pop() for pile in piles]
        piles = [pile for pile in piles if pile]
    return [(name, *mutant) for mutant in out[:number]]


def ask(tool, patch):
    with tempfile.NamedTemporaryFile("w", suffix=".patch") as file:
        file.write(patch)
        file.flush()
        run = subprocess.run([tool, "review", "--format", "json", file.name], capture_output=True, text=True, timeout=120)
    try:
        return run.returncode, json.loads(run.stdout)
    except ValueError:
        return run.returncode, None


def verdicts(found, side):
    return {(change[side] or {}).get("verdict", "none") for change in found["changes"]}


def judge(code, found, reverse):
    if found is None:
        return "failed"
    said = found["changes"] or found["unrecognised"] or found.get("barriers")
    if code == 0 and not said:
        return "silent"
    before, after = verdicts(found, "before"), verdicts(found, "after")
    if not reverse and code == 0 and after & {"sufficient", "stronger-than-needed", "none"}:
        return "passed"
    if reverse and "insufficient" in after and "insufficient" not in before:
        return "alarm"
    return "insufficient" if "insufficient" in after else "decided" if code == 0 else "open"


def work(job):
    tool, (tree, kind, path, line, before, after), reverse = job
    patch = mail(diff(path, after, before) if reverse else diff(path, before, after))
    code, found = ask(tool, patch)
    return (tree, kind, path, line, reverse, judge(code, found, reverse), patch)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool")
    parser.add_argument("trees", nargs="+")
    parser.add_argument("--number", type=int, default=100)
    parser.add_argument("--seed", default="13")
    parser.add_argument("--save", type=pathlib.Path)
    parser.add_argument("--show", action="append", default=[])
    parser.add_argument("--only", default="")
    parser.add_argument("--strict", action="store_true")
    args = parser.parse_args()
    jobs = []
    for tree in args.trees:
        jobs += [(args.tool, mutant, reverse) for mutant in mutants(tree, args.number, args.seed, args.only) for reverse in (False, True)]
    total = collections.defaultdict(collections.Counter)
    if args.save:
        args.save.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, (tree, kind, path, line, reverse, answer, patch) in enumerate(pool.map(work, jobs)):
            direction = "reverse" if reverse else "edit"
            total[kind, direction][answer] += 1
            if answer in ("failed", *args.show):
                print(f"{answer} {number} {direction} {kind}: {tree} {path}:{line}")
                if args.save:
                    (args.save / f"{answer}-{number}.patch").write_text(patch)
    columns = ("silent", "passed", "alarm", "insufficient", "open", "decided", "failed")
    print(f"{'edit':34}{'number':>8}" + "".join(f"{name:>13}" for name in columns))
    every = collections.defaultdict(collections.Counter)
    for (kind, direction), counts in sorted(total.items()):
        every[direction].update(counts)
        print(f"{kind + ', ' + direction:34}{counts.total():8}" + "".join(f"{counts[name]:13}" for name in columns))
    bad = 0
    for direction, counts in sorted(every.items()):
        print(f"{'all, ' + direction:34}{counts.total():8}" + "".join(f"{counts[name]:13}" for name in columns))
        bad += counts["silent"] + counts["failed"] + (counts["passed"] + counts["alarm"] if args.strict else 0)
    if not total:
        sys.exit("no place that concerns maintenance was found")
    sys.exit(1 if bad else 0)


main()
