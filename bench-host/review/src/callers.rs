// SPDX-License-Identifier: MIT OR Apache-2.0
//! Helpers and building blocks that are judged where they are put in place of their calls, and flushes that go to another
//! function.

use crate::bodies::{Renames, Sides};
use crate::evaluate::{Evaluated, Flips, Ground};
use crate::pair::Kind;
use crate::placed::Placed;
use crate::relation::Relation;
use crate::source::Touched;
use sequences::judge::Verdict;
use std::collections::HashMap;

/// Takes helpers that only come or go for moved: what they do is judged where they are put in place of their calls, and there
/// it is as it was.
pub(crate) fn note_folded(changes: &mut [Evaluated]) {
    let mut kept: HashMap<String, bool> = HashMap::new();
    for change in changes.iter() {
        let same = match (&change.before, &change.after) {
            (Some(before), Some(after)) => before.text() == after.text() && before.verdict == after.verdict,
            _ => false,
        };
        let sides = change.before.iter().chain(&change.after);
        for name in sides.flat_map(|side| side.via.iter()) {
            *kept.entry(name.clone()).or_insert(true) &= same;
        }
    }
    for change in changes.iter_mut() {
        let folded = change
            .shown()
            .is_some_and(|side| kept.get(&side.function) == Some(&true));
        if !folded || change.before.is_some() && change.after.is_some() {
            continue;
        }
        let side = change.before.take().or(change.after.take());
        change.before.clone_from(&side);
        change.after = side;
        change.kind = Kind::Moved;
        change.relation = Relation::Equivalent;
        change.questions.clear();
        change.flips = Flips::default();
    }
}

/// Names, for each building block, the callers in sight that are judged with it.
pub(crate) fn note_callers(changes: &mut [Evaluated]) {
    let whole: Vec<(String, Vec<String>)> = changes
        .iter()
        .filter_map(|change| change.after.as_ref())
        .filter(|side| side.verdict != Verdict::Unknown && !side.via.is_empty())
        .map(|side| (side.function.clone(), side.via.clone()))
        .collect();
    for side in changes.iter_mut().filter_map(|change| change.after.as_mut()) {
        if !side.is_part || side.function.is_empty() {
            continue;
        }
        let calls = whole.iter().filter(|(_, via)| via.contains(&side.function));
        side.callers = calls.map(|(name, _)| name.clone()).collect();
        side.callers.sort();
        side.callers.dedup();
        if !side.callers.is_empty() {
            let text = format!(
                "a building block: judged with the barriers of {}",
                side.callers.join(", ")
            );
            side.reasons = vec![Ground::question(text)];
        }
    }
}

/// Leaves a flush open that left a function for another one, where both are there before and after, and neither calls the
/// other: on the ways through the first there is none any more.
pub(crate) fn note_left(changes: &mut [Evaluated], [before, after]: &Sides, renames: &Renames) {
    let moved = changes.iter_mut().filter(|change| change.kind == Kind::Moved);
    for change in moved {
        let (Some(old), Some(new)) = (&change.before, &mut change.after) else {
            continue;
        };
        let is_old = |body: &&Placed<Touched>| body.path == old.file && body.found.name == old.function;
        let is_new = |body: &&Placed<Touched>| body.path == new.file && body.found.name == new.function;
        let left = after.iter().find(is_old);
        let was_there = before.iter().any(|body| is_new(&body));
        // Who calls the function does for it what it did.
        let calls_it = |body: &Placed<Touched>| is_new(&body) && body.found.called.contains(&old.function);
        if old.function.is_empty()
            || old.function == new.function
            || renames.contains_key(&old.function)
            || !new.verdict.is_sufficient()
            || !was_there
            || after.iter().any(calls_it)
            || left.is_none_or(|left| left.found.called.contains(&new.function))
        {
            continue;
        }
        let text = format!(
            "the flush leaves `{}`, which does not call the function that has it now: who invalidates on the other ways \
             through `{}`?",
            old.function, old.function
        );
        new.leave_open(text);
    }
}
