// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tables of the 16 KiB and 64 KiB granules: two levels, for 36-bit addresses, in stage 1 or stage 2.
//!
//! The first entries of the level 2 table lead to one level 3 table each. At 36 bits both granules start their walk at
//! level 2 (Arm ARM, "Translation table walk": `TCR_EL1.T0SZ`, `VTCR_EL2.SL0`).

use results::check::Granule;

use crate::mmu::tables::{Entry, table};

/// Address bits that the tables translate.
pub const ADDRESS_BITS: u64 = 36;
/// Tables: one of level 2, and as many of level 3 as there are places with pages.
const TABLES: usize = 4;
/// Descriptors in a table of the larger granule.
const LARGEST: usize = (64 << 10) / size_of::<Entry>();
/// Holds the tables at a multiple of their size, whatever the load address.
static ARENA: [Entry; (TABLES + 1) * LARGEST] = [const { Entry::new() }; (TABLES + 1) * LARGEST];

/// The tables of one granule.
#[derive(Debug, Clone, Copy)]
pub struct LargeGranuleTables {
    granule: Granule,
    /// Index of the first descriptor.
    first: usize,
    /// Physical address of the level 2 table.
    root: u64,
}

impl LargeGranuleTables {
    /// Returns the tables of a granule, given where the physical address of something in the image is.
    pub fn new(granule: Granule, physical: impl Fn(*const Entry) -> u64) -> Self {
        let arena = physical(ARENA.as_ptr());
        let root = arena.next_multiple_of(1 << granule.shift());
        let first = (root - arena) as usize / size_of::<Entry>();
        Self { granule, first, root }
    }

    /// Returns the physical address of the level 2 table.
    pub const fn root(self) -> u64 {
        self.root
    }

    /// Empties all tables and links those of level 3. No walker may be using them.
    pub fn reset(self) {
        ARENA.iter().for_each(|entry| entry.set(0));
        for (index, entry) in self.table(0).iter().enumerate().take(TABLES).skip(1) {
            entry.set(table(self.root + ((index as u64) << self.granule.shift())));
        }
    }

    /// Returns `count` entries of one table, the first of which translates `address` at level 2 or 3. The level 3 tables
    /// are those of the level 2 slots from 1 to 3.
    pub fn entries(self, address: u64, level: u8, count: usize) -> &'static [Entry] {
        let slot = |level| (address >> self.granule.level_shift(level)) as usize;
        let entries = match level {
            2 => &self.table(0)[slot(2)..],
            _ => &self.table(slot(2).min(TABLES - 1))[slot(3) % self.descriptors()..],
        };
        &entries[..count]
    }

    const fn descriptors(self) -> usize {
        (1 << self.granule.shift()) / size_of::<Entry>()
    }

    fn table(self, index: usize) -> &'static [Entry] {
        let first = self.first + index * self.descriptors();
        &ARENA[first..first + self.descriptors()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_translated_where_a_walker_looks() {
        for (granule, arena) in [(Granule::K16, 0x4020_1000), (Granule::K64, 0x4020_1000)] {
            let tables = LargeGranuleTables::new(granule, |_| arena);
            let size = 1 << granule.shift();
            assert!(tables.root().is_multiple_of(size) && tables.root() - arena < size);
            tables.reset();
            let address = 2 << granule.level_shift(2) | 5 << granule.shift() | 0x123;
            let link = tables.entries(address, 2, 1)[0].get();
            assert_eq!(link, (tables.root() + 2 * size) | 0b11);
            tables.entries(address, 3, 2)[0].set(1);
            let offset = (link & !0xfff) - arena;
            let walked = &ARENA[(offset / 8) as usize + 5];
            assert_eq!(walked.get(), 1, "{granule:?}");
        }
    }
}
