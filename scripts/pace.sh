#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Prints how many litmus iterations a second the kernel makes in QEMU: on one PE, and on two (in one thread).
# One iteration: map, prime, change, sequence, access, recover from the fault. Run it on an idle host.
set -eu
cargo build --release --quiet --package bench-host
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for pair in cowinvt_el2:1 cowinvt_el1:1 mp_rt_el2:2 mp_rt_el1:2; do
    check=${pair%:*}
    smp=${pair#*:}
    case $check in *_el2) op=alle2is ;; *) op=alle1is ;; esac
    target/release/bench-host check --machine "${MACHINE:-qemu}" --only "$check" --smp "$smp" --trials 40000 --pace --out "$folder/$check" \
        --sequence "all=dsb ishst; tlbi $op; dsb ish; isb" 2>/dev/null | grep "^  "
done
