// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rule 1, a TLB that forgets nothing: what a PE may still hold of descriptors that have been overwritten.
//!
//! Whatever is in memory can be walked at any time, so an entry matters only once its descriptor is another
//! (docs/abstract-machine.md, "State"). An entry of this kind may be there in up to two forms. Its *upper* form is what
//! walks are built on: a cached table descriptor, or a stage 2 translation by IPA. Its *last-level* forms are the entries
//! built on it, one for each address: pages behind the table, or entries that join stages 1 and 2. While the upper form is
//! there, the others can be built again, so that removing them has no effect.

use sequences::tlbi::TlbiOp;

use crate::config::{Regime, Space};
use crate::descriptor::{Inherited, is_global};
use crate::invalidate::{Entry, Op};

/// What an access is, as far as the time matters at which its translation may have been made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// A load or store.
    Data,
    /// An instruction fetch.
    Fetch,
}

/// For which accesses a removal counts already. For the others it counts from the next context synchronization event on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// For loads and stores.
    pub data: bool,
    /// For instruction fetches.
    pub fetch: bool,
}

impl Counts {
    /// For all.
    pub const ALL: Self = Self {
        data: true,
        fetch: true,
    };

    /// Returns whether it counts for a use.
    pub const fn is_for(self, r#use: Use) -> bool {
        match r#use {
            Use::Data => self.data,
            Use::Fetch => self.fetch,
        }
    }
}

/// A TLBI that has reached an entry.
#[derive(Debug, Clone, Copy)]
struct Removal {
    op: Op,
    counts: Counts,
}

/// What a PE may hold of an overwritten descriptor.
#[derive(Debug, Clone)]
pub struct Stale {
    /// Whether it is of stage 2.
    pub stage2: bool,
    /// Whether the descriptor is that of a block or page.
    pub leaf: bool,
    /// The regime.
    pub regime: Regime,
    /// The VMID.
    pub vmid: u16,
    /// The ASID in use when it was cached.
    pub asid: u16,
    /// First address translated: virtual, or intermediate physical for stage 2.
    pub base: u64,
    /// Size of what it translates, as a power of two.
    pub shift: u8,
    /// The level.
    pub level: u8,
    /// The granule, as a power of two.
    pub granule: u8,
    /// The descriptor.
    pub descriptor: u64,
    /// What the tables above it say.
    pub inherited: Inherited,
    /// Where the descriptor was: its physical address.
    pub place: u64,
    /// The tree it belongs to, by number.
    pub root: usize,
    /// Whether it has the XS attribute.
    pub xs: bool,
    /// When the store was made that overwrote the descriptor.
    pub stored: u64,
    /// When it became visible.
    pub over: u64,
    /// The last time at which it can have been cached.
    pub cached: u64,
    /// When the upper form went, and for whom; `None` while it is there.
    upper: Option<(u64, Counts)>,
    removals: Vec<Removal>,
}

/// More TLBIs than this in one entry: it is forgotten, as a TLB may at any time.
const MOST_REMOVALS: usize = 64;

impl Stale {
    /// Starts with everything there; without the upper form if nothing is ever cached that way.
    pub fn with_upper(mut self, upper: bool) -> Self {
        self.upper = (!upper).then_some((0, Counts::ALL));
        self
    }

    /// Returns an entry in which everything is there.
    #[expect(clippy::too_many_arguments, reason = "a constructor")]
    pub const fn new(
        stage2: bool,
        leaf: bool,
        space: &Space,
        (base, shift, level, granule): (u64, u8, u8, u8),
        descriptor: u64,
        inherited: Inherited,
        (place, root): (u64, usize),
        xs: bool,
        (stored, over, cached): (u64, u64, u64),
    ) -> Self {
        Self {
            stage2,
            leaf,
            regime: space.regime,
            vmid: space.vmid,
            asid: space.asid,
            base,
            shift,
            level,
            granule,
            descriptor,
            inherited,
            place,
            root,
            xs,
            stored,
            over,
            cached,
            upper: None,
            removals: Vec::new(),
        }
    }

    /// Returns whether it translates an address in a space.
    #[inline]
    pub fn translates(&self, address: u64, space: &Space) -> bool {
        address >> self.shift == self.base >> self.shift
            && self.vmid == space.vmid
            && (self.stage2 || self.asid == space.asid || self.leaf && is_global(self.descriptor))
    }

