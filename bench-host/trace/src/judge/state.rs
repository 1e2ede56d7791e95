// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the judge of traces keeps.

use std::collections::{HashMap, VecDeque};

use sequences::Instruction;
use sequences::judge::{Question, Regime, Stage};

use super::obligation::{Book, Obligation};
use super::operand::Named;
use crate::finding::{Count, Report};
use crate::registers::{Register, Slot};
use crate::rules::{Dsb, Rules};
use crate::shadow::{Memory, Shadow};

/// Instructions of a PE that are remembered for stories.
pub(super) const REMEMBERED: usize = 64;
/// Entries made valid by one PE that are remembered until it synchronizes.
pub(super) const FRESH: usize = 1 << 14;

/// What an instruction was, for stories and sequences.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Done {
    Dsb(Dsb),
    Isb,
    Tlbi(Named),
    Return,
    Exception,
    Write(Register),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Past {
    pub(super) time: u64,
    /// The time of the last one, where a TLBI stands for several of its operation: a loop over pages.
    pub(super) until: u64,
    pub(super) pc: u64,
    pub(super) what: Done,
}

impl Past {
    pub(super) fn is_at(&self, time: u64) -> bool {
        (self.time..=self.until).contains(&time)
    }
}

/// An entry that a PE made valid.
#[derive(Debug, Clone)]
pub(super) struct Fresh {
    pub(super) first: u64,
    pub(super) bytes: u64,
    pub(super) time: u64,
    pub(super) pc: u64,
    pub(super) address: u64,
    pub(super) regime: Regime,
    /// User memory of EL1&0: an early use faults and is tried again.
    pub(super) tolerated: bool,
}

#[derive(Debug, Default)]
pub(super) struct PeState {
    pub(super) past: VecDeque<Past>,
    /// When it last executed a DSB that orders stores.
    pub(super) ordered: u64,
    /// Obligations with a TLBI of this PE that no DSB completed yet: the descriptor, and when the obligation began.
    pub(super) started: Vec<(u64, u64)>,
    /// Obligations of this PE that a TLBI of its own was aimed at, and missed.
    pub(super) missed: Vec<(u64, u64)>,
    pub(super) fresh: Vec<Fresh>,
    /// When all entries of EL1&0, EL2 and stage 2 were last invalidated on this PE.
    pub(super) flushed: [u64; 3],
    /// Sequences that wait for their tail.
    pub(super) ended: Vec<Ended>,
}

/// The shadow's memory: what the log holds, until it is known what of it is needed.
#[derive(Debug, Default)]
pub(super) struct Staged {
    tables: HashMap<u64, Vec<u64>>,
    /// Descriptors of all of them together.
    pub(super) held: usize,
}

impl Staged {
    /// Adds a table.
    pub(super) fn add(&mut self, address: u64, entries: Vec<u64>) {
        self.held += entries.len();
        self.tables.insert(address, entries);
    }

    /// Forgets them all.
    pub(super) fn clear(&mut self) {
        self.tables.clear();
        self.held = 0;
    }
}

impl Memory for Staged {
    fn read(&mut self, address: u64, entries: &mut [u64]) -> bool {
        match self.tables.remove(&address) {
            Some(held) if held.len() == entries.len() => {
                self.held -= held.len();
                entries.copy_from_slice(&held);
                true
            }
            _ => false,
        }
    }

    fn watch(&mut self, _: u64, _: u64) {}

    fn unwatch(&mut self, _: u64, _: u64, _: bool) {}
}

/// What is told beyond what is beyond doubt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Frames that are used anew before the flush of any old writable mapping, which lazy schemes do by design.
    pub frames: bool,
}

/// A frame that became a table while its old mapping could still be written through.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reuse {
    /// The descriptor of the old mapping, and when it was changed.
    pub(super) descriptor: u64,
    pub(super) began: u64,
    pub(super) table: u64,
    pub(super) pe: u32,
    pub(super) pc: u64,
}

/// Judges events one after the other.
#[derive(Debug)]
pub struct Judge {
    pub(super) shadow: Shadow,
    pub(super) staged: Staged,
    pub(super) rules: Rules,
    pub(super) pes: Vec<PeState>,
    pub(super) book: Book,
    /// When the entry at an address was made valid.
    pub(super) valid: HashMap<u64, u64>,
    /// When a table was last read: what it held was made while no walk could reach it.
    pub(super) read: HashMap<u64, u64>,
    /// PEs there can be.
    pub(super) machine: u32,
    /// When a root was last loaded on a PE, with which ASID.
    pub(super) held: Vec<HashMap<(u32, u16), u64>>,
    /// Tables that the log has just told of, and that were none before.
    pub(super) becoming: Vec<u64>,
    /// Frames that became tables while EL0 or a guest could still write them: wrong once either runs.
    pub(super) reused: Vec<Reuse>,
    pub(super) options: Options,
    pub(super) report: Report,
    pub(super) time: u64,
}

/// A sequence that was executed, up to the completion: what follows at once belongs to it.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) context: (Question, String),
    pub(super) instructions: Vec<Instruction>,
    pub(super) entries: u64,
}

impl Default for Judge {
    fn default() -> Self {
        Self::new(Options::default())
    }
}

/// Returns whose translations a place holds the tables of.
pub(super) fn regime_of(slot: Slot, host: bool) -> (Regime, Stage) {
    match slot {
        Slot::El1Lower | Slot::El1Upper => (Regime::El10, Stage::One),
        Slot::Stage2 => (Regime::El10, Stage::Two),
        _ if host => (Regime::El20, Stage::One),
        _ => (Regime::El2, Stage::One),
    }
}

impl Judge {
    /// Begins.
    pub fn new(options: Options) -> Self {
        Self {
            shadow: Shadow::new(0),
            staged: Staged::default(),
            rules: Rules::new(),
            pes: Vec::new(),
            book: Book::default(),
            valid: HashMap::new(),
            read: HashMap::new(),
            machine: 1,
            held: Vec::new(),
            becoming: Vec::new(),
            reused: Vec::new(),
            options,
            report: Report::default(),
            time: 0,
        }
    }

    pub(super) fn count(&mut self, what: Count, by: u64) {
        if by > 0 {
            *self.report.counts.entry(what).or_default() += by;
        }
    }

    pub(super) fn pe(&mut self, pe: u32) -> &mut PeState {
        let pe = pe as usize;
        if self.pes.len() <= pe {
            self.pes.resize_with(pe + 1, PeState::default);
            self.report.pes = self.pes.len() as u32;
        }
        &mut self.pes[pe]
    }

    pub(super) fn remember(&mut self, pe: u32, pc: u64, what: Done) {
        let time = self.time;
        let past = &mut self.pe(pe).past;
        if let (Done::Tlbi(now), Some(last)) = (what, past.back_mut())
            && let Done::Tlbi(before) = last.what
            && before.op == now.op
            && last.pc == pc
        {
            *last = Past {
                until: time,
                what,
                ..*last
            };
            return;
        }
        if past.len() >= REMEMBERED {
            past.pop_front();
        }
        past.push_back(Past {
            time,
            until: time,
            pc,
            what,
        });
    }

    pub(super) fn close(&mut self, address: u64) -> Option<Obligation> {
        self.book.close(address)
    }
}
