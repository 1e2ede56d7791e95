// SPDX-License-Identifier: MIT OR Apache-2.0
//! The use of a translation: everything an access may see by the rules, and the choice of one.
//!
//! What an access may see: the descriptors that are visible in memory; those that a barrier has not completed yet, which
//! may arrive at any time; overwritten ones that a TLB holds (rule 1), until the TLBI that removes them is complete and
//! context is synchronized (rule 2); what an early walk has read (rule 3); tables that a register pointed to before
//! (rule 4); and where two entries of different sizes are there for one address, a TLB conflict abort (rule 5).
//!
//! Everything that stage 1 may give (`stage1`) is joined with everything that stage 2 may (`join`), as far as access flag and
//! permissions let it (`permissions`); what differs is put in order, the worst last (`order`).

mod join;
mod order;
mod permissions;
mod stage1;

use crate::choice::Point;
use crate::config::{Config, Regime, Space};
use crate::core::Core;
use crate::descriptor::{Access, Inherited, MemoryType, is_global, level_shift};
use crate::invalidate::{ADDRESS_BITS, Entry};
use crate::stale::{Stale, Use};
use crate::story::{Event, Which};
use crate::walk::{Fault, FaultKind, Leaf};

/// A translation that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapped {
    /// The physical address.
    pub physical: u64,
    /// The memory type.
    pub memory: MemoryType,
    /// Whether there was nothing to choose from.
    pub single: bool,
}

/// Both stages of a translation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Joined {
    physical: u64,
    memory: MemoryType,
    /// Descriptors for hardware to mark, of stage 1 and stage 2: where they are, and what they become.
    marks: [Option<(usize, usize, u64)>; 2],
}

/// Something an access may see.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    outcome: Result<Joined, Fault>,
    which: Which,
    /// What becomes worse, the larger it is.
    age: u64,
    /// Level and Contiguous bit of the last descriptor of stage 1.
    size: Option<(u8, u64)>,
}

/// What stage 1 may give.
#[derive(Debug, Clone, Copy)]
struct Stage1 {
    result: Result<Leaf, Fault>,
    /// When the youngest descriptor it was made of became visible.
    since: u64,
    which: Which,
    age: u64,
}

/// Who accesses what, and how.
#[derive(Debug, Clone, Copy)]
struct Request {
    pe: usize,
    address: u64,
    access: Access,
    el0: bool,
    r#use: Use,
    config: Config,
    space: Space,
}

