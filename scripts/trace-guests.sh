#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Fetches the guests that `bench-host trace` is tried on into a folder: Debian's arm64 kernels, Xen, U-Boot, EDK2, BusyBox,
# those of bookworm and under new/ those of trixie: Xen 4.20 with its symbols, newer EDK2 and U-Boot, a kernel with pages of
# 16 KiB. Through apt, with lists of its own; unpacked, never installed.
#
#   scripts/trace-guests.sh DIR [--symbols]     --symbols: the kernels' debug symbols too (about 2 GB)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
dir=${1:?usage: scripts/trace-guests.sh DIR [--symbols]}
symbols=${2:-}
mkdir -p "$dir" && dir=$(cd "$dir" && pwd)
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || { echo "this needs apt-get and dpkg-deb" >&2; exit 4; }
mkdir -p "$dir"/apt/{lists/partial,cache/archives/partial,sources} "$dir"/deb "$dir"/root "$dir"/new

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
source_of() { printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n\n' "$1" "$2" "$keyring"; }
source_of http://deb.debian.org/debian "bookworm bookworm-backports trixie" >"$dir/apt/sources/main.sources"

apt() {
  local tool=$1
  shift
  "$tool" -qq -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o APT::Sandbox::User=root \
    -o Dir::State::lists="$dir/apt/lists" -o Dir::Cache="$dir/apt/cache" -o Dir::State::status=/dev/null \
    -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$dir/apt/sources" "$@"
}

# Downloads a package of a suite once and unpacks it into a folder, or the named paths of it.
get() {
  local suite=$1 into=$2 package=$3 file mark
  shift 3
  mark="$dir/deb/$package.$suite.done"
  if [ ! -e "$mark" ]; then
    (cd "$dir/deb" && apt apt-get download "$package${suite:+/$suite}")
    file=$(ls -t "$dir/deb/$package"_*.deb | head -1)
    dpkg-deb --fsys-tarfile "$file" | tar -x -C "$dir/$into" --wildcards "${@:-.}"
    rm "$file"
    touch "$mark"
  fi
}

# The package of the newest kernel of a suite.
kernel_of() {
  apt apt-cache show "linux-image-arm64" | awk -v want="$1" '
    /^Version:/ { version = $2 } /^Depends:/ && index(version, want) == 1 { sub(/,.*/, "", $0); print $2; exit }'
}

apt apt-get update
old=$(kernel_of 6.1.)
new=$(kernel_of 6.12)
echo "kernels: $old, $new"
for kernel in $old $new; do
  get "" root "$kernel" './boot/*'
  [ "$symbols" != --symbols ] || get "" root "$kernel-dbg" './usr/lib/debug/boot/vmlinux-*'
done
for package in xen-hypervisor-4.17-arm64 busybox-static qemu-efi-aarch64 u-boot-qemu; do
  get bookworm root "$package"
done
for package in xen-hypervisor-4.20-arm64 xen-hypervisor-4.20-arm64-dbg qemu-efi-aarch64 u-boot-qemu; do
  get trixie new "$package"
done
large=$(apt apt-cache search --names-only '^linux-image-6\.12\.[0-9]+\+deb13-arm64-16k$' | sort -V | tail -1)
large=${large%% *}
[ -z "$large" ] || get trixie new "$large" './boot/*'

# Names that do not change with the packages.
cd "$dir"
ln -sf "root/boot/vmlinuz-${old#linux-image-}" linux-6.1
ln -sf "root/boot/vmlinuz-${new#linux-image-}" linux-6.12
if [ "$symbols" = --symbols ]; then
  ln -sf "root/usr/lib/debug/boot/vmlinux-${old#linux-image-}" linux-6.1.elf
  ln -sf "root/usr/lib/debug/boot/vmlinux-${new#linux-image-}" linux-6.12.elf
fi
ln -sf new/boot/xen-4.20-arm64 xen-4.20
ln -sf new/usr/lib/debug/boot/xen-syms-4.20-arm64 xen-4.20.elf
[ -z "$large" ] || ln -sf "new/boot/vmlinuz-${large#linux-image-}" linux-6.12-16k
find root new -name 'QEMU_EFI.fd' -o -name 'xen-4.*-arm64' -o -path '*qemu_arm64/u-boot.bin' -o -name busybox
