// SPDX-License-Identifier: MIT OR Apache-2.0
//! The verdict alone.

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
