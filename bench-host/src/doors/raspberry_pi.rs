// SPDX-License-Identifier: MIT OR Apache-2.0
//! SD cards for the firmware of the Raspberry Pi.

use super::{File, KERNEL};

/// What to do with the folder.
pub const THEN: &str = "copy it to a FAT partition of an SD card, with the firmware files that README.txt names";

/// Returns the files for a model.
pub fn files(model: u8, kernel: &[u8]) -> Vec<File> {
    vec![
        (KERNEL, kernel.to_vec()),
        ("config.txt", config(model).into()),
        ("README.txt", readme(model).into()),
    ]
}

fn config(model: u8) -> String {
    let own = match model {
        // The clock of the mini-UART is that of the core, which enable_uart keeps from changing.
        3 => "# The console is the mini-UART on GPIO 14 and 15, 115200 baud.\nenable_uart=1\n",
        4 => "# The console is the mini-UART on GPIO 14 and 15, 115200 baud.\nenable_uart=1\nenable_gic=1\n",
        _ => {
            "# The console is the PL011 on the debug connector between the HDMI ports, 115200 baud.\nenable_uart=1\n\
             # The firmware asks whether an operating system knows this board; this is none.\nos_check=0\n"
        }
    };
    format!(
        "# Raspberry Pi {model}: el2-kernel\narm_64bit=1\nkernel={KERNEL}\n{own}# The clock of the cores stays what it is: \
         a measurement is of one frequency.\nforce_turbo=1\ndisable_splash=1\n"
    )
}

fn readme(model: u8) -> String {
    let firmware = match model {
        3 => "bootcode.bin, start.elf, fixup.dat, and bcm2710-rpi-3-b.dtb or bcm2710-rpi-3-b-plus.dtb",
        4 => "start4.elf, fixup4.dat, and bcm2711-rpi-4-b.dtb",
        _ => "bcm2712-rpi-5-b.dtb or the tree of your model (the firmware itself is in the board's EEPROM)",
    };
    format!(
        "el2-kernel for a Raspberry Pi {model}. Beside these files the FAT partition needs, from the boot folder of\n\
         https://github.com/raspberrypi/firmware (or from the boot partition of a card with Raspberry Pi OS):\n\n    \
         {firmware}\n\n\
         The firmware enters the kernel at EL2 with the device tree in x0. Receive the console with\n\n    \
         bench-host run --serial /dev/ttyUSB0 --hardware\n\nand turn the board on; it stays on after the run.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_a_line_of_its_own() {
        for model in [3, 4, 5] {
            let config = config(model);
            for line in config.lines() {
                let comment = line.starts_with('#');
                assert!(
                    comment || line.split_once('=').is_some_and(|(key, _)| !key.contains(' ')),
                    "{line}"
                );
                // The firmware reads no more than 98 characters of a line.
                assert!(line.len() <= 98, "{line}");
            }
            assert!(config.contains("kernel=el2-kernel.img\n"));
            assert_eq!(config.contains("os_check=0"), model == 5);
        }
    }
}
