// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a way through a function to the sequences on it.
//!
//! A sequence is its invalidations and the barriers that belong to them. Backwards, barriers count until the store
//! they complete; forwards, until the DSB and the ISB that complete and publish the invalidation.

use crate::extract::doubts::in_doubt;
use crate::extract::event::{Event, Kind};
use crate::extract::instruction::instruction;
use crate::extract::names::{is_named_after_mmu, maintains_cache, may_complete, turns_mmu_on};
use crate::extract::operand::Value;
use crate::extract::order::{Order, breaks_after, order, stores};
use crate::extract::path::Path;
use crate::extract::write::Write;
use sequences::{
    ContextRegister, ContextValue, ExceptionLevel, Instruction, Item, Operand, OperandFormat, Sequence, Target, TlbiOp,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Who uses a new mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// This code, after the barriers.
    Here,
    /// Whoever called it, as far as the text shows.
    ByCaller,
    /// Nobody in sight.
    Elsewhere,
}

/// A write of SCTLR before the first invalidation of a way, or a call of what makes one by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MmuWrite {
    /// The instruction, or the function.
    pub by: String,
    /// It is a function that is not in sight, and may invalidate by itself.
    pub called: bool,
    /// It turns the MMU on for sure.
    pub certain: bool,
}

/// What stands around a sequence, from which its context is inferred.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Around {
    /// System registers written before, nearest last.
    pub written_before: Vec<String>,
    /// System registers written between the last invalidation and the end of the function.
    pub written_after: Vec<String>,
    /// A store to what looks like a translation table comes before.
    pub store_before: bool,
    /// The entry that the nearest store before it gives an address, as written, where nothing is invalidated before that.
    pub makes: Option<String>,
    /// A store that the patch adds or removes comes before it on this way, and one after it.
    pub new_stores: [bool; 2],
    /// A store to a table comes before it on some way through the function, and one after it.
    pub stores: [bool; 2],
    /// A store before it, and after what invalidates before, makes an entry invalid for sure.
    pub breaks_before: bool,
    /// A store after it makes an entry invalid for sure.
    pub breaks_after: bool,
    /// What is wrong with it whatever the barriers are: the order of stores and invalidations.
    pub fault: Option<String>,
    /// The function ends in `eret`.
    pub returns_from_exception: bool,
    /// What the invalidations are given, as written.
    pub operands: Vec<String>,
    /// What is known of what those hold.
    pub values: Vec<(TlbiOp, Value)>,
    /// What leaves the sequence undecided, whatever the judge says of it.
    pub doubt: Option<String>,
    /// Another way through the function broadcasts, and nothing says that this one is for one PE.
    pub broadcast_beside: bool,
    /// Something is called after the last invalidation that may complete it, and cannot be looked into.
    pub call_after: bool,
    /// The data cache maintenance that the DSB before the first invalidation completes too.
    pub cache_before: Option<String>,
    /// The instruction cache maintenance before the barriers that end it: they complete that too.
    pub cache_after: Option<String>,
    /// The write of SCTLR that stands after the last invalidation and before the DSB that completes it, or the call that makes
    /// one by its name.
    pub control_before_dsb: Option<MmuWrite>,
    /// Another write or call that stands there.
    pub other_before_dsb: Option<String>,
    /// The write of SCTLR that comes before it, and before anything else that invalidates, and turns the MMU on or may.
    pub mmu_before: Option<MmuWrite>,
    /// Whose the `…e1` operations are (HCR_EL2.TGE), where the way says it before the first invalidation.
    pub host: Option<bool>,
    /// The MMU was turned off before it, and goes on after it: nothing is walked while the entry is written.
    pub mmu_off: bool,
    /// It stands here for a way of another exception level, which decides what is asked.
    pub lent: bool,
    /// It invalidates nothing and publishes new entries, for this use.
    pub publishes: Option<Use>,
    /// It invalidates nothing and stands beside this, which is not judged.
    pub unjudged: Option<String>,
    /// What it does, step by step, where it is not judged: the judge's language has no words for all of it.
    pub steps: Vec<String>,
    /// The flushes among these steps that cannot be looked into.
    pub calls: Vec<String>,
    /// Why it is not judged, where it is none of these.
    pub reason: Option<String>,
    /// The condition under which the patch puts such a flush now.
    pub guard: Option<String>,
    /// The exception level of the arm it stands in, where the code asks for the current one.
    pub level: Option<ExceptionLevel>,
}

