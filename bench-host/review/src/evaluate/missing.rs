// SPDX-License-Identifier: MIT OR Apache-2.0
//! What of the surroundings of a sequence is not in sight.

use crate::extract::reduce::Found;
use crate::infer::Assumption;
use sequences::Instruction;
use sequences::judge::{Change, Question};

/// What of a sequence's surroundings is not in sight.
#[derive(Clone, Copy)]
pub(super) struct Missing {
    /// A DSB before it, which neither side shows.
    pub(super) before: bool,
    /// A DSB after it, which neither side shows.
    pub(super) after: bool,
}

impl Missing {
    /// What neither side shows may stand where the text does not reach: no side is blamed for that.
    pub(super) fn of(found: &Found, sides: &[&Found], question: &Question) -> Self {
        let (has_before, has_after) = ends(found);
        let any = |pick: fn((bool, bool)) -> bool| sides.iter().any(|side| pick(ends(side)));
        // What was taken out of a function and put where nothing is stored has its store, and what completes that, in its
        // callers.
        let store_left = sides.iter().any(|side| side.function != found.function) && !found.around.store_before;
        let lost = |pick| any(pick) && !leaves_completion(&found.function);
        Self {
            before: !has_before
                && (store_left || !any(|ends| ends.0))
                && !found.around.store_before
                && asks_for_dsb(question),
            // An ISB or a DMB in the DSB's place says that nothing else is meant to follow.
            after: !has_after && (found.around.call_after || !lost(|ends| ends.1) && !replaced(found)),
        }
    }

    /// Leaves what both sides of a change do without, and what the text at hand cuts off: it is as before. Of a sequence that
    /// stays the same nothing is to be decided by that.
    pub(super) fn left_as_it_was(self, sides: &[&Found]) -> Self {
        let differ = sides.len() == 2 && sides[0].sequence != sides[1].sequence;
        let cut = |open: fn(&Found) -> bool| differ && sides.iter().all(|side| open(side));
        Self {
            before: self.before && cut(|side| side.open_start),
            after: self.after && cut(|side| side.open_end && !side.fragment),
        }
    }

    /// Returns what is then assumed.
    pub(super) fn assumptions(&self) -> Vec<Assumption> {
        let part = |name, value: &str| Assumption {
            name,
            value: value.to_owned(),
            why: "both sides go on where the text at hand ends, and are the same there".to_owned(),
        };
        let mut all = Vec::new();
        all.extend(self.before.then(|| part("store", "completed before")));
        all.extend(self.after.then(|| part("completion", "follows")));
        all
    }

    /// Returns what must then be true elsewhere.
    pub(super) const fn text(&self) -> Option<&'static str> {
        match (self.before, self.after) {
            (true, true) => Some("no barrier is with it here: the callers must have one before and one after"),
            (true, false) => {
                Some("no DSB stands before it here: sufficient only if the caller has completed the store")
            }
            (false, true) => Some("no DSB stands after it here: sufficient only if the caller completes it"),
            (false, false) => None,
        }
    }
}

/// Returns whether a DSB stands before the first and after the last invalidation.
fn ends(found: &Found) -> (bool, bool) {
    let all: Vec<Instruction> = found.sequence.instructions().collect();
    let is_tlbi = |i: &Instruction| matches!(i, Instruction::Tlbi(_));
    let first = all.iter().position(is_tlbi).unwrap_or(0);
    let last = all.iter().rposition(is_tlbi).map_or(0, |last| last + 1);
    (
        all[..first].iter().any(Instruction::is_dsb),
        all[last..].iter().any(Instruction::is_dsb),
    )
}

/// Returns whether another barrier stands where the completing DSB should.
fn replaced(found: &Found) -> bool {
    let all: Vec<Instruction> = found.sequence.instructions().collect();
    let last = all.iter().rposition(|i| matches!(i, Instruction::Tlbi(_)));
    let rest = last.map_or(&[][..], |last| &all[last + 1..]);
    !found.fragment && rest.iter().any(|i| matches!(i, Instruction::Isb | Instruction::Dmb(_)))
}

/// Returns whether the change has a store that a DSB must complete.
const fn asks_for_dsb(question: &Question) -> bool {
    !matches!(
        question.change,
        Change::RecycleContext | Change::SwitchContext | Change::ReplaceTables
    )
}

/// Returns whether a function says by its name that its callers complete what it issues.
fn leaves_completion(function: &str) -> bool {
    let lower = function.to_ascii_lowercase();
    [
        "nosync",
        "no_sync",
        "_async",
        "batch",
        "gather",
        "tlb_one",
        "_add_",
        "nobarrier",
        "no_barrier",
    ]
    .iter()
    .any(|word| lower.contains(word))
}
