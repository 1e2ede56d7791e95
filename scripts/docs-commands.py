#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs every `bench-host` command that README and docs name, and fails where one does something other than said.

Commands are the lines of fenced blocks that begin with `bench-host`, and the examples that every `--help` ends with. What they name as `RUN`, `fix.patch` and the like stands for
something real here. A block that begins with ```sh run says how its command ends (`exit=1`; 0 without); for the others the
rows of ENDS do. What takes long, needs hardware, a kernel or somebody's tree is in NOT_RUN, with why: it is not run, but its
options are checked by putting --help behind them. A command that is in no table is run and has to end with 0.

Usage: scripts/docs-commands.py [--all] [--verbose] [BENCH_HOST]    (--all also runs what boots QEMU)
"""

import gzip
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Why a command is not run.
NOT_RUN = [
    (r"--serial|--tcp|--attach", "needs a board"),
    (r"--log console.txt.*--hardware|collect ", "needs a board's console"),
    (r"^trace ", "needs a kernel and QEMU 9 or newer"),
    (r"^review .*--git ", "needs somebody's repository"),
    (
        r"^check( --mutants| --catalogue.*| --machine adversary --cpu max( --mutants| --catalogue.*)?)?$",
        "takes minutes; tests/check.rs",
    ),
    (r"^check --machine adversary --cpu max --choose|--duration", "takes long; tests/check.rs"),
]
QEMU = (r"^run(?!.*(--machine adversary|--log))", "boots QEMU; tests/qemu.rs")

# How commands end that do not end with 0.
ENDS = [
    (r"^run --machine adversary( --flow new)?( --explore)?$", 1),
    (r"^check --machine adversary --only cowinvt_el2 .*--explore", 1),
    (r"^judge 'dsb nshst; tlbi alle2; dsb nsh; isb' --observers inner$", 1),
    (r"^judge 'dsb nshst' ", 1),
    (r"^judge 'dsb ishst; tlbi vae2is, .va.; dsb ish' --after fetch-here", 1),
    (r"^compare before/ after/|^compare a72/", None),  # It depends on the runs: not comparable, or slower, or not.
    (r"^doctor$", None),  # It depends on the machine.
    (r"^scan ", None),  # It depends on the tree.
]

# What stands for something else.
REAL = [
    ("results/runs/RUN", "{timed}"),
    ("RUN_A RUN_B RUN_C", "{timed} {adversary} {counted}"),
    ("RUN:xen_head_old RUN:xen_head_new", "{timed}:xen_head_old {timed}:xen_head_new"),
    ("criterion RUN", "criterion {timed}"),
    ("results/runs/A", "{timed}"),
    ("results/runs/B", "after/run"),
    ("results/runs/20261127T101500Z-rock5b", "{timed}"),
    ("--no-header --by 2,3 --value 5 rows.csv", "--no-header --by 2,3 --value 5 bare.csv"),
    ("results/runs/*", "{timed} {counted}"),
    ("SOURCE_TREE", "{root}/el2-kernel/src"),
    ("--out DIR", "--out litmus"),
    ("docs/the-seed.patch", "{root}/docs/the-seed.patch"),
    ("results/runs/20261127-rpi4/*", "{timed}"),
    ("results/runs/20261127-rpi4/1", "{timed}"),
    ("results/runs/20261127-rock5b/*", "{timed}"),
    ("results/runs/20261127-rock5b/1", "{timed}"),
    ("TYPE", "qemu"),
    ("--kernel-url URL", "--kernel-url file:///k.img"),
    ("BMC:PORT", "localhost:4"),
]


def stored(pattern):
    found = sorted((ROOT / "results/runs").glob(pattern))
    return found[-1] if found else None


def commands():
    """Yields file, the words of the fence, and the command without `bench-host`."""
    files = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "results/README.md")]
    for file in files + sorted((ROOT / "docs").rglob("*.md")):
        for fence, text in re.findall(r"^```([^\n]*)\n(.*?)^```", file.read_text(), re.S | re.M):
            for line in re.sub(r"\\\n\s*", " ", text).split("\n"):
                line = line.strip().removeprefix("$ ")
                if line.startswith("bench-host "):
                    words = shlex.split(line, comments=True)
                    yield file.relative_to(ROOT), fence.split(), words[1:]


def examples(program):
    """Yields the examples of every command's help, as `commands` does."""
    listed = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    names = re.findall(r"^  ([a-z-]+)  ", listed.split("Commands:")[1].split("\n\n")[0] + "\n", re.M)
    for name in [name for name in names if name != "help"]:
        shown = subprocess.run([program, name, "--help"], capture_output=True, text=True, check=True).stdout
        text = re.sub(r"\\\n\s*", " ", shown.split("Examples:", 1)[1])
        for line in re.findall(r"^  (bench-host .*)$", text, re.M):
            # What it does stands behind two blanks and more, outside of quotes.
            said = re.match(r"(?:'[^']*'|\S|\s(?!\s))*", line)[0]
            yield f"{name} --help", [], shlex.split(said.split(" > ")[0])[1:]


def written(words):
    return " ".join(shlex.quote(word) if re.search(r"[\s;']", word) else word for word in words)


def prepare(folder, real):
    """Puts into the folder what commands read by a name of their own."""
    shutil.copy(ROOT / "docs/the-seed.patch", folder / "fix.patch")
    for name in ("series.mbox.gz", "thread.mbox.gz"):
        (folder / name).write_bytes(gzip.compress((ROOT / "docs/the-seed.patch").read_bytes()))
    for run in real["runs"]:
        shutil.copytree(run, folder / "results/runs" / run.name)
    for side in ("before", "after", "a72", "n1", "v2"):
        (folder / side).mkdir()
        shutil.copytree(folder / real["timed"], folder / side / "run")
    for name in ("samples.csv", "rows.csv", "a.csv", "b.csv"):
        shutil.copy(folder / real["timed"] / "samples.csv", folder / name)
    (folder / "bare.csv").write_text("1,2,3,4,5\n1,2,3,4,6\n")
    shutil.copy(folder / real["timed"] / "console.log", folder / "console.txt")
    for name in ("Image", "rd.gz", "vmlinux", "xen", "xen-syms", "QEMU_EFI.fd", "saved.trace", "output.yaml"):
        (folder / name).touch()


def main():
    arguments = sys.argv[1:]
    everything, verbose = "--all" in arguments, "--verbose" in arguments
    named = [argument for argument in arguments if not argument.startswith("--")]
    program = Path(named[0] if named else os.environ.get("BENCH_HOST", ROOT / "target/debug/bench-host")).resolve()
    timed = stored("*-qemu_*_1pe") or stored("*_instructions")
    runs = {"timed": timed, "adversary": stored("*-adversary_*_1pe"), "counted": stored("*_instructions")}
    real = {name: f"results/runs/{run.name}" for name, run in runs.items()}
    real |= {"root": str(ROOT), "runs": sorted(set(runs.values()))}
    # Copied before anything runs: commands write into the runs they show.
    base = tempfile.TemporaryDirectory()
    prepare(Path(base.name), real)

    def one(item):
        file, fence, words = item
        said = written(words)
        expected = 0
        for word in fence:
            expected = int(word.removeprefix("exit=")) if word.startswith("exit=") else expected
        for pattern, end in ENDS:
            if re.search(pattern, said):
                expected = end
        reasons = NOT_RUN if everything else NOT_RUN + [QEMU]
        why = next((why for pattern, why in reasons if re.search(pattern, said)), None)
        text = said + " "
        for name, thing in REAL:
            text = text.replace(name, thing.format(**real))
        words = shlex.split(text)
        if why:
            words, expected = words + ["--help"], 0
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            shutil.copytree(base.name, folder, dirs_exist_ok=True)
            if words[0] == "litmus":
                made = [program, "litmus-export", "xen_head_new", "--out", "made"]
                subprocess.run(made, cwd=folder, capture_output=True, check=True)
                shutil.copy(next((folder / "made").rglob("*.litmus")), folder / "FILE.litmus")
            if "--baseline" in words and words[0] == "scan":
                whole = subprocess.run([program, "scan", words[1], "--json"], cwd=folder, capture_output=True)
                (folder / "scan.json").write_bytes(whole.stdout)
            try:
                ended = subprocess.run(
                    [program, *words], cwd=folder, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL
                )
                code, errors = ended.returncode, ended.stderr
            except subprocess.TimeoutExpired:
                code, errors = "timeout", ""
        right = expected is None and code != 64 or code == expected
        return file, said, why, code, expected, right, errors

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        all_ended = list(pool.map(one, [*commands(), *examples(program)]))
    wrong = 0
    skipped = {}
    for file, said, why, code, expected, right, errors in all_ended:
        if why:
            skipped[why] = skipped.get(why, 0) + 1
        if not right:
            wrong += 1
            kind = "options" if why else "run"
            print(f"{file}: bench-host {said}\n    {kind}: ended with {code}, not {expected}")
            print("".join(f"    {line}\n" for line in errors.strip().split("\n")[-4:]), end="")
        elif verbose:
            print(f"ok {code} {'(options) ' if why else ''}{file}: bench-host {said}")
    ran = len(all_ended) - sum(skipped.values())
    print(f"{len(all_ended)} commands of README, docs and help: {ran} run, {wrong} wrong")
    for why, count in sorted(skipped.items()):
        print(f"  {count} not run, options checked: {why}")
    return 1 if wrong or not all_ended else 0


if __name__ == "__main__":
    sys.exit(main())
