// SPDX-License-Identifier: MIT OR Apache-2.0
//! The three ways into a kernel that U-Boot has on a file system.

use dtoolkit::error::ModelError;
use results::wire::crc32;

use super::{File, KERNEL, fit};

/// What to do with the folder.
pub const THEN: &str =
    "copy it to the first partition of a medium that U-Boot boots from (README.txt has the commands)";

const EXTLINUX: &str = "\
# U-Boot: el2-kernel, with the device tree of the firmware
DEFAULT el2-kernel
TIMEOUT 1
LABEL el2-kernel
  KERNEL /el2-kernel.img
";

/// A board may have its device tree where the variable `fdt_addr` says, or where U-Boot has its own.
const SCRIPT: &str = "\
# U-Boot: el2-kernel, with the device tree of the firmware
test -n \"${distro_bootpart}\" || setenv distro_bootpart 1
test -n \"${prefix}\" || setenv prefix /
setenv el2_fdt ${fdtcontroladdr}
test -n \"${fdt_addr}\" && setenv el2_fdt ${fdt_addr}
load ${devtype} ${devnum}:${distro_bootpart} ${kernel_addr_r} ${prefix}el2-kernel.img
booti ${kernel_addr_r} - ${el2_fdt}
";

const README: &str = "\
el2-kernel for U-Boot, by whichever of these the board's U-Boot takes:

extlinux/extlinux.conf  found by itself (distro boot, standard boot)
boot.scr                found by itself where there is no extlinux folder; boot.cmd is its text
el2-kernel.itb          by hand, at the prompt (mmc 0:1 is the first partition of the first card):
    load mmc 0:1 ${ramdisk_addr_r} el2-kernel.itb; bootm ${ramdisk_addr_r}#c - ${fdtcontroladdr}
el2-kernel.img          by hand:
    load mmc 0:1 ${kernel_addr_r} el2-kernel.img; booti ${kernel_addr_r} - ${fdtcontroladdr}

U-Boot has to run at EL2 (its banner or the board's documentation says), and to leave the device tree of the board in
${fdtcontroladdr} or ${fdt_addr}. FIT images of this type need U-Boot 2021.10 or newer.
";

/// Returns the files of the folder.
pub fn files(kernel: &[u8]) -> Result<Vec<File>, ModelError> {
    Ok(vec![
        (KERNEL, kernel.to_vec()),
        ("extlinux/extlinux.conf", EXTLINUX.into()),
        ("boot.cmd", SCRIPT.into()),
        ("boot.scr", script(SCRIPT)),
        ("el2-kernel.itb", fit::tree(kernel)?),
        ("README.txt", README.into()),
    ])
}

/// Wraps a script as U-Boot wants it: a legacy image header, the length of the text, the end of the list, the text.
fn script(text: &str) -> Vec<u8> {
    const MAGIC: u32 = 0x2705_1956;
    const OS_LINUX: u8 = 5;
    const ARCH_ARM64: u8 = 22;
    const TYPE_SCRIPT: u8 = 6;
    const NO_COMPRESSION: u8 = 0;
    const NAME: usize = 32;
    let data = [&(text.len() as u32).to_be_bytes()[..], &[0; 4], text.as_bytes()].concat();
    let mut name = [0; NAME];
    name[..10].copy_from_slice(b"el2-kernel");
    let header = |checksum: u32| {
        let mut header = Vec::new();
        // Magic, checksum of the header, time, size, load address, entry point, checksum of the data.
        for word in [MAGIC, checksum, 0, data.len() as u32, 0, 0, crc32(&data)] {
            header.extend_from_slice(&word.to_be_bytes());
        }
        header.extend_from_slice(&[OS_LINUX, ARCH_ARM64, TYPE_SCRIPT, NO_COMPRESSION]);
        header.extend_from_slice(&name);
        header
    };
    // The checksum of the header is taken with 0 in its place.
    let mut image = header(crc32(&header(0)));
    image.extend_from_slice(&data);
    image
}