impl Around {
    /// Returns whether one of two sides flushes after all its stores, and the other before all of them.
    pub fn is_early_or_late(&self, other: &Self) -> bool {
        matches!(
            (self.stores, other.stores),
            ([false, true], [true, false]) | ([true, false], [false, true])
        )
    }

    /// Takes over what another way to the same sequence says of its order: what is wrong on one way is wrong.
    pub fn join(&mut self, other: Self) {
        if self.mmu_before.as_ref().is_none_or(|write| !write.certain) {
            self.mmu_before = other.mmu_before.or(self.mmu_before.take());
        }
        for (own, other) in self.stores.iter_mut().zip(other.stores) {
            *own |= other;
        }
        self.breaks_after |= other.breaks_after;
        self.fault = self.fault.take().or(other.fault);
        self.doubt = self.doubt.take().or(other.doubt);
    }
}

/// A sequence in a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The function; empty where the text does not say.
    pub function: String,
    /// The line of its first instruction.
    pub line: u32,
    /// The lines of its instructions.
    pub lines: BTreeSet<u32>,
    /// The sequence.
    pub sequence: Sequence,
    /// An instruction of it is on a line that the patch changes.
    pub changed: bool,
    /// No erratum work-around is in it.
    pub primary: bool,
    /// On what it depends, e.g. `last_level`; empty where it always runs.
    pub conditions: Vec<String>,
    /// What stands around it.
    pub around: Around,
    /// No barrier is with it: a building block whose callers have them.
    pub fragment: bool,
    /// Its function starts before the text at hand does.
    pub open_start: bool,
    /// Its function goes on after the text at hand ends.
    pub open_end: bool,
    /// The functions in sight that its invalidations come from.
    pub via: BTreeSet<Arc<str>>,
}

impl Found {
    /// Returns the line of its last instruction.
    pub fn last_line(&self) -> u32 {
        self.lines.last().map_or(self.line, |&last| last.max(self.line))
    }
}

/// Returns the sequences on a way.
pub fn sequences(function: &str, path: &Path) -> Vec<Found> {
    let events = &path.events;
    let tlbis: Vec<usize> = (0..events.len())
        .filter(|&i| matches!(events[i].kind, Kind::Tlbi(..)))
        .collect();
    let mut groups: Vec<(usize, usize)> = Vec::new();
    for &at in &tlbis {
        match groups.last_mut() {
            Some((_, last)) if !apart(&events[*last + 1..at]) => *last = at,
            _ => groups.push((at, at)),
        }
    }
    let mut out = Vec::new();
    let mut floor = 0;
    for (index, &(first, last)) in groups.iter().enumerate() {
        let ceiling = groups.get(index + 1).map_or(events.len(), |next| next.0);
        let start = backwards(events, floor, first);
        let end = forwards(events, last, ceiling);
        let mut sequence = found(function, path, &start, (floor, first, last), &end);
        // It stands with the new entry, and is no part of what is shown of the old one's lines.
        if synchronized_later(events, &end, ceiling).is_some() {
            sequence.sequence.items.push(Item::Instruction(Instruction::Isb));
        }
        out.push(sequence);
        floor = last + 1;
    }
    out
}

/// Returns whether what stands between two invalidations parts them.
fn apart(between: &[Event]) -> bool {
    let mut barriers = 0;
    for event in between {
        match &event.kind {
            Kind::Barrier(Instruction::Dsb(_) | Instruction::DsbNxs(_)) => {
                barriers += 1;
                if barriers > 1 {
                    return true;
                }
            }
            Kind::Barrier(Instruction::Isb) if barriers > 0 => return true,
            Kind::Store(_) | Kind::Return | Kind::ExceptionReturn => return true,
            Kind::Sysreg(write) if barriers > 0 && !write.register.starts_with("ic") => return true,
            _ => {}
        }
    }
    false
}

