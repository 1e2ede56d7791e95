#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Holds the MIDR ranges of sequences/src/errata/table.rs against what Linux, Xen and TF-A list.

    scripts/errata-check.py [--linux TREE] [--xen TREE] [--tf-a TREE]

A TREE is a checkout or a git directory. Prints a Markdown table, a line for each part that a source or the table names
for an erratum: both ranges, and whether they are the same. `docs/errata.md` holds the last result and what explains the
differences. Ends with 1 if a source names a part, or a revision, that the table leaves out.
"""

import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ALL = ((0, 0), (15, 15))


def read(tree, path):
    """Returns the text of a file of a checkout or git directory; empty if it is not there."""
    tree = pathlib.Path(tree)
    if (tree / path).is_file():
        return (tree / path).read_text(errors="replace")
    shown = subprocess.run(["git", "--git-dir", str(tree), "show", f"HEAD:{path}"], capture_output=True)
    return shown.stdout.decode(errors="replace") if shown.returncode == 0 else ""


def listed(tree, folder):
    """Returns the paths below a folder."""
    tree = pathlib.Path(tree)
    if (tree / folder).is_dir():
        return [str(path.relative_to(tree)) for path in (tree / folder).rglob("*") if path.is_file()]
    names = ["git", "--git-dir", str(tree), "ls-tree", "-r", "--name-only", "HEAD", folder]
    return subprocess.run(names, capture_output=True, text=True).stdout.split()


def number(text):
    """Returns the value of a C or Rust number, or of a shifted one."""
    text = text.replace("_", "").strip(" ()")
    if "<<" in text:
        return int(text.split("<<")[0], 0) << 20
    return int(text, 0)


def ours():
    """Returns erratum -> (implementer, part) -> range, from the table's source."""
    text = (ROOT / "sequences/src/errata/table.rs").read_text()
    text = text[text.index("pub const TABLE") : text.index("impl Affected")]
    found = {}
    for block in re.split(r"\n    Erratum \{", text)[1:]:
        rows = found.setdefault(re.search(r'id: "([^"]+)"', block)[1], {})
        block = block[block.index("affected:") :]
        for part in re.findall(r"\ball\((\w+),", block):
            rows[0x41, number(part)] = ALL
        for part, variant, patch in re.findall(r"\bto\((\w+), (\d+), (\d+)\)", block):
            rows[0x41, number(part)] = ((0, 0), (int(variant), int(patch)))
        revision = r"(FIRST|LAST|Revision::new\(\d+, \d+\))"
        for implementer, part, first, last in re.findall(rf"\bof\((\w+), (\w+), {revision}, {revision}\)", block):
            ends = {"FIRST": (0, 0), "LAST": (15, 15)}
            pair = [ends.get(end) or tuple(map(int, re.findall(r"\d+", end))) for end in (first, last)]
            rows[number(implementer), number(part)] = tuple(pair)
        for fields in re.findall(r"Affected \{(.*?)\}", block, re.S):
            value = dict(re.findall(r"(\w+): (\w+)", fields))
            rows[number(value["implementer"]), number(value["part"])] = ALL
    return found


def linux(tree):
    """Returns the same from cpu_errata.c and cputype.h."""
    types = read(tree, "arch/arm64/include/asm/cputype.h")
    numbers = {name: number(value) for name, value in re.findall(r"#define (ARM_CPU_IMP_\w+|\w+_CPU_PART_\w+)\s+(0x\w+)", types)}
    midr = {}
    for name, implementer, part in re.findall(r"#define (MIDR_\w+)\s+MIDR_CPU_MODEL\((\w+),\s*(\w+)\)", types):
        if implementer in numbers and part in numbers:
            midr[name] = (numbers[implementer], numbers[part])
    text = read(tree, "arch/arm64/kernel/cpu_errata.c")
    names = {
        "ARM64_ERRATUM_1286807": "1286807",
        "QCOM_FALKOR_ERRATUM_1009": "Falkor 1009",
        "ARM64_ERRATUM_2441007": "2441007",
        "ARM64_ERRATUM_2441009": "2441009",
        "ARM64_ERRATUM_4118414": "CVE-2025-10263",
        "ARM64_ERRATUM_4193714": "CVE-2026-0995",
        "ARM64_ERRATUM_1165522": "1165522",
        "ARM64_ERRATUM_1319367": "1165522",
        "ARM64_ERRATUM_1530923": "1165522",
        "CAVIUM_ERRATUM_27456": "Cavium 27456",
        "ARM64_ERRATUM_2645198": "2645198",
    }
    found = {}
    # The blocks of one erratum do not nest, those around them do.
    blocks = [(config, body) for config in names for body in re.findall(rf"#ifdef\s+CONFIG_{config}\n(.*?)#endif", text, re.S)]
    # One is asked for by a function of its own.
    names["1542419"] = "1542419"
    blocks += [("1542419", body) for body in re.findall(r"\nhas_neoverse_n1_erratum_1542419\(.*?\n}", text, re.S)]
    for config, body in blocks:
        rows = found.setdefault(names[config], {})
        for macro, arguments in re.findall(r"\b(?:ERRATA_)?MIDR_(ALL_VERSIONS|RANGE|REV_RANGE|REV)\(\s*([^()]*?)\)", body):
            words = [word.strip() for word in arguments.split(",")]
            if words[0] not in midr:
                continue
            ends = [number(word) for word in words[1:]]
            rows[midr[words[0]]] = {
                "ALL_VERSIONS": lambda e: ALL,
                "RANGE": lambda e: ((e[0], e[1]), (e[2], e[3])),
                "REV_RANGE": lambda e: ((e[0], e[1]), (e[0], e[2])),
                "REV": lambda e: ((e[0], e[1]), (e[0], e[1])),
            }[macro](ends)
        for name in re.findall(r"\.midr_range\.model = (MIDR_\w+)", body):
            if name in midr:
                rows[midr[name]] = ALL
    return found


