// SPDX-License-Identifier: MIT OR Apache-2.0
//! Helpers and building blocks that are judged where they are put in place of their calls.

use crate::evaluate::{Evaluated, Flips, Ground};
use crate::pair::Kind;
use crate::relation::Relation;
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
