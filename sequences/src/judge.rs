// SPDX-License-Identifier: MIT OR Apache-2.0
//! The judge: is a sequence sufficient for a change, insufficient, or stronger than needed?
//!
//! The verdict is found by exploring the abstract machine ([`crate::machine`]) on programs made from the question: the
//! change, the sequence, then what may follow on this PE and on the others. Nothing is decided by the look of the
//! sequence. What the machine cannot know is decided before: which TLBIs name the changed entry at all
//! ([`coverage`]), and what the errata of a CPU ask for ([`crate::errata`]).
//!
//! - *Insufficient* comes with the interleaving that was found, and with the elements that are missing: the smallest
//!   set of additions that makes the machine forbid the stale use.
//! - *Stronger than needed* comes with a sequence in which nothing can be left out or weakened any more.

mod budget;
mod context;
mod coverage;
mod diagnose;
mod display;
mod entry;
mod erratum;
mod flips;
pub mod inferred;
mod judgement;
mod narrate;
mod notes;
mod question;
mod reading;
mod rule;
mod scenario;
mod scope;
mod shape;
mod sufficient;
mod symbol;
mod weaken;

use crate::instruction::Instruction;

pub use budget::Budget;
pub use coverage::{Coverage, coverage};
pub use entry::{Lack, lack};
pub use flips::{Flip, Flips, Hinge, flips};
pub use inferred::{Stated, infer};
pub use judgement::{Judgement, Step, Verdict};
pub use question::{
    After, Architecture, Change, CpuChoice, Ids, Level, Name, Observers, Question, Reading, Regime, Stage,
};
pub use rule::{Explained, Reason, Rule, explained};
pub use sufficient::{is_sufficient, is_sufficient_within};

/// Judges a sequence.
///
/// Repetitions (`for page in {range}`) are passed as their body: an operand `{page}` stands for every page of the
/// range.
///
/// It searches within a [`Budget`] of its own; [`judge_within`] shares one with what belongs to the same judgement.
#[must_use]
pub fn judge(question: &Question, sequence: &[Instruction]) -> Judgement {
    judge_within(question, sequence, &Budget::default())
}

/// As [`judge`], within a budget. What could not be searched for it is among the notes, and a verdict that was not reached is
/// [`Verdict::Unknown`].
#[must_use]
pub fn judge_within(question: &Question, sequence: &[Instruction], budget: &Budget) -> Judgement {
    if let Some(judgement) = question.undecidable(sequence) {
        return judgement;
    }
    let question = &context::settled(question, sequence);
    let notes = notes::notes(question, sequence);
    let mut judgement = match scenario::decide(question, sequence, budget) {
        Err(error) => Judgement::unknown(Reason::new(Rule::Search, alloc::format!("{error}"))),
        Ok(scenario::Decision::Unsafe(counterexample)) => {
            diagnose::diagnose(question, sequence, counterexample, budget)
        }
        Ok(scenario::Decision::Safe) => match erratum::missing(question, sequence, budget) {
            Err(reason) => Judgement::unknown(reason),
            Ok(Some(missing)) => missing,
            Ok(None) => weaken::explain(question, sequence, budget),
        },
    };
    judgement.notes.extend(notes);
    if judgement.verdict.is_sufficient() {
        let weakest = judgement.weakest.as_deref().unwrap_or(sequence);
        judgement
            .notes
            .extend(reading::rests_on(question, sequence, weakest, budget));
    }
    if budget.is_spent() && judgement.verdict != Verdict::Unknown {
        let what = match judgement.verdict {
            Verdict::Insufficient => "what it lacks, and what would do,",
            _ => "what of it could be left out or be weaker",
        };
        let text = alloc::format!(
            "the verdict stands, but {what} was not searched to the end: given up after {} states",
            budget.states()
        );
        judgement.notes.push(Reason::new(Rule::Search, text));
    }
    judgement
}