/// Returns the barriers before the first invalidation.
fn backwards(events: &[Event], floor: usize, first: usize) -> Vec<usize> {
    let mut taken = Vec::new();
    let mut has_dsb = false;
    for index in (floor..first).rev() {
        match &events[index].kind {
            Kind::Barrier(Instruction::Dsb(_) | Instruction::DsbNxs(_)) if has_dsb => break,
            Kind::Barrier(barrier) => {
                has_dsb |= barrier.is_dsb();
                taken.push(index);
            }
            Kind::Store(_) => break,
            Kind::Sysreg(_) | Kind::Call(_) => {
                if has_dsb {
                    // An ISB after a register was written is that register's.
                    while taken
                        .last()
                        .is_some_and(|&last| events[last].kind == Kind::Barrier(Instruction::Isb))
                    {
                        taken.pop();
                    }
                    break;
                }
            }
            Kind::Cache(_) if has_dsb => break,
            Kind::Cache(_)
            | Kind::Noted(_)
            | Kind::Kept(_)
            | Kind::Tlbi(..)
            | Kind::Return
            | Kind::ExceptionReturn
            | Kind::LoopStart
            | Kind::LoopEnd => {}
        }
    }
    // A memory barrier orders nothing here; it counts only where it stands in a DSB's place.
    if has_dsb {
        taken.retain(|&index| !matches!(events[index].kind, Kind::Barrier(Instruction::Dmb(_))));
    }
    taken.reverse();
    for write in context_writes(events, floor, first) {
        taken.push(write);
        // Whatever else it is for, an ISB after the write is what makes the invalidation go by it.
        taken.extend((write + 1..first).rfind(|&at| events[at].kind == Kind::Barrier(Instruction::Isb)));
    }
    taken.sort_unstable();
    taken.dedup();
    taken
}

/// Returns the last writes, before an invalidation, of the registers it goes by: under which VMID, whose EL1, and, where
/// it is for all that was translated by the tables before, of the tables themselves.
fn context_writes(events: &[Event], floor: usize, first: usize) -> Vec<usize> {
    let Kind::Tlbi(op, _) = &events[first].kind else {
        return Vec::new();
    };
    let mut all = Vec::new();
    let mut last = |is: &dyn Fn(&Write) -> bool| {
        all.extend((floor..first).rfind(|&at| matches!(&events[at].kind, Kind::Sysreg(write) if is(write))));
    };
    if op.level() == ExceptionLevel::El1 && op.target() != Target::All {
        last(&|write| write.context() == Some(ContextRegister::VttbrEl2));
        // `vmalls12e1`, `ipas2e1` are for EL1&0 whatever TGE says.
        if !matches!(op.target(), Target::VmallS12 | Target::Ipa | Target::IpaLast) {
            last(&|write| write.context() == Some(ContextRegister::HcrEl2) && write.host().is_some());
        }
    }
    all.extend(table_writes(events, floor, first, *op));
    all
}

/// Returns the writes of TTBR, TCR and MAIR, or of SCTLR where it turns the MMU off, that an invalidation of everything
/// follows: what was translated before them is to go. Not where the MMU is off, nor where a table entry is written in between.
fn table_writes(events: &[Event], floor: usize, first: usize, op: TlbiOp) -> Vec<usize> {
    use ContextRegister as R;
    if !matches!(op.target(), Target::All | Target::Vmall) {
        return Vec::new();
    }
    let control = |event: &Event| event.control().map(Write::mmu);
    let start = (floor..first)
        .rfind(|&at| matches!(events[at].kind, Kind::Store(_) | Kind::Tlbi(..) | Kind::Return))
        .map_or(floor, |at| at + 1);
    let of = |at: usize, registers: &[R]| {
        written(&events[at]).is_some_and(|register| registers.contains(&register) && register.level() == op.level())
    };
    const TABLES: [R; 11] = [
        R::Ttbr0El1,
        R::Ttbr1El1,
        R::TcrEl1,
        R::MairEl1,
        R::Ttbr0El2,
        R::Ttbr1El2,
        R::TcrEl2,
        R::MairEl2,
        R::Ttbr0El3,
        R::TcrEl3,
        R::MairEl3,
    ];
    // What is written while the MMU is still off is no replacement.
    let turned_on = events[start..first].iter().rposition(|event| control(event).is_some());
    let begin = start + turned_on.map_or(0, |at| at + 1);
    let tables = |at: &usize| of(*at, &TABLES);
    // While the MMU is off nothing is walked, and which way it was before its first write is not in sight.
    let off = events[..first].iter().rev().find_map(control) == Some(Some(false));
    let goes_on = events[first..].iter().any(|event| control(event).is_some());
    if off {
        let write = (start..first).rfind(|&at| of(at, &[R::SctlrEl1, R::SctlrEl2, R::SctlrEl3]));
        return write.into_iter().collect();
    }
    let all: Vec<usize> = (begin..first).filter(tables).collect();
    let writes = |registers: &[R]| all.iter().any(|&at| of(at, registers));
    // Nobody changes all of how a table is walked while it is walked.
    let sets_up = writes(&[R::Ttbr0El1, R::Ttbr1El1, R::Ttbr0El2, R::Ttbr0El3])
        && writes(&[R::TcrEl1, R::TcrEl2, R::TcrEl3, R::MairEl1, R::MairEl2, R::MairEl3]);
    match goes_on || sets_up {
        true => Vec::new(),
        false => all,
    }
}

