// SPDX-License-Identifier: MIT OR Apache-2.0
//! The rules verdicts rest on.

use super::context::is_switch;
use super::question::{Change, CpuChoice, Question, Reading};
use super::weaken::is_broadcast;
use crate::errata::{Need, TABLE, affecting};
use crate::instruction::{Access, Instruction};
use crate::tlbi::Target;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A rule of the architecture, or another ground for a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// The descriptor store is complete before the TLBI.
    StoreBeforeTlbi,
    /// A DSB for loads and stores, by the issuing PE, completes a TLBI.
    Completion,
    /// That DSB's domain covers the TLBI's scope.
    CompletionDomain,
    /// Context synchronization before this PE relies on the change.
    Context,
    /// Other PEs' accesses after a message.
    OtherPes,
    /// The TLBI applies to every PE that may hold the entry.
    Scope,
    /// The TLBI's regime, stage and VMID are those of the tables.
    Regime,
    /// The TLBI's operand and level name the entry.
    Operand,
    /// A write of a translation register takes effect by the next context synchronization event.
    RegisterWrite,
    /// Stage 2 by IPA leaves combined entries.
    Stage2,
    /// nXS forms do not wait for accesses with the XS attribute.
    Nxs,
    /// Break-before-make.
    BreakBeforeMake,
    /// Invalid entries are not cached.
    InvalidToValid,
    /// `HCR_EL2.FB` broadcasts local operations.
    ForcedBroadcast,
    /// The domain of an `st` or `ld` DSB has no meaning.
    Spelling,
    /// A DSB completes a broadcast TLBI for the PEs of its own domain.
    ReadingOfCompletion,
    /// A feature an instruction needs.
    Feature,
    /// An erratum.
    Erratum(&'static str),
    /// The question leaves something open.
    Question,
    /// A limit of the abstract machine.
    Model,
}

impl Rule {
    /// Returns where the rule is written. Section numbers are those of DDI 0487 issue K and later.
    #[must_use]
    pub fn citation(self) -> String {
        let text = match self {
            Self::StoreBeforeTlbi => {
                "Arm ARM, issue K and later: section D8.17, TLB maintenance (a table walk is not an explicit access)"
            }
            Self::Completion => "Arm ARM R_PSMWS, R_YNJCP",
            Self::CompletionDomain => "Arm ARM R_PSMWS, R_YNJCP; section Data Synchronization Barrier",
            Self::ReadingOfCompletion => {
                "Arm ARM, section Data Synchronization Barrier; issues before M.a leave room for `--reading strict`"
            }
            Self::Context => "Arm ARM R_BLDZX; FEAT_ETS2",
            Self::OtherPes => "Arm ARM, issue K and later: sections D8.17 and B2.3",
            Self::Scope => "Arm ARM, issue K and later: section D8.17, scope of TLB maintenance",
            Self::Regime => "Arm ARM, issue K and later: section D8.17, TLB maintenance instructions",
            Self::Operand => "Arm ARM, TLBI operand format; FEAT_TTL",
            Self::RegisterWrite => "Arm ARM, Synchronization requirements for AArch64 System registers",
            Self::Stage2 => "Arm ARM I_LRXYX",
            Self::Nxs => "Arm ARM R_TSJSN, FEAT_XS",
            Self::BreakBeforeMake => "Arm ARM, issue K and later: section D8.16.1",
            Self::InvalidToValid => "Arm ARM, issue K and later: section D8.17 (entries that fault are not cached)",
            Self::ForcedBroadcast => "Arm ARM, HCR_EL2.FB",
            Self::Spelling => "AARCH-24234 (Arm, Known issues in Issue M.a of the Arm ARM)",
            Self::Feature => "Arm ARM, ID_AA64ISAR0_EL1 and ID_AA64ISAR1_EL1",
            Self::Erratum(id) => return format!("erratum {id}"),
            Self::Question => "the question",
            Self::Model => "docs/abstract-machine.md",
        };
        text.into()
    }

    /// Returns a short stable id.
    #[must_use]
    pub fn id(self) -> String {
        let id = match self {
            Self::StoreBeforeTlbi => "store-before-tlbi",
            Self::Completion => "completion",
            Self::CompletionDomain => "completion-domain",
            Self::Context => "context-synchronization",
            Self::OtherPes => "other-pes",
            Self::Scope => "scope",
            Self::Regime => "regime",
            Self::Operand => "operand",
            Self::RegisterWrite => "register-write",
            Self::Stage2 => "stage-2",
            Self::Nxs => "nxs",
            Self::BreakBeforeMake => "break-before-make",
            Self::InvalidToValid => "invalid-to-valid",
            Self::ForcedBroadcast => "forced-broadcast",
            Self::Spelling => "spelling",
            Self::ReadingOfCompletion => "reading-completion",
            Self::Feature => "feature",
            Self::Erratum(id) => return format!("erratum {id}"),
            Self::Question => "question",
            Self::Model => "model",
        };
        id.into()
    }
}

/// A ground of a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The rule.
    pub rule: Rule,
    /// What it means for this sequence.
    pub text: String,
}

impl Reason {
    pub(super) fn new(rule: Rule, text: String) -> Self {
        Self { rule, text }
    }
}

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
            && !matches!(barrier.domain, crate::instruction::Domain::FullSystem))
    });
    if let (Some(instruction), Reading::Current) = (deprecated, question.reading) {
        notes.push(Reason::new(
            Rule::Spelling,
            format!("`{instruction}`: the domain of an `st` or `ld` DSB has no meaning; all its spellings are alike"),
        ));
    }
    let switch = is_switch(question.change);
    let by_va = question.level != Some(super::Level::Table) && !question.range && !switch;
    let all = sequence.iter().find(|instruction| {
        matches!(instruction, Instruction::Tlbi(tlbi)
            if matches!(tlbi.op.target(), Target::All | Target::Vmall | Target::VmallS12))
    });
    if let (true, Some(instruction), super::Stage::One) = (by_va, all, question.stage) {
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
                notes.push(Reason::new(Rule::Erratum(erratum.id), text));
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
        Need::RepeatAnyBroadcast | Need::RepeatSameBroadcast | Need::Rendezvous => sequence.iter().any(is_broadcast),
        Need::RepeatEl3 => question.regime == super::Regime::El3,
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
