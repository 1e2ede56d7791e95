// SPDX-License-Identifier: MIT OR Apache-2.0
//! Stage 1 and stage 2 translation tables, 4 KiB granule, 48-bit addresses (Arm ARM, VMSAv8-64 descriptor formats).
#![expect(unsafe_code)]
// UNSAFETY: descriptors are written volatile, because a table walker reads them behind the compiler's back.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::mmu::identity_slot::level_shift;

/// Valid, and a table (levels 0 to 2) or a page (level 3).
const TABLE_OR_PAGE: u64 = 0b11;
/// Valid, and a block (levels 1 and 2).
const BLOCK: u64 = 0b01;
const ATTR_SHIFT: u32 = 2;
/// `AP[1]`: RES1 in a regime with one privilege level, else accessible from EL0.
const AP1: u64 = 1 << 6;
/// `AP[2]`: read-only.
const READ_ONLY: u64 = 1 << 7;
/// `S2AP[1]`: writable, in stage 2.
const STAGE2_WRITE: u64 = 1 << 7;
/// DBM: hardware may make the page writable when it is written, which marks it dirty.
pub const DIRTY_BIT_MODIFIER: u64 = 1 << 51;
const INNER_SHAREABLE: u64 = 0b11 << 8;
/// The access flag.
pub const ACCESS_FLAG: u64 = 1 << 10;
/// nG: the entry belongs to the current ASID (stage 1 of a regime with ASIDs).
pub const NOT_GLOBAL: u64 = 1 << 11;
/// The Contiguous bit.
pub const CONTIGUOUS: u64 = 1 << 52;
/// XN in a regime with one privilege level and in stage 2, else UXN. (What EL0 may write EL1 cannot execute, so it is never
/// executable there; what EL0 may only read is, and need not be kept from EL1.)
const EXECUTE_NEVER: u64 = 1 << 54;
const ADDRESS: u64 = 0x0000_ffff_ffff_f000;

/// `MAIR_ELx`: attribute 0 is Normal Write-Back, attribute 1 Device-nGnRE.
pub const MAIR: u64 = 0x04ff;
const NORMAL: u64 = 0 << ATTR_SHIFT;
const DEVICE: u64 = 1 << ATTR_SHIFT;

/// What a page is for, and so what may be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Read and execute.
    Text,
    /// Read only.
    ReadOnly,
    /// Read and write.
    Data,
    /// Device registers, read and write.
    Device,
}

/// Returns the level 3 descriptor of a page.
pub const fn page(pa: u64, r#use: Use) -> u64 {
    leaf(pa, r#use, 3)
}

const fn leaf_type(level: usize) -> u64 {
    if level == 3 { TABLE_OR_PAGE } else { BLOCK }
}

/// Returns the descriptor of a page (level 3) or a block (levels 1 and 2), for EL2 as for EL1 and EL0.
pub const fn leaf(pa: u64, r#use: Use, level: usize) -> u64 {
    let attributes = match r#use {
        Use::Text => NORMAL | INNER_SHAREABLE | READ_ONLY,
        Use::ReadOnly => NORMAL | INNER_SHAREABLE | READ_ONLY | EXECUTE_NEVER,
        Use::Data => NORMAL | INNER_SHAREABLE | EXECUTE_NEVER,
        Use::Device => DEVICE | EXECUTE_NEVER,
    };
    (pa & ADDRESS) | attributes | ACCESS_FLAG | AP1 | leaf_type(level)
}

