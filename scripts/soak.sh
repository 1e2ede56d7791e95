#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# A long run, and the memory of both sides while it goes on: resident KiB of bench-host and of QEMU, four times. Ends with 1 if
# bench-host has grown by more than a quarter between the first quarter and the end. QEMU keeps translated code until its
# buffer for that is full (`tb-size`): its figure is shown, to be looked at over a longer time.
#
#   scripts/soak.sh [MINUTES]        default: 30
set -eu

minutes=${1:-30}
bench_host=${BENCH_HOST:-target/release/bench-host}
work=$(mktemp -d)
pid=
trap 'test -z "$pid" || kill -INT "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

"$bench_host" run --quiet --iterations 1000000000 --batch 2000 --trials 1 --out "$work/run" >"$work/said" 2>&1 &
pid=$!
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }
quarter() {
    sleep $((minutes * 15))
    kill -0 "$pid" 2>/dev/null || { cat "$work/said" >&2; exit 1; }
    # The first child is QEMU.
    qemu=$(tr ' ' '\n' <"/proc/$pid/task/$pid/children" | head -n 1)
    host=$(resident "$pid")
    guest=$(resident "$qemu")
    echo "after $(($1 * minutes * 15)) s: bench-host $host KiB, QEMU $guest KiB, $(wc -c <"$work/run/samples.csv") bytes of samples"
}
quarter 1
host_first=$host
for n in 2 3 4; do quarter "$n"; done
[ "$host" -le $((host_first * 5 / 4)) ]
