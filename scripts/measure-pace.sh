#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Prints what taking timed samples costs beside a bare loop over the same frames, in one boot, and how many bytes of
# console output the samples took. For every QEMU given as an argument, or the one in PATH. Run it on an idle host.
set -eu
cd "$(dirname "$0")/.."
cargo build --release --quiet --package bench-host
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
[ $# -gt 0 ] || set -- qemu-system-aarch64
for qemu in "$@"; do
    "$qemu" --version | head -n 1
    rm -rf "$folder/run"
    target/release/bench-host run --qemu "$qemu" --overhead --no-checks --iterations 50k --out "$folder/run" |
        grep --after-context=2 '^Taking'
    for options in '' --deterministic; do
        rm -rf "$folder/run"
        # shellcheck disable=SC2086 # one option or none
        target/release/bench-host run --qemu "$qemu" $options --no-checks --iterations 100k --out "$folder/run" >"$folder/out"
        bytes=$(grep --text ',counts,' "$folder/run/console.log" | wc -c)
        values=$(grep --count --invert-match '^seq,' "$folder/run/samples.csv")
        echo "400000 samples${options:+, $options}: $bytes bytes on the wire for $values counts"
    done
done
