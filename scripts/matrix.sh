#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs the conformance checks on every machine in reach and stores the runs under results/runs/:
# each QEMU given, four CPU models, 1, 2 and 4 PEs in one thread, and 2 and 4 PEs in a thread each.
#
#   scripts/matrix.sh [QEMU...]        default: qemu-system-aarch64
#
# With a thread for each PE a handshake is slow on few host processors: fewer checks and trials there.
set -eu
cd "$(dirname "$0")/.."
bench_host=${BENCH_HOST:-target/release/bench-host}
if [ ! -x "$bench_host" ]; then
    cargo build --release --quiet --package bench-host
fi
[ $# -gt 0 ] || set -- qemu-system-aarch64
worst=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
try() {
    code=0
    "$bench_host" check --machine qemu "$@" >"$log" 2>&1 || code=$?
    tail -n 1 "$log"
    # 2: no check could show anything; 1 counts most.
    if [ "$code" -eq 1 ] || [ "$worst" -eq 0 ]; then worst=$code; fi
}
for qemu; do
    for cpu in cortex-a53 cortex-a72 neoverse-n1 max; do
        for pes in 1 2 4; do
            try --allow-known-bugs --qemu "$qemu" --cpu "$cpu" --smp "$pes"
        done
        for pes in 2 4; do
            try --allow-known-bugs --qemu "$qemu" --cpu "$cpu" --smp "$pes" --threads --trials 50 --only mp_rt_el2 --only mp_bbm_el2 \
                --only mp_identity_el2 --only mp_rt_el1 --only mp_rt_s2_s1 --only wrc_trt_el2
        done
    done
    try --mutants --qemu "$qemu" --cpu max
done
exit "$worst"