/// Returns whether the MMU is off around an invalidation: the way turns it off before and writes SCTLR again after.
fn mmu_off(events: &[Event], first: usize, last: usize) -> bool {
    let control = |event: &Event| event.control().map(Write::mmu);
    events[..first].iter().rev().find_map(control) == Some(Some(false))
        && events[last..]
            .iter()
            .find_map(control)
            .is_some_and(|mmu| mmu != Some(false))
}

/// Returns the write of SCTLR before everything that invalidates on a way, where it may turn the MMU on.
fn mmu_before(function: &str, events: &[Event], first: usize) -> Option<MmuWrite> {
    let Kind::Tlbi(op, _) = &events[first].kind else {
        return None;
    };
    if !matches!(op.target(), Target::All | Target::Vmall | Target::VmallS12) {
        return None;
    }
    let before = &events[..first];
    // What a function writes that is named after that is not in sight.
    let control = |event: &Event| match &event.kind {
        Kind::Sysreg(_) => event.control().map(|write| (write.clone(), None)),
        Kind::Call(name) if turns_mmu_on(name) => Some((Write::of("sctlr".into()), Some(name.clone()))),
        _ => None,
    };
    let at = before.iter().rposition(|event| control(event).is_some())?;
    let (write, called) = control(&before[at])?;
    let level = match op.level() {
        ExceptionLevel::El1 => "el1",
        ExceptionLevel::El2 => "el2",
        ExceptionLevel::El3 => "el3",
    };
    let other_level = write.register.contains("_el") && !write.register.ends_with(level);
    let invalidated = before.iter().any(|event| {
        matches!(&event.kind, Kind::Tlbi(..)) || matches!(&event.kind, Kind::Call(name) if may_complete(name))
    });
    let stored = before[at..].iter().any(|event| matches!(event.kind, Kind::Store(_)));
    if other_level || invalidated || stored || write.mmu() == Some(false) {
        return None;
    }
    let certain = match &called {
        // What sets it up may leave it off.
        Some(called) => !called.to_ascii_lowercase().contains("setup"),
        None => write.mmu() == Some(true) || is_named_after_mmu(function),
    };
    Some(MmuWrite {
        certain,
        called: called.is_some(),
        by: called.unwrap_or_else(|| format!("msr {}", write.register)),
    })
}

/// Returns the register that an event writes, where an invalidation goes by it.
fn written(event: &Event) -> Option<ContextRegister> {
    match &event.kind {
        Kind::Sysreg(write) => write.context(),
        _ => None,
    }
}

/// Returns the data cache maintenance that the first DSB of a sequence completes, if nothing completed it before.
fn cache_before(events: &[Event], start: &[usize]) -> Option<String> {
    let dsb = |at: usize| events[at].is_dsb();
    let first = start.iter().copied().find(|&at| dsb(at))?;
    (0..first)
        .rev()
        .take_while(|&at| !dsb(at))
        .find_map(|at| match &events[at].kind {
            Kind::Cache(name) => Some(name.clone()),
            Kind::Call(name) if maintains_cache(name) => Some(format!("{name}()")),
            _ => None,
        })
}

/// Returns the instruction cache maintenance between an invalidation and the barriers that end its sequence.
fn cache_after(events: &[Event], last: usize, end: &[usize]) -> Option<String> {
    let until = end.last().copied().unwrap_or(events.len());
    events[last..until].iter().find_map(|event| match &event.kind {
        Kind::Sysreg(write) if write.register.starts_with("ic ") => Some(write.register.clone()),
        _ => None,
    })
}

/// Returns the events between an invalidation and what completes it, or what is next on the way.
fn until_dsb(events: &[Event], last: usize) -> &[Event] {
    let rest = &events[last + 1..];
    let ends = |event: &Event| match &event.kind {
        Kind::Barrier(barrier) => barrier.is_dsb(),
        Kind::Tlbi(..) | Kind::Return => true,
        Kind::Call(name) => may_complete(name),
        _ => false,
    };
    &rest[..rest.iter().position(ends).unwrap_or(rest.len())]
}

