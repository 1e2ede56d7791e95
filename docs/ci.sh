#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# A conformance run for any CI that runs a shell: JUnit XML and KTAP as files, the verdict as exit code.
#
# The checks run on the built-in adversary, and on QEMU too where one is installed (MACHINE=adversary, qemu or both to choose).
#
#   docs/ci.sh [DIR]        CPUS='cortex-a72 max' SECONDS_EACH=30 docs/ci.sh results
set -eu
out=${1:-tlb-check}
mkdir -p "$out"
cargo build --release --quiet --package bench-host
worst=0
for cpu in ${CPUS:-cortex-a53 cortex-a72 neoverse-n1}; do
    code=0
    target/release/bench-host check ${MACHINE:+--machine "$MACHINE"} --allow-known-bugs --cpu "$cpu" --duration "${SECONDS_EACH:-0}" --out "$out/$cpu" \
        --junit "$out/$cpu.xml" --ktap "$out/$cpu.ktap" --summary "$out/$cpu.md" --litmus "$out/$cpu.litmus.txt" || code=$?
    echo "$cpu: exit code $code"
    # 1 is a forbidden outcome and counts most; anything else that is not 0 is a run that could not decide.
    if [ "$code" -eq 1 ] || [ "$worst" -eq 0 ]; then worst=$code; fi
done
exit "$worst"