impl Core {
    /// Translates an address for an access.
    pub fn translate(&mut self, pe: usize, address: u64, access: Access, unprivileged: bool) -> Result<Mapped, Fault> {
        let config = self.configs[usize::from(self.pes[pe].config)];
        let upper = address >> 55 & 1 != 0;
        let address = match (config.tbi[usize::from(upper)], upper) {
            (false, _) => address,
            (true, false) => address & ((1 << 56) - 1),
            (true, true) => address | 0xff << 56,
        };
        if !config.stage1 && !config.stage2 {
            if address >> 48 != 0 {
                return Err(Fault::new(FaultKind::AddressSize, 0));
            }
            let memory = if config.default_cacheable || access == Access::Fetch {
                MemoryType::NORMAL
            } else {
                MemoryType::DEVICE
            };
            return Ok(Mapped {
                physical: address,
                memory,
                single: true,
            });
        }
        let request = Request {
            pe,
            address,
            access,
            el0: config.el0 || unprivileged && config.regime != Regime::El2,
            r#use: if access == Access::Fetch { Use::Fetch } else { Use::Data },
            config,
            space: self.spaces[config.space],
        };
        if self.has_no_choice(&request) {
            let joined = self.only(&request)?;
            let marked = joined.marks != [None; 2];
            for (table, slot, descriptor) in joined.marks.into_iter().flatten() {
                self.mark(table, slot, descriptor);
            }
            return Ok(Mapped {
                physical: joined.physical,
                memory: joined.memory,
                single: !marked,
            });
        }
        loop {
            let mut arrivals = Vec::new();
            let candidates = self.candidates(&request, &mut arrivals);
            let options = arrivals.len() + candidates.len();
            let single = options == 1;
            let chosen = if single {
                0
            } else {
                let point = Point {
                    options,
                    current: arrivals.len() + candidates.iter().position(|c| c.which == Which::Current).unwrap_or(0),
                };
                self.choice.choose(point)
            };
            if let Some(&(owner, table, slot)) = arrivals.get(chosen) {
                // Rule 3: what is stored may become visible at any time.
                let place = self.tables[table].address + 8 * slot as u64;
                self.arrive(owner, table, slot);
                self.tell(pe, || Event::Use {
                    address,
                    which: Which::Arrived { place },
                    output: None,
                    why: None,
                });
                continue;
            }
            let candidate = candidates[chosen - arrivals.len()];
            if candidate.which != Which::Current {
                let output = candidate.outcome.ok().map(|joined| joined.physical);
                let why = match candidate.which {
                    Which::Held { place, descriptor, .. } if self.story.is_some() => {
                        Some(self.why(pe, place, descriptor, request.r#use))
                    }
                    _ => None,
                };
                self.tell(pe, || Event::Use {
                    address,
                    which: candidate.which,
                    output,
                    why,
                });
            }
            let joined = candidate.outcome?;
            let marked = joined.marks != [None; 2];
            for (table, slot, descriptor) in joined.marks.into_iter().flatten() {
                self.mark(table, slot, descriptor);
            }
            return Ok(Mapped {
                physical: joined.physical,
                memory: joined.memory,
                single: single && !marked,
            });
        }
    }

    /// Returns whether an access can see nothing but what is visible in memory. Saves the trouble of looking.
    fn has_no_choice(&self, request: &Request) -> bool {
        let state = &self.pes[request.pe];
        let (space, masked) = (&request.space, request.address & ADDRESS_BITS);
        let may_see = |stale: &Stale| stale.stage2 || stale.translates(masked, space);
        state.early.is_empty()
            && self.pes.iter().all(|pe| pe.pending.is_empty())
            && !state.stale[request.config.regime as usize].iter().any(may_see)
            && !self.has_other_tables(request)
    }

    /// Returns whether entries of other tables than those in use may be there under the same tags.
    fn has_other_tables(&self, request: &Request) -> bool {
        let (state, space) = (&self.pes[request.pe], &request.space);
        let may_hold = |(other, &used): (&Space, &u64)| {
            used > state.log_floor
                && other.regime == space.regime
                && other.vmid == space.vmid
                && other.roots[..2] != space.roots[..2]
                && other.roots[..2] != [None; 2]
        };
        !self.kind && !request.config.stage2 && self.spaces.iter().zip(&state.used).any(may_hold)
    }

    /// Translates by what is visible in memory.
    fn only(&mut self, request: &Request) -> Result<Joined, Fault> {
        let &Request {
            pe,
            address,
            config,
            space,
            ..
        } = request;
        let again = Err(Fault::new(FaultKind::Translation, 0));
        let leaf = if config.stage1 {
            let upper = address >> 55 & 1 != 0 && config.regime != Regime::El2;
            let Some(root) = space.roots[usize::from(upper)] else {
                return again;
            };
            let walk = self.walk(pe, root, None, address, None);
            if self.kind && walk.result.is_ok() {
                self.walked(pe, walk.steps(), root, walk.first_level, address);
            }
            walk.result?
        } else {
            flat(address)
        };
        let first = self.check_stage1(request, &leaf, true).unwrap_or(again)?;
        let Some(second) = space.roots[2].filter(|_| config.stage2) else {
            return Ok(first);
        };
        let ipa = first.physical;
        let walk = self.walk(pe, second, None, ipa, None);
        if self.kind && walk.result.is_ok() {
            self.walked(pe, walk.steps(), second, walk.first_level, ipa);
        }
        let leaf = walk.result?;
        match self.check_stage2(request, &leaf, ipa, true) {
            Some(Ok((physical, memory, mark))) => Ok(Joined {
                physical,
                memory: first.memory.with(memory),
                marks: [first.marks[0], mark],
            }),
            Some(Err(fault)) => Err(fault),
            None => again,
        }
    }

    /// Hardware updates the access flag or dirty state of a descriptor.
    fn mark(&mut self, table: usize, slot: usize, descriptor: u64) {
        let waits = (self.pes.iter()).any(|pe| pe.pending.iter().any(|p| (p.table, p.slot) == (table, slot)));
        if !waits && let Some(frame) = self.ram.frame(self.tables[table].address) {
            self.ram.write64(frame, slot, descriptor);
        }
        self.change(table, slot, descriptor, true);
    }
}

/// Returns the stage 1 that is not there: the address is an intermediate physical one already.
const fn flat(address: u64) -> Leaf {
    Leaf {
        descriptor: 0,
        level: 0,
        granule: 12,
        output: address,
        inherited: Inherited::EMPTY,
        place: None,
    }
}

fn held(stale: &Stale) -> Which {
    Which::Held {
        place: stale.place,
        descriptor: stale.descriptor,
        level: stale.level,
        stage2: stale.stage2,
    }
}

/// Returns the TLB entry of a leaf.
fn leaf_entry(space: &Space, leaf: &Leaf, address: u64, xs: bool) -> Entry {
    let shift = level_shift(leaf.granule, leaf.level);
    Entry {
        regime: space.regime,
        vmid: space.vmid,
        asid: (!is_global(leaf.descriptor)).then_some(space.asid),
        base: address >> shift << shift,
        shift,
        level: leaf.level,
        granule: leaf.granule,
        xs,
    }
}