/// Returns the write of SCTLR that comes before the DSB after an invalidation, or the call of what turns the MMU on by its name.
fn control_before_dsb(function: &str, events: &[Event], last: usize) -> Option<MmuWrite> {
    let write = |event: &Event| match &event.kind {
        Kind::Sysreg(_) => event
            .control()
            .filter(|write| write.mmu() != Some(false))
            .map(|write| MmuWrite {
                by: write.register.clone(),
                called: false,
                certain: write.mmu() == Some(true) || is_named_after_mmu(function),
            }),
        Kind::Call(name) if turns_mmu_on(name) => Some(MmuWrite {
            by: name.clone(),
            called: true,
            certain: false,
        }),
        _ => None,
    };
    until_dsb(events, last).iter().find_map(write).filter(|control| {
        // Where the tables are set up after it, the MMU stays off.
        let level = control.by.rsplit('_').next().unwrap_or_default();
        let mut after = events[last + 1..]
            .iter()
            .skip_while(|event| !matches!(&event.kind, Kind::Sysreg(write) if write.register == control.by));
        !after.any(|event| match &event.kind {
            Kind::Sysreg(write) => {
                (write.register.starts_with("ttbr") || write.register.starts_with("tcr"))
                    && write.register.ends_with(level)
            }
            _ => false,
        })
    })
}

/// Returns what else stands before the DSB after an invalidation, and may go by what is still to be invalidated: another
/// write of a register of translation, or a call.
fn other_before_dsb(events: &[Event], last: usize) -> Option<String> {
    let rest = until_dsb(events, last);
    events[last + 1..].get(rest.len()).filter(|event| event.is_dsb())?;
    rest.iter().find_map(|event| match &event.kind {
        Kind::Sysreg(write) if write.context().is_some() => Some(format!("msr {}", write.register)),
        Kind::Call(name) => Some(name.clone()),
        _ => None,
    })
}

/// Returns the exception level that a way is for: by the register written before, where the code asks for the level.
fn level_of_arm(path: &Path, first: usize) -> Option<ExceptionLevel> {
    let asks = path.conditions.iter().any(|condition| {
        let lower = condition.to_ascii_lowercase();
        [
            "current_el",
            "currentel",
            "switch_el",
            "hypervisor",
            "hyp_mode",
            "hyp_support",
        ]
        .iter()
        .any(|word| lower.contains(word))
    });
    let name = path.events[..first].iter().rev().find_map(|event| match &event.kind {
        Kind::Sysreg(write) => Some(&write.register),
        _ => None,
    });
    match name.filter(|_| asks)?.get(..)?.rsplit('_').next()? {
        "el1" => Some(ExceptionLevel::El1),
        "el2" => Some(ExceptionLevel::El2),
        "el3" => Some(ExceptionLevel::El3),
        _ => None,
    }
}

/// Returns the ISB that synchronizes what was completed, where entries are made in between: break-before-make ends with it,
/// for the old entry and the new one.
fn synchronized_later(events: &[Event], end: &[usize], ceiling: usize) -> Option<usize> {
    let completed = end.iter().rposition(|&at| events[at].is_dsb())?;
    if completed + 1 != end.len() {
        return None;
    }
    let from = end[completed] + 1;
    // Nothing but stores and barriers stands between.
    let goes_on = |at: &usize| matches!(events[*at].kind, Kind::Store(_) | Kind::Barrier(_) | Kind::Cache(_));
    let stores = |event: &Event| matches!(event.kind, Kind::Store(_));
    let isb = (from..ceiling)
        .take_while(goes_on)
        .find(|&at| events[at].kind == Kind::Barrier(Instruction::Isb))?;
    events[from..isb].iter().any(stores).then_some(isb)
}

