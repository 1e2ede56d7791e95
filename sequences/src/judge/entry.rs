// SPDX-License-Identifier: MIT OR Apache-2.0
//! The question an entry of the catalogue answers.

use super::budget::Budget;
use super::inferred::{Operations, after, synchronizes};
use super::question::{Change, Question, Regime};
use super::sufficient::is_sufficient_within;
use crate::catalogue::Entry;
use crate::instruction::{Access, Barrier, Domain, Instruction};
use alloc::vec::Vec;

impl Question {
    /// Returns the question a catalogue entry is the answer to, as far as its columns and its operations tell: the
    /// columns say the regime and whether stage 2 is meant, the rest is [inferred](super::inferred) from the operations.
    ///
    /// `None` for entries about granule protection tables, and where the columns name no regime.
    #[must_use]
    pub fn of_entry(entry: &Entry<'_>) -> Option<Self> {
        let sequence = entry.sequence().ok()?;
        let of = |wanted: &str| entry.regime.split('+').any(|regime| regime == wanted);
        let regime = if of("EL2&0") {
            Regime::El20
        } else if of("EL2") {
            Regime::El2
        } else if of("EL1&0") || of("stage2") {
            Regime::El10
        } else if of("EL3") {
            Regime::El3
        } else {
            return None;
        };
        let operations = Operations::of([&sequence]);
        let observers = operations.observers();
        let change = if operations.tlbis().is_empty() {
            Change::Validate
        } else {
            Change::Invalidate
        };
        let after = after(change, regime, observers, synchronizes(&sequence));
        let mut question = Self::new(change, regime, observers, after);
        if regime == Regime::El10 && of("stage2") {
            question.stage = operations.stage();
        }
        operations.describe_entry(&mut question);
        Some(question)
    }
}

/// Why a catalogue entry is insufficient on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lack {
    /// It would do where the descriptor store is complete before it, or where there is none, as when an MMU is switched.
    StoreCompleted,
    /// It would do where its caller completes it: a DSB, and an ISB or an exception return, after it.
    CompletedLater,
    /// It would do in the middle of both.
    Both,
    /// It would not do anywhere: it covers something else, or a part, or lacks something in its midst.
    InItself,
}

impl Lack {
    /// Returns the lack in words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::StoreCompleted => "context: needs the descriptor store complete before it, or none to be there",
            Self::CompletedLater => "context: needs its caller to complete it",
            Self::Both => "context: needs the store complete before it and its caller to complete it",
            Self::InItself => "in itself: no DSB or ISB around it would make it sufficient",
        }
    }
}

/// Returns why a sequence is insufficient on its own; `None` where it is not, or nothing is known.
#[must_use]
pub fn lack(question: &Question, sequence: &[Instruction]) -> Option<Lack> {
    let budget = Budget::default();
    if is_sufficient_within(question, sequence, &budget) != Ok(false) {
        return None;
    }
    let dsb = Instruction::Dsb(Barrier {
        domain: Domain::FullSystem,
        access: Access::All,
    });
    let around = |before: bool, after: bool| {
        let mut longer: Vec<Instruction> = Vec::new();
        longer.extend(before.then_some(dsb));
        longer.extend_from_slice(sequence);
        if after {
            longer.extend([dsb, Instruction::Isb]);
        }
        is_sufficient_within(question, &longer, &budget) == Ok(true)
    };
    Some(if around(true, false) {
        Lack::StoreCompleted
    } else if around(false, true) {
        Lack::CompletedLater
    } else if around(true, true) {
        Lack::Both
    } else {
        Lack::InItself
    })
}