def xen(tree):
    """Returns the same from Xen's cpuerrata.c."""
    types = read(tree, "xen/arch/arm/include/asm/processor.h")
    numbers = {name: number(value) for name, value in re.findall(r"#define (ARM_CPU_IMP_\w+|ARM_CPU_PART_\w+)\s+_?A?C?\(?(0x\w+)", types)}
    midr = {}
    for name, implementer, part in re.findall(r"#define (MIDR_\w+)\s+MIDR_CPU_MODEL\((\w+),\s*\\?\s*(\w+)\)", types):
        if implementer in numbers and part in numbers:
            midr[name] = (numbers[implementer], numbers[part])
    text = read(tree, "xen/arch/arm/cpuerrata.c")
    found = {}
    revision = lambda value: (value >> 20 & 15, value & 15)
    for body in re.findall(r"\{([^{}]*)\}", text):
        if "REPEAT_TLBI" in body:
            erratum = "1286807" if "1286807" in body else "CVE-2025-10263"
        elif "ARM64_WORKAROUND_AT_SPECULATE" in body:
            erratum = "1165522"
        else:
            continue
        rows = found.setdefault(erratum, {})
        for name in re.findall(r"MIDR_ALL_VERSIONS\((\w+)\)", body):
            if name in midr:
                rows[midr[name]] = ALL
        for name, first, last in re.findall(r"MIDR_RANGE\((\w+),\s*([^,]+),\s*((?:[^()]|\([^()]*\))+)\)", body):
            if name in midr:
                variants = [part.strip(" ()") for part in last.split("|")]
                top = sum(number(part.split("<<")[0]) << 20 if "<<" in part else number(part) for part in variants)
                rows[midr[name]] = (revision(number(first)), revision(top))
    return found


def tf_a(tree):
    """Returns the same from TF-A's lib/cpus/aarch64."""
    midr = {}
    for path in listed(tree, "include/lib/cpus/aarch64"):
        for name, value in re.findall(r"#define (\w+)_MIDR\s+U\((0x\w+)\)", read(tree, path)):
            midr[name.lower()] = (number(value) >> 24, number(value) >> 4 & 0xFFF)
    names = {
        "ERRATUM(813419)": "813419",
        "ERRATUM(817169)": "817169",
        "ERRATUM(1165522)": "1165522",
        "ERRATUM(1319367)": "1165522",
        "ERRATUM(1319537)": "1165522",
        "ERRATUM(1530923)": "1165522",
        "ERRATUM(1530924)": "1165522",
        "ERRATUM(1286807)": "1286807",
        "ERRATUM(1542419)": "1542419",
        "ERRATUM(3683289)": "3683289",
        "CVE(2025, 10263)": "CVE-2025-10263",
        "CVE(2025, 647)": "CVE-2025-0647",
        "CVE(2026, 995)": "CVE-2026-0995",
    }
    found = {}
    for path in listed(tree, "lib/cpus/aarch64"):
        text = read(tree, path)
        for kind, part, erratum, rest in re.findall(
            r"check_erratum_(ls|range|chosen|custom_start) (\w+), ((?:ERRATUM|CVE)\([^)]*\))(.*)", text
        ):
            if erratum not in names or part not in midr:
                continue
            if kind == "custom_start":
                body = text[text.index(f"check_erratum_custom_start {part}, {erratum}") :]
                rest = body[: body.index("custom_end")]
            revisions = [tuple(map(int, pair)) for pair in re.findall(r"CPU_REV\((\d+), (\d+)\)", rest)]
            ranges = {0: ALL, 1: ((0, 0), *revisions), 2: tuple(revisions)}[len(revisions)]
            found.setdefault(names[erratum], {})[midr[part]] = ranges
            # One file serves Neoverse V3 and V3AE.
            if part == "neoverse_v3" and "neoverse_v3_vnae" in midr:
                found[names[erratum]][midr["neoverse_v3_vnae"]] = ranges
    return found


def show(ends):
    """Returns a range in words."""
    if ends is None:
        return "-"
    if ends == ALL:
        return "all"
    first, last = (f"r{variant:x}p{patch:x}" for variant, patch in ends)
    return first if first == last else f"{first} to {last}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--linux", "--xen", "--tf-a"):
        parser.add_argument(name)
    arguments = parser.parse_args()
    sources = {
        "Linux": (arguments.linux, linux),
        "Xen": (arguments.xen, xen),
        "TF-A": (arguments.tf_a, tf_a),
    }
    table = ours()
    sources = {name: reader(tree) for name, (tree, reader) in sources.items() if tree}
    for name, found in sources.items():
        if not found:
            sys.exit(f"{name}: no erratum of the table found there")
    print("| erratum | part | table | " + " | ".join(sources) + " | |")
    print("|---" * (len(sources) + 4) + "|")
    missing = False
    for erratum in table:
        parts = set(table[erratum]).union(*(found.get(erratum, {}) for found in sources.values()))
        for part in sorted(parts):
            mine = table[erratum].get(part)
            theirs = [found.get(erratum, {}).get(part) for found in sources.values()]
            known = [ends for ends in theirs if ends]
            outside = [ends for ends in known if mine is None or ends[0] < mine[0] or ends[1] > mine[1]]
            word = "same" if known and all(ends == mine for ends in known) else "wider than a source" if known else "not in them"
            if outside:
                word, missing = "**left out**", True
            cells = [erratum, f"{part[0]:#04x} {part[1]:#05x}", show(mine), *map(show, theirs), word]
            print("| " + " | ".join(cells) + " |")
    return missing


if __name__ == "__main__":
    sys.exit(main())
