#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Every check of the tree, in the order in which they are cheap. Ends at the first that fails.
set -euo pipefail
cd "$(dirname "$0")/.."

TARGET=aarch64-unknown-none

step() { printf '\n== %s\n' "$*"; }

if cargo fmt --version >/dev/null 2>&1; then
    step format
    cargo fmt --all --check
else
    step "format: SKIPPED, rustfmt is not installed"
fi

if cargo clippy --version >/dev/null 2>&1; then
    step "lints, host"
    cargo clippy --workspace --all-targets --quiet -- -D warnings
    if compgen -G "$(rustc --print target-libdir --target $TARGET)/libcore-*" >/dev/null; then
        step "lints, kernel"
        cargo clippy --package el2-kernel --bin el2-kernel --target $TARGET --profile kernel --quiet -- -D warnings
    else
        step "lints, kernel: SKIPPED, the target $TARGET is not installed (the kernel is built with its own core)"
    fi
else
    step "lints: SKIPPED, clippy is not installed"
fi

if cargo deny --version >/dev/null 2>&1; then
    step "licenses and sources of dependencies"
    cargo deny --log-level error check bans licenses sources
    if cargo deny --log-level off fetch db >/dev/null 2>&1; then
        step "advisories about dependencies"
        cargo deny --log-level error check advisories
    else
        step "advisories about dependencies: SKIPPED, their database cannot be fetched"
    fi
else
    step "dependencies: SKIPPED, cargo-deny is not installed"
fi

step documentation
RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --quiet

if command -v python3 >/dev/null 2>&1; then
    step "tests, the kernel in QEMU among them, and the commands of README and docs"
    scripts/run-tests.py
else
    step "tests, the kernel in QEMU among them"
    cargo test --workspace --quiet
    step "the commands of README and docs: SKIPPED, python3 is not installed"
fi
