#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Compiles everything with the oldest Rust that is promised (`rust-version` in Cargo.toml), in a target folder of its own.
#
#   scripts/msrv.sh        once: rustup toolchain install 1.N --profile minimal --target aarch64-unknown-none
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
CARGO_TARGET_DIR=$work cargo "+$version" check --workspace --all-targets --locked
echo "compiles with Rust $version"
