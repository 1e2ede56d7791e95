#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Shows that the kernel image is the same, byte for byte, from two clean builds in different folders, with the sources of crates
# at different places. Takes two builds of the kernel and needs room for them.
#
#   scripts/same-kernel.sh
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

# Where cargo keeps what it has fetched, under two names.
home=${CARGO_HOME:-$HOME/.cargo}
for name in home "another home"; do
    mkdir "$work/$name"
    for entry in "$home"/*; do
        ln -s "$entry" "$work/$name/"
    done
done

for folder in "$work/a" "$work/a longer/name of it"; do
    mkdir -p "$folder"
    case $folder in
    */a) CARGO_HOME=$work/home ;;
    *) CARGO_HOME="$work/another home" ;;
    esac
    export CARGO_HOME
    # As bench-host's build script does it, which is what builds the kernel otherwise.
    CARGO_ENCODED_RUSTFLAGS=
    for source in "$CARGO_HOME"/registry/src/*; do
        CARGO_ENCODED_RUSTFLAGS="$CARGO_ENCODED_RUSTFLAGS${CARGO_ENCODED_RUSTFLAGS:+$(printf '\037')}--remap-path-prefix=$source=/crates"
    done
    export CARGO_ENCODED_RUSTFLAGS
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
