#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Makes a release archive: bench-host as a static binary with kernel and adversary inside, manual pages, completions, the
# licenses of the project and of every crate in the binary; and its checksum.
#
#   scripts/dist.sh [DIR]     [default: target/dist]
#
# `trace` has its QEMU plugin in the static binary too: for the C library of the system that builds, as QEMU has.
#
# The archive is the same, byte for byte, from the same commit, the same Rust and the same source folder.
set -eu
cd "$(dirname "$0")/.."

out=${1:-target/dist}
say() { printf 'dist: %s\n' "$*" >&2; }

case "$(uname -s)-$(uname -m)" in
Linux-x86_64) target=x86_64-unknown-linux-musl ;;
Linux-aarch64) target=aarch64-unknown-linux-musl ;;
# No static binaries there.
*) target=$(rustc -vV | sed -n 's/^host: //p') ;;
esac

scripts/setup.sh
if ! rustc --print target-libdir --target "$target" | xargs ls >/dev/null 2>&1; then
    command -v rustup >/dev/null 2>&1 || {
        say "the target $target is not installed, and there is no rustup to install it: install its Rust library"
        exit 4
    }
    say "installing the target $target"
    rustup target add "$target"
fi
if [ -n "$(git status --porcelain 2>/dev/null)" ]; then
    say "the work tree has changes: the archive is of no commit, and is named so"
    dirty=-dirty
fi

say "building for $target: some minutes"
cargo build --release --locked --target "$target" --package bench-host
binary=target/$target/release/bench-host
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
name=tlb-bench-$version-$target${dirty:-}
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage/$name/man" "$stage/$name/completions" "$out"
cp "$binary" README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE "$stage/$name/"
"$binary" man "$stage/made" >/dev/null
mv "$stage"/made/*.1 "$stage/$name/man/"
mv "$stage"/made/* "$stage/$name/completions/"
# README links to them.
cp -r docs "$stage/$name/"
{
    echo "Rust's standard library, $(rustc --version): MIT OR Apache-2.0"
    case "$target" in *-musl) echo "musl, the C library: MIT, Copyright 2005-2020 Rich Felker, et al." ;; esac
    cargo metadata --format-version 1 --locked --filter-platform "$target" | python3 scripts/licenses.py bench-host
} >"$stage/$name/LICENSES-dependencies.txt"
# Times, owners and order are none of the content.
stamp=$(git log -1 --format=%ct 2>/dev/null || echo 0)
(cd "$stage" && find "$name" -type f | LC_ALL=C sort |
    tar --create --owner=0 --group=0 --numeric-owner --mtime="@$stamp" --mode=u+rwX,go=rX --files-from=-) |
    gzip --no-name --best >"$out/$name.tar.gz"
(cd "$out" && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
say "$out/$name.tar.gz"
cat "$out/$name.tar.gz.sha256"
