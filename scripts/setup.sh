#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Gets what building and running needs: a Rust that compiles for aarch64-unknown-none, a linker for it, and QEMU.
# Does nothing where all is there; never asks. Without the rights to install, says the exact command and fails.
set -eu

TARGET=aarch64-unknown-none
RUST_NEEDED=88 # rust-version in Cargo.toml, 1.N

say() { printf 'setup: %s\n' "$*" >&2; }
die() {
    say "$*"
    exit 4
}
have() { command -v "$1" >/dev/null 2>&1; }

# The package manager, and each package by its name there.
manager() {
    for manager in apt-get dnf pacman zypper apk brew; do
        if have "$manager"; then
            echo "$manager"
            return
        fi
    done
}

package() {
    case "$(manager):$1" in
    apt-get:qemu) echo qemu-system-arm ;;
    dnf:qemu | pacman:qemu | apk:qemu) echo qemu-system-aarch64 ;;
    zypper:qemu) echo qemu-arm ;;
    brew:qemu) echo qemu ;;
    apt-get:cc) echo gcc libc6-dev ;;
    pacman:cc | zypper:cc | dnf:cc) echo gcc ;;
    apk:cc) echo gcc musl-dev ;;
    apt-get:rust) echo rustc-web cargo-web rust-web-src ;;
    dnf:rust) echo rust cargo rust-src ;;
    pacman:rust) echo rust rust-src ;;
    zypper:rust | apk:rust) echo rust cargo rust-src ;;
    apt-get:rust-src) rust_source_package ;;
    *:rust-src | *:lld) echo "$1" ;;
    esac
}

# Debian packages more than one Rust; the source has to be of the one in use.
rust_source_package() {
    owner=$(dpkg -S "$(readlink -f "$(command -v rustc)")" 2>/dev/null | sed 's/[:,].*//;q')
    case "$owner" in
    rustc-web | rust-web*) echo rust-web-src ;;
    rustc-[0-9]*) echo "rust-${owner#rustc-}-src" ;;
    *) echo rust-src ;;
    esac
}

install_command() {
    case "$(manager)" in
    apt-get) echo "apt-get install -y --no-install-recommends $*" ;;
    dnf) echo "dnf install -y $*" ;;
    pacman) echo "pacman -S --noconfirm --needed $*" ;;
    zypper) echo "zypper --non-interactive install $*" ;;
    apk) echo "apk add $*" ;;
    brew) echo "brew install $*" ;;
    esac
}

# install WHAT MESSAGE: installs the packages for WHAT, or fails with MESSAGE and the command.
install() {
    what=$1 message=$2
    packages=$(package "$what")
    [ -n "$packages" ] || die "$message, and no package manager known here has it; install it by hand"
    # shellcheck disable=SC2086 # a list of words
    command=$(install_command $packages)
    if [ "$(manager)" = brew ] || [ "$(id -u)" = 0 ]; then
        prefix=
    elif have sudo && sudo -n true 2>/dev/null; then
        prefix="sudo -n"
    else
        die "$message; run: sudo $command"
    fi
    say "$message; running: $command"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086
    if ! $prefix $command </dev/null >&2; then
        # The lists of a fresh system are empty or old.
        [ "$(manager)" = apt-get ] || die "that failed; the reason is above"
        $prefix apt-get update </dev/null >&2 || die "apt-get update failed; the reason is above"
        $prefix $command </dev/null >&2 || die "that failed; the reason is above"
    fi
    hash -r
}

rust_is_new_enough() {
    have cargo && have rustc || return 1
    minor=$(rustc --version 2>/dev/null | sed -n 's/^rustc 1\.\([0-9]*\).*/\1/p')
    [ "${minor:-0}" -ge "$RUST_NEEDED" ]
}

target_is_installed() {
    ls "$(rustc --print target-libdir --target "$TARGET" 2>/dev/null)"/libcore-* >/dev/null 2>&1
}

source_is_installed() {
    [ -e "$(rustc --print sysroot)/lib/rustlib/src/rust/library/core/Cargo.toml" ]
}

rust() {
    if ! rust_is_new_enough; then
        if have rustup; then
            die "Rust 1.$RUST_NEEDED or newer is needed; run: rustup update stable"
        elif have cargo && [ "$(manager)" != apt-get ]; then
            die "Rust 1.$RUST_NEEDED or newer is needed, this is $(rustc --version 2>/dev/null); get it from https://rustup.rs"
        fi
        install rust "Rust 1.$RUST_NEEDED or newer is needed"
        rust_is_new_enough || die "the installed Rust is older than 1.$RUST_NEEDED; get it from https://rustup.rs"
    fi
    target_is_installed && return
    if have rustup && rustup show active-toolchain >/dev/null 2>&1; then
        say "adding the Rust target $TARGET"
        rustup target add "$TARGET" </dev/null >&2 && target_is_installed && return
        say "rustup cannot add the target"
    fi
    source_is_installed && return
    install rust-src "the Rust target $TARGET is not installed, nor the source to build it from"
    source_is_installed || die "the source of $(rustc --version) is still missing; with https://rustup.rs: rustup target add $TARGET"
}

linker() {
    [ -z "${CARGO_TARGET_AARCH64_UNKNOWN_NONE_LINKER:-}" ] || return 0
    [ -e "$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin/rust-lld" ] && return
    # The list of bench-host/build/toolchain.rs.
    for linker in rust-lld ld.lld ld.lld-21 ld.lld-19 ld.lld-16 ld.lld-14 aarch64-linux-gnu-ld aarch64-none-elf-ld \
        aarch64-elf-ld; do
        if have "$linker"; then return; fi
    done
    install lld "a linker for AArch64 is missing"
}

rust
have cc || install cc "a C toolchain is missing (Rust links with it)"
linker
have qemu-system-aarch64 || [ -n "${QEMU:-}" ] || install qemu "QEMU is missing"
