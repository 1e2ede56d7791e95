// SPDX-License-Identifier: MIT OR Apache-2.0
//! The judge of traces: what each descriptor's old translation is still owed.
//!
//! A change that leaves an old translation in TLBs opens an *obligation*: a list of PEs and ASIDs under which it may be
//! held. A TLBI that names it, after a DSB that orders the store, starts to fulfil it, and a DSB that completes the TLBI
//! ends it. What comes too early (the entry made again) is a finding. Which barrier does what, and what a TLBI names, is
//! asked of the judge of sequences ([`crate::rules`], [`sequences::judge::coverage`]).

mod obligation;
mod operand;
mod state;
mod tell;

use std::collections::HashMap;
use std::io::Read;
use std::ops::ControlFlow;

use sequences::judge::{Change, Regime, Stage};
use sequences::{Decoded, Scope, decode};

use crate::compare::{Breaking, Context, Difference, compare};
use crate::finding::{Count, Report};
use crate::format::{ACCESS_FLAG, EL0, Entry};
use crate::log::{Event, LogError, RETURN_IS_KNOWN, Reader};
use crate::registers::{HCR_TGE, Register, Slot};
use crate::rules::Dsb;
use crate::shadow::{self, Place, Way};

use obligation::{Aim, Holder, Obligation, State};
use operand::Named;
use state::{Done, FRESH, Fresh, Reuse, regime_of};
pub use state::{Judge, Options};

/// Frames that wait for EL0 or a guest to run; more are counted.
const MOST_REUSED: usize = 1 << 12;
/// Most words of 8 bytes that are kept of tables.
const MAX_WORDS: usize = 1 << 25;

/// The place of a regime and stage in lists of three.
const fn class(regime: Regime, stage: Stage) -> usize {
    match (regime, stage) {
        (Regime::El10, Stage::One) => 0,
        (_, Stage::One) => 1,
        (_, Stage::Two) => 2,
    }
}

/// Returns whether a table that is linked again translates what it did not when it was taken out.
fn is_another(open: &Obligation, entries: &[u64]) -> bool {
    if open.content.is_empty() {
        return false;
    }
    let level = open.level + 1;
    let mut before = open.content.iter().peekable();
    (0..).zip(entries.iter()).any(|(index, new)| {
        while before.next_if(|(other, _)| *other < index).is_some() {}
        let old = before
            .peek()
            .filter(|(other, _)| *other == index)
            .map_or(0, |(_, entry)| *entry);
        let is = open.format.entry(level, *new);
        is != Entry::Invalid && is != open.format.entry(level, old)
    })
}

