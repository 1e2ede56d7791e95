#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Fetches the arm64 device trees of Debian's kernel package, and reports what the kernel makes of each.
#
# usage: scripts/device-trees.sh [DIRECTORY]
#
# The trees come through apt, with lists and a state of its own: the machine's package database stays as it is. They are
# kept in DIRECTORY (default: target/device-trees), and fetched once.
set -eu

cd "$(dirname "$0")/.."
directory=${1:-target/device-trees}
suite=${SUITE:-trixie}
mirror=${MIRROR:-http://deb.debian.org/debian}
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)

if ! [ -e "$directory/.complete" ]; then
    apt=$directory/apt
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/sources"
    : > "$apt/status"
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    echo "deb [arch=arm64 signed-by=$keyring] $mirror $suite main" > "$apt/sources/device-trees.list"
    cat > "$apt/apt.conf" <<CONF
APT::Architecture "arm64";
APT::Architectures "arm64";
APT::Sandbox::User "root";
Acquire::Languages "none";
Dir::State "$apt";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$apt/sources";
CONF
    export APT_CONFIG="$apt/apt.conf"
    apt-get -q update
    # `linux-image-arm64` depends on the image of the current version.
    package=$(apt-cache depends linux-image-arm64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
    (cd "$apt" && apt-get -q download "$package")
    echo "$package" > "$directory/package"
    dpkg-deb --fsys-tarfile "$apt"/linux-image-*.deb | tar -C "$directory" -x --wildcards '*.dtb'
    rm -rf "$apt"
    touch "$directory/.complete"
fi

DEVICE_TREES=$directory cargo test -p el2-kernel --quiet real_trees -- --ignored --nocapture
