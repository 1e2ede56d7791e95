#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Holds `bench-host review` against public commits whose right answers were written down before it was run.

    scripts/review-world.py BENCH_HOST PATCHES CSV... [--set work|measure] [--show miss|alarm|silent|open|wrong]

CSV: the rows of docs/review-world-*.csv. PATCHES: a folder with ID.patch for each row, as `git show --format=email -U12
COMMIT` writes it; with --fetch REPOS, made from the mirrors below REPOS/OWNER+NAME/repo. Nothing of the commits is kept.

A side is *right* if its verdict is one of those written down, *open* if the tool says that it does not know, *missed* if an
insufficient one passes, *alarm* if a sufficient one is called insufficient, *silent* if a change is not mentioned at all. A
flush that is gone is *open* where the review leaves it open ("Who invalidates these entries now?", exit code 2).

*In full* counts rows whose every place is shown with both sides, judged or not, and rows of which nothing is to be said and nothing is. Of
them, *judged* has a verdict other than `unknown` on a side, *shown* has none, and *nothing said* is what it says.
"""
import argparse
import collections
import csv
import json
import pathlib
import subprocess
import sys


def verdict(side):
    if side is None:
        return "none"
    return "sufficient" if side["verdict"] == "stronger-than-needed" else side["verdict"]


def review(tool, patch):
    run = subprocess.run([tool, "review", "--format", "json", str(patch)], capture_output=True, text=True, timeout=60)
    try:
        return run.returncode, json.loads(run.stdout)
    except ValueError:
        return run.returncode, None


def sites(row):
    out = []
    for site in row["sites"].split(";"):
        path, colon, function = site.strip().rpartition(":")
        # A file alone names no function.
        out.append((path, function.strip("() ")) if colon else (function, ""))
    return out


def at(change, path, function):
    """Whether a change is of a site: by function, or by file where that is all that is known."""
    names = {change["function"]}
    more = change.get("more", {})
    names.update(more)
    same_file = change["file"] == path or change["file"].endswith(path) or path.endswith(change["file"])
    if not function or function in ("?", "macro", "file"):
        return same_file
    return function in names or (same_file and function in change["function"])


def judge(row, code, found):
    """Returns (class before, class after, full, part)."""
    wanted = [set(row[side].replace("?", "").split("|")) for side in ("before", "after")]
    quiet = wanted[0] == {"none"} and wanted[1] == {"none"} or "same" in wanted[1]
    changes = found["changes"]
    unread = found["unrecognised"]
    doubts = unread or code == 2
    if quiet:
        same = all(verdict(c["before"]) == verdict(c["after"]) for c in changes)
        if not unread and same:
            return "right", "right", True, True
        # Beside `same`, a row may allow verdicts: both sides are then held against those.
        others = [allowed - {"same"} for allowed in wanted]
        if wanted[0] == {"none"} or not all(others):
            return ("open", "open", False, True) if doubts else ("wrong", "wrong", True, True)
        wanted = others
    places = sites(row)
    reached = [place for place in places if any(at(change, *place) for change in changes)]
    full = len(reached) == len(places) or (len(places) > 0 and len(changes) >= len(places) and not unread)
    part = bool(changes)
    chosen = [change for change in changes if any(at(change, *place) for place in places)] or changes
    if not chosen:
        kind = "open" if doubts else "silent"
        # Where nothing to judge is one of the right answers, saying nothing is no silence.
        kinds = ["right" if not doubts and allowed & {"none", "same"} else kind for allowed in wanted]
        return kinds[0], kinds[1], False, False
    classes = []
    for side, allowed in zip(("before", "after"), wanted):
        verdicts = {verdict(change[side]) for change in chosen}
        if allowed == {"none"}:
            classes.append("right")
        elif "same" in allowed:
            classes.append("right")
        elif verdicts & allowed and not ("insufficient" in verdicts and "insufficient" not in allowed):
            classes.append("right")
        elif "insufficient" in allowed and not allowed & {"sufficient", "unknown"}:
            if "unknown" in verdicts or (verdicts <= {"none"} and doubts) or unread:
                classes.append("open")
            elif verdicts <= {"none"}:
                # The side without maintenance is not judged, but shown as absent.
                classes.append("right" if side == "before" else "missed")
            else:
                classes.append("missed")
        elif "insufficient" in verdicts:
            classes.append("alarm")
        elif "unknown" in verdicts or unread:
            classes.append("open")
        elif verdicts <= {"none"}:
            classes.append("right" if side == "before" else "open" if code == 2 else "wrong")
        else:
            classes.append("wrong")
    return classes[0], classes[1], full, part


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool")
    parser.add_argument("patches", type=pathlib.Path)
    parser.add_argument("csv", nargs="+")
    parser.add_argument("--set")
    parser.add_argument("--fetch", type=pathlib.Path)
    parser.add_argument("--show", action="append", default=[])
    args = parser.parse_args()
    rows = [row for name in args.csv for row in csv.DictReader(open(name, newline=""))]
    total = collections.Counter()
    for row in rows:
        if args.set and row["set"] != args.set:
            continue
        patch = args.patches / f"{row['id']}.patch"
        if not patch.exists() and args.fetch:
            mirror = args.fetch / row["repository"].replace("/", "+") / "repo"
            # An archive of a mailing list holds one mail a commit.
            what = [f"{row['commit']}:m"] if "mailinglist" in row["repository"] else ["--format=email", "-U12", row["commit"]]
            show = ["git", f"--git-dir={mirror}", "show", *what]
            text = subprocess.run(show, capture_output=True)
            if text.returncode == 0:
                patch.write_bytes(text.stdout)
        if not patch.exists():
            total["no patch"] += 1
            continue
        code, found = review(args.tool, patch)
        if found is None:
            total["failed"] += 1
            print(f"failed  {row['id']} exit {code}")
            continue
        before, after, full, part = judge(row, code, found)
        total["commits"] += 1
        total["in full"] += full
        if full:
            verdicts = {verdict(change[side]) for change in found["changes"] for side in ("before", "after")}
            kind = "judged" if verdicts - {"none", "unknown"} else "shown" if verdicts else "nothing said"
            total[f"in full, {kind}"] += 1
        total["in part"] += part and not full
        pair = {before, after}
        total["both right"] += pair == {"right"}
        total["both right or open"] += pair <= {"right", "open"}
        total["silent"] += "silent" in pair
        for side, kind in (("before", before), ("after", after)):
            wanted = set(row[side].split("|"))
            total["sides"] += 1
            total[f"sides {kind}"] += 1
            total["insufficient sides"] += wanted == {"insufficient"}
            total["insufficient sides passed"] += kind in ("missed",)
            total["sufficient sides"] += wanted == {"sufficient"}
            total["false alarms"] += kind == "alarm"
        words = {"missed": "miss"}
        shown = {words.get(kind, kind) for kind in pair}
        if shown & set(args.show):
            verdicts = [(c["function"], verdict(c["before"]), verdict(c["after"])) for c in found["changes"]]
            texts = [u["text"][:60] for u in found["unrecognised"]]
            print(f"{'/'.join(sorted(shown)):12} {row['id']:8} {row['project']:12} {row['kind']:10} exit {code} want {row['before']} -> {row['after']}")
            print(f"    sites {row['sites'][:150]}\n    found {verdicts[:6]}\n    unread {texts[:4]}\n    why {row['why'][:200]}")
    for name, count in sorted(total.items()):
        print(f"{name:28} {count}")
    if not total["commits"]:
        sys.exit("no commit could be reviewed")


main()
