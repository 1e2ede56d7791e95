// SPDX-License-Identifier: MIT OR Apache-2.0
//! What happened, told so that a person can follow it: PE, instruction, event.

use std::collections::VecDeque;
use std::fmt;

use sequences::tlbi::TlbiOp;

/// Something that happened in the memory system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A descriptor was stored.
    Store {
        /// Its physical address.
        place: u64,
        /// The descriptor.
        value: u64,
    },
    /// A TLBI was issued.
    Issue {
        /// The operation.
        op: TlbiOp,
        /// Its register.
        operand: u64,
    },
    /// A DSB was executed.
    Barrier {
        /// Stores that it made visible to walkers.
        stores: usize,
        /// TLBIs that it waited for.
        invalidations: usize,
        /// Whether it waited for this PE only.
        own: bool,
    },
    /// A context synchronization event.
    Synchronize,
    /// A translation was used that is not the one in memory.
    Use {
        /// The address.
        address: u64,
        /// Which.
        which: Which,
        /// Where it led, or that it faulted.
        output: Option<u64>,
        /// Why it was still there.
        why: Option<Why>,
    },
}

/// Why an entry of an overwritten descriptor is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// No TLBI names it.
    NotNamed,
    /// A TLBI names it that no DSB has completed for this PE.
    NotComplete(TlbiOp),
    /// It joins both stages, and no TLBI of stage 1 came after the one of stage 2 was complete.
    Joined,
    /// The TLBI is complete, but context has not been synchronized since.
    NotSynchronized(TlbiOp),
    /// It was walked again after the TLBI was issued: the store was not complete before.
    WalkedAgain(TlbiOp),
}

/// Why a translation is none that memory, as a walker sees it, holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// It is that one.
    Current,
    /// A TLB entry of a descriptor that has been overwritten.
    Held {
        /// Where the descriptor was.
        place: u64,
        /// The descriptor.
        descriptor: u64,
        /// Its level.
        level: u8,
        /// Whether it is of stage 2.
        stage2: bool,
    },
    /// A walk made before the descriptor was stored.
    Early {
        /// Where the descriptor is.
        place: u64,
    },
    /// A store that became visible at this moment, before its barrier.
    Arrived {
        /// Where the descriptor is.
        place: u64,
    },
    /// A TLB entry of other tables, that a register pointed to before.
    OtherTables,
    /// Two entries for one address.
    Conflict,
}

/// An event, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The PE.
    pub pe: usize,
    /// The address of its instruction.
    pub pc: u64,
    /// The instruction word; 0 if it was not known yet.
    pub word: u32,
    /// What happened.
    pub event: Event,
}

/// The last events of a run.
#[derive(Debug, Clone, Default)]
pub struct Story {
    entries: VecDeque<Entry>,
}

/// Events kept.
const MOST: usize = 400;

impl Story {
    /// Adds an event.
    pub fn add(&mut self, pe: usize, (pc, word): (u64, u32), event: Event) {
        // Synchronization alone is no news.
        let repeated = |last: &Entry| last.event == Event::Synchronize && last.pe == pe;
        if event == Event::Synchronize && self.entries.back().is_none_or(repeated) {
            return;
        }
        if self.entries.len() == MOST {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { pe, pc, word, event });
    }

    /// Returns the events, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter()
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PE {} {:#x}", self.pe, self.pc)?;
        match (sequences::decode(self.word), self.word) {
            (_, 0) => {}
            (Some(instruction), _) => write!(f, " `{instruction}`")?,
            (None, word) => write!(f, " {word:08x}")?,
        }
        write!(f, ": {}", self.event)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store { place, value } => {
                write!(
                    f,
                    "stores {value:#x} to the descriptor at {place:#x}; no barrier completes it yet"
                )
            }
            Self::Issue { op, operand } if op.takes_operand() => {
                write!(f, "the invalidation is issued, with {operand:#x}")
            }
            Self::Issue { .. } => f.write_str("the invalidation is issued"),
            Self::Barrier {
                stores,
                invalidations,
                own,
            } => {
                match stores {
                    0 => {}
                    1 => f.write_str("a descriptor store becomes visible to walkers")?,
                    _ => write!(f, "{stores} descriptor stores become visible to walkers")?,
                }
                f.write_str(match (*stores, *invalidations) {
                    (0, 0) => "nothing waits for it",
                    (0, _) | (_, 0) => "",
                    _ => "; ",
                })?;
                match invalidations {
                    0 => return Ok(()),
                    1 => f.write_str("an invalidation is complete")?,
                    _ => write!(f, "{invalidations} invalidations are complete")?,
                }
                f.write_str(if *own { " for this PE" } else { "" })
            }
            Self::Synchronize => f.write_str("context synchronization: earlier walks are discarded"),
            Self::Use {
                address,
                which,
                output,
                why,
            } => {
                write!(f, "uses {which} for {address:#x}")?;
                match output {
                    Some(output) => write!(f, ", which leads to {output:#x}")?,
                    None if matches!(which, Which::Arrived { .. }) => {}
                    None => f.write_str(", which faults")?,
                }
                why.map_or(Ok(()), |why| write!(f, ": {why}"))
            }
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Joined => f.write_str(
                "it joins both stages, and no invalidation of stage 1 was issued after that of stage 2 was complete",
            ),
            Self::NotNamed => f.write_str("no invalidation that has reached this PE names it"),
            Self::NotComplete(op) => write!(f, "no DSB has completed `tlbi {op}` for this PE"),
            Self::NotSynchronized(op) => {
                write!(
                    f,
                    "translated before `tlbi {op}` was complete; context is not synchronized since"
                )
            }
            Self::WalkedAgain(op) => {
                write!(
                    f,
                    "walked again after `tlbi {op}`, while the store was not visible to walkers"
                )
            }
        }
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Current => f.write_str("what is visible in memory"),
            Self::Held {
                place,
                descriptor,
                level,
                stage2,
            } => {
                let stage = if *stage2 { "stage 2" } else { "stage 1" };
                write!(
                    f,
                    "a TLB entry of {stage}, level {level}: the overwritten descriptor {descriptor:#x} from {place:#x}"
                )
            }
            Self::Early { place } => write!(f, "a walk made before the descriptor at {place:#x} was visible"),
            Self::Arrived { place } => {
                write!(
                    f,
                    "the descriptor at {place:#x}, which becomes visible before any barrier demands it,"
                )
            }
            Self::OtherTables => f.write_str("a TLB entry from the tables that were in use before"),
            Self::Conflict => f.write_str("two TLB entries, which conflict,"),
        }
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries().try_for_each(|entry| writeln!(f, "{entry}"))
    }
}
