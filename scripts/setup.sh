#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Gets what building and running needs: a Rust that compiles for aarch64-unknown-none, a linker for it, and QEMU.
# Does nothing where all is there; never asks. Without the rights to install, says the exact command and fails. With apt it
# first has the installation simulated, and does not begin one that would remove or downgrade a package.
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

# Has an installation simulated, and fails where it would take something away that is there. What cannot be simulated
# cannot be installed either, and says why itself.
harms_nothing() {
    case "$1" in
    apt-get*) ;;
    *) return 0 ;;
    esac
    # shellcheck disable=SC2086 # the command as words, with -s
    plan=$(LC_ALL=C apt-get -s ${1#apt-get} 2>/dev/null) || return 0
    lost=$(printf '%s\n' "$plan" | sed -n 's/^Remv \([^ ]*\).*/\1/p' | tr '\n' ' ')
    [ -z "$lost" ] || die "not done, because it would remove: $lost; if that is right for this machine, run as root: $1"
    # Only what is downgraded is listed under this heading.
    older=$(printf '%s\n' "$plan" | sed -n '/^The following packages will be DOWNGRADED:/,/^[^ ]/s/^ \{1,\}//p' | tr '\n' ' ')
    [ -z "$older" ] || die "not done, because it would downgrade: $older; if that is right for this machine, run as root: $1"
}

# Installs the packages for the things named, all in one command, or says that command and fails.
install() {
    packages=
    for what in "$@"; do
        names=$(package "$what")
        [ -n "$names" ] || die "$what is missing, and no package manager known here has it; install it by hand"
        packages="$packages $names"
    done
    # shellcheck disable=SC2086 # a list of words
    command=$(install_command $packages)
    if [ "$(manager)" = brew ] || [ "$(id -u)" = 0 ]; then
        prefix=
    elif have sudo && sudo -n true 2>/dev/null; then
        prefix="sudo -n"
    else
        die "missing: $*; run as root: $command"
    fi
    harms_nothing "$command"
    say "missing: $*; running: $command"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086
    if ! $prefix $command </dev/null >&2; then
        # The lists of a fresh system are empty or old.
        [ "$(manager)" = apt-get ] || die "that failed; the reason is above"
        $prefix apt-get update </dev/null >&2 || die "apt-get update failed; the reason is above"
        harms_nothing "$command"
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

add_target() {
    have rustup && rustup show active-toolchain >/dev/null 2>&1 || return 1
    say "adding the Rust target $TARGET"
    if rustup target add "$TARGET" </dev/null >&2 && target_is_installed; then
        return
    fi
    # Not to be had for this release: then it is built from the source, which has to be of the same release. No package has that.
    if ! source_is_installed; then
        say "adding the source of Rust's library instead"
        rustup component add rust-src </dev/null >&2 || true
    fi
    ! source_is_installed || return 0
    die "rustup has neither $TARGET nor rust-src for this toolchain; use another one (rustup default stable)"
}

linker_is_installed() {
    [ -z "${CARGO_TARGET_AARCH64_UNKNOWN_NONE_LINKER:-}" ] || return 0
    if have rustc; then
        host=$(rustc -vV | sed -n 's/^host: //p')
        [ ! -e "$(rustc --print sysroot)/lib/rustlib/$host/bin/rust-lld" ] || return 0
    fi
    # The list of bench-host/build/toolchain.rs.
    for linker in rust-lld ld.lld ld.lld-21 ld.lld-19 ld.lld-16 ld.lld-14 aarch64-linux-gnu-ld aarch64-none-elf-ld \
        aarch64-elf-ld; do
        ! have "$linker" || return 0
    done
    return 1
}

# Prints what is missing.
missing() {
    if ! rust_is_new_enough; then
        echo rust
    elif ! target_is_installed && ! source_is_installed; then
        echo rust-src
    fi
    have cc || echo cc
    linker_is_installed || echo lld
    have qemu-system-aarch64 || [ -n "${QEMU:-}" ] || echo qemu
}

if ! rust_is_new_enough; then
    found=$(rustc --version 2>/dev/null || echo none)
    ! have rustup || die "Rust 1.$RUST_NEEDED or newer is needed (found: $found); run: rustup update stable"
    say "Rust 1.$RUST_NEEDED or newer is needed (found: $found)"
elif ! target_is_installed; then
    add_target || true
fi
wanted=$(missing | tr '\n' ' ')
if [ -n "$wanted" ]; then
    # shellcheck disable=SC2086
    install $wanted
    wanted=$(missing | tr '\n' ' ')
    case "$wanted" in
    '') ;;
    *rust*) die "the packaged Rust does not do (1.$RUST_NEEDED or newer, with its source, is needed); get it from https://rustup.rs" ;;
    *) die "still missing after the installation: $wanted" ;;
    esac
fi
