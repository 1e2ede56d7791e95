// SPDX-License-Identifier: MIT OR Apache-2.0
//! Passages: barriers, writes of translation registers, and calls of flushes that are not in sight.
//!
//! The order of such writes and the barriers between them decides under which tables, and in which regime, what follows is
//! translated; on which side of a store a flush stands decides whether it is for it. There is nothing to judge a stale
//! translation by, so they are shown with both sides and left undecided, rather than listed line by line.

use crate::extract::event::{Event, Kind};
use crate::extract::path::Path;
use crate::extract::reduce::{Around, Found};
use crate::extract::text::{cut, folded};
use sequences::{ContextValue, Instruction, Sequence};
use std::collections::BTreeSet;

/// The step that is a store to a table.
pub const STORE: &str = "a store to a translation table";
/// The one that makes an entry invalid.
pub const BREAK: &str = "an entry of a translation table is made invalid";
/// Most steps of a passage.
const MAX: usize = 24;
/// Most characters of what a register is given.
const MAX_OPERAND: usize = 40;
/// Most characters of a call.
const MAX_CALL: usize = 80;

/// What the text says of an event.
pub struct Sight<'a> {
    /// What of translation an event stands beside, given all that happens before it.
    pub beside: &'a dyn Fn(&[Event], &Event) -> Option<String>,
    /// The call of a flush that cannot be looked into, as written.
    pub call: &'a dyn Fn(&Event) -> Option<String>,
    /// Whether an event is a store to a translation table.
    pub is_table: &'a dyn Fn(&Event) -> bool,
}

/// Returns the passages on a way, also those that the patch leaves alone: the other side may differ. `taken` are the
/// lines of sequences.
pub fn passages(function: &str, path: &Path, taken: &BTreeSet<u32>, sight: &Sight) -> Vec<Found> {
    let events = &path.events;
    let ends = |event: &Event| {
        matches!(event.kind, Kind::Tlbi(..) | Kind::Return | Kind::ExceptionReturn) || taken.contains(&event.line)
    };
    let mut out = Vec::new();
    let mut start = 0;
    while start < events.len() {
        let end = (start..events.len())
            .find(|&at| ends(&events[at]))
            .unwrap_or(events.len());
        out.extend(passage(function, path, (start, end), sight));
        start = end + 1;
    }
    out
}

/// A part of a passage.
struct Step<'a> {
    event: &'a Event,
    text: String,
    /// What it is about; nothing for what counts only beside others.
    subject: Option<String>,
    /// The flush that is called.
    call: Option<String>,
}

fn is_store(step: &Step) -> bool {
    matches!(step.event.kind, Kind::Store(_))
}

fn passage(function: &str, path: &Path, (start, end): (usize, usize), sight: &Sight) -> Option<Found> {
    let events = &path.events;
    let mut steps: Vec<Step> = Vec::new();
    let mut depth = 0_usize;
    for (at, event) in events.iter().enumerate().take(end).skip(start) {
        match event.kind {
            Kind::LoopStart => depth += 1,
            Kind::LoopEnd => depth = depth.saturating_sub(1),
            _ => {}
        }
        let Some(mut step) = step(&events[..at], event, sight) else {
            continue;
        };
        if depth > 0 && step.call.is_some() {
            step.text.insert_str(0, "each: ");
        }
        // However many entries are written: what counts is which side of a flush they are on.
        match steps.last_mut().filter(|last| last.text == step.text) {
            Some(last) if matches!(event.kind, Kind::Store(_)) => {
                last.event = if event.changed { event } else { last.event }
            }
            _ => steps.push(step),
        }
    }
    if steps.iter().all(|step| step.call.is_none()) {
        steps.retain(|step| !is_store(step));
    }
    let changed = |step: &Step| step.event.changed && (step.subject.is_some() || is_store(step));
    let is_changed = steps.iter().any(changed);
    let about = |step: &Step| step.event.changed && step.subject.is_some();
    // What the patch changes is what it is about; without that, it is what the other side may be compared with.
    let any = steps.iter().any(about);
    let what = steps
        .iter()
        .filter(|step| !any || about(step))
        .find_map(|step| step.subject.clone())?;
    let first = steps.iter().position(|step| match any {
        true => about(step),
        false => step.subject.is_some(),
    });
    let first = first.unwrap_or_default();
    let line = steps[first].event.line;
    let from = if steps.len() > MAX { first.saturating_sub(2) } else { 0 };
    let chosen = &steps[from..steps.len().min(from + MAX)];
    Some(Found {
        function: function.to_owned(),
        line,
        lines: chosen.iter().map(|step| step.event.line).collect(),
        sequence: chosen
            .iter()
            .filter_map(|step| instruction(step.event))
            .collect::<Sequence>(),
        changed: is_changed,
        primary: path.primary,
        conditions: path.conditions.clone(),
        around: Around {
            unjudged: Some(what),
            steps: chosen.iter().map(|step| step.text.clone()).collect(),
            calls: chosen.iter().filter_map(|step| step.call.clone()).collect(),
            ..Around::default()
        },
        fragment: false,
        open_start: false,
        open_end: false,
        via: chosen.iter().flat_map(|step| step.event.via.iter().cloned()).collect(),
    })
}

/// Returns what an event is in a passage.
fn step<'a>(before: &[Event], event: &'a Event, sight: &Sight) -> Option<Step<'a>> {
    let plain = |text: String, subject| Step {
        event,
        text,
        subject,
        call: None,
    };
    match &event.kind {
        Kind::Barrier(barrier @ (Instruction::Dsb(_) | Instruction::DsbNxs(_) | Instruction::Isb)) => {
            Some(plain(barrier.to_string(), (sight.beside)(before, event)))
        }
        Kind::Sysreg(write) if !write.register.starts_with("ic ") => {
            let subject = format!("a write of `{}`", write.register);
            let text = match shortened(&write.text) {
                text if text.is_empty() => format!("msr {}", write.register),
                text => format!("msr {}, {text}", write.register),
            };
            Some(plain(text, Some(subject)))
        }
        Kind::Call(name) => {
            let text = (sight.call)(event)?;
            Some(Step {
                event,
                text,
                subject: Some(format!("a call of `{name}`")),
                call: Some(name.clone()),
            })
        }
        Kind::Noted(noted) => Some(Step {
            event,
            text: shortened_to(&noted.text, MAX_CALL),
            subject: Some(noted.subject.clone()).filter(|_| !noted.quiet),
            call: noted.flush.clone(),
        }),
        Kind::Store(stored) if (sight.is_table)(event) => {
            let text = if stored.invalid { BREAK } else { STORE };
            Some(plain(text.to_owned(), None))
        }
        _ => None,
    }
}

/// Returns an operand with white space folded, and its end left out where it is long.
fn shortened(text: &str) -> String {
    shortened_to(text, MAX_OPERAND)
}

fn shortened_to(text: &str, most: usize) -> String {
    cut(&folded(text), most)
}

/// Returns the instruction that an event is in a passage, where the judge has it.
fn instruction(event: &Event) -> Option<Instruction> {
    match &event.kind {
        Kind::Barrier(barrier @ (Instruction::Dsb(_) | Instruction::DsbNxs(_) | Instruction::Isb)) => Some(*barrier),
        Kind::Sysreg(write) => {
            let register = write.context()?;
            Some(Instruction::Msr(register, ContextValue::New))
        }
        _ => None,
    }
}