/// Returns the barriers after the last invalidation.
fn forwards(events: &[Event], last: usize, ceiling: usize) -> Vec<usize> {
    let mut taken = Vec::new();
    let mut has_dsb = false;
    for (index, event) in events.iter().enumerate().take(ceiling).skip(last + 1) {
        match &event.kind {
            Kind::Barrier(Instruction::Isb) => {
                taken.push(index);
                if has_dsb {
                    break;
                }
            }
            Kind::Barrier(Instruction::Dsb(_) | Instruction::DsbNxs(_)) if has_dsb => break,
            Kind::Barrier(Instruction::Dmb(_)) if has_dsb => break,
            Kind::Barrier(barrier) => {
                has_dsb |= barrier.is_dsb();
                taken.push(index);
            }
            Kind::Store(_) | Kind::Return | Kind::ExceptionReturn => break,
            Kind::Call(_) if has_dsb => break,
            _ => {}
        }
    }
    taken
}

fn found(
    function: &str,
    path: &Path,
    start: &[usize],
    (floor, first, last): (usize, usize, usize),
    end: &[usize],
) -> Found {
    let events = &path.events;
    let Order { fault, doubt, breaks } = order(function, events, floor, first, last);
    let between = (first..=last).filter(|&i| {
        let kind = &events[i].kind;
        matches!(
            kind,
            Kind::Barrier(_) | Kind::Tlbi(..) | Kind::LoopStart | Kind::LoopEnd
        )
    });
    // A repetition may start before the first invalidation and end after the last.
    let opens = (0..first)
        .rev()
        .take_while(|&i| !matches!(events[i].kind, Kind::Tlbi(..)))
        .find(|&i| events[i].kind == Kind::LoopStart && open_at(events, i, first));
    let closes = (last + 1..events.len())
        .find(|&i| events[i].kind == Kind::LoopEnd)
        .filter(|_| in_loop(events, last));
    let mut chosen: Vec<usize> = start
        .iter()
        .copied()
        .chain(between)
        .chain(end.iter().copied())
        .collect();
    chosen.extend(opens);
    chosen.extend(closes);
    chosen.sort_unstable();
    chosen.dedup();
    let picked: Vec<&Event> = chosen.iter().map(|&i| &events[i]).collect();
    let instructions: Vec<&&Event> = picked
        .iter()
        .filter(|event| matches!(event.kind, Kind::Barrier(_) | Kind::Tlbi(..) | Kind::Sysreg(_)))
        .collect();
    let registers = |range: &[Event]| -> Vec<String> {
        let name = |event: &Event| match &event.kind {
            Kind::Sysreg(write) => Some(write.register.clone()),
            Kind::Call(name) if turns_mmu_on(name) => Some(format!("sctlr, by {name}")),
            _ => None,
        };
        range.iter().filter_map(name).collect()
    };
    let operand = |event: &&Event| match &event.kind {
        Kind::Tlbi(op, given) if op.takes_operand() => Some(given.text.clone()),
        _ => None,
    };
    let value = |event: &&Event| match &event.kind {
        Kind::Tlbi(op, given) if op.takes_operand() => Some((*op, given.value.clone())),
        _ => None,
    };
    let dsb = |event: &&&Event| event.is_dsb();
    Found {
        function: function.to_owned(),
        line: instructions.iter().map(|event| event.line).min().unwrap_or_default(),
        lines: instructions.iter().map(|event| event.line).collect(),
        changed: instructions.iter().any(|event| event.changed),
        primary: path.primary,
        conditions: path.conditions.clone(),
        fragment: !instructions.iter().any(dsb),
        open_start: false,
        open_end: false,
        via: instructions
            .iter()
            .flat_map(|event| event.via.iter().cloned())
            .collect(),
        sequence: compose(&picked),
        around: Around {
            written_before: registers(&events[..first]),
            written_after: registers(&events[last + 1..]),
            store_before: stored(&events[..first]),
            makes: made(&events[..first]),
            new_stores: [&events[..first], &events[last + 1..]].map(|part| {
                part.iter()
                    .any(|event| event.changed && matches!(event.kind, Kind::Store(_)))
            }),
            stores: stores(events, first, last),
            breaks_before: breaks,
            breaks_after: breaks_after(events, last),
            fault,
            returns_from_exception: events[last..].iter().any(|event| event.kind == Kind::ExceptionReturn),
            operands: picked.iter().filter_map(operand).collect(),
            values: picked.iter().filter_map(value).collect(),
            doubt: doubt.or_else(|| in_doubt(function, events, first, last)),
            broadcast_beside: false,
            call_after: events[last + 1..]
                .iter()
                .take_while(|event| !matches!(event.kind, Kind::Tlbi(..)))
                .any(|event| matches!(&event.kind, Kind::Call(name) if may_complete(name))),
            cache_before: cache_before(events, start),
            cache_after: cache_after(events, last, end),
            control_before_dsb: control_before_dsb(function, events, last),
            other_before_dsb: other_before_dsb(events, last),
            mmu_off: mmu_off(events, first, last),
            lent: false,
            mmu_before: mmu_before(function, events, first),
            host: events[..first].iter().rev().find_map(|event| match &event.kind {
                Kind::Sysreg(write) => write.host(),
                _ => None,
            }),
            publishes: None,
            unjudged: None,
            steps: Vec::new(),
            calls: Vec::new(),
            reason: None,
            guard: None,
            level: level_of_arm(path, first),
        },
    }
}

