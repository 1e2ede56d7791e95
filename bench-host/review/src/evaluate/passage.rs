// SPDX-License-Identifier: MIT OR Apache-2.0
//! Passages, which nothing can be judged about: shown with both sides and left undecided.

use crate::evaluate::{Evaluated, Flips, Ground, SideVerdict};
use crate::extract::reduce::Found;
use crate::pair::Pair;
use crate::placed::Placed;
use crate::relation::Relation;
use sequences::judge::{After, Change, Observers, Question, Regime, Verdict};

/// Returns a change of a passage.
pub fn evaluate_passage(pair: &Pair) -> Evaluated {
    Evaluated {
        kind: pair.kind,
        before: pair.before.as_ref().map(side),
        after: pair.after.as_ref().map(side),
        relation: Relation::NotApplicable,
        differences: Vec::new(),
        assumptions: Vec::new(),
        questions: vec!["What relies on this order, and what did before?".to_owned()],
        question: Question::new(Change::Validate, Regime::El10, Observers::ThisPe, After::Nothing),
        flips: Flips::default(),
        is_passage: true,
    }
}

fn side(placed: &Placed<Found>) -> SideVerdict {
    let found = &placed.found;
    let beside = found.around.unjudged.as_deref().unwrap_or_default();
    let text = format!("beside {beside}, where nothing is invalidated: what relies on the order is not in sight");
    SideVerdict {
        file: placed.path.clone(),
        function: found.function.clone(),
        line: found.line,
        last_line: found.last_line(),
        sequence: found.sequence.clone(),
        verdict: Verdict::Unknown,
        reasons: vec![Ground::question(text)],
        weakest: None,
        counterexample: Vec::new(),
        errata: Vec::new(),
        is_part: true,
        via: Vec::new(),
        callers: Vec::new(),
    }
}

/// Returns whether the patch leaves a passage as it was: the same, under the same conditions, in this function or another.
pub fn is_kept(pair: &Pair) -> bool {
    match (&pair.before, &pair.after) {
        (Some(a), Some(b)) => a.found.sequence == b.found.sequence && a.found.conditions == b.found.conditions,
        _ => false,
    }
}

/// Pairs what left one place with what came to another and is the same.
pub fn join_moved(pairs: &mut Vec<Pair>) {
    let gone: Vec<Placed<Found>> = pairs
        .iter()
        .filter(|pair| pair.after.is_none())
        .filter_map(|pair| pair.before.clone())
        .collect();
    for old in gone {
        let came = pairs.iter().position(|pair| {
            let same = |new: &Placed<Found>| {
                new.found.sequence == old.found.sequence && new.found.conditions == old.found.conditions
            };
            pair.before.is_none() && pair.after.as_ref().is_some_and(same)
        });
        let Some(came) = came else { continue };
        pairs.remove(came);
        if let Some(at) = pairs
            .iter()
            .position(|pair| pair.after.is_none() && pair.before.as_ref() == Some(&old))
        {
            pairs.remove(at);
        }
    }
}
