// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the judge says.

use super::rule::Reason;
use crate::instruction::Instruction;
use alloc::string::String;
use alloc::vec::Vec;

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

impl Judgement {
    /// Returns the judgement of a question that has no answer, for this reason.
    pub(super) fn unknown(reason: Reason) -> Self {
        Self {
            verdict: Verdict::Unknown,
            reasons: alloc::vec![reason],
            notes: Vec::new(),
            weakest: None,
            counterexample: Vec::new(),
        }
    }
}
