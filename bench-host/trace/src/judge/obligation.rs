// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is owed to old translations, and the book of it.

use std::collections::HashMap;

use sequences::judge::{After, Change, Level, Observers, Question, Reason, Regime, Stage, coverage as of_judge};
use sequences::{ExceptionLevel, Scope, Target, Tlbi};

use super::operand::{ADDRESS, Named};
use crate::format::{EL0, Format};

/// How far the invalidation on one PE is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing was done.
    Owed,
    /// A TLBI that names it was executed.
    Started { by: u32, scope: Scope, nxs: bool },
    /// A DSB completed that.
    Done,
}

/// A PE that may hold the translation, under an ASID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) pe: u32,
    pub(super) asid: u16,
    /// Of stage 2, entries that combine both stages, and those of stage 2 alone; of stage 1, the first only.
    pub(super) parts: [State; 2],
}

impl Holder {
    pub(super) fn new(pe: u32, asid: u16, two_parts: bool) -> Self {
        let second = if two_parts { State::Owed } else { State::Done };
        Self {
            pe,
            asid,
            parts: [State::Owed, second],
        }
    }
}

/// A TLBI, and where it stood.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Aim {
    pub(super) pe: u32,
    pub(super) pc: u64,
    pub(super) time: u64,
    pub(super) el: u8,
    pub(super) named: Named,
    /// What its register held.
    pub(super) operand: u64,
    /// `HCR_EL2.{E2H,TGE}` is {1,1}, at EL2.
    pub(super) host: bool,
    /// The VMID in force.
    pub(super) vmid: u16,
    /// There is a VMID to be compared.
    pub(super) has_stage_2: bool,
}

/// A changed descriptor whose old translation may be in TLBs.
#[derive(Debug, Clone)]
pub(super) struct Obligation {
    pub(super) address: u64,
    pub(super) old: u64,
    pub(super) change: Change,
    pub(super) pe: u32,
    pub(super) pc: u64,
    pub(super) time: u64,
    pub(super) regime: Regime,
    pub(super) stage: Stage,
    pub(super) level: i8,
    pub(super) table: bool,
    pub(super) format: Format,
    pub(super) output: u64,
    pub(super) first: u64,
    pub(super) bytes: u64,
    pub(super) root: usize,
    pub(super) vmid: u16,
    pub(super) global: bool,
    pub(super) holders: Vec<Holder>,
    /// The valid descriptors of a table that hangs nowhere any more, with their numbers.
    pub(super) content: Vec<(u32, u64)>,
    /// TLBIs that named it: who, and when.
    pub(super) hits: Vec<(u32, u64)>,
    /// TLBIs of the PE that changed it which did not, whether the store was ordered, and why not.
    pub(super) aims: Vec<(Aim, bool, Option<Reason>)>,
}

impl Obligation {
    pub(super) fn is_complete(&self) -> bool {
        let mut parts = self.holders.iter().flat_map(|holder| holder.parts);
        parts.all(|part| part == State::Done)
    }

    /// Returns whether a page or block could be written through.
    pub(super) fn is_writable(&self) -> bool {
        !self.table && self.change != Change::Permissions && self.format.writable(self.old)
    }

    /// Returns whether it could be written by somebody who is less trusted than who changed it: EL0, or a guest.
    pub(super) fn is_writable_from_below(&self) -> bool {
        self.is_writable() && (self.stage == Stage::Two || (self.format.asid && self.old & EL0 != 0))
    }

    pub(super) fn is_started(&self) -> bool {
        !self.hits.is_empty()
    }

    /// Returns the question to the judge of sequences.
    pub(super) fn question(&self, follows: After, ets2: bool) -> Question {
        let alone = self.holders.iter().all(|holder| holder.pe == self.pe);
        let observers = if alone { Observers::ThisPe } else { Observers::Inner };
        let mut question = Question::new(self.change, self.regime, observers, follows);
        question.stage = self.stage;
        question.level = Some(if self.table { Level::Table } else { Level::Last });
        question.level_number = u8::try_from(self.level).ok();
        // Entries of tables are not global; see `Judge::open`.
        question.global = Some(self.global && !self.table);
        question.architecture.ets2 = ets2;
        question
    }
}

/// What of an obligation a TLBI is about, apart from the PEs.
#[derive(Debug, Clone)]
pub(super) struct Covered {
    pub(super) parts: [bool; 2],
    pub(super) reason: Option<Reason>,
}

/// Returns what of an obligation a TLBI names: by the judge of sequences, after address and VMID were compared.
pub(super) fn coverage(open: &Obligation, aim: &Aim) -> Covered {
    let (some, all) = aim.named.names(open.first, open.bytes);
    let nothing = Covered {
        parts: [false; 2],
        reason: None,
    };
    if !some || (open.change == Change::RemoveTable && !all) {
        return nothing;
    }
    let mut question = open.question(After::PageReuse, false);
    question.runs_at = if aim.el >= 2 {
        ExceptionLevel::El2
    } else {
        ExceptionLevel::El1
    };
    question.host = aim.host;
    question.vmid_is_current = open.regime != Regime::El10 || !aim.has_stage_2 || open.vmid == aim.vmid;
    let Some(tlbi) = Tlbi::new(aim.named.op, aim.named.operand()) else {
        return nothing;
    };
    let found = of_judge(&question, &tlbi);
    let parts = match open.stage {
        // Both layers have to go; what leaves one is not enough by itself.
        Stage::One => [found.layers.leaf && (found.layers.upper || !open.table), false],
        Stage::Two => [found.layers.leaf, found.layers.upper],
    };
    Covered {
        parts,
        reason: found.reason,
    }
}

type Key = (bool, u8, u64);

