#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Measures what the trace plugin costs: CPU seconds (user and system) of the QEMU process that boots a guest, with the plugin
# and without it, in pairs one after the other.
#
#   scripts/trace-slowdown.sh KERNEL INITRD [PAIRS]      the guest powers itself off, as those of scripts/trace-guests.sh do
#
# QEMU=qemu-system-aarch64  BENCH_HOST=bench-host  SMP=2  CPU=neoverse-n1  APPEND='console=ttyAMA0 panic=-1'  MOST=1.6
# Says the ratio of the least and of the median, and fails where that of the medians is above MOST.
set -euo pipefail

kernel=${1:?usage: scripts/trace-slowdown.sh KERNEL INITRD [PAIRS]}
initrd=${2:?usage: scripts/trace-slowdown.sh KERNEL INITRD [PAIRS]}
pairs=${3:-5}
here=$(cd "$(dirname "$0")/.." && pwd)
qemu=${QEMU:-qemu-system-aarch64}
bench_host=${BENCH_HOST:-$here/target/release/bench-host}
[ -x "$bench_host" ] || { echo "build it first: cargo build --release -p bench-host (or BENCH_HOST=PATH)" >&2; exit 4; }
folder=$(mktemp -d /dev/shm/trace-slowdown.XXXXXX)
trap 'rm -rf "$folder"' EXIT

# What the plugin needs of QEMU is the same in both runs.
attached=$("$bench_host" trace --attach "$folder/plugin.so" --keep "$folder/log" --qemu "$qemu" 2>/dev/null)
attached=${attached//\/dev\/shm\/guest.ram/$folder/ram}
stock=${attached%% -plugin *}

# Boots once; prints the CPU seconds.
boot() {
  local TIMEFORMAT='%U %S' spent
  rm -f "$folder/ram"
  # The arguments are words without spaces: the folder's name is ours.
  # shellcheck disable=SC2086
  spent=$({ time "$qemu" -machine virt,gic-version=3 -cpu "${CPU:-neoverse-n1}" -smp "${SMP:-2}" -display none \
    -monitor none -nic none -no-reboot -serial "file:$folder/console" -kernel "$kernel" -initrd "$initrd" \
    -append "${APPEND:-console=ttyAMA0 panic=-1}" $1 >/dev/null 2>"$folder/words"; } 2>&1) ||
    { echo "QEMU failed: $(tail -3 "$folder/words")" >&2; exit 4; }
  grep -q 'Power down' "$folder/console" || { echo "the guest did not power off: $(tail -1 "$folder/console")" >&2; exit 4; }
  awk '{ printf "%.2f\n", $1 + $2 }' <<<"$spent"
}

for pair in $(seq "$pairs"); do
  without=$(boot "$stock")
  with=$(boot "$attached")
  echo "$without" >>"$folder/without"
  echo "$with" >>"$folder/with"
  awk -v n="$pair" -v a="$without" -v b="$with" \
    'BEGIN { printf "pair %d: %6.2f s without, %6.2f s with, %.2f times\n", n, a, b, b / a }'
done
least() { sort -g "$folder/$1" | head -1; }
median() { sort -g "$folder/$1" | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }
awk -v a="$(least without)" -v b="$(least with)" -v c="$(median without)" -v d="$(median with)" -v most="${MOST:-1.6}" \
  -v bytes="$(stat -c %s "$folder/log")" 'BEGIN {
    printf "least: %.2f s and %.2f s, %.2f times; median: %.2f s and %.2f s, %.2f times; log: %.1f MB\n", a, b, b / a, c, d,
      d / c, bytes / 1e6
    exit d / c > most
  }'
