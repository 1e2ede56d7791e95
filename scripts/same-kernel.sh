#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Shows that the kernel image is the same, byte for byte, from two clean builds in different folders. Takes two builds of
# the kernel and needs room for them.
#
#   scripts/same-kernel.sh
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

for folder in "$work/a" "$work/a longer/name of it"; do
    mkdir -p "$folder"
    # What git knows, as it is here now.
    (cd "$root" && git ls-files -z | xargs -0 tar -cf - 2>/dev/null) | tar -xf - -C "$folder"
    echo "building in $folder" >&2
    (cd "$folder" && cargo build --quiet --package el2-kernel --bin el2-kernel --target aarch64-unknown-none --profile kernel)
done
a="$work/a/target/aarch64-unknown-none/kernel/el2-kernel"
b="$work/a longer/name of it/target/aarch64-unknown-none/kernel/el2-kernel"
# The loadable parts are what becomes the image.
sum() { readelf -lW "$1" | awk '$1 == "LOAD" { print $2, $5 }' | while read -r offset size; do
    tail -c +$((offset + 1)) "$1" | head -c $((size))
done | sha256sum | cut -d' ' -f1; }
[ "$(sum "$a")" = "$(sum "$b")" ] || {
    echo "the two kernels differ: $(sum "$a") and $(sum "$b")" >&2
    exit 1
}
echo "the same kernel from two folders: $(sum "$a")"
