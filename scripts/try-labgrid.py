#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs the labgrid strategy of docs/boards/labgrid with the real labgrid on a board that is QEMU.

usage: scripts/try-labgrid.py      (pip install labgrid; BENCH_HOST names the program)

QEMU's console is a TCP port, as of ser2net in raw mode, and its power switch is the monitor's `system_reset`. Two boots
are taken by the strategy, and received by bench-host.
"""

import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAB = ROOT / "docs/boards/labgrid"
BENCH_HOST = os.environ.get("BENCH_HOST", str(ROOT / "target/debug/bench-host"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port):
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit("QEMU does not listen")


def bench_host(*arguments):
    done = subprocess.run([BENCH_HOST, *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench-host {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr}")


def main():
    from labgrid import Environment

    # The example for a real board is well-formed, and its strategy is found. (One process takes a strategy once.)
    example = f"from labgrid import Environment; Environment({str(LAB / 'board.yaml')!r}).get_target('main')"
    subprocess.run([sys.executable, "-c", example], check=True)
    console, monitor = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        bench_host("image", "board.img", "--iterations", "200", "--batch", "100", "--trials", "10", "--at-end", "loop")
        reset = f"""import socket; s = socket.create_connection(("127.0.0.1", {monitor})); s.recv(999); s.sendall(b"system_reset\\n"); s.recv(999)"""
        pathlib.Path("reset.py").write_text(reset)
        command = f"{sys.executable} {folder}/reset.py"
        pathlib.Path("env.yaml").write_text(
            f"""
targets:
  main:
    resources:
      NetworkSerialPort: {{host: 127.0.0.1, port: {console}, protocol: raw}}
    drivers:
      SerialDriver: {{}}
      ExternalPowerDriver: {{cmd_on: 'true', cmd_off: 'true', cmd_cycle: '{command}'}}
      TlbBenchStrategy: {{}}
imports: ['{LAB}/strategy.py']
"""
        )
        tcp = "tcp:127.0.0.1:{},server=on,wait=off"
        qemu = subprocess.Popen(
            "qemu-system-aarch64 -M virt,virtualization=on,gic-version=3 -cpu cortex-a72 -m 1G -nic none -display none "
            f"-kernel board.img -serial {tcp.format(console)} -monitor {tcp.format(monitor)}".split()
        )
        try:
            for port in (console, monitor):
                wait_for(port)
            strategy = Environment("env.yaml").get_target("main").get_driver("Strategy")
            strategy.boots("console.txt", boots=2, silence=60)
        finally:
            qemu.kill()
            qemu.wait()
        bench_host("run", "--log", "console.txt", "--out", "run")
        whole = [name for name in ("run", "run-2") if pathlib.Path(name, "run.toml").is_file()]
        print(f"labgrid: {len(whole)} of 2 boots received")
        return 0 if len(whole) == 2 else 1


if __name__ == "__main__":
    sys.exit(main())
