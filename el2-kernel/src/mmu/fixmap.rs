// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fixmap, as in the seed patch: the console's page in a table of its own, hooked in at level 2.

use crate::mmu::kernel_tables::{TABLES, tables_base};
use crate::mmu::tables::{Exhausted, Use, page, table};

/// Puts the console's page into a new level 3 table and that table into the fixmap's level 2 entry.
///
/// What orders these stores before the first use is the caller's part, because the patch changes it.
pub fn set_up(load: u64, fixmap: u64, console: u64) -> Result<(), Exhausted> {
    let base = tables_base(load);
    let index = TABLES.take()?;
    TABLES.table(index).entry(fixmap, 3).set(page(console, Use::Device));
    TABLES.entry(base, fixmap, 2)?.set(table(base + 4096 * index as u64));
    Ok(())
}
