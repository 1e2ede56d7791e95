#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# A long run, and the memory of both sides while it goes on: resident KiB of bench-host and of QEMU, four times. Ends with 1 if
# either has grown by more than a tenth between the half and the end. QEMU keeps translated code until its buffer for that is
# full, which is large where nobody says otherwise: here it has 32 MiB (`tb-size`), and has to stay within them.
#
#   scripts/soak.sh [MINUTES]        default: 30; with fewer than ten the buffer may not be full at the half
#   QEMU=PATH names a QEMU that is not in PATH; TB_SIZE= leaves its buffer as it is
set -eu

minutes=${1:-30}
bench_host=${BENCH_HOST:-target/release/bench-host}
work=$(mktemp -d)
pid=
trap 'test -z "$pid" || kill -INT "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

# Each "tcg" among its arguments gets the size of the buffer.
cat >"$work/qemu" <<EOF
#!/bin/sh
for word; do
    shift
    case \$word in tcg*) word=\$word${TB_SIZE-,tb-size=32} ;; esac
    set -- "\$@" "\$word"
done
exec "${QEMU:-qemu-system-aarch64}" "\$@"
EOF
chmod +x "$work/qemu"

"$bench_host" run --qemu "$work/qemu" --quiet --iterations 1000000000 --batch 2000 --trials 1 --out "$work/run" >"$work/said" 2>&1 &
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
quarter 2
host_half=$host
guest_half=$guest
quarter 3
quarter 4
[ "$host" -le $((host_half * 11 / 10)) ] && [ "$guest" -le $((guest_half * 11 / 10)) ]
