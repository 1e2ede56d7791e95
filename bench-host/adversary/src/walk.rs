// SPDX-License-Identifier: MIT OR Apache-2.0
//! Table walks through what is visible in memory.

use crate::core::Core;
use crate::descriptor::{Inherited, Kind, kind, level_shift, output};
use crate::invalidate::ADDRESS_BITS;
use crate::ram::{PAGE, Ram};

/// Most levels of a walk.
const LEVELS: usize = 4;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// Translation fault.
    Translation,
    /// Access flag fault.
    AccessFlag,
    /// Permission fault.
    Permission,
    /// Address size fault.
    AddressSize,
    /// Synchronous external abort: nothing is there.
    External,
    /// TLB conflict abort.
    Conflict,
    /// Alignment fault.
    Alignment,
    /// An exclusive or atomic access to memory that does not have them.
    Unsupported,
}

/// Why an access failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The kind.
    pub kind: FaultKind,
    /// The level of the walk.
    pub level: u8,
    /// Stage 2 failed, for this intermediate physical address.
    pub stage2: Option<u64>,
    /// It failed for a walk of stage 1.
    pub walk: bool,
}

impl Fault {
    /// Returns a fault of stage 1.
    pub const fn new(kind: FaultKind, level: u8) -> Self {
        Self {
            kind,
            level,
            stage2: None,
            walk: false,
        }
    }
}

/// The descriptor of a block or page, at the end of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    /// The descriptor.
    pub descriptor: u64,
    /// Its level.
    pub level: u8,
    /// The granule.
    pub granule: u8,
    /// Where the address leads.
    pub output: u64,
    /// What the tables above say.
    pub inherited: Inherited,
    /// Where the descriptor is, if it is still in memory: page and slot.
    pub place: Option<(usize, usize)>,
}

/// A walk.
#[derive(Debug, Clone, Copy)]
pub struct Walk {
    /// What it ended in.
    pub result: Result<Leaf, Fault>,
    /// The slots it read: page and slot.
    steps: [(usize, usize); LEVELS],
    count: usize,
    /// The level of the first.
    pub first_level: u8,
    /// When the youngest descriptor it read became visible.
    pub since: u64,
}

impl Walk {
    /// Returns a walk that read nothing.
    pub const fn empty(result: Result<Leaf, Fault>) -> Self {
        Self {
            result,
            steps: [(0, 0); LEVELS],
            count: 0,
            first_level: 0,
            since: 0,
        }
    }

    /// Returns the slots it read.
    pub fn steps(&self) -> &[(usize, usize)] {
        &self.steps[..self.count]
    }

    const fn end(mut self, result: Result<Leaf, Fault>) -> Self {
        self.result = result;
        self
    }
}

/// Where a walk begins: a register, or a cached table descriptor.
#[derive(Debug, Clone, Copy)]
pub struct From {
    /// The address of the table.
    pub table: u64,
    /// Its level.
    pub level: u8,
    /// What tables above say.
    pub inherited: Inherited,
}

/// A stage 2 translation that a walk of stage 1 is to use for its tables instead of what is in memory.
#[derive(Debug, Clone, Copy)]
pub struct Instead {
    /// First intermediate physical address.
    pub base: u64,
    /// Size, as a power of two.
    pub shift: u8,
    /// Where that leads.
    pub output: u64,
}

impl Core {
    /// Walks a tree for an address.
    pub fn walk(
        &mut self,
        pe: usize,
        number: usize,
        from: Option<From>,
        address: u64,
        instead: Option<Instead>,
    ) -> Walk {
        let root = self.roots[number];
        let translation = |level| Fault {
            stage2: root.stage2.then_some(address),
            ..Fault::new(FaultKind::Translation, level)
        };
        let fault = |kind, level| Fault {
            kind,
            ..translation(level)
        };
        let mut walk = Walk::empty(Err(translation(0)));
        let From {
            mut table,
            mut level,
            mut inherited,
        } = from.unwrap_or(From {
            table: root.table,
            level: root.start,
            inherited: Inherited::default(),
        });
        walk.first_level = level;
        let fits = if root.upper {
            address >> root.bits == u64::MAX >> root.bits
        } else {
            address >> root.bits == 0
        };
        if !fits {
            return walk;
        }
        let mut entry_bits = if level == root.start {
            root.bits - level_shift(root.granule, level)
        } else {
            root.granule - 3
        };
        loop {
            let shift = level_shift(root.granule, level);
            let index = address >> shift & ((1 << entry_bits) - 1);
            let place = table + 8 * index;
            let physical = match root.under {
                None => place,
                Some(second) => {
                    let other = instead.filter(|other| place >> other.shift == other.base >> other.shift);
                    match other {
                        Some(other) => other.output | place & ((1 << other.shift) - 1),
                        None => match self.walk(pe, second, None, place, None).result {
                            Ok(leaf) => leaf.output,
                            Err(fault) => return walk.end(Err(Fault { walk: true, ..fault })),
                        },
                    }
                }
            };
            if !Ram::has(physical) {
                return walk.end(Err(fault(FaultKind::External, level)));
            }
            let Some(page) = self.table_at(physical, Some(pe)) else {
                return walk.end(Err(fault(FaultKind::External, level)));
            };
            let slot = (physical % PAGE / 8) as usize;
            if !self.kind && instead.is_none() {
                let base = ((address & ADDRESS_BITS) >> shift).wrapping_sub(slot as u64) << shift & ADDRESS_BITS;
                if !self.is_mounted(page, number, level, base) {
                    let parent = walk.steps().last().copied();
                    let base = (address & ADDRESS_BITS) >> (shift + entry_bits) << (shift + entry_bits);
                    self.mount(number, table, level, base, 1 << entry_bits, inherited, parent);
                }
            }
            walk.steps[walk.count] = (page, slot);
            walk.count += 1;
            let page = &self.tables[page];
            walk.since = walk.since.max(page.since[slot]);
            let descriptor = page.visible[slot];
            match kind(descriptor, level, root.granule) {
                Kind::Invalid => return walk.end(Err(translation(level))),
                Kind::Table(next) => {
                    inherited = inherited.and(descriptor);
                    table = next;
                    level += 1;
                    entry_bits = root.granule - 3;
                }
                Kind::Leaf => {
                    let leaf = Leaf {
                        descriptor,
                        level,
                        granule: root.granule,
                        output: output(descriptor, level, root.granule, address),
                        inherited,
                        place: walk.steps().last().copied(),
                    };
                    return walk.end(Ok(leaf));
                }
            }
        }
    }

    /// Translates the address of a table by what stage 2 says now.
    pub fn quiet_stage2(&mut self, second: usize, address: u64) -> Option<u64> {
        self.walk(0, second, None, address, None)
            .result
            .ok()
            .map(|leaf| leaf.output)
    }
}
