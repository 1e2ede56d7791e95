// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which passage before is which passage after.
//!
//! Passages go by their steps as written: the judge's language has no words for all of them.

use super::{Kind, Pair, condense, take};
use crate::extract::passage::{BREAK, STORE};
use crate::extract::reduce::Found;
use crate::placed::Placed;
use std::collections::{BTreeSet, HashMap, VecDeque};

/// Pairs the passages of the two sides of a patch; also those that it leaves alone.
pub fn pair_passages(before: Vec<Placed<Found>>, after: Vec<Placed<Found>>) -> Vec<Pair> {
    let mut old: Vec<Option<Placed<Found>>> = before.into_iter().map(Some).collect();
    let mut new: Vec<Option<Placed<Found>>> = after.into_iter().map(Some).collect();
    let mut pairs = Vec::new();
    let place = |a: &Placed<Found>, b: &Placed<Found>| a.path == b.path && a.found.function == b.found.function;
    let steps = |a: &Placed<Found>, b: &Placed<Found>| a.found.around.steps == b.found.around.steps;
    let way = |a: &Placed<Found>, b: &Placed<Found>| a.found.conditions == b.found.conditions;
    let both = |a: &Placed<Found>, b: &Placed<Found>| a.found.changed && b.found.changed;
    let any = |a: &Placed<Found>, b: &Placed<Found>| a.found.changed || b.found.changed;
    take_same(&mut old, &mut new, &mut pairs);
    take(&mut old, &mut new, &mut pairs, |a, b| {
        (place(a, b) && steps(a, b)).then_some(1)
    });
    take(&mut old, &mut new, &mut pairs, |a, b| {
        let alike = shared(&a.found.around.steps, &b.found.around.steps);
        (place(a, b) && any(a, b) && alike > 0).then_some(2 * alike + u32::from(way(a, b)))
    });
    take(&mut old, &mut new, &mut pairs, |a, b| {
        let alike = shared(&bones(&a.found), &bones(&b.found));
        (place(a, b) && both(a, b)).then_some(2 * alike + u32::from(way(a, b)))
    });
    // What left one place and came to another.
    take(&mut old, &mut new, &mut pairs, |a, b| {
        (steps(a, b) && any(a, b)).then_some(1 + u32::from(way(a, b)))
    });
    take(&mut old, &mut new, &mut pairs, |a, b| {
        let same = bones(&a.found);
        (both(a, b) && !same.is_empty() && same == bones(&b.found)).then_some(1 + u32::from(way(a, b)))
    });
    for pair in &mut pairs {
        if let (Some(a), Some(b)) = (&pair.before, &pair.after) {
            pair.kind = if place(a, b) { Kind::Changed } else { Kind::Moved };
        }
    }
    let single = |kind, before, after| Pair { kind, before, after };
    let gone = old.into_iter().flatten();
    pairs.extend(gone.map(|placed| single(Kind::Removed, Some(placed), None)));
    let come = new.into_iter().flatten();
    pairs.extend(come.map(|placed| single(Kind::Added, None, Some(placed))));
    let line = |pair: &Pair| {
        let side = pair.after.as_ref().or(pair.before.as_ref());
        side.map(|placed| (placed.path.clone(), placed.found.line))
    };
    pairs.sort_by_key(line);
    pairs
}

/// Takes what is the same on both sides, in order: in most patches, most of it.
fn take_same(old: &mut Vec<Option<Placed<Found>>>, new: &mut Vec<Option<Placed<Found>>>, pairs: &mut Vec<Pair>) {
    type Key<'a> = (&'a str, &'a str, &'a [String], &'a [String]);
    fn key(placed: &Placed<Found>) -> Key<'_> {
        let Found {
            function,
            around,
            conditions,
            ..
        } = &placed.found;
        (&placed.path, function, &around.steps, conditions)
    }
    let mut known: HashMap<Key, VecDeque<usize>> = HashMap::new();
    for (at, placed) in new.iter().enumerate() {
        if let Some(placed) = placed {
            known.entry(key(placed)).or_default().push_back(at);
        }
    }
    let same: Vec<(usize, usize)> = old
        .iter()
        .enumerate()
        .filter_map(|(at, placed)| Some((at, known.get_mut(&key(placed.as_ref()?))?.pop_front()?)))
        .collect();
    for (from, to) in same {
        pairs.push(Pair {
            kind: Kind::Changed,
            before: old[from].take(),
            after: new[to].take(),
        });
    }
    old.retain(Option::is_some);
    new.retain(Option::is_some);
}

/// Leaves those that the patch changes.
pub fn changed_passages(mut pairs: Vec<Pair>) -> Vec<Pair> {
    pairs.retain(is_changed);
    condense(without_ways(pairs))
}

/// Leaves out a passage on one side only whose lines are a part of one that is shown with both sides: another way through
/// the same function.
fn without_ways(pairs: Vec<Pair>) -> Vec<Pair> {
    let both: Vec<[Placed<Found>; 2]> = pairs
        .iter()
        .filter_map(|pair| Some([pair.before.clone()?, pair.after.clone()?]))
        .collect();
    let is_way = |pair: &Pair| {
        let (side, placed) = match (&pair.before, &pair.after) {
            (Some(before), None) => (0, before),
            (None, Some(after)) => (1, after),
            _ => return false,
        };
        both.iter().map(|sides| &sides[side]).any(|shown| {
            shown.path == placed.path
                && shown.found.function == placed.found.function
                && placed.found.lines.is_subset(&shown.found.lines)
        })
    };
    pairs.into_iter().filter(|pair| !is_way(pair)).collect()
}

fn is_changed(pair: &Pair) -> bool {
    let (a, b) = match (&pair.before, &pair.after) {
        (Some(a), Some(b)) => (a, b),
        (a, b) => return a.iter().chain(b).any(|placed| placed.found.changed),
    };
    if b.found.around.guard.is_some() {
        return true;
    }
    let same = a.found.around.steps == b.found.around.steps;
    let calls = !a.found.around.calls.is_empty();
    match pair.kind {
        // The same elsewhere: a flush counts where it stands, the rest by what it does.
        Kind::Moved => !same || calls || a.found.conditions != b.found.conditions,
        _ if same => a.found.conditions != b.found.conditions && a.found.changed && b.found.changed,
        // A store more or less is no change of a flush: which side of it stores are on is.
        _ if without_stores(&a.found) == without_stores(&b.found) => {
            stores(&a.found) && stores(&b.found) && (a.found.changed || b.found.changed)
        }
        _ => a.found.changed || b.found.changed,
    }
}

fn is_store(step: &str) -> bool {
    step == STORE || step == BREAK
}

fn stores(found: &Found) -> bool {
    found.around.steps.iter().any(|step| is_store(step))
}

fn without_stores(found: &Found) -> Vec<&String> {
    found.around.steps.iter().filter(|step| !is_store(step)).collect()
}

/// Returns what steps are without what they are given: which register, which barrier, which function.
fn bones(found: &Found) -> Vec<String> {
    let bare = |step: &String| {
        let end = step.find([',', '(']).unwrap_or(step.len());
        step[..end].to_owned()
    };
    found.around.steps.iter().map(bare).collect()
}

/// Returns how many steps both have.
fn shared(a: &[String], b: &[String]) -> u32 {
    let own: BTreeSet<&String> = a.iter().collect();
    let other: BTreeSet<&String> = b.iter().collect();
    own.intersection(&other).count() as u32
}