    /// Returns whether it is an older copy of the same entry.
    pub fn is_replaced_by(&self, other: &Self) -> bool {
        (self.place, self.descriptor, self.base, self.vmid, self.asid)
            == (other.place, other.descriptor, other.base, other.vmid, other.asid)
    }

    /// Returns whether the upper form is there for a use: walks may go on from it.
    pub fn has_upper(&self, r#use: Use) -> bool {
        self.upper.is_none_or(|(_, counts)| !counts.is_for(r#use))
    }

    /// Returns whether the upper form has never been removed, not even for later.
    pub const fn has_whole_upper(&self) -> bool {
        self.upper.is_none()
    }

    fn entry(&self) -> Entry {
        let global = self.leaf && is_global(self.descriptor);
        Entry {
            regime: self.regime,
            vmid: self.vmid,
            asid: (!global).then_some(self.asid),
            base: self.base,
            shift: self.shift,
            level: self.level,
            granule: self.granule,
            xs: self.xs,
        }
    }

    /// Returns whether a last-level form is there for a use: for a leaf of stage 1 itself, otherwise the one that is
    /// built on this entry and described by the argument.
    pub fn has_last_level(&self, built: Option<&Entry>, r#use: Use) -> bool {
        !self.removals.iter().any(|removal| {
            removal.counts.is_for(r#use) && built.is_none_or(|entry| removal.op.covers_last_level(entry))
        })
    }

    /// Has a TLBI reach it that was issued at one time and acted at another.
    ///
    /// What was cached after the TLBI was issued may have been cached after it acted. A TLBI for last-level forms has an
    /// effect only if the upper form had gone before, or goes with it.
    pub fn invalidate(&mut self, op: &Op, issued: u64, acted: u64, counts: Counts) -> bool {
        if self.cached > issued || op.regime() != self.regime {
            return false;
        }
        let entry = self.entry();
        if !self.stage2 && self.leaf {
            if op.covers_last_level(&entry) {
                self.push(op, counts);
                return true;
            }
            return false;
        }
        let upper_goes = if self.stage2 {
            op.covers_stage2(&entry, self.leaf)
        } else {
            op.covers_table(&entry)
        };
        let gone_before = self.upper.is_some_and(|(when, _)| when <= issued);
        if upper_goes && self.upper.is_none() {
            self.upper = Some((acted, counts));
        }
        // A table's own operation removes the entry behind it as well; that of an IPA leaves the joined ones.
        if gone_before || upper_goes && (!self.stage2 || op.covers_all_addresses()) {
            self.push(op, counts);
            return true;
        }
        upper_goes
    }

    fn push(&mut self, op: &Op, counts: Counts) {
        self.removals.push(Removal { op: *op, counts });
    }

    /// Context synchronization: what was removed is so for all uses.
    pub fn synchronize(&mut self) {
        if let Some((_, counts)) = &mut self.upper {
            *counts = Counts::ALL;
        }
        for removal in &mut self.removals {
            removal.counts = Counts::ALL;
        }
    }

    /// Returns whether nothing is left of it.
    pub fn is_gone(&self) -> bool {
        let removed = |removal: &Removal| {
            removal.counts == Counts::ALL && (!self.stage2 && self.leaf || removal.op.covers_all_addresses())
        };
        let last_levels = self.removals.iter().any(removed) || self.removals.len() > MOST_REMOVALS;
        let upper = !self.stage2 && self.leaf || self.upper.is_some_and(|(_, counts)| counts == Counts::ALL);
        last_levels && upper
    }

    /// Returns a TLBI that has removed some of it, but not for this use before context is synchronized.
    pub fn removed_for_others(&self, r#use: Use) -> Option<TlbiOp> {
        let mut waiting = self.removals.iter().filter(|removal| !removal.counts.is_for(r#use));
        waiting.next().map(|removal| removal.op.operation)
    }

    /// Returns whether a TLBI names some of it.
    pub fn is_named_by(&self, op: &Op) -> bool {
        let entry = self.entry();
        op.regime() == self.regime
            && (op.covers_last_level(&entry) || op.covers_table(&entry) || op.covers_stage2(&entry, self.leaf))
    }
}
