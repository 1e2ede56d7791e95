// SPDX-License-Identifier: MIT OR Apache-2.0
//! The verdict alone.

use super::budget::Budget;
use super::judgement::Verdict;
use super::question::Question;
use super::rule::{Reason, Rule};
use super::{context, erratum, scenario};
use crate::instruction::Instruction;

/// Returns whether a sequence is sufficient, without the grounds: what a search over many sequences needs.
///
/// # Errors
///
/// The reason, where the answer is unknown.
pub fn is_sufficient(question: &Question, sequence: &[Instruction]) -> Result<bool, Reason> {
    is_sufficient_within(question, sequence, &Budget::default())
}

/// As [`is_sufficient`], within a budget.
///
/// # Errors
///
/// As [`is_sufficient`].
pub fn is_sufficient_within(question: &Question, sequence: &[Instruction], budget: &Budget) -> Result<bool, Reason> {
    if let Some(mut judgement) = question.undecidable(sequence) {
        return match judgement.verdict {
            Verdict::Unknown => Err(judgement.reasons.swap_remove(0)),
            verdict => Ok(verdict.is_sufficient()),
        };
    }
    let question = &context::settled(question, sequence);
    match scenario::is_safe(question, sequence, budget) {
        Ok(true) => erratum::missing(question, sequence, budget).map(|missing| missing.is_none()),
        Ok(false) => Ok(false),
        Err(error) => Err(Reason::new(Rule::Search, alloc::format!("{error}"))),
    }
}
