// SPDX-License-Identifier: MIT OR Apache-2.0
//! The map that the kernel runs with.

use crate::image::sections;
use crate::mmu::identity_slot::IdentitySlot;
use crate::mmu::kernel_tables::{TABLES, tables_base};
use crate::mmu::layout::{FAR_SLOT, LIVE_PAGES, Layout, WINDOW_PAGES};
use crate::mmu::tables::Use;
use crate::mmu::test_pages::Pages;
use crate::platform::console;
use crate::platform::rescue;
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
    TABLES
        .map(base, layout.rescue, load + rescue::offset_in_image(), Use::Text)
        .ok()?;
    Some(())
}