/// Returns the entry that the last store gives an address, where nothing was invalidated before.
fn made(events: &[Event]) -> Option<String> {
    if events.iter().any(|event| matches!(event.kind, Kind::Tlbi(..))) {
        return None;
    }
    let mut stores = events.iter().rev().filter_map(|event| match &event.kind {
        Kind::Store(stored) => Some(stored),
        _ => None,
    });
    let last = stores.next()?;
    (last.moves && !last.invalid && !last.target.is_empty()).then(|| last.target.clone())
}

/// Returns whether the last thing that counts, barriers aside, is a store.
fn stored(events: &[Event]) -> bool {
    let counts = |event: &&Event| {
        matches!(
            event.kind,
            Kind::Store(_) | Kind::Sysreg(_) | Kind::Call(_) | Kind::Tlbi(..)
        )
    };
    events
        .iter()
        .rev()
        .find(counts)
        .is_some_and(|event| matches!(event.kind, Kind::Store(_)))
}

/// Returns whether the repetition that starts at `start` is still open at `at`.
fn open_at(events: &[Event], start: usize, at: usize) -> bool {
    let mut depth = 0_i32;
    for event in &events[start..at] {
        match event.kind {
            Kind::LoopStart => depth += 1,
            Kind::LoopEnd => depth -= 1,
            _ => {}
        }
        if depth <= 0 {
            return false;
        }
    }
    depth > 0
}

fn in_loop(events: &[Event], at: usize) -> bool {
    let mut depth = 0_i32;
    for event in &events[..=at] {
        match event.kind {
            Kind::LoopStart => depth += 1,
            Kind::LoopEnd => depth = (depth - 1).max(0),
            _ => {}
        }
    }
    depth > 0
}

/// Builds the sequence: a repetition with an invalidation by address becomes `for page`, others are what they repeat.
fn compose(picked: &[&Event]) -> Sequence {
    let mut items = Vec::new();
    let mut at = 0;
    while at < picked.len() {
        if picked[at].kind != Kind::LoopStart {
            push(picked[at], false, &mut items);
            at += 1;
            continue;
        }
        let mut depth = 0;
        let end = (at..picked.len()).find(|&index| {
            match picked[index].kind {
                Kind::LoopStart => depth += 1,
                Kind::LoopEnd => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        let end = end.unwrap_or(picked.len());
        let body = &picked[at + 1..end];
        let mut inner = Vec::new();
        for event in body {
            push(event, true, &mut inner);
        }
        let body: Vec<Instruction> = inner.iter().flat_map(|item| item.instructions().to_vec()).collect();
        let paged = |i: &Instruction| matches!(i.operand(), Operand::Page(_));
        if body.iter().any(paged) {
            items.push(Item::ForPage(body));
        } else {
            items.extend(body.into_iter().map(Item::Instruction));
        }
        at = end + 1;
    }
    Sequence { items }
}

fn push(event: &Event, paged: bool, items: &mut Vec<Item>) {
    match &event.kind {
        Kind::Barrier(barrier) => items.push(Item::Instruction(*barrier)),
        Kind::Tlbi(op, given) => {
            let by_page = paged && matches!(op.operand_format(), OperandFormat::Va | OperandFormat::Ipa);
            items.push(Item::Instruction(instruction(*op, given, by_page)));
        }
        Kind::Sysreg(write) => {
            // What is written before an invalidation is the context the invalidation is meant for. That of the host is
            // told apart from that of a guest.
            let value = match write.host() {
                Some(true) => ContextValue::Old,
                _ => ContextValue::New,
            };
            items.extend(
                write
                    .context()
                    .map(|register| Item::Instruction(Instruction::Msr(register, value))),
            );
        }
        _ => {}
    }
}
