// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's own translation tables, in use from the moment the MMU is on.

use crate::image::image;
use crate::mmu::tables::Tables;

/// All translation tables; the first is the level 0 table.
pub static TABLES: Tables<32> = Tables::new();

/// Returns the physical address of [`TABLES`] for an image loaded at `load`.
pub fn tables_base(load: u64) -> u64 {
    (&raw const TABLES as usize - image().0) as u64 + load
}
