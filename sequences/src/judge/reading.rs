// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which verdicts rest on a reading of the Arm ARM.

use super::budget::Budget;
use super::question::{Question, Reading};
use super::rule::{Reason, Rule};
use super::scenario::is_safe_read;
use super::shape::Strict;
use crate::instruction::{Access, Barrier, Domain, Instruction};
use alloc::format;
use alloc::vec::Vec;

/// Returns what a sufficient sequence rests on, where the strict reading would find it insufficient, and what reviewers
/// may ask about the spelling of a store barrier.
pub(super) fn rests_on(
    question: &Question,
    sequence: &[Instruction],
    weakest: &[Instruction],
    budget: &Budget,
) -> Vec<Reason> {
    let mut notes = Vec::new();
    if question.reading == Reading::Strict {
        return notes;
    }
    if let Some((dsb, tlbi)) = narrow_store_barrier(sequence).or_else(|| narrow_store_barrier(weakest)) {
        let wide = match Domain::covering(tlbi.op.scope()) {
            Domain::OuterShareable => "oshst",
            _ => "ishst",
        };
        notes.push(Reason::new(
            Rule::Spelling,
            format!(
                "`{dsb}` stands before the broadcast `{tlbi}`: reviewers may prefer `dsb {wide}` or `dsb st`; all are the \
                 same, because the domain of an `st` DSB has no meaning"
            ),
        ));
    }
    if !sequence.iter().any(|instruction| is_narrow(sequence, instruction)) {
        return notes;
    }
    let fails = |completion: bool, store: bool| {
        is_safe_read(question, sequence, Strict { completion, store }, budget) == Ok(false)
    };
    let (completion, store) = (fails(true, false), fails(false, true));
    let both = !completion && !store && fails(true, true);
    if completion || both {
        notes.push(Reason::new(
            Rule::ReadingOfCompletion,
            "the verdict rests on this reading: a DSB completes a broadcast TLBI for the PEs of its own domain, also where \
             the TLBI applies to more; with `--reading strict` the sequence is insufficient"
                .into(),
        ));
    }
    if store || both {
        notes.push(Reason::new(
            Rule::Spelling,
            "the verdict rests on this reading: a DSB that completes the descriptor store completes it for every walker, \
             whatever its domain; with `--reading strict` the sequence is insufficient"
                .into(),
        ));
    }
    notes
}

/// Returns a store barrier whose domain is narrower than the scope of the TLBI after it.
fn narrow_store_barrier(sequence: &[Instruction]) -> Option<(Instruction, crate::tlbi::Tlbi)> {
    sequence.iter().enumerate().find_map(|(at, instruction)| {
        let Instruction::Dsb(Barrier {
            domain,
            access: Access::Stores,
        }) = instruction
        else {
            return None;
        };
        let tlbi = sequence[at + 1..].iter().find_map(|next| next.tlbi())?;
        (*domain < Domain::covering(tlbi.op.scope())).then_some((*instruction, tlbi))
    })
}

/// Returns whether a DSB is narrower than the scope of any TLBI of the sequence.
fn is_narrow(sequence: &[Instruction], instruction: &Instruction) -> bool {
    let (Instruction::Dsb(Barrier { domain, .. }) | Instruction::DsbNxs(domain)) = *instruction else {
        return false;
    };
    let mut tlbis = sequence.iter().filter_map(|other| other.tlbi());
    tlbis.any(|tlbi| domain < Domain::covering(tlbi.op.scope()))
}
