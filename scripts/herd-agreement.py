#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs herdtools7's AArch64 tests of translation on the abstract machine and prints how far both agree.

    scripts/herd-agreement.py HERDTOOLS7 [--bench-host PATH] [--list]

HERDTOOLS7 is a checkout of https://github.com/herd/herdtools7, or its git directory. The right answers are the
catalogues' own: the `kinds` files beside the tests (without FEAT_ETS2, and with it), and the `.expected` files that hold
herd7's output, whose states are compared too. herd7 itself is not needed. `--list` names every test that is refused,
differs or has no answer. Ends with 1 if a test differs.

A DSB completes every TLBI here (`--any-dsb-domain`), as herd7 has it; docs/litmus.md tells the difference.
"""

import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile

FOLDERS = [
    "catalogue/aarch64-VMSA/tests",
    "catalogue/aarch64-BBM/tests",
    "catalogue/aarch64-ETS2/tests",
    "catalogue/aarch64-ETS3/tests",
    "catalogue/aarch64-faults/tests",
    "catalogue/aarch64-oban",
    "catalogue/aarch64-readers-guide/tests",
    "herd/tests/instructions/AArch64.kvm",
    "herd/tests/instructions/AArch64.vmsa+ifetch",
]
KINDS = {"A": "Allowed", "F": "Forbidden", "R": "Required"}


def files_of(source):
    """Returns path -> text of everything below FOLDERS."""
    source = pathlib.Path(source)
    wanted = tuple(folder + "/" for folder in FOLDERS)
    if (source / "catalogue").is_dir():
        paths = [path for folder in FOLDERS for path in (source / folder).rglob("*") if path.is_file()]
        return {str(path.relative_to(source)): path.read_text(errors="replace") for path in paths}
    git = ["git", "--git-dir", str(source)]
    tree = subprocess.run([*git, "ls-tree", "-r", "HEAD"], capture_output=True, text=True, check=True).stdout
    entries = [line.split("\t", 1) for line in tree.splitlines()]
    entries = [(meta.split()[2], path) for meta, path in entries if path.startswith(wanted)]
    batch = subprocess.Popen([*git, "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    found = {}
    for blob, path in entries:
        batch.stdin.write(f"{blob}\n".encode())
        batch.stdin.flush()
        head = batch.stdout.readline().split()
        if head[1] != b"missing":
            found[path] = batch.stdout.read(int(head[2])).decode(errors="replace")
            batch.stdout.read(1)
    return found


def kinds_in(text):
    """Returns test name -> A, F or R."""
    rows = re.findall(r"^\s*([^#\s]\S*?)\s*(?:Allow(?:ed)?|Forbid(?:den)?|Require(?:d)?)\s*$", text, re.M | re.I)
    words = re.findall(r"^\s*[^#\s]\S*?\s*(Allow|Forbid|Require)(?:ed|den|d)?\s*$", text, re.M | re.I)
    return {name: word[0].upper() for name, word in zip(rows, words)}


def answers(files):
    """Returns the right answers without and with FEAT_ETS2: (folder, name) -> kind."""
    plain, ets2 = {}, {}
    for path, text in files.items():
        folder, _, name = path.rpartition("/")
        if "kinds" not in name:
            continue
        only_ets2 = name in ("VMSA-ETS2-kinds.txt", "kinds-ETS2.txt")
        if name == "kinds-ETS3.txt":
            continue
        into = ets2 if only_ets2 else plain
        for test, kind in kinds_in(text).items():
            if name == "VMSA-newlob-kinds.txt":
                into.setdefault((folder, test), kind)
            else:
                into[folder, test] = kind
    return plain, ets2


def answer_for(table, path, name):
    """Looks a test up in its own folder and the ones above."""
    folder = path.rpartition("/")[0]
    while folder:
        if (folder, name) in table:
            return table[folder, name]
        folder = folder.rpartition("/")[0]
    return None


def run(bench_host, paths, options):
    """Returns path -> report, and path -> why it was refused."""
    command = [bench_host, "litmus", "--any-dsb-domain", "--states", "2097152", "--json", *options, *paths]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 2):
        sys.exit(done.stderr)
    reports = {report["file"]: report for report in map(json.loads, done.stdout.splitlines())}
    refused = {}
    for line in done.stderr.splitlines():
        match = re.match(r"error: (.*?\.litmus): (.*)", line)
        if match:
            refused[match[1]] = match[2]
    return reports, refused


def says(report, kind):
    """Returns whether a report agrees with a kind. `Allowed` says that the condition can hold."""
    observed = report["observation"]
    return {"A": observed != "Never", "F": observed == "Never", "R": observed == "Always"}[kind]


def tidy(state):
    """Makes a line of a state comparable: herd's spacing and order of faults do not matter."""
    return frozenset(part.strip() for part in state.split(";") if part.strip())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("herdtools7")
    root = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--bench-host", default=str(root / "target/release/bench-host"))
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    files = files_of(arguments.herdtools7)
    tests = {path: text for path, text in files.items() if path.endswith(".litmus")}
    plain, ets2 = answers(files)
    table = collections.defaultdict(collections.Counter)
    notes = []
    with tempfile.TemporaryDirectory() as folder:
        names = {}
        for number, (path, text) in enumerate(sorted(tests.items())):
            place = pathlib.Path(folder) / f"{number}.litmus"
            place.write_text(text)
            names[str(place)] = path
        for column, expected, options in (("plain", plain, []), ("ETS2", ets2, ["--ets2"])):
            reports, refused = run(arguments.bench_host, list(names), options)
            for place, path in names.items():
                has_tlbi = re.search("tlbi", re.sub(r"\(\*.*?\*\)", "", tests[path], flags=re.S).split("{", 1)[-1], re.I)
                rows = [path.split("/tests")[0].removeprefix("catalogue/")] + (["with a TLBI"] if has_tlbi else []) + ["all"]
                output = files.get(path + ".expected") if column == "plain" else None
                title = re.match(r"AArch64\s+(\S+)", tests[path])
                kind = answer_for(expected, path, title[1]) if title else None
                states_differ = False
                if kind is None and output and (seen := re.search(r"^Observation \S+ (\w+)", output, re.M)):
                    kind = {"Never": "F", "Sometimes": "A", "Always": "A"}[seen[1]]
                    report = reports.get(place)
                    block = re.search(r"^States \d+\n(.*?)^(?:Loop )?(?:Ok|No)$", output, re.M | re.S)
                    theirs = {tidy(line) for line in block[1].splitlines()} if block else set()
                    states_differ = bool(report) and theirs != {tidy(state) for state in report["states"]}
                if place in refused:
                    what = "refused"
                    notes.append(f"{column}: {path}: refused: {refused[place]}")
                elif kind is None:
                    what = "no answer"
                    notes.append(f"{column}: {path}: no answer; here {reports[place]['observation']}")
                elif says(reports[place], kind) and not states_differ:
                    what = "agree"
                else:
                    what = "differ"
                    why = "other states" if states_differ else reports[place]["observation"]
                    notes.append(f"{column}: {path}: DIFFERS: {why}, expected {KINDS[kind]}")
                for row in rows:
                    table[row][column, what] += 1
    cells = [(column, what) for column in ("plain", "ETS2") for what in ("agree", "differ", "refused", "no answer")]
    print("| | " + " | ".join(f"{column}: {what}" for column, what in cells) + " |")
    print("|---" * (len(cells) + 1) + "|")
    for row in sorted(table, key=lambda row: (row == "all", row == "with a TLBI", row)):
        print(f"| {row} | " + " | ".join(str(table[row][cell]) for cell in cells) + " |")
    if arguments.list:
        print("\n".join(sorted(set(notes))))
    else:
        print("\n".join(note for note in notes if "DIFFERS" in note))
    return any(counter[column, "differ"] for counter in table.values() for column in ("plain", "ETS2"))


if __name__ == "__main__":
    sys.exit(main())
