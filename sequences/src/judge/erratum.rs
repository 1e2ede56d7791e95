// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the errata of a CPU ask of a sequence that the architecture finds sufficient.

use super::budget::Budget;
use super::context::is_switch;
use super::coverage::coverage;
use super::judgement::{Judgement, Verdict};
use super::notes::demand;
use super::question::{Change, CpuChoice, Observers, Question, Regime};
use super::rule::{Reason, Rule};
use super::scenario::is_safe;
use crate::errata::{Erratum, Need, affecting};
use crate::instruction::{Access, Barrier, Domain, Instruction};
use crate::tlbi::Tlbi;
use alloc::format;
use alloc::vec::Vec;

/// Returns the judgement of a sequence that does not do what an erratum of the CPU asks for.
///
/// # Errors
///
/// The budget was spent before that was known.
pub(super) fn missing(
    question: &Question,
    sequence: &[Instruction],
    budget: &Budget,
) -> Result<Option<Judgement>, Reason> {
    let CpuChoice::One(cpu) = question.cpu else {
        return Ok(None);
    };
    let missing = affecting(&cpu).find_map(|erratum| {
        let (verdict, mended) = unmet(question, erratum.need, sequence, budget)?;
        Some(Judgement {
            verdict,
            reasons: alloc::vec![Reason::new(Rule::Erratum(erratum.id), text(erratum, &cpu))],
            notes: Vec::new(),
            weakest: mended,
            counterexample: Vec::new(),
        })
    });
    if missing.is_none() && budget.is_spent() {
        let text = format!(
            "whether it does what the errata of {cpu} ask for was not found out within {} states",
            budget.states()
        );
        return Err(Reason::new(Rule::Search, text));
    }
    Ok(missing)
}

fn text(erratum: &Erratum, cpu: &crate::errata::Cpu) -> alloc::string::String {
    format!(
        "{cpu}: {}; {} ({})",
        erratum.effect,
        demand(erratum.need),
        erratum.source
    )
}

/// Returns the verdict where a need is not met, and a sequence that meets it.
fn unmet(
    question: &Question,
    need: Need,
    sequence: &[Instruction],
    budget: &Budget,
) -> Option<(Verdict, Option<Vec<Instruction>>)> {
    let broadcast = question.observers != Observers::ThisPe;
    match need {
        Need::RepeatAnyBroadcast if broadcast => {
            repeat(question, sequence, Instruction::is_broadcast, |_, _| true, budget)
        }
        Need::RepeatSameBroadcast if broadcast => repeat(
            question,
            sequence,
            Instruction::is_broadcast,
            |a, b| a.op == b.op,
            budget,
        ),
        Need::RepeatEl3 if question.regime == Regime::El3 => repeat(
            question,
            sequence,
            |instruction| matches!(instruction, Instruction::Tlbi(_)),
            |a, b| a.op == b.op,
            budget,
        ),
        Need::IsbAfterPublishing if question.change == Change::Validate => {
            let dsb = sequence
                .iter()
                .position(|instruction| matches!(instruction, Instruction::Dsb(_)))?;
            if sequence[dsb..].contains(&Instruction::Isb) {
                return None;
            }
            let mut mended = sequence.to_vec();
            mended.push(Instruction::Isb);
            Some((Verdict::Insufficient, Some(mended)))
        }
        Need::Rendezvous if broadcast && sequence.iter().any(Instruction::is_broadcast) => {
            Some((Verdict::Unknown, None))
        }
        Need::InstructionCacheOnSwitch if is_switch(question.change) => Some((Verdict::Unknown, None)),
        Need::BreakBeforeMakeOnExecute if question.change == Change::Permissions => Some((Verdict::Unknown, None)),
        _ => None,
    }
}

/// Looks for a place where the sequence would have been enough without the erratum, and is followed by one more TLBI and
/// its DSB.
fn repeat(
    question: &Question,
    sequence: &[Instruction],
    concerned: impl Fn(&Instruction) -> bool,
    repeats: impl Fn(&Tlbi, &Tlbi) -> bool,
    budget: &Budget,
) -> Option<(Verdict, Option<Vec<Instruction>>)> {
    let completes = |instruction: &Instruction, tlbi: &Tlbi| {
        matches!(instruction, Instruction::Dsb(Barrier { domain, access: Access::All })
            if *domain >= Domain::covering(tlbi.op.scope()))
    };
    // The last TLBI before `end` that is concerned and covers the entry.
    let removes = |end: usize| {
        sequence[..end].iter().rev().find_map(|instruction| match instruction {
            Instruction::Tlbi(tlbi) if concerned(instruction) && coverage(question, tlbi).any() => Some(*tlbi),
            _ => None,
        })
    };
    removes(sequence.len())?;
    let mut enough = None;
    for (at, instruction) in sequence.iter().enumerate() {
        let Some(tlbi) = removes(at) else { continue };
        if !completes(instruction, &tlbi) {
            continue;
        }
        let mut begin = sequence[..=at].to_vec();
        begin.push(Instruction::Isb);
        if is_safe(question, &begin, budget) != Ok(true) {
            continue;
        }
        enough = Some((at, tlbi));
        let again = sequence[at + 1..]
            .iter()
            .position(|other| concerned(other) && matches!(other, Instruction::Tlbi(second) if repeats(&tlbi, second)));
        if let Some(again) = again
            && let Instruction::Tlbi(second) = sequence[at + 1 + again]
            && sequence[at + 2 + again..].iter().any(|other| completes(other, &second))
        {
            return None;
        }
    }
    let (at, tlbi) = enough?;
    let barrier = Instruction::Dsb(Barrier {
        domain: Domain::covering(tlbi.op.scope()),
        access: Access::All,
    });
    let mut mended = sequence.to_vec();
    mended.splice(at + 1..=at, [Instruction::Tlbi(tlbi), barrier]);
    Some((Verdict::Insufficient, Some(mended)))
}
