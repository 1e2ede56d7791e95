#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs the queries of docs/export.md and the notebook of docs/notebook.md, as they stand there.

usage: scripts/try-queries.py [RUN...]

Without runs, two small ones are made in QEMU, of two processors. They are exported to one Parquet data set, every query
of the page is run on it, and what it gives is held against the samples.csv of the runs; the notebook runs on the first of
them. What needs a tool that is not installed is skipped, with the reason (pip install duckdb polars matplotlib pyspark;
Spark needs Java). Exit code: 0 if nothing that
ran differs, 1 otherwise, 2 if nothing could be run.
"""

import ast
import csv
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCH_HOST = os.environ.get("BENCH_HOST", str(ROOT / "target/debug/bench-host"))
MACHINE = "qemu_cortex_a72"


def bench_host(*arguments):
    done = subprocess.run([BENCH_HOST, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench-host {' '.join(map(str, arguments))}: exit code {done.returncode}\n{done.stderr}")


def two_machines(folder):
    for cpu in ("cortex-a72", "neoverse-n1"):
        bench_host("run", "--quiet", "--no-checks", "--cpu", cpu, "--iterations", 2000, "--batch", 500, "--out", folder / cpu)
    return [folder / "cortex-a72", folder / "neoverse-n1"]


def expected(runs):
    """What the plain rows of samples.csv say: samples, both medians and the mean by machine, run, sequence and PE."""
    groups = {}
    for run in runs:
        machine = tomllib.loads((run / "run.toml").read_text())["machine"]
        with open(run / "samples.csv", newline="") as rows:
            for row in csv.DictReader(rows):
                if row["event"] == "cycles" and row.get("scenario", "plain") in ("", "plain"):
                    key = (machine, run.name, row["seq"], int(row["pe"]))
                    groups.setdefault(key, []).extend([int(row["value"])] * int(row["count"]))
    figures = {}
    for key, values in groups.items():
        values.sort()
        n = len(values)
        low, high = values[(n - 1) // 2], values[n // 2]
        figures[key] = {"samples": n, "median": low, "between": (low + high) / 2, "mean": sum(values) / n}
    return figures


def blocks(language, page="docs/export.md"):
    text = (ROOT / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.S | re.M)


def differences(name, rows, wanted, median):
    """Compares rows of (machine, run, seq, pe, samples, median or None, mean)."""
    seen, wrong = set(), []
    for machine, run, seq, pe, samples, middle, mean in rows:
        key = (machine, run, seq, int(pe))
        seen.add(key)
        figures = wanted.get(key)
        if figures is None:
            wrong.append(f"{key}: nobody asked for it")
            continue
        if int(samples) != figures["samples"] or abs(float(mean) - figures["mean"]) > 1e-9 * figures["mean"]:
            wrong.append(f"{key}: {samples} samples, mean {mean}; expected {figures}")
        if middle is not None and float(middle) != figures[median]:
            wrong.append(f"{key}: median {middle}; expected {figures[median]}")
    wrong.extend(f"{key}: missing" for key in wanted.keys() - seen)
    for line in wrong:
        print(f"{name}: {line}")
    print(f"{name}: {len(seen)} groups, {'DIFFERENT' if wrong else 'as samples.csv says'}")
    return bool(wrong)


def last_value(code):
    """Runs a block and returns the value of its last expression."""
    tree = ast.parse(code)
    last = ast.Expression(tree.body.pop().value)
    names = {}
    exec(compile(tree, "docs/export.md", "exec"), names)
    return eval(compile(last, "docs/export.md", "eval"), names)


def duckdb_rows(code):
    import duckdb

    result = duckdb.sql(code)
    columns = [result.columns.index(name) for name in ("machine", "run", "seq", "pe", "samples", "median", "mean")]
    return [tuple(row[column] for column in columns) for row in result.fetchall()]


def polars_rows(code):
    rows = last_value(code).iter_rows(named=True)
    return [(MACHINE, r["run"], r["seq"], r["pe"], r["samples"], None, r["mean"]) for r in rows]


def spark_rows(code):
    assert ".show(truncate=False)" in code
    rows = last_value(code.replace(".show(truncate=False)", ".collect()"))
    return [(MACHINE, r["run"], r["seq"], r["pe"], r["samples"], r["median"], r["mean"]) for r in rows]


def notebook(run, wanted):
    """Runs the blocks of the notebook one after the other on a run, and returns whether its medians are wrong."""
    shutil.rmtree("samples")
    bench_host("export", "parquet", run, "--out", "samples")
    names = {}
    for code in blocks("python", "docs/notebook.md"):
        exec(compile(code, "docs/notebook.md", "exec"), names)
    found = {row["seq"]: row["median"] for row in names["median"].iter_rows(named=True)}
    own = {key[2]: figures["median"] for key, figures in wanted.items() if key[1] == run.name}
    own = {seq: median for seq, median in own.items() if seq.startswith("xen_head_")}
    picture = pathlib.Path("notebook.png").stat().st_size
    wrong = found != own or picture < 10_000 or len(names["pairs"]) != len(own) - 1
    print(f"Notebook: {len(found)} medians, {'DIFFERENT' if wrong else 'as samples.csv says'}; a picture of {picture} bytes")
    return wrong


def missing(module):
    if importlib.util.find_spec(module) is None:
        return f"no Python module {module}"
    if module == "pyspark" and shutil.which("java") is None:
        return "Spark needs Java, and there is none"
    return None


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        runs = [pathlib.Path(run).resolve() for run in sys.argv[1:]] or two_machines(folder)
        bench_host("export", "parquet", *runs, "--out", folder / "samples")
        wanted = expected(runs)
        one = {key: figures for key, figures in wanted.items() if key[0] == MACHINE}
        os.chdir(folder)
        # The page has one block of SQL, and one of Python for each of the two others.
        [sql] = blocks("sql")
        python = {re.search(r"import (polars)|from (pyspark)", code).group(0).split()[1]: code for code in blocks("python")}
        ran, wrong = 0, False
        for name, module, rows, code, groups, median in (
            ("DuckDB", "duckdb", duckdb_rows, sql, wanted, "median"),
            ("Polars", "polars", polars_rows, python["polars"], one, "median"),
            ("Spark", "pyspark", spark_rows, python["pyspark"], one, "between"),
        ):
            reason = missing(module)
            if reason:
                print(f"{name}: skipped: {reason}")
                continue
            if not groups:
                print(f"{name}: skipped: its query is about {MACHINE}, of which there is no run")
                continue
            ran += 1
            wrong |= differences(name, rows(code), groups, median)
        lacking = [reason for reason in map(missing, ("duckdb", "polars", "matplotlib", "pyarrow")) if reason]
        if lacking:
            print(f"Notebook: skipped: {', '.join(lacking)}")
        else:
            ran += 1
            wrong |= notebook(runs[0], wanted)
        return 1 if wrong else 0 if ran else 2


if __name__ == "__main__":
    sys.exit(main())
