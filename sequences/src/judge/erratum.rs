// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the errata of a CPU ask of a sequence that the architecture finds sufficient.

use super::coverage::coverage;
use super::question::{Change, CpuChoice, Observers, Question, Regime};
use super::rule::{Reason, Rule, demand};
use super::weaken::{domain_of, is_broadcast};
use super::{Judgement, Verdict};
use crate::errata::{Erratum, Need, affecting};
use crate::instruction::{Access, Barrier, Instruction};
use crate::tlbi::Tlbi;
use alloc::format;
use alloc::vec::Vec;

/// Returns the judgement of a sequence that does not do what an erratum of the CPU asks for.
pub(super) fn missing(question: &Question, sequence: &[Instruction]) -> Option<Judgement> {
    let CpuChoice::One(cpu) = question.cpu else { return None };
    affecting(&cpu).find_map(|erratum| {
        let (verdict, mended) = unmet(question, erratum.need, sequence)?;
        Some(Judgement {
            verdict,
            reasons: alloc::vec![Reason::new(Rule::Erratum(erratum.id), text(erratum, &cpu))],
            notes: Vec::new(),
            weakest: mended,
            counterexample: Vec::new(),
        })
    })
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
fn unmet(question: &Question, need: Need, sequence: &[Instruction]) -> Option<(Verdict, Option<Vec<Instruction>>)> {
    let broadcast = question.observers != Observers::ThisPe;
    match need {
        Need::RepeatAnyBroadcast if broadcast => repeat(question, sequence, is_broadcast, |_, _| true),
        Need::RepeatSameBroadcast if broadcast => repeat(question, sequence, is_broadcast, |a, b| a.op == b.op),
        Need::RepeatEl3 if question.regime == Regime::El3 => repeat(
            question,
            sequence,
            |instruction| matches!(instruction, Instruction::Tlbi(_)),
            |a, b| a.op == b.op,
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
        Need::Rendezvous if broadcast && sequence.iter().any(is_broadcast) => Some((Verdict::Unknown, None)),
        Need::InstructionCacheOnSwitch if matches!(question.change, Change::SwitchContext | Change::RecycleContext) => {
            Some((Verdict::Unknown, None))
        }
        Need::BreakBeforeMakeOnExecute if question.change == Change::Permissions => Some((Verdict::Unknown, None)),
        _ => None,
    }
}

/// Looks for a covering TLBI whose completing DSB is not followed by another TLBI and its DSB.
fn repeat(
    question: &Question,
    sequence: &[Instruction],
    concerned: impl Fn(&Instruction) -> bool,
    repeats: impl Fn(&Tlbi, &Tlbi) -> bool,
) -> Option<(Verdict, Option<Vec<Instruction>>)> {
    let completes = |instruction: &Instruction, tlbi: &Tlbi| {
        matches!(instruction, Instruction::Dsb(Barrier { domain, access: Access::All })
            if *domain >= domain_of(tlbi.op.scope()))
    };
    let after =
        |from: usize, wanted: &dyn Fn(&Instruction) -> bool| (from..sequence.len()).find(|at| wanted(&sequence[*at]));
    for (at, instruction) in sequence.iter().enumerate() {
        let Instruction::Tlbi(tlbi) = instruction else { continue };
        // A TLBI that itself repeats an earlier one needs no repetition.
        let is_repeat = sequence[..at].iter().enumerate().any(|(earlier, other)| {
            matches!(other, Instruction::Tlbi(first) if repeats(first, tlbi))
                && sequence[earlier..at].iter().any(|between| completes(between, tlbi))
        });
        if !concerned(instruction) || is_repeat || !coverage(question, tlbi).any() {
            continue;
        }
        let dsb = after(at + 1, &|other| completes(other, tlbi));
        let again = dsb.and_then(|dsb| {
            after(dsb + 1, &|other| {
                concerned(other) && matches!(other, Instruction::Tlbi(second) if repeats(tlbi, second))
            })
        });
        let done = again.and_then(|again| after(again + 1, &|other| completes(other, tlbi)));
        if done.is_none() {
            let barrier = Instruction::Dsb(Barrier {
                domain: domain_of(tlbi.op.scope()),
                access: Access::All,
            });
            let place = dsb.map_or(sequence.len(), |dsb| dsb + 1);
            let mut mended = sequence.to_vec();
            mended.splice(place..place, [*instruction, barrier]);
            return Some((Verdict::Insufficient, Some(mended)));
        }
    }
    None
}