/// Returns the stage 2 descriptor of a page (level 3) or a block (levels 1 and 2).
pub const fn stage2_leaf(pa: u64, r#use: Use, level: usize) -> u64 {
    /// MemAttr: Normal Write-Back at both levels of cache, or Device-nGnRE.
    const NORMAL: u64 = 0b1111 << ATTR_SHIFT;
    const DEVICE: u64 = 0b0001 << ATTR_SHIFT;
    /// S2AP.
    const READ: u64 = 0b01 << 6;
    const READ_WRITE: u64 = 0b11 << 6;
    let attributes = match r#use {
        Use::Text => NORMAL | INNER_SHAREABLE | READ,
        Use::ReadOnly => NORMAL | INNER_SHAREABLE | READ | EXECUTE_NEVER,
        Use::Data => NORMAL | INNER_SHAREABLE | READ_WRITE | EXECUTE_NEVER,
        Use::Device => DEVICE | READ_WRITE | EXECUTE_NEVER,
    };
    (pa & ADDRESS) | attributes | ACCESS_FLAG | leaf_type(level)
}

/// Returns a writable descriptor as not written since: clean, for a PE that manages dirty state in hardware.
pub const fn clean(descriptor: u64, stage2: bool) -> u64 {
    if stage2 {
        descriptor & !STAGE2_WRITE
    } else {
        descriptor | READ_ONLY
    }
}

/// Returns the descriptor of a next-level table.
pub const fn table(pa: u64) -> u64 {
    (pa & ADDRESS) | TABLE_OR_PAGE
}

/// One descriptor in a live table.
#[derive(Debug)]
#[repr(transparent)]
pub struct Entry(UnsafeCell<u64>);

// SAFETY: every access is one aligned 64-bit volatile load or store, which the architecture makes single-copy atomic;
// no reference to the value is ever handed out.
unsafe impl Sync for Entry {}

impl Entry {
    /// Creates an invalid entry.
    pub const fn new() -> Self {
        Self(UnsafeCell::new(0))
    }

    /// Reads the descriptor.
    pub fn get(&self) -> u64 {
        // SAFETY: the cell is valid and aligned for as long as `self` is.
        unsafe { self.0.get().read_volatile() }
    }

    /// Writes the descriptor. Nothing is said about when a walker sees it: that is the barriers' job.
    pub fn set(&self, descriptor: u64) {
        // SAFETY: the cell is valid and aligned for as long as `self` is.
        unsafe { self.0.get().write_volatile(descriptor) }
    }
}

/// A translation table of any level.
#[derive(Debug)]
#[repr(C, align(4096))]
pub struct Table([Entry; 512]);

impl Table {
    /// Creates a table of invalid entries.
    pub const fn new() -> Self {
        Self([const { Entry::new() }; 512])
    }

    /// Returns the entry that translates `va` in a table of `level`.
    pub fn entry(&self, va: u64, level: usize) -> &Entry {
        &self.0[(va >> level_shift(level)) as usize & 511]
    }

    /// Returns `count` entries from the one that translates `va`, as many of them as there are.
    fn entries(&self, va: u64, level: usize, count: usize) -> &[Entry] {
        let first = (va >> level_shift(level)) as usize & 511;
        &self.0[first..(first + count).min(512)]
    }

    /// Makes this table a copy of another's entries.
    pub fn copy_from(&self, entries: &[Entry]) {
        self.0.iter().zip(entries).for_each(|(to, from)| to.set(from.get()));
    }
}

/// No table is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted;

/// A pool of tables, contiguous in memory; the first one is the level 0 table.
///
/// Table descriptors hold physical addresses; the pool turns them back into its own tables by their offset from its
/// physical base, so it works the same before and after the MMU is on.
#[derive(Debug)]
pub struct Tables<const N: usize> {
    tables: [Table; N],
    /// Tables taken beside the first: zero at first, so that the pool is not part of the image file.
    taken: AtomicUsize,
}

impl<const N: usize> Tables<N> {
    /// Creates a pool with an empty level 0 table.
    pub const fn new() -> Self {
        Self {
            tables: [const { Table::new() }; N],
            taken: AtomicUsize::new(0),
        }
    }

    /// Takes an unused table.
    ///
    /// Load and store rather than an exclusive pair: those need the MMU, and one PE builds the tables.
    pub fn take(&self) -> Result<usize, Exhausted> {
        let index = self.taken.load(Ordering::Relaxed) + 1;
        if index == N {
            return Err(Exhausted);
        }
        self.taken.store(index, Ordering::Relaxed);
        Ok(index)
    }

