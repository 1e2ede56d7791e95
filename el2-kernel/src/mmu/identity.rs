// SPDX-License-Identifier: MIT OR Apache-2.0
//! Removal of the 1:1 map: find the top-level entry exclusive to it, and zero it.

use crate::mmu::identity_slot::IdentitySlot;
use crate::mmu::kernel_tables::{TABLES, tables_base};
use crate::mmu::tables::Entry;

/// The top-level entry exclusive to the 1:1 map.
#[derive(Debug, Clone, Copy)]
pub struct Identity {
    /// A 1:1 address: the load address of the kernel.
    pub address: u64,
    /// Level of the entry.
    pub level: usize,
    /// The entry.
    pub entry: &'static Entry,
    /// The descriptor that was in it.
    pub descriptor: u64,
}

/// Finds the entry as Xen's `remove_identity_mapping` does: at level 0, else 1, else 2. `None`: there is no 1:1 map.
pub fn find(load: u64, slot: IdentitySlot) -> Option<Identity> {
    let IdentitySlot::Exclusive(level) = slot else {
        return None;
    };
    // The map exists, so walking to its entry takes no table.
    let entry = TABLES.entry(tables_base(load), load, level).ok()?;
    Some(Identity {
        address: load,
        level,
        entry,
        descriptor: entry.get(),
    })
}

impl Identity {
    /// Zeroes the entry. The flush that makes it count is up to the caller.
    pub fn remove(&self) {
        self.entry.set(0);
    }
}
