// SPDX-License-Identifier: MIT OR Apache-2.0
//! The order of stores and invalidations: break-before-make.
//!
//! A valid entry whose output address, type or size changes is made invalid, that is completed, its translations are
//! invalidated, that is completed, and only then the new entry is written (Arm ARM, D8.16, "Using break-before-make when
//! updating translation table entries"). Where the text shows the stores, their order is judged; the barriers between are
//! the judge's business.

use crate::extract::event::{Event, Kind, Stored};
use crate::extract::names::may_complete;

/// What the order of stores and invalidations on a way says of one sequence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Order {
    /// It is wrong.
    pub fault: Option<String>,
    /// It may be.
    pub doubt: Option<String>,
    /// It is right as far as the text shows, and an entry is made invalid before the sequence.
    pub breaks: bool,
}

/// Looks at the stores around a sequence: `floor` is where the one before it ends, `first` and `last` are its invalidations.
pub fn order(function: &str, events: &[Event], floor: usize, first: usize, last: usize) -> Order {
    let maintains = |event: &Event| match &event.kind {
        Kind::Tlbi(..) => true,
        Kind::Call(name) => may_complete(name),
        _ => false,
    };
    let start = (floor..first)
        .rfind(|&at| maintains(&events[at]))
        .map_or(floor, |at| at + 1);
    let after: Vec<&Event> = events[last + 1..]
        .iter()
        .take_while(|event| !maintains(event) && !matches!(event.kind, Kind::Return | Kind::ExceptionReturn))
        .collect();
    let broken: Vec<(usize, &Stored)> = (start..first)
        .filter_map(|at| {
            stored(&events[at])
                .filter(|store| store.invalid)
                .map(|store| (at, store))
        })
        .collect();
    for (at, breaks) in &broken {
        let again = |event: &&Event| stored(event).is_some_and(|store| store.makes_again(breaks));
        if events[*at..first].iter().any(|event| again(&event)) {
            return Order {
                doubt: Some(format!(
                    "`{}` is made invalid and gets its new value before the flush: where it was valid, break-before-make \
                     needs the flush between the two",
                    breaks.target
                )),
                ..Order::default()
            };
        }
        let Some(makes) = after.iter().position(again) else {
            continue;
        };
        if !after[..makes].iter().any(|event| event.is_dsb()) && after[makes..].iter().any(|event| event.is_dsb()) {
            return Order {
                fault: Some(format!(
                    "`{}` gets its new value before the invalidation is complete: no DSB stands between the TLBI and the \
                     store, so the old translation and the new one can be in use together",
                    breaks.target
                )),
                ..Order::default()
            };
        }
        if is_of_contiguous(function) && in_one_loop(events, *at, first, last + 1 + makes) {
            return Order {
                fault: Some(
                    "the entries of a contiguous range are broken and made again one by one: while one is invalid, the \
                     others still say that all are one translation; all are to be made invalid and flushed before the first \
                     is made again"
                        .to_owned(),
                ),
                ..Order::default()
            };
        }
    }
    // Nothing was changed before it, and what is taken away after it is flushed by nothing in sight.
    let any_store = events[..first].iter().any(|event| stored(event).is_some());
    let flushed_later = events[last + 1..].iter().any(maintains);
    let taken = after
        .iter()
        .find_map(|event| stored(event).filter(|store| store.invalid));
    if let Some(taken) = taken
        && !any_store
        && !flushed_later
        && events[..first]
            .iter()
            .all(|event| !matches!(event.kind, Kind::LoopStart))
    {
        return Order {
            doubt: Some(format!(
                "`{}` is made invalid after the flush, and nothing invalidates after that: what is cached until then stays. What \
                 was changed before the flush?",
                taken.target
            )),
            ..Order::default()
        };
    }
    Order {
        breaks: !broken.is_empty(),
        ..Order::default()
    }
}

/// Returns what is in doubt where the memory attributes of an entry are changed, and it is neither made nor made invalid,
/// before an invalidation: a change of memory type or cacheability needs break-before-make too.
pub fn changes_attributes(events: &[Event], first: usize) -> Option<String> {
    let all: Vec<&Stored> = stores_before(events, first).collect();
    let other = all.iter().any(|store| store.invalid || store.moves);
    let changed = all.iter().find(|store| store.attributes && !other)?;
    Some(format!(
        "the memory attributes of `{}` are changed in place: where it is valid and its memory type or cacheability changes, it \
         has to be made invalid and flushed first",
        changed.target
    ))
}

/// Returns what is in doubt where one entry is given one table or page after the other, and is not made invalid between.
pub fn repoints(events: &[Event], first: usize) -> Option<String> {
    let all: Vec<&Stored> = stores_before(events, first).collect();
    let broken = all.iter().any(|store| store.invalid);
    let picked = all.iter().find(|store| store.picks && !broken)?;
    Some(format!(
        "`{}` is given another value each time, and is not made invalid and flushed first: where it is valid, its output address \
         changes under what the TLB holds, and break-before-make asks for that",
        picked.target
    ))
}

/// Returns the stores between the invalidation before a sequence and it.
fn stores_before(events: &[Event], first: usize) -> impl Iterator<Item = &Stored> {
    let start = events[..first]
        .iter()
        .rposition(|event| matches!(event.kind, Kind::Tlbi(..)))
        .map_or(0, |at| at + 1);
    events[start..first].iter().filter_map(stored)
}

/// Returns whether stores stand before a sequence, and after it up to what invalidates next.
pub fn stores(events: &[Event], first: usize, last: usize) -> [bool; 2] {
    [
        events[..first].iter().any(|event| stored(event).is_some()),
        stores_after(events, last).next().is_some(),
    ]
}

/// Returns whether an entry is made invalid after a sequence, before anything invalidates next.
pub fn breaks_after(events: &[Event], last: usize) -> bool {
    stores_after(events, last).any(|store| store.invalid)
}

fn stores_after(events: &[Event], last: usize) -> impl Iterator<Item = &Stored> {
    let invalidates = |event: &&Event| match &event.kind {
        Kind::Tlbi(..) => true,
        Kind::Call(name) => may_complete(name),
        _ => false,
    };
    events[last + 1..]
        .iter()
        .take_while(move |event| !invalidates(event))
        .filter_map(stored)
}

fn stored(event: &Event) -> Option<&Stored> {
    match &event.kind {
        Kind::Store(stored) => Some(stored),
        _ => None,
    }
}

/// Returns whether a function is for entries with the Contiguous bit, by its name.
fn is_of_contiguous(function: &str) -> bool {
    let lower = function.to_ascii_lowercase();
    lower.contains("contig") || lower.contains("contpte") || lower.split('_').any(|part| part == "cont")
}

/// Returns whether what breaks an entry, the invalidation, and what makes it again are in one repetition.
fn in_one_loop(events: &[Event], breaks: usize, first: usize, makes: usize) -> bool {
    let mut depth = 0_i32;
    for event in &events[breaks..=makes.min(events.len() - 1)] {
        match event.kind {
            Kind::LoopStart => depth += 1,
            Kind::LoopEnd => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    let mut open = 0_i32;
    for event in &events[..breaks.min(first)] {
        match event.kind {
            Kind::LoopStart => open += 1,
            Kind::LoopEnd => open = (open - 1).max(0),
            _ => {}
        }
    }
    open > 0
}
