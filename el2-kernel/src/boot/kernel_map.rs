// SPDX-License-Identifier: MIT OR Apache-2.0
//! The map that the kernel runs with, and the registers that put it into use.

use aarch64_cpu::registers::{ID_AA64MMFR0_EL1, Readable};

use crate::image::sections;
use crate::mmu::identity_slot::IdentitySlot;
use crate::mmu::kernel_tables::{TABLES, tables_base};
use crate::mmu::layout::{FAR_SLOT, LIVE_PAGES, Layout, WINDOW_PAGES};
use crate::mmu::tables::Use;
use crate::mmu::test_pages::Pages;
use crate::platform::console;
use crate::stub::arena::Arena;

/// Maps the image at its runtime address, the entry page 1:1, the console, and the windows of checks and stubs.
pub fn build_tables(load: u64, size: u64, layout: &Layout, slot: IdentitySlot) -> Option<()> {
    let base = tables_base(load);
    let [text_end, rodata_end, arena_start, arena_end] = sections().map(|offset| offset as u64);
    for offset in (0..size).step_by(4096) {
        let r#use = match offset {
            _ if offset < text_end || (arena_start..arena_end).contains(&offset) => Use::Text,
            _ if offset < rodata_end => Use::ReadOnly,
            _ => Use::Data,
        };
        TABLES.map(base, layout.image + offset, load + offset, r#use).ok()?;
    }
    if slot != IdentitySlot::NotNeeded {
        TABLES.map(base, load, load, Use::Text).ok()?;
    }
    if let Some(console) = console::physical() {
        // Registers need not start a page.
        TABLES
            .map(base, layout.early_console, console & !0xfff, Use::Device)
            .ok()?;
    }
    let pages = Pages::new(load);
    for page in 0..WINDOW_PAGES {
        let output = pages.before(page as usize);
        for window in [layout.pages, layout.under_table, layout.far + FAR_SLOT] {
            TABLES.map(base, window + 4096 * page, output, Use::Data).ok()?;
        }
    }
    let arena = load + Arena::Timed.offset_in_image() as u64;
    for offset in (0..Arena::Timed.size() as u64).step_by(4096) {
        TABLES
            .map(base, layout.arena + offset, arena + offset, Use::Data)
            .ok()?;
    }
    for page in 0..LIVE_PAGES {
        let output = pages.before(page as usize);
        TABLES
            .map(base, layout.live + 4096 * page, output, Use::ReadOnly)
            .ok()?;
    }
    Some(())
}

const SCTLR_M: u64 = 1 << 0;
const SCTLR_C: u64 = 1 << 2;
const SCTLR_SA: u64 = 1 << 3;
const SCTLR_I: u64 = 1 << 12;
/// RES1 bits of `SCTLR_EL2` with E2H = 0.
const SCTLR_RES1: u64 = 0x30c5_0830;

/// `SCTLR_EL2` with the MMU and the caches on.
pub const SCTLR: u64 = SCTLR_RES1 | SCTLR_I | SCTLR_SA | SCTLR_C | SCTLR_M;

/// Returns `TCR_EL2`: 48-bit addresses, 4 KiB granule, inner shareable write-back walks, as many output bits as the PE
/// has (at most 48).
pub fn tcr() -> u64 {
    const RES1: u64 = 1 << 31 | 1 << 23;
    const INNER_SHAREABLE: u64 = 0b11 << 12;
    const WRITE_BACK: u64 = 0b01 << 10 | 0b01 << 8;
    const T0SZ: u64 = 64 - 48;
    let output_size = (ID_AA64MMFR0_EL1.read(ID_AA64MMFR0_EL1::PARange)).min(0b101);
    RES1 | output_size << 16 | INNER_SHAREABLE | WRITE_BACK | T0SZ
}
