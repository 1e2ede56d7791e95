// SPDX-License-Identifier: MIT OR Apache-2.0
//! The rules verdicts rest on.

use alloc::format;
use alloc::string::String;

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
