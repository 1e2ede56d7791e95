// SPDX-License-Identifier: MIT OR Apache-2.0
//! Passages: barriers and writes of translation registers where nothing is invalidated.
//!
//! The order of such writes and the barriers between them decides under which tables, and in which regime, what follows is
//! translated. There is nothing to judge a stale translation by, so they are shown with both sides and left undecided,
//! rather than listed line by line.

use crate::extract::event::{Event, Kind};
use crate::extract::path::Path;
use crate::extract::reduce::{Around, Found};
use sequences::{ContextValue, Instruction, Sequence};
use std::collections::BTreeSet;

/// Most instructions of a passage.
const MAX: usize = 24;

/// Returns the passages on a way, also those that the patch leaves alone: the other side may differ. `taken` are the lines of sequences; `beside` says what of
/// translation an event stands beside, given all that happens before it.
pub fn passages(
    function: &str,
    path: &Path,
    taken: &BTreeSet<u32>,
    beside: &impl Fn(&[Event], &Event) -> Option<String>,
) -> Vec<Found> {
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
        out.extend(passage(function, path, (start, end), beside));
        start = end + 1;
    }
    out
}

fn passage(
    function: &str,
    path: &Path,
    (start, end): (usize, usize),
    beside: &impl Fn(&[Event], &Event) -> Option<String>,
) -> Option<Found> {
    let events = &path.events;
    let picked: Vec<usize> = (start..end).filter(|&at| instruction(&events[at]).is_some()).collect();
    let subject = |&at: &usize| match &events[at].kind {
        Kind::Sysreg(write) => Some(format!("a write of `{}`", write.register)),
        _ => beside(&events[..at], &events[at]),
    };
    let changed = |at: &usize| events[*at].changed && subject(at).is_some();
    let is_changed = picked.iter().any(changed);
    // What the patch changes is what it is about; without that, it is what the other side may be compared with.
    let what = picked
        .iter()
        .filter(|at| !is_changed || changed(at))
        .find_map(subject)?;
    let first = picked.iter().position(changed).unwrap_or_default();
    let from = if picked.len() > MAX { first.saturating_sub(2) } else { 0 };
    let chosen: Vec<&Event> = picked[from..].iter().take(MAX).map(|&at| &events[at]).collect();
    let lines: BTreeSet<u32> = chosen.iter().map(|event| event.line).collect();
    Some(Found {
        function: function.to_owned(),
        line: events[picked[first]].line,
        lines,
        sequence: chosen
            .iter()
            .filter_map(|event| instruction(event))
            .collect::<Sequence>(),
        changed: is_changed,
        primary: path.primary,
        conditions: path.conditions.clone(),
        around: Around {
            unjudged: Some(what),
            ..Around::default()
        },
        fragment: false,
        open_start: false,
        open_end: false,
        via: chosen.iter().flat_map(|event| event.via.iter().cloned()).collect(),
    })
}

/// Returns the instruction that an event is in a passage.
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