/// The obligations that are open, by descriptor, and by what they translate.
#[derive(Debug, Default)]
pub(super) struct Book {
    open: HashMap<u64, Obligation>,
    by_address: HashMap<Key, Vec<u64>>,
    /// How many there are of each size and stage.
    sizes: HashMap<(bool, u8), usize>,
    tables: HashMap<u64, u64>,
    /// Pages and blocks by size and where they were.
    outputs: HashMap<(u8, u64), Vec<u64>>,
    output_sizes: HashMap<u8, usize>,
}

impl Book {
    fn key(open: &Obligation) -> Key {
        let shift = open.bytes.trailing_zeros() as u8;
        (open.stage == Stage::Two, shift, (open.first & ADDRESS) >> shift)
    }

    fn output(open: &Obligation) -> (u8, u64) {
        let shift = open.bytes.trailing_zeros() as u8;
        (shift, open.output >> shift)
    }

    /// Returns the descriptors of pages and blocks whose frame this was, in a fixed order.
    pub(super) fn of_frame(&self, address: u64) -> Vec<u64> {
        let sizes = self.output_sizes.keys();
        let lists = sizes.filter_map(|shift| self.outputs.get(&(*shift, address >> shift)));
        let mut found: Vec<u64> = lists.flatten().copied().collect();
        found.sort_unstable();
        found
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn is_open(&self, address: u64) -> bool {
        self.open.contains_key(&address)
    }

    pub(super) fn get(&self, address: u64) -> Option<&Obligation> {
        self.open.get(&address)
    }

    pub(super) fn get_mut(&mut self, address: u64) -> Option<&mut Obligation> {
        self.open.get_mut(&address)
    }

    pub(super) fn open(&mut self, obligation: Obligation) {
        self.close(obligation.address);
        let key = Self::key(&obligation);
        self.by_address.entry(key).or_default().push(obligation.address);
        *self.sizes.entry((key.0, key.1)).or_default() += 1;
        if obligation.table {
            self.tables.insert(obligation.output >> 12, obligation.address);
        } else if obligation.change != Change::Permissions {
            let (shift, frame) = Self::output(&obligation);
            self.outputs.entry((shift, frame)).or_default().push(obligation.address);
            *self.output_sizes.entry(shift).or_default() += 1;
        }
        self.open.insert(obligation.address, obligation);
    }

    pub(super) fn close(&mut self, address: u64) -> Option<Obligation> {
        let obligation = self.open.remove(&address)?;
        let key = Self::key(&obligation);
        if let Some(list) = self.by_address.get_mut(&key) {
            list.retain(|other| *other != address);
            if list.is_empty() {
                self.by_address.remove(&key);
            }
        }
        if let Some(count) = self.sizes.get_mut(&(key.0, key.1)) {
            *count -= 1;
            if *count == 0 {
                self.sizes.remove(&(key.0, key.1));
            }
        }
        let (shift, frame) = Self::output(&obligation);
        // It may have become a change of permissions since.
        if !obligation.table
            && let Some(list) = self.outputs.get_mut(&(shift, frame))
            && let Some(at) = list.iter().position(|other| *other == address)
        {
            list.swap_remove(at);
            if list.is_empty() {
                self.outputs.remove(&(shift, frame));
            }
            if let Some(count) = self.output_sizes.get_mut(&shift) {
                *count -= 1;
                if *count == 0 {
                    self.output_sizes.remove(&shift);
                }
            }
        }
        if obligation.table && self.tables.get(&(obligation.output >> 12)) == Some(&address) {
            self.tables.remove(&(obligation.output >> 12));
        }
        Some(obligation)
    }

    /// Returns the descriptor that pointed to the table at an address and was removed, if that is open.
    pub(super) fn table_of(&self, address: u64) -> Option<u64> {
        self.tables.get(&(address >> 12)).copied()
    }

    /// Returns obligations that a TLBI may be about.
    pub(super) fn candidates(&self, aim: &Aim) -> Vec<u64> {
        if self.open.is_empty() {
            return Vec::new();
        }
        let by_ipa = matches!(aim.named.op.target(), Target::Ipa | Target::IpaLast);
        let Some((start, bytes)) = aim.named.range else {
            return self.open.keys().copied().collect();
        };
        let mut found = Vec::new();
        for &(stage_2, shift) in self.sizes.keys() {
            if stage_2 != by_ipa {
                continue;
            }
            let (first, last) = (start >> shift, (start + (bytes - 1)) >> shift);
            if last - first >= self.by_address.len() as u64 {
                let all = self.by_address.iter();
                let within =
                    all.filter(|(key, _)| (key.0, key.1) == (stage_2, shift) && (first..=last).contains(&key.2));
                found.extend(within.flat_map(|(_, list)| list));
            } else {
                for number in first..=last {
                    found.extend(self.by_address.get(&(stage_2, shift, number)).into_iter().flatten());
                }
            }
        }
        found
    }

    /// Drops what nobody has loaded any more; returns how many.
    pub(super) fn abandon(&mut self, root: usize) -> u64 {
        let gone: Vec<u64> = self
            .open
            .values()
            .filter(|open| open.root == root)
            .map(|open| open.address)
            .collect();
        for address in &gone {
            self.close(*address);
        }
        gone.len() as u64
    }

    /// A PE is off: it holds nothing.
    pub(super) fn forget_pe(&mut self, pe: u32) {
        for open in self.open.values_mut() {
            open.holders.retain(|holder| holder.pe != pe);
        }
    }

    /// Returns what is complete.
    pub(super) fn complete(&self) -> Vec<u64> {
        let complete = self.open.values().filter(|open| open.is_complete());
        complete.map(|open| open.address).collect()
    }
}
