#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Aggregates the same raw sample rows with bench-host, DuckDB and Polars, side by side in one run.

Checks that all three agree on every figure, and prints wall time, CPU time (user + system), peak memory, and the ratio
of CPU times. Needs `pip install duckdb polars`; a tool that is missing is left out. Run it on an idle machine.

    scripts/aggregate-bench.py [--rows 100000000] [--shuffled-rows 20000000] [--repeat 3] [--folder DIR]

The rows are made by bench-host/examples/raw_rows.rs from a fixed seed: 3.3 GB for 100 million rows, deleted at the end.
"""

import argparse
import csv
import io
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
RELEASE = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"

# Definitions that match: nearest rank for p90 and p99, the mean of the middle two for the median, n - 1.
DUCKDB = """
import duckdb, sys
con = duckdb.connect()
con.execute("set threads = 2")
print("seq,pe,count,min,median,p90,p99,max,mean,stddev")
for row in con.execute(f'''
    select seq, pe, count(*), min(cycles), median(cycles), quantile_disc(cycles, 0.9), quantile_disc(cycles, 0.99),
           max(cycles), avg(cycles), stddev_samp(cycles)
    from read_csv('{sys.argv[1]}') group by seq, pe order by seq, pe''').fetchall():
    print(*row, sep=",")
"""
POLARS = """
import polars as pl, sys
c = pl.col("cycles")
frame = (pl.scan_csv(sys.argv[1]).group_by("seq", "pe").agg(
    count=c.len(), min=c.min(), median=c.median(), p90=c.quantile(0.9, "equiprobable"),
    p99=c.quantile(0.99, "equiprobable"), max=c.max(), mean=c.mean(), stddev=c.std())
    .sort("seq", "pe").collect(engine="streaming"))
print(frame.write_csv(), end="")
"""


def measure(command, stdin=None):
    """Runs a command; returns its output, wall and CPU seconds, and peak memory in MiB."""
    with tempfile.TemporaryFile() as out:
        start = time.monotonic()
        process = subprocess.Popen(command, stdout=out, stdin=stdin, env={**os.environ, "POLARS_MAX_THREADS": "2"})
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"{command[0]} failed with {process.returncode}")
        out.seek(0)
        peak = usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
        return out.read().decode(), wall, usage.ru_utime + usage.ru_stime, peak


def table(text):
    """Returns the figures of an output by group."""
    rows = csv.DictReader(io.StringIO(text))
    figures = ["count", "min", "median", "p90", "p99", "max", "mean", "stddev"]
    return {(row["seq"], int(row["pe"])): [float(row[name]) for name in figures] for row in rows}


def agree(name, expected, found):
    """Whole numbers must be the same; mean and deviation may differ by how they were rounded."""
    if expected.keys() != found.keys():
        sys.exit(f"{name} has other groups")
    for group, figures in expected.items():
        for ours, theirs in zip(figures, found[group]):
            if not math.isclose(ours, theirs, rel_tol=1e-9):
                sys.exit(f"{name} disagrees on {group}: {ours} and {theirs}")


def has(module):
    return subprocess.run([sys.executable, "-c", f"import {module}"], stderr=subprocess.DEVNULL).returncode == 0


def compare(path, rows, repeat):
    bench_host = [RELEASE / "bench-host", "aggregate", "--by", "seq,pe", "--value", "cycles", "--format", "csv"]
    tools = {"bench-host": [*bench_host, path], "bench-host, from a pipe": [*bench_host, "-"]}
    for name, module, program in (("DuckDB", "duckdb", DUCKDB), ("Polars, streaming", "polars", POLARS)):
        if has(module):
            tools[name] = [sys.executable, "-c", program, path]
        else:
            print(f"{name}: not installed, left out", file=sys.stderr)
    results = {name: [] for name in tools}
    expected = None
    # Taking turns, so that a busy host hits all of them alike.
    for _ in range(repeat):
        for name, command in tools.items():
            pipe = subprocess.Popen(["cat", path], stdout=subprocess.PIPE) if command[-1] == "-" else None
            text, *figures = measure(command, pipe and pipe.stdout)
            if pipe:
                pipe.stdout.close()
                pipe.wait()
            results[name].append(figures)
            expected = expected or table(text)
            agree(name, expected, table(text))
    ours = statistics.median(cpu for _, cpu, _ in results["bench-host"])
    print("| | wall s | CPU s | CPU ns/row | CPU, times ours | peak MiB |\n|---|---|---|---|---|---|")
    for name, runs in results.items():
        wall, cpu, peak = (statistics.median(column) for column in zip(*runs))
        print(f"| {name} | {wall:.2f} | {cpu:.2f} | {cpu / rows * 1e9:.1f} | {cpu / ours:.1f} | {peak:.0f} |")
    print(f"\n{len(expected)} groups, all figures agree\n", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000_000)
    parser.add_argument("--shuffled-rows", type=int, default=20_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--folder", help="where the rows are written, 3.3 GB [default: a temporary folder]")
    parser.add_argument("--no-build", action="store_true", help="use the binaries as they are")
    args = parser.parse_args()
    if not args.no_build:
        build = ["cargo", "build", "--release", "--quiet", "--package", "bench-host", "--bin", "bench-host"]
        subprocess.run(build, cwd=ROOT, check=True)
        subprocess.run([*build[:-2], "--example", "raw_rows"], cwd=ROOT, check=True)
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f} before\n")
    for order, rows in (("in-order", args.rows), ("shuffled", args.shuffled_rows)):
        if rows == 0:
            continue
        with tempfile.TemporaryDirectory(dir=args.folder) as folder:
            path = os.path.join(folder, "rows.csv")
            with open(path, "wb") as out:
                subprocess.run([RELEASE / "examples" / "raw_rows", str(rows), order], stdout=out, check=True)
            print(f"{rows} rows, {order}, {os.path.getsize(path) / 1e9:.2f} GB, medians of {args.repeat}:\n")
            compare(path, rows, args.repeat)


main()
