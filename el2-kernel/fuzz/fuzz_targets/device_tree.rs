// SPDX-License-Identifier: MIT OR Apache-2.0
//! Any bytes are a device tree or none, and one that is opened can be read for all that the kernel wants to know: what a boot
//! loader passes must not end the boot in a panic. The header's sizes are made right, or nothing would get past them.
//!
//! `cargo +nightly fuzz run device_tree fuzz/corpus/device_tree fuzz/seeds -- -max_total_time=600` from `el2-kernel/`; `qemu-system-aarch64 -machine
//! virt,dumpdtb=FILE` makes one to begin with.
#![no_main]
#![allow(dead_code)]

// The kernel is no library; these files of it need nothing but each other.
#[path = "../../src/platform"]
mod platform {
    pub mod acpi;
    pub mod blob;
    pub mod board;
    pub mod device_tree;
    pub mod gic;
    pub mod memory;
    pub mod message;
    pub mod smbios;
    pub mod uart;
}

use libfuzzer_sys::fuzz_target;

use crate::platform::board::Board;
use crate::platform::device_tree::{Machine, any_console, stdout};
use crate::platform::memory::Memory;
use crate::platform::{blob, smbios};

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    if bytes.len() > 40 {
        let mut bytes = bytes.to_vec();
        let length = bytes.len() as u32;
        bytes[..4].copy_from_slice(&0xd00d_feed_u32.to_be_bytes());
        bytes[4..8].copy_from_slice(&length.to_be_bytes());
        read(&bytes);
    }
    let _ = smbios::names(bytes);
});

fn read(bytes: &[u8]) {
    let Some(fdt) = blob::open(bytes) else { return };
    let _ = Machine::from_device_tree(fdt, &Machine::default());
    if let Err(reason) = stdout(fdt) {
        assert!(!reason.to_string().is_empty());
    }
    any_console(fdt);
    for address in [0, 0x8020_0000, u64::MAX] {
        Memory::around(fdt, address);
    }
    let board = Board::of(fdt);
    let _ = board.record().to_string();
}
