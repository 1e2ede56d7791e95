// SPDX-License-Identifier: MIT OR Apache-2.0
//! Passages, which nothing can be judged about: shown with both sides and left undecided.

use crate::evaluate::{Evaluated, Flips, Ground, SideVerdict};
use crate::extract::reduce::Found;
use crate::pair::Pair;
use crate::placed::Placed;
use crate::relation::Relation;
use sequences::judge::{After, Change, Observers, Question, Regime, Verdict};
use std::collections::BTreeSet;

/// How the reason starts where the message speaks of maintenance and nothing was found.
pub const SAID: &str = "the message says";
/// The reason where entries are written otherwise.
pub const ENTRIES: &str = "entries of tables are written otherwise here: which invalidation they need is not in sight";
/// What is said of code about tables, in a patch of which nothing else is.
pub const TABLES: &str =
    "what is translated, or when it changes, is otherwise here, and no maintenance of it is in sight";

/// Returns a change of a passage.
pub fn evaluate_passage(pair: &Pair) -> Evaluated {
    Evaluated {
        kind: pair.kind,
        before: pair.before.as_ref().map(side),
        after: pair.after.as_ref().map(side),
        relation: Relation::NotApplicable,
        differences: Vec::new(),
        assumptions: Vec::new(),
        questions: questions(pair),
        question: Question::new(Change::Validate, Regime::El10, Observers::ThisPe, After::Nothing),
        flips: Flips::default(),
        is_passage: true,
    }
}

fn questions(pair: &Pair) -> Vec<String> {
    let calls = |side: &Option<Placed<Found>>| -> Vec<String> {
        let found = side.iter().flat_map(|placed| &placed.found.around.calls);
        found.cloned().collect()
    };
    let (before, after) = (calls(&pair.before), calls(&pair.after));
    let names: BTreeSet<&String> = before.iter().chain(&after).collect();
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    let guard = pair
        .after
        .as_ref()
        .and_then(|placed| placed.found.around.guard.as_ref());
    let mut all = Vec::new();
    if let Some(guard) = guard {
        all.push(format!(
            "The flush stands under `{guard}` now: what makes it needless on the other way?"
        ));
    }
    if !names.is_empty() {
        let list = names.join(", ");
        all.push(format!(
            "What does {list} invalidate, on which PEs, and with which barriers?"
        ));
    }
    if before.len() > after.len() {
        all.push("Who invalidates these entries now?".to_owned());
    }
    let bodies = pair.before.iter().chain(&pair.after);
    if let Some(reason) = bodies.filter_map(|side| side.found.around.reason.as_ref()).next() {
        let speaks = reason.starts_with(SAID) || reason == ENTRIES || reason.contains("gives memory back");
        all.push(match speaks {
            _ if reason == TABLES => {
                "What was cached before, and who invalidates it? What orders it before its next use?".to_owned()
            }
            true => "Which entries are written here, and who invalidates what was cached of them?".to_owned(),
            false => "Are what it invalidates, for which addresses, when and how often as they were?".to_owned(),
        });
    } else if names.is_empty() {
        all.push("What relies on this order, and what did before?".to_owned());
    }
    all
}

fn side(placed: &Placed<Found>) -> SideVerdict {
    let found = &placed.found;
    let around = &found.around;
    let text = match around.calls.first() {
        _ if around.reason.is_some() => around.reason.clone().unwrap_or_default(),
        Some(call) => format!("what `{call}` does is not in sight: --tree DIR lets it be seen"),
        None => {
            let beside = around.unjudged.as_deref().unwrap_or_default();
            format!("beside {beside}, where nothing is invalidated: what relies on the order is not in sight")
        }
    };
    let guard = around
        .guard
        .as_ref()
        .map(|guard| Ground::question(format!("under `{guard}` now; on the other way there is no flush")));
    SideVerdict {
        file: placed.path.clone(),
        function: found.function.clone(),
        line: found.line,
        last_line: found.last_line(),
        sequence: found.sequence.clone(),
        steps: around.steps.clone(),
        verdict: Verdict::Unknown,
        reasons: guard.into_iter().chain([Ground::question(text)]).collect(),
        weakest: None,
        counterexample: Vec::new(),
        errata: Vec::new(),
        is_part: true,
        via: Vec::new(),
        callers: Vec::new(),
    }
}
