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

mod context;
mod coverage;
mod diagnose;
mod display;
mod entry;
mod erratum;
mod narrate;
mod question;
mod reading;
mod rule;
mod scenario;
mod weaken;

use crate::instruction::Instruction;
use alloc::string::String;
use alloc::vec::Vec;

pub use coverage::{Coverage, coverage};
pub use entry::{Lack, lack};
pub use question::{After, Architecture, Change, CpuChoice, Level, Name, Observers, Question, Reading, Regime, Stage};
pub use rule::{Reason, Rule};

/// What the judge says about a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// A stale translation can be used.
    Insufficient,
    /// No stale translation can be used, and nothing can be left out or weakened.
    Sufficient,
    /// No stale translation can be used, and something can be left out or weakened.
    StrongerThanNeeded,
    /// The question does not say enough, or goes beyond what is modelled.
    Unknown,
}

impl Verdict {
    /// Returns the verdict in words, as they are printed and stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Insufficient => "insufficient",
            Self::Sufficient => "sufficient",
            Self::StrongerThanNeeded => "stronger than needed",
            Self::Unknown => "unknown",
        }
    }

    /// Returns whether the sequence does its job.
    #[must_use]
    pub const fn is_sufficient(self) -> bool {
        matches!(self, Self::Sufficient | Self::StrongerThanNeeded)
    }
}

/// One step of a counterexample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The PE, from 0: the one that runs the sequence.
    pub pe: u8,
    /// What happens.
    pub text: String,
}

/// A verdict with its grounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Its grounds: what is missing, what is in excess, or why each element is needed.
    pub reasons: Vec<Reason>,
    /// What a reviewer should know beside it; none of it changes the verdict.
    pub notes: Vec<Reason>,
    /// A sufficient sequence in which nothing can be left out or weakened: the given one with the missing elements
    /// added, or without its excess. `None` where no sequence was found.
    pub weakest: Option<Vec<Instruction>>,
    /// For an insufficient sequence, how the stale translation comes to be used.
    pub counterexample: Vec<Step>,
}

/// Judges a sequence.
///
/// Repetitions (`for page in {range}`) are passed as their body: an operand `{page}` stands for every page of the
/// range.
#[must_use]
pub fn judge(question: &Question, sequence: &[Instruction]) -> Judgement {
    if let Some(judgement) = question.undecidable(sequence) {
        return judgement;
    }
    let question = &context::settled(question, sequence);
    let notes = rule::notes(question, sequence);
    let mut judgement = match scenario::decide(question, sequence) {
        Err(error) => Judgement::unknown(Reason::new(Rule::Model, alloc::format!("{error}"))),
        Ok(scenario::Decision::Unsafe(counterexample)) => diagnose::diagnose(question, sequence, counterexample),
        Ok(scenario::Decision::Safe) => match erratum::missing(question, sequence) {
            Some(missing) => missing,
            None => weaken::explain(question, sequence),
        },
    };
    judgement.notes.extend(notes);
    if judgement.verdict.is_sufficient() {
        let weakest = judgement.weakest.as_deref().unwrap_or(sequence);
        judgement.notes.extend(reading::rests_on(question, sequence, weakest));
    }
    judgement
}

/// Returns whether a sequence is sufficient, without the grounds: what a search over many sequences needs.
///
/// # Errors
///
/// The reason, where the answer is unknown.
pub fn is_sufficient(question: &Question, sequence: &[Instruction]) -> Result<bool, Reason> {
    if let Some(mut judgement) = question.undecidable(sequence) {
        return match judgement.verdict {
            Verdict::Unknown => Err(judgement.reasons.swap_remove(0)),
            verdict => Ok(verdict.is_sufficient()),
        };
    }
    let question = &context::settled(question, sequence);
    scenario::is_safe(question, sequence)
        .map(|safe| safe && erratum::missing(question, sequence).is_none())
        .map_err(|error| Reason::new(Rule::Model, alloc::format!("{error}")))
}

impl Judgement {
    fn unknown(reason: Reason) -> Self {
        Self {
            verdict: Verdict::Unknown,
            reasons: alloc::vec![reason],
            notes: Vec::new(),
            weakest: None,
            counterexample: Vec::new(),
        }
    }
}
