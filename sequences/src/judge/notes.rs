// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a reviewer should know beside the verdict.

use super::context::is_switch;
use super::question::{Change, CpuChoice, Level, Question, Reading, Regime, Stage};
use super::rule::{Reason, Rule};
use crate::errata::{Need, TABLE, affecting};
use crate::instruction::{Access, Domain, Instruction};
use crate::tlbi::Target;
use alloc::format;
use alloc::vec::Vec;

/// Returns what a reviewer should know beside the verdict.
pub(super) fn notes(question: &Question, sequence: &[Instruction]) -> Vec<Reason> {
    let mut notes = Vec::new();
    if matches!(question.change, Change::OutputAddress | Change::Attributes) {
        notes.push(Reason::new(
            Rule::BreakBeforeMake,
            "the sequence is judged between the break (the entry made invalid) and the make; after the make, \
             the new descriptor needs a DSB, and an ISB before this PE relies on it"
                .into(),
        ));
    }
    let deprecated = sequence.iter().find(|instruction| {
        matches!(instruction, Instruction::Dsb(barrier) if barrier.access != Access::All
            && !matches!(barrier.domain, Domain::FullSystem))
    });
    if let (Some(instruction), Reading::Current) = (deprecated, question.reading) {
        notes.push(Reason::new(
            Rule::Spelling,
            format!("`{instruction}`: the domain of an `st` or `ld` DSB has no meaning; all its spellings are alike"),
        ));
    }
    let switch = is_switch(question.change);
    let by_va = question.level != Some(Level::Table) && !question.range && !switch;
    let all = sequence.iter().find(|instruction| {
        matches!(instruction, Instruction::Tlbi(tlbi)
            if matches!(tlbi.op.target(), Target::All | Target::Vmall | Target::VmallS12))
    });
    if let (true, Some(instruction), Stage::One) = (by_va, all, question.stage) {
        notes.push(Reason::new(
            Rule::Operand,
            format!("`{instruction}` also removes entries that did not change; by VA is possible for a single page"),
        ));
    }
    if question.architecture.fb {
        let text = "HCR_EL2.FB makes local operations of EL1 broadcast ones; the verdict does not rely on it";
        notes.push(Reason::new(Rule::ForcedBroadcast, text.into()));
    }
    match question.cpu {
        CpuChoice::Any => {
            for erratum in TABLE
                .iter()
                .filter(|erratum| concerns(erratum.need, sequence, question))
            {
                let text = format!("on affected CPUs {}: {}", demand(erratum.need), erratum.effect);
                match notes.iter_mut().find(|note| note.text == text) {
                    Some(same) => same.also.push(Rule::Erratum(erratum.id)),
                    None => notes.push(Reason::new(Rule::Erratum(erratum.id), text)),
                }
            }
        }
        CpuChoice::One(cpu) => {
            if affecting(&cpu).next().is_none() {
                let text = format!(
                    "no row of the table of errata names {cpu}: judged by the architecture alone; the table holds what \
                     Linux, Xen and TF-A work around"
                );
                notes.push(Reason::new(Rule::Erratum("none known here"), text));
            }
            for erratum in affecting(&cpu).filter(|erratum| erratum.need == Need::OutsideTheSequence) {
                let text = format!("{cpu}: {}; worked around outside the sequence", erratum.effect);
                notes.push(Reason::new(Rule::Erratum(erratum.id), text));
            }
        }
    }
    notes
}

/// Returns whether an erratum could ask more of this sequence.
fn concerns(need: Need, sequence: &[Instruction], question: &Question) -> bool {
    match need {
        Need::RepeatAnyBroadcast | Need::RepeatSameBroadcast | Need::Rendezvous => {
            sequence.iter().any(Instruction::is_broadcast)
        }
        Need::RepeatEl3 => question.regime == Regime::El3,
        Need::IsbAfterPublishing => question.change == Change::Validate,
        Need::InstructionCacheOnSwitch => is_switch(question.change),
        Need::BreakBeforeMakeOnExecute => question.change == Change::Permissions,
        Need::OutsideTheSequence => false,
    }
}

/// Returns what an erratum asks for, in words.
pub(super) const fn demand(need: Need) -> &'static str {
    match need {
        Need::RepeatAnyBroadcast => "one more broadcast TLBI of any kind and its DSB must follow the completing DSB",
        Need::RepeatSameBroadcast => "the broadcast TLBI and its DSB must be repeated",
        Need::RepeatEl3 => "the TLBI must be repeated after a DSB",
        Need::IsbAfterPublishing => "an ISB must follow the DSB that publishes the descriptor",
        Need::Rendezvous => "other PEs must be interrupted; no sequence alone is enough",
        Need::InstructionCacheOnSwitch => "the instruction cache must be invalidated at the switch",
        Need::BreakBeforeMakeOnExecute => "a change of execute permission needs break-before-make",
        Need::OutsideTheSequence => "firmware works around it",
    }
}
