#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Builds every test of the workspace and runs them, several programs at a time, the long ones first.

cargo runs one test program after the other. Many of ours wait, for a console that has to fall silent or a boot loader that
counts down, or have one long case at their end, and then cores idle. Documentation tests, and the commands of README and docs
(docs-commands.py), run beside them. Nothing is left out: a failure is told with all that its program printed, at the end, and
so is what was ignored, with why.

Usage: scripts/run-tests.py [--jobs N] [--times] [--package NAME]...

N programs run at a time, one more than there are cores by default; --times tells the time of each; without --package all of the workspace
is tested, and the commands of README and docs with it.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What takes longest, begun first. The others follow as cargo names them.
LONG = ["docs-commands", "ends", "doors", "console", "faults", "injector", "mutated", "doc tests", "killed", "check", "random"]


def built(which):
    """Builds, showing cargo's progress, and returns name, folder, program and environment of every test program."""
    command = ["cargo", "test", *which, "--no-run", "--message-format", "json-render-diagnostics"]
    cargo = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if cargo.returncode != 0:
        sys.exit(cargo.returncode)
    programs = []
    for line in cargo.stdout.splitlines():
        message = json.loads(line)
        if message.get("reason") != "compiler-artifact" or not message.get("executable"):
            continue
        if not message["profile"]["test"]:
            continue
        manifest, target = Path(message["manifest_path"]), message["target"]
        package = re.search(r'^name = "(.*)"', manifest.read_text(), re.M)[1]
        kind = target["kind"][0]
        name = target["name"] if kind == "test" else f"{package}, {kind}"
        more = {"CARGO": "cargo", "CARGO_MANIFEST_DIR": str(manifest.parent), "CARGO_PKG_NAME": package}
        programs.append((name, manifest.parent, [message["executable"]], more))
    return programs


class Job:
    def __init__(self, name, folder, command, more):
        self.name, self.folder, self.command, self.more = name, folder, command, more
        self.code, self.text, self.took, self.cpu = None, "", 0.0, 0.0

    def run(self):
        begun = time.monotonic()
        with tempfile.TemporaryFile() as out:
            try:
                child = subprocess.Popen(
                    self.command,
                    cwd=self.folder,
                    env={**os.environ, **self.more},
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                )
                _, status, usage = os.wait4(child.pid, 0)
                # So that it is not waited for again.
                child.returncode = self.code = os.waitstatus_to_exitcode(status)
                self.cpu = usage.ru_utime + usage.ru_stime
            except OSError as error:
                self.code = str(error)
            out.seek(0)
            self.text = out.read().decode(errors="replace")
        self.took = time.monotonic() - begun

    def sums(self):
        """Returns how many tests passed, failed and were ignored."""
        found = re.findall(r"^test result: .* (\d+) passed; (\d+) failed; (\d+) ignored", self.text, re.M)
        return [sum(int(counts[i]) for counts in found) for i in range(3)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=(os.cpu_count() or 1) + 1)
    parser.add_argument("--times", action="store_true")
    parser.add_argument("--package", action="append", default=[])
    arguments = parser.parse_args()
    which = [word for name in arguments.package for word in ("--package", name)] or ["--workspace"]
    todo = [Job(*program) for program in built(which)]
    if not arguments.package:
        todo.append(Job("doc tests", ROOT, ["cargo", "test", "--workspace", "--doc"], {}))
        todo.append(Job("docs-commands", ROOT, [sys.executable, "scripts/docs-commands.py", "target/debug/bench-host"], {}))
    # Sorting is stable: what is not long stays in its order.
    todo.sort(key=lambda job: LONG.index(job.name) if job.name in LONG else len(LONG))
    done, lock, waiting = [], threading.Lock(), iter(todo)

    def work():
        while True:
            with lock:
                job = next(waiting, None)
            if job is None:
                return
            job.run()
            with lock:
                done.append(job)
                passed, failed, ignored = job.sums()
                said = f"{passed} passed" + (f", {failed} FAILED" if failed else "") + (f", {ignored} ignored" if ignored else "")
                if job.name == "docs-commands":
                    said = next((line for line in job.text.splitlines() if " wrong" in line), "")
                verdict = "ok  " if job.code == 0 else "FAIL"
                times = f"  [{job.took:.1f} s, {job.cpu:.1f} s of CPU]" if arguments.times else ""
                print(f"{verdict} {len(done):2} of {len(todo)}  {job.name}: {said or 'nothing'}{times}", flush=True)

    threads = [threading.Thread(target=work) for _ in range(max(1, arguments.jobs))]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    why = r"^(.* is ignored: .*|test .* \.\.\. ignored, .*)$"
    ignored = sorted({line for job in done for line in re.findall(why, job.text, re.M)})
    for line in ignored:
        print(line)
    failed = [job for job in done if job.code != 0]
    for job in failed:
        print(f"\n== {job.name} ended with {job.code}: {' '.join(map(str, job.command))}\n{job.text}")
    passed, broken, left = (sum(job.sums()[i] for job in done) for i in range(3))
    print(
        f"{len(done)} programs, {passed:,} tests passed, {broken} failed, {left} ignored, in {time.monotonic() - begun:.0f} s, "
        f"{sum(job.cpu for job in done):.0f} s of CPU"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
