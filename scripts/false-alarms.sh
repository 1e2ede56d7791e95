#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Times a sequence beside copies of itself, in many boots with a seed each, and prints how often a copy was found to
# differ: what the noise floor, the intervals and the tests let through of differences that are none.
#
#     scripts/false-alarms.sh [BOOTS] [BENCH_HOST...]
#
# Several builds of bench-host take turns, boot by boot. About a second a boot.
set -eu
cd "$(dirname "$0")/.."
boots=${1:-100}
[ $# -eq 0 ] || shift
if [ $# -eq 0 ]; then
    cargo build --release --quiet --package bench-host
    set -- target/release/bench-host
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
text='dsb sy; isb; tlbi alle2; dsb sy; isb' # xen_head_old
for seed in $(seq "$boots"); do
    number=0
    for build in "$@"; do
        number=$((number + 1))
        "$build" run --no-checks --iterations 50k --batch 1000 --seed "$seed" --out "$folder/run" --sequence xen_head_old \
            --sequence "copy_1=$text" --sequence "copy_2=$text" --sequence "copy_3=$text" >"$folder/text" 2>/dev/null
        grep -E '^copy_[123] beside .*: (faster|slower|lower|higher) by' "$folder/text" >>"$folder/alarms.$number" || true
        # The net noise floor, in millionths.
        awk -F, '$11 == "true" && $5 == "net" { printf "%d\n", 1e6 * $10 }' "$folder/run/plots/ratios.csv" >>"$folder/floors.$number"
        rm -rf "$folder/run"
    done
done
number=0
for build in "$@"; do
    number=$((number + 1))
    alarms=$(wc -l <"$folder/alarms.$number")
    printf '%s: %d of %d copies found to differ; noise floor ' "$build" "$alarms" $((3 * boots))
    sort -n "$folder/floors.$number" | awk '{ all[NR] = $1 / 1e4 } END {
        printf "%.3f%% in the median boot, %.3f%% in nine of ten\n", all[int((NR + 1) / 2)], all[int((9 * NR + 9) / 10)] }'
    sed 's/^/    /' "$folder/alarms.$number"
done