impl Judge {
    /// Judges a log to its end; `progress` is told how many events and bytes there were, and may end it.
    ///
    /// # Errors
    ///
    /// It is no log. A log that is damaged or ends early is judged as far as it goes, and the report says so.
    pub fn log(
        input: impl Read,
        options: Options,
        mut progress: impl FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<Report, LogError> {
        let mut reader = Reader::new(input)?;
        let mut judge = Self::new(options);
        let incomplete = loop {
            match reader.event() {
                Ok(Event::End) => break None,
                Ok(Event::Limit) => break Some("the log has reached its limit".to_owned()),
                Ok(event) => judge.event(event),
                Err(error) => break Some(error.to_string()),
            }
            // A few bytes of a log stand for a table: what it has us keep is bounded.
            if judge.shadow.size() + judge.staged.held > MAX_WORDS {
                break Some(format!(
                    "its tables take more than {} MiB, the most that is followed",
                    MAX_WORDS >> 17
                ));
            }
            if judge.time.trailing_zeros() >= 16 && progress(judge.time, reader.position()).is_break() {
                break Some("it was interrupted".to_owned());
            }
        };
        let mut report = judge.end();
        report.incomplete = incomplete;
        Ok(report)
    }

    /// Judges an event.
    pub fn event(&mut self, event: Event) {
        self.time += 1;
        match event {
            Event::Pes(pes) => self.machine = pes,
            Event::Limit | Event::End => {}
            Event::IdRegister { pe, number, value } => {
                if let Some(register) = self.shadow.pe(pe).registers.id.get_mut(usize::from(number)) {
                    *register = value;
                }
            }
            Event::Table { address, entries } => {
                if !self.shadow.has_table(address) {
                    self.becoming.push(address);
                }
                self.shadow.refresh(address, &mut self.staged);
                self.staged.add(address, entries);
                self.read.insert(address, self.time);
            }
            Event::Register {
                pe,
                pc,
                register,
                value,
            } => self.register(pe, pc, register, value),
            Event::Store {
                pe,
                pc,
                address,
                old: _,
                new,
            } => self.store(pe, pc, address, new),
            Event::Freed { pe, pc, address, new } => self.freed(pe, pc, address, new),
            Event::Instruction {
                pe,
                pc,
                el,
                word,
                operand,
            } => self.instruction(pe, pc, el, word, operand),
            Event::Exception { pe, pc } => {
                self.tail(pe, None);
                self.remember(pe, pc, Done::Exception);
                self.pe(pe).fresh.clear();
            }
            Event::Use {
                pe,
                pc,
                address,
                access,
            } => self.used(pe, pc, address, access),
            Event::Off(pe) => self.off(pe),
            Event::Reset => {
                for pe in 0..self.pes.len() as u32 {
                    self.off(pe);
                }
                self.valid.clear();
            }
            Event::Unwatched(count) => self.count(Count::Unwatched, count),
        }
    }

    fn off(&mut self, pe: u32) {
        self.shadow.off(pe, &mut self.staged);
        self.pe(pe).fresh.clear();
        self.pe(pe).started.clear();
        for held in &mut self.held {
            held.retain(|(holder, _), _| *holder != pe);
        }
        self.book.forget_pe(pe);
        self.settle();
    }

    fn register(&mut self, pe: u32, pc: u64, register: Register, value: u64) {
        self.pe(pe);
        self.tail(pe, None);
        let before = self.shadow.pe(pe).roots;
        let switch = self.shadow.register(pe, register, value, &mut self.staged);
        self.staged.clear();
        self.became_tables(pe, pc);
        if !switch.refused.is_empty() {
            self.count(Count::Undecodable, switch.refused.len() as u64);
        }
        if matches!(register, Register::VbarEl1 | Register::VbarEl2) && !self.report.vectors.contains(&value) {
            self.report.vectors.push(value);
        }
        self.held.resize_with(self.shadow.roots.len(), HashMap::new);
        let after = self.shadow.pe(pe).roots;
        let time = self.time;
        for (root, load) in before.into_iter().chain(after).flatten() {
            self.held[root].insert((pe, load.id), time);
        }
        if before != after {
            self.remember(pe, pc, Done::Write(register));
            let gone: Vec<usize> = before
                .into_iter()
                .flatten()
                .map(|(root, _)| root)
                .filter(|root| !self.shadow.roots[*root].is_live())
                .collect();
            for root in gone {
                let left = self.book.abandon(root);
                self.count(Count::Abandoned, left);
            }
        }
    }

    /// The first way, which stands for all: what a root is.
    fn context(&self, way: &Way) -> (Regime, Stage) {
        let load = &self.shadow.roots[way.root].load;
        regime_of(load.slot, load.host)
    }

    fn store(&mut self, pe: u32, pc: u64, address: u64, new: u64) {
        self.tail(pe, None);
        let Some(change) = self.shadow.store(address, new, &mut self.staged) else {
            self.staged.clear();
            self.becoming.clear();
            return;
        };
        self.staged.clear();
        self.count_shadow();
        self.changed(pe, pc, address, change);
        self.became_tables(pe, pc);
    }

    fn changed(&mut self, pe: u32, pc: u64, address: u64, change: shadow::Change) {
        let place = change.place;
        let Some(way) = place.ways.first().copied() else { return };
        let format = place.format;
        let (old, new) = (change.old, change.new);
        let slot = self.shadow.roots[way.root].load.slot;
        let registers = &self.shadow.pe(pe).registers;
        let context = Context {
            bbm: registers.bbm(),
            hardware_flag: registers.hardware_access_flag(slot),
            mair: registers.memory_types(slot),
        };
        let was = format.entry(place.level, old);
        let is = format.entry(place.level, new);
        match (was, is) {
            (Entry::Invalid, Entry::Invalid) => {}
            (Entry::Invalid, _) => {
                self.make(pe, pc, address, new, &place, &context);
                self.publish(pe, pc, address, new, &place);
                self.valid.insert(address, self.time);
                self.count(Count::Maps, 1);
                self.reuse(pe, pc, is, new, address, &place);
            }
            (_, Entry::Invalid) => {
                if matches!(was, Entry::Leaf(_)) && old & ACCESS_FLAG == 0 && !context.hardware_flag {
                    self.count(Count::NotAccessed, 1);
                    self.valid.remove(&address);
                } else {
                    let table = matches!(was, Entry::Table(_));
                    let kind = if table && !change.removed.is_empty() {
                        Change::RemoveTable
                    } else {
                        Change::Invalidate
                    };
                    self.open(pe, pc, address, old, &place, kind);
                    if let Some(open) = self.book.get_mut(address).filter(|_| table && change.is_gone) {
                        open.content = change.removed;
                    }
                    self.valid.remove(&address);
                }
            }
            _ => {
                let difference = compare(&format, place.level, old, new, &context);
                match difference {
                    Difference::Breaking(what) => self.broken(pe, pc, address, old, new, &place, what),
                    Difference::Restricted => self.open(pe, pc, address, old, &place, Change::Permissions),
                    Difference::Relaxed => {
                        self.count(Count::Relaxed, 1);
                        self.make(pe, pc, address, new, &place, &context);
                    }
                    Difference::Doubtful => self.count(Count::Doubtful, 1),
                    Difference::None => {}
                }
            }
        }
    }

    fn count_shadow(&mut self) {
        let (ambiguous, outside) = (self.shadow.ambiguous, self.shadow.outside);
        for (what, value) in [(Count::Ambiguous, ambiguous), (Count::Outside, outside)] {
            if value > 0 {
                self.report.counts.insert(what, value);
            }
        }
    }

    /// An output frame is used anew.
    fn reuse(&mut self, pe: u32, pc: u64, is: Entry, new: u64, address: u64, place: &Place) {
        let Entry::Leaf(output) = is else { return };
        let Some(way) = place.ways.first() else { return };
        // Lazy schemes of a kernel do that before the flush.
        let old = self.book.of_frame(output);
        let elsewhere: Vec<u64> = old.into_iter().filter(|descriptor| *descriptor != address).collect();
        if !elsewhere.is_empty() && !self.book.is_open(address) {
            self.count(Count::Reused, 1);
            if self.options.frames {
                let text = format!("{output:#x} is mapped again, by descriptor {address:#x}");
                for descriptor in elsewhere {
                    self.told_of_frame(descriptor, pe, pc, &text);
                }
            }
        }
        // A table that a walk may still reach is given to EL0 or to a guest. What a guest has of its own tables is no such
        // gift.
        let below = place.format.stage_2 || (place.format.asid && new & EL0 != 0);
        if below
            && let Some(descriptor) = self.book.table_of(output)
            && let Some(open) = self.book.get(descriptor)
            && open.output == output
            && self.shadow.roots[open.root].behind != Some(way.root)
            && let Some(open) = self.close(descriptor)
        {
            let text = format!("{output:#x}, which was the table, is mapped by descriptor {address:#x}");
            self.freed_table(&open, pe, pc, text);
        }
    }

    /// Tells of a frame that is used anew while a PE may still write it through an old page or block.
    fn told_of_frame(&mut self, descriptor: u64, pe: u32, pc: u64, text: &str) {
        if self.book.get(descriptor).is_some_and(Obligation::is_writable)
            && let Some(open) = self.close(descriptor)
        {
            self.frame_reused(&open, pe, pc, text.to_owned());
        }
    }

    /// Frames have become tables by what a PE has just done.
    fn became_tables(&mut self, pe: u32, pc: u64) {
        for address in std::mem::take(&mut self.becoming) {
            let Some((entries, .., behind)) = self.shadow.table(address) else {
                continue;
            };
            if let Some(descriptor) = self.book.table_of(address)
                && let Some(open) = self.book.get(descriptor)
                && open.output == address
                && is_another(open, entries)
                && let Some(open) = self.close(descriptor)
            {
                let text = format!("{address:#x} is a table again, with other entries");
                self.freed_table(&open, pe, pc, text);
            }
            for descriptor in self.book.of_frame(address) {
                let Some(open) = self.book.get(descriptor) else {
                    continue;
                };
                // A guest makes tables in what it has: that the hypervisor changes its own map of that is no re-use.
                if !open.is_writable() || (behind.is_some() && behind == Some(open.root)) {
                    continue;
                }
                if self.options.frames {
                    self.told_of_frame(descriptor, pe, pc, &format!("{address:#x} becomes a table"));
                } else if open.is_writable_from_below() && self.reused.len() < MOST_REUSED {
                    self.reused.push(Reuse {
                        descriptor,
                        began: open.time,
                        table: address,
                        pe,
                        pc,
                    });
                } else {
                    self.count(Count::ReusedAsTable, 1);
                }
            }
        }
    }

    /// A PE returns to EL0 or to a guest, which may now write to tables through what it may still hold.
    fn runs_below(&mut self, pe: u32, saved: u64) {
        if self.reused.is_empty() {
            return;
        }
        let target = saved >> 2 & 3;
        for reuse in std::mem::take(&mut self.reused) {
            let Some(open) = self.book.get(reuse.descriptor).filter(|open| open.time == reuse.began) else {
                continue;
            };
            let roots = &self.shadow.pes[pe as usize].roots;
            let may = open.holders.iter().any(|holder| {
                holder.pe == pe
                    && holder.parts.iter().any(|part| *part != State::Done)
                    && roots
                        .iter()
                        .flatten()
                        .any(|(root, load)| *root == open.root && (open.global || load.id == holder.asid))
            });
            if may && (target == 0 || (target == 1 && open.stage == Stage::Two)) {
                if let Some(open) = self.close(reuse.descriptor) {
                    let text = format!("{:#x} becomes a table", reuse.table);
                    self.frame_reused(&open, reuse.pe, reuse.pc, text);
                }
            } else {
                self.reused.push(reuse);
            }
        }
    }

    /// A change leaves a translation behind.
    fn open(&mut self, pe: u32, pc: u64, address: u64, old: u64, place: &Place, change: Change) {
        let Some(way) = place.ways.first().copied() else { return };
        if let Some(open) = self.book.get(address) {
            // What is owed is owed already, for the older translation.
            if open.change != Change::Permissions || change == Change::Permissions {
                return;
            }
        }
        let (regime, stage) = self.context(&way);
        let level = place.level;
        let bytes = 1_u64.checked_shl(place.format.shift(level).into()).unwrap_or(1 << 63);
        let table = matches!(place.format.entry(level, old), Entry::Table(_));
        // Tables of the upper half are used with every ASID, and any operation on the address is taken to be about them.
        let global = if table {
            place.format.upper || !place.format.asid
        } else {
            place.format.is_global(old)
        };
        let since = self.valid.get(&address).copied().unwrap_or(0);
        let since = since.max(self.read.get(&place.table).copied().unwrap_or(0));
        let mut holders: Vec<Holder> = Vec::new();
        let at = class(regime, stage);
        for way in &place.ways {
            for (&(holder, asid), &last) in &self.held[way.root] {
                let now = self.shadow.roots[way.root].loaded.get(holder as usize) == Some(&true);
                let flushed = self.pes.get(holder as usize).map_or(0, |pe| pe.flushed[at]);
                // Loaded at the end of the time in which the entry was valid, or since the last flush in that time.
                let current = now
                    && self.shadow.pes[holder as usize]
                        .roots
                        .iter()
                        .flatten()
                        .any(|(root, load)| *root == way.root && load.id == asid);
                if current || (last > since && last > flushed) {
                    let asid = if global { 0 } else { asid };
                    if !holders.iter().any(|known| known.pe == holder && known.asid == asid) {
                        holders.push(Holder::new(holder, asid, stage == Stage::Two));
                    }
                }
            }
        }
        if holders.is_empty() {
            return;
        }
        holders.sort_by_key(|holder| (holder.pe, holder.asid));
        let vmid = self.shadow.roots[way.root].load.vmid;
        let obligation = Obligation {
            address,
            old,
            change,
            pe,
            pc,
            time: self.time,
            regime,
            stage,
            level,
            table,
            format: place.format,
            output: match place.format.entry(level, old) {
                Entry::Leaf(output) | Entry::Table(output) => output,
                Entry::Invalid => 0,
            },
            first: way.address,
            bytes,
            root: way.root,
            vmid,
            global,
            holders,
            content: Vec::new(),
            hits: Vec::new(),
            aims: Vec::new(),
        };
        self.count(Count::Obligations, 1);
        self.book.open(obligation);
    }

    /// An entry is made where something may be left of the one before it.
    fn make(&mut self, pe: u32, pc: u64, address: u64, new: u64, place: &Place, context: &Context) {
        let Some(open) = self.book.get(address) else { return };
        match compare(&place.format, place.level, open.old, new, context) {
            Difference::None | Difference::Relaxed | Difference::Doubtful => {
                self.close(address);
                self.count(Count::Remade, 1);
            }
            Difference::Restricted => {
                if let Some(open) = self.book.get_mut(address) {
                    open.change = Change::Permissions;
                }
            }
            Difference::Breaking(what) => {
                if let Some(open) = self.close(address) {
                    self.too_early(&open, pe, pc, new, what);
                }
            }
        }
    }

    /// An entry was made valid: it may be used once it is sure to be seen.
    fn publish(&mut self, pe: u32, pc: u64, address: u64, new: u64, place: &Place) {
        let (level, format) = (place.level, place.format);
        let bytes = 1_u64.checked_shl(format.shift(level).into()).unwrap_or(1 << 63);
        let mut made = Vec::new();
        for way in &place.ways {
            let root = &self.shadow.roots[way.root];
            if root.loaded.get(pe as usize) != Some(&true) {
                continue;
            }
            let (regime, stage) = self.context(way);
            if stage == Stage::Two {
                continue;
            }
            let user = new & EL0 != 0 && matches!(format.entry(level, new), Entry::Leaf(_));
            let lower = matches!(root.load.slot, Slot::El1Lower) || (root.load.host && !format.upper);
            let link = matches!(format.entry(level, new), Entry::Table(_));
            made.push(Fresh {
                first: way.address,
                bytes,
                time: self.time,
                pc,
                address,
                regime,
                tolerated: lower && (user || (link && root.load.id != 0)),
            });
        }
        let fresh = &mut self.pe(pe).fresh;
        if fresh.len() + made.len() <= FRESH {
            fresh.extend(made);
        } else {
            self.count(Count::Unwatched, 1);
        }
    }

    fn instruction(&mut self, pe: u32, pc: u64, el: u8, word: u32, operand: u64) {
        self.pe(pe);
        match decode(word) {
            Some(Decoded::Dsb(barrier)) => self.dsb(pe, pc, Dsb::Plain(barrier)),
            Some(Decoded::DsbNxs(domain)) => self.dsb(pe, pc, Dsb::Nxs(domain)),
            Some(Decoded::Isb) => {
                self.tail(pe, Some(sequences::Instruction::Isb));
                self.remember(pe, pc, Done::Isb);
                self.synchronized(pe, false);
            }
            Some(Decoded::Tlbi { op, .. }) => {
                self.tail(pe, None);
                let named = Named::of(op, operand);
                self.remember(pe, pc, Done::Tlbi(named));
                self.tlbi(pe, pc, el, named, operand);
            }
            _ if matches!(word, 0xd69f_03e0 | 0xd69f_0bff | 0xd69f_0fff) => {
                self.tail(pe, None);
                self.remember(pe, pc, Done::Return);
                self.synchronized(pe, true);
                self.returned(pe);
                if operand & RETURN_IS_KNOWN != 0 {
                    self.runs_below(pe, operand & !RETURN_IS_KNOWN);
                }
            }
            _ => {}
        }
    }

    /// Forgets entries that a PE may rely on now.
    fn synchronized(&mut self, pe: u32, leaves: bool) {
        if leaves {
            self.pe(pe).fresh.clear();
            return;
        }
        let ordered = self.pe(pe).ordered;
        self.pe(pe).fresh.retain(|fresh| fresh.time > ordered);
    }

    fn dsb(&mut self, pe: u32, pc: u64, dsb: Dsb) {
        self.tail(pe, None);
        self.remember(pe, pc, Done::Dsb(dsb));
        if self.rules.orders(dsb) {
            self.pe(pe).ordered = self.time;
        }
        let started = std::mem::take(&mut self.pe(pe).started);
        let mut left = Vec::new();
        for (address, began) in started {
            let Some(open) = self.book.get_mut(address).filter(|open| open.time == began) else {
                continue;
            };
            let mut waits = false;
            for holder in &mut open.holders {
                for state in &mut holder.parts {
                    if let State::Started { by, scope, nxs } = *state
                        && by == pe
                    {
                        if self.rules.completes(dsb, scope, nxs) {
                            *state = State::Done;
                        } else {
                            waits = true;
                        }
                    }
                }
            }
            if open.is_complete() {
                if let Some(open) = self.close(address) {
                    self.count(Count::Completed, 1);
                    self.completed(open, pe);
                }
            } else if waits {
                left.push((address, began));
            }
        }
        self.pe(pe).started.extend(left);
    }

    fn tlbi(&mut self, pe: u32, pc: u64, el: u8, named: Named, operand: u64) {
        let hcr = self.shadow.pe(pe).registers.get(Register::HcrEl2);
        let host = self.shadow.pe(pe).registers.is_host();
        let as_host = host && el == 2 && hcr & HCR_TGE != 0;
        let vmid = self.shadow.pe(pe).registers.vmid();
        let stage_2 = self.shadow.pe(pe).registers.has_stage_2() || el == 2;
        let aim = Aim {
            pe,
            pc,
            time: self.time,
            el,
            named,
            operand,
            host: as_host,
            vmid: if stage_2 { vmid } else { 0 },
            has_stage_2: stage_2,
        };
        self.note_flush(&aim);
        let loaded = self.shadow.pe(pe).roots;
        let mut started = Vec::new();
        let mut missed = Vec::new();
        for address in self.book.candidates(&aim) {
            let Some(open) = self.book.get_mut(address) else {
                continue;
            };
            let ordered = {
                let storer = &self.pes[open.pe as usize];
                storer.ordered > open.time
            };
            let outcome = obligation::coverage(open, &aim);
            let mut hit = false;
            if ordered {
                for holder in &mut open.holders {
                    let reached = named.op.scope() != Scope::Local || holder.pe == pe;
                    let of_asid = open.global || !named.is_by_asid() || holder.asid == named.asid;
                    if !reached || !of_asid {
                        continue;
                    }
                    for (part, state) in holder.parts.iter_mut().enumerate() {
                        if outcome.parts[part] && *state == State::Owed {
                            *state = State::Started {
                                by: pe,
                                scope: named.op.scope(),
                                nxs: named.op.is_nxs(),
                            };
                            hit = true;
                        }
                    }
                }
            }
            if hit {
                open.hits.push((pe, self.time));
                started.push((address, open.time));
            } else if !open.is_started() {
                let here = loaded.iter().flatten().any(|(root, _)| *root == open.root);
                let dummy = named.range.is_some() && aim.operand == 0;
                if open.pe == pe && !dummy && (here || open.stage == Stage::Two) && open.aims.len() < 4 {
                    open.aims.push((aim, ordered, outcome.reason));
                    if named.range.is_some() {
                        missed.push((address, open.time));
                    }
                }
            }
        }
        self.pe(pe).started.extend(started);
        self.pe(pe).missed.extend(missed);
    }

    /// Notes when a PE invalidated all of a regime.
    fn note_flush(&mut self, aim: &Aim) {
        use sequences::{ExceptionLevel, Target};
        let op = aim.named.op;
        let classes: &[usize] = match (op.level(), op.target()) {
            (ExceptionLevel::El1, Target::Vmall) if aim.host => &[1],
            (ExceptionLevel::El1, Target::Vmall) => &[0],
            (ExceptionLevel::El1, Target::VmallS12 | Target::All) => &[0, 2],
            (ExceptionLevel::El2, Target::All) => &[1],
            _ => return,
        };
        let (local, time) = (op.scope() == Scope::Local, self.time);
        for (pe, state) in self.pes.iter_mut().enumerate() {
            if !local || pe == aim.pe as usize {
                for class in classes {
                    state.flushed[*class] = time;
                }
            }
        }
    }

    /// A PE returns from an exception: what its own TLBI missed is missed.
    fn returned(&mut self, pe: u32) {
        for (address, began) in std::mem::take(&mut self.pe(pe).missed) {
            if self
                .book
                .get(address)
                .is_some_and(|open| open.time == began && !open.is_started())
                && let Some(open) = self.close(address)
            {
                self.missed(&open);
            }
        }
    }

    fn freed(&mut self, pe: u32, pc: u64, address: u64, new: u64) {
        let Some(open) = self.book.table_of(address) else {
            return;
        };
        if let Some(open) = self.close(open) {
            self.freed_table(
                &open,
                pe,
                pc,
                format!("{new:#x} is written to {address:#x}, which was the table"),
            );
        }
    }

    /// Drops obligations that nobody is left for.
    fn settle(&mut self) {
        for address in self.book.complete() {
            self.close(address);
            self.count(Count::Abandoned, 1);
        }
    }

    fn end(mut self) -> Report {
        for pe in 0..self.pes.len() as u32 {
            self.tail(pe, None);
            self.returned(pe);
        }
        let open = self.book.len() as u64;
        self.count(Count::Open, open);
        self.count_shadow();
        self.report.roots = self.shadow.roots.iter().map(|root| root.base).collect();
        self.report.events = self.time;
        self.report
    }

    /// Returns the bytes of the tables that are held.
    pub fn shadow_bytes(&self) -> u64 {
        self.shadow.bytes()
    }

    #[expect(clippy::too_many_arguments, reason = "a store is all of this")]
    fn broken(&mut self, pe: u32, pc: u64, address: u64, old: u64, new: u64, place: &Place, what: Breaking) {
        self.tell_broken(pe, pc, address, old, new, place, what);
        self.close(address);
    }
}