    /// Returns a table by its index.
    pub fn table(&self, index: usize) -> &Table {
        &self.tables[index]
    }

    /// Empties the pool. No walker may be using it.
    pub fn clear(&self) {
        self.tables
            .iter()
            .flat_map(|table| &table.0)
            .for_each(|entry| entry.set(0));
        self.taken.store(0, Ordering::Relaxed);
    }

    /// Returns the entry that translates `va` at `level`, making the tables above it where there are none.
    pub fn entry(&self, base: u64, va: u64, level: usize) -> Result<&Entry, Exhausted> {
        self.entries(base, va, level, 1).map(|entries| &entries[0])
    }

    /// Returns `count` entries of one table, the first of which translates `va`, making tables as [`Self::entry`] does.
    pub fn entries(&self, base: u64, va: u64, level: usize, count: usize) -> Result<&[Entry], Exhausted> {
        let mut index = 0;
        for above in 0..level {
            let entry = self.tables[index].entry(va, above);
            index = match self.index_of(base, entry.get()) {
                Some(index) => index,
                None => {
                    let index = self.take()?;
                    entry.set(table(base + 4096 * index as u64));
                    index
                }
            };
        }
        Ok(self.tables[index].entries(va, level, count))
    }

    /// Maps one page.
    pub fn map(&self, base: u64, va: u64, pa: u64, r#use: Use) -> Result<(), Exhausted> {
        self.entry(base, va, 3)?.set(page(pa, r#use));
        Ok(())
    }

    /// Walks the tables and returns the page descriptor of `va`, or the level at which the walk faults.
    pub fn walk(&self, base: u64, va: u64) -> Result<u64, usize> {
        let mut index = 0;
        for level in 0..3 {
            index = self
                .index_of(base, self.tables[index].entry(va, level).get())
                .ok_or(level)?;
        }
        let leaf = self.tables[index].entry(va, 3).get();
        if leaf & TABLE_OR_PAGE == TABLE_OR_PAGE {
            Ok(leaf)
        } else {
            Err(3)
        }
    }

    /// Makes this pool a copy of another. Each is at the physical address that goes with it; no walker may be using this one.
    pub fn copy(&self, base: u64, from: &Self, from_base: u64) {
        self.taken.store(from.taken.load(Ordering::Relaxed), Ordering::Relaxed);
        self.copy_table(base, from, from_base, 0, 0);
    }

    /// A level 3 descriptor looks like that of a table, and may map a page of the pool: the level tells.
    fn copy_table(&self, base: u64, from: &Self, from_base: u64, index: usize, level: usize) {
        for (to, entry) in self.tables[index].0.iter().zip(&from.tables[index].0) {
            let descriptor = entry.get();
            let next = from.index_of(from_base, descriptor).filter(|_| level < 3);
            match next {
                Some(next) => {
                    self.copy_table(base, from, from_base, next, level + 1);
                    to.set((descriptor & !ADDRESS) | (base + 4096 * next as u64));
                }
                None => to.set(descriptor),
            }
        }
    }

    fn index_of(&self, base: u64, descriptor: u64) -> Option<usize> {
        let index = (descriptor & ADDRESS).checked_sub(base)? as usize / 4096;
        (descriptor & TABLE_OR_PAGE == TABLE_OR_PAGE && index < N).then_some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: u64 = 0x4030_0000;

    #[test]
    fn descriptors_are_those_of_the_architecture() {
        assert_eq!(page(0x1234_5000, Use::Text), 0x0000_0000_1234_57c3);
        assert_eq!(page(0x1234_5000, Use::ReadOnly), 0x0040_0000_1234_57c3);
        assert_eq!(page(0x1234_5000, Use::Data), 0x0040_0000_1234_5743);
        assert_eq!(page(0x0900_0000, Use::Device), 0x0040_0000_0900_0447);
        assert_eq!(table(BASE), BASE | 3);
        assert_eq!(leaf(0x4020_0000, Use::Data, 2), 0x0040_0000_4020_0741);
        assert_eq!(stage2_leaf(0x1234_5000, Use::Text, 3), 0x0000_0000_1234_577f);
        assert_eq!(stage2_leaf(0x1234_5000, Use::Data, 3), 0x0040_0000_1234_57ff);
        assert_eq!(stage2_leaf(0x4020_0000, Use::ReadOnly, 2), 0x0040_0000_4020_077d);
        assert_eq!(clean(page(0x1234_5000, Use::Data), false), 0x0040_0000_1234_57c3);
        assert_eq!(
            clean(stage2_leaf(0x1234_5000, Use::Data, 3), true),
            0x0040_0000_1234_577f
        );
    }

    #[test]
    fn a_cleared_pool_is_as_good_as_new() {
        let tables = Box::new(Tables::<4>::new());
        tables.map(BASE, 0, 0, Use::Data).unwrap();
        tables.clear();
        assert_eq!(tables.walk(BASE, 0), Err(0));
        tables.map(BASE, 1 << 39, 0, Use::Data).unwrap();
        assert_eq!(tables.entries(BASE, 1 << 39, 3, 16).unwrap().len(), 16);
        assert_eq!(tables.entries(BASE, (1 << 39) + 510 * 4096, 3, 16).unwrap().len(), 2);
    }

    #[test]
    fn a_copy_walks_by_itself_and_puts_back_what_was_lost() {
        const OTHER: u64 = 0x4070_0000;
        let [tables, copy] = [(); 2].map(|()| Box::new(Tables::<8>::new()));
        tables.map(BASE, 0x20_0000, 0x4020_0000, Use::Text).unwrap();
        // A page of the pool itself, which is no table at level 3.
        tables.map(BASE, 0x20_1000, BASE + 4096, Use::Data).unwrap();
        copy.copy(OTHER, &tables, BASE);
        tables.table(0).entry(0x20_0000, 0).set(0);
        assert_eq!(tables.walk(BASE, 0x20_0000), Err(0));
        let kept = [page(0x4020_0000, Use::Text), page(BASE + 4096, Use::Data)];
        assert_eq!([0x20_0000, 0x20_1000].map(|va| copy.walk(OTHER, va)), kept.map(Ok));
        tables.copy(BASE, &copy, OTHER);
        assert_eq!([0x20_0000, 0x20_1000].map(|va| tables.walk(BASE, va)), kept.map(Ok));
        let used = tables.taken.load(Ordering::Relaxed);
        tables.map(BASE, 0x20_2000, 0, Use::Data).unwrap();
        assert_eq!(tables.taken.load(Ordering::Relaxed), used);
    }

    #[test]
    fn a_mapped_page_walks_and_its_neighbors_fault_at_level_3() {
        let tables = Box::new(Tables::<8>::new());
        tables.map(BASE, 0x20_0000, 0x4020_0000, Use::Text).unwrap();
        assert_eq!(tables.walk(BASE, 0x20_0000), Ok(page(0x4020_0000, Use::Text)));
        assert_eq!(tables.walk(BASE, 0x20_1000), Err(3));
        assert_eq!(tables.walk(BASE, 0x40_0000), Err(2));
        assert_eq!(tables.walk(BASE, 0x4020_0000), Err(1));
        assert_eq!(tables.walk(BASE, 0x80_0020_0000), Err(0));
        // The second page of the same table takes no more tables.
        let used = tables.taken.load(Ordering::Relaxed);
        tables.map(BASE, 0x20_1000, 0x4020_1000, Use::Data).unwrap();
        assert_eq!(tables.taken.load(Ordering::Relaxed), used);
    }

    #[test]
    fn a_pool_that_runs_out_says_so() {
        let tables = Box::new(Tables::<4>::new());
        tables.map(BASE, 0, 0, Use::Data).unwrap();
        assert_eq!(tables.map(BASE, 1 << 39, 0, Use::Data), Err(Exhausted));
    }
}
