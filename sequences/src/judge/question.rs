// SPDX-License-Identifier: MIT OR Apache-2.0
//! The question: what was changed, for whom, and what follows.

use super::judgement::{Judgement, Verdict};
use super::rule::{Reason, Rule};
use crate::errata::Cpu;
use crate::feature::Features;
use crate::instruction::Instruction;
use crate::operand::Operand;
use crate::tlbi::{ExceptionLevel, Target, Tlbi};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The variants of an enumeration by the names a command line uses.
pub trait Name: Sized + Copy + PartialEq + 'static {
    /// Every variant with its name.
    const NAMES: &'static [(&'static str, Self)];

    /// Returns the name.
    fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(_, variant)| *variant == self)
            .map_or("", |(name, _)| name)
    }

    /// Returns the variant of a name.
    #[must_use]
    fn from_name(name: &str) -> Option<Self> {
        Self::NAMES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, variant)| *variant)
    }
}

/// What was done to the translation tables before the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// A valid entry was made invalid.
    Invalidate,
    /// A table entry was removed, and with it everything below.
    RemoveTable,
    /// An entry was given another output address. The sequence stands between the break and the make.
    OutputAddress,
    /// Permissions were reduced.
    Permissions,
    /// The memory type, shareability or another attribute was changed. The sequence stands between the break and the
    /// make.
    Attributes,
    /// An invalid entry was made valid.
    Validate,
    /// TTBR, VTTBR, ASID or VMID was written, for an address space whose ASID or VMID has no stale entries.
    SwitchContext,
    /// The same, for an ASID or VMID that was in use before and may have stale entries.
    RecycleContext,
    /// TTBR or VTTBR was written with other tables for the same ASID or VMID, or for none: what was translated by the old
    /// ones on this PE may be in its TLB.
    ReplaceTables,
}

impl Name for Change {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("invalidate", Self::Invalidate),
        ("remove-table", Self::RemoveTable),
        ("output-address", Self::OutputAddress),
        ("permissions", Self::Permissions),
        ("attributes", Self::Attributes),
        ("validate", Self::Validate),
        ("switch-context", Self::SwitchContext),
        ("recycle-context", Self::RecycleContext),
        ("replace-tables", Self::ReplaceTables),
    ];
}

/// A translation regime (Arm ARM, "Translation regimes").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Regime {
    /// EL1&0.
    El10,
    /// EL2, with `HCR_EL2.E2H` 0.
    El2,
    /// EL2&0, with `HCR_EL2.E2H` 1.
    El20,
    /// EL3.
    El3,
}

impl Name for Regime {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("el1&0", Self::El10),
        ("el2", Self::El2),
        ("el2&0", Self::El20),
        ("el3", Self::El3),
        // What people type: no `&` to be quoted.
        ("el1", Self::El10),
        ("el10", Self::El10),
        ("el20", Self::El20),
        ("vhe", Self::El20),
    ];
}

/// A stage of translation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Virtual to intermediate physical address.
    One,
    /// Intermediate physical to physical address.
    Two,
}

impl Name for Stage {
    const NAMES: &'static [(&'static str, Self)] = &[("1", Self::One), ("2", Self::Two)];
}

/// What kind of entry was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// One that maps memory: a page or block descriptor.
    Last,
    /// One that points to a table.
    Table,
}

impl Name for Level {
    const NAMES: &'static [(&'static str, Self)] = &[("last", Self::Last), ("table", Self::Table)];
}

/// Which PEs may hold the old entry in a TLB, or be walking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Observers {
    /// Only the PE that runs the sequence.
    ThisPe,
    /// PEs of its Inner Shareable domain.
    Inner,
    /// PEs of its Outer Shareable domain.
    Outer,
}

impl Name for Observers {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("this-pe", Self::ThisPe),
        ("inner", Self::Inner),
        ("outer", Self::Outer),
    ];
}

/// What follows the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum After {
    /// This PE accesses data at the address.
    DataHere,
    /// This PE fetches instructions from the address.
    FetchHere,
    /// Another PE accesses the address after a message from this one.
    AccessElsewhere,
    /// The memory the old entry mapped is given to somebody else.
    PageReuse,
    /// Nothing before the next context synchronization event.
    Nothing,
}

impl Name for After {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("data-here", Self::DataHere),
        ("fetch-here", Self::FetchHere),
        ("access-elsewhere", Self::AccessElsewhere),
        ("page-reuse", Self::PageReuse),
        ("nothing", Self::Nothing),
    ];
}

/// Optional parts of the architecture that change what a sequence has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Architecture {
    /// FEAT_ETS2.
    pub ets2: bool,
    /// FEAT_ETS3.
    pub ets3: bool,
    /// FEAT_nTLBPA: no caches of physical tables outside the TLB's rules. Noted, without effect on the verdict.
    pub ntlbpa: bool,
    /// `HCR_EL2.FB` is set for the EL1 that runs the sequence: local operations are broadcast. Noted only; whoever
    /// runs at EL1 cannot rely on it.
    pub fb: bool,
    /// What instructions may rely on; `None` leaves the question open.
    pub features: Option<Features>,
}

/// How two passages of the Arm ARM are read that leave room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Reading {
    /// As Arm's formal model and AARCH-24234 have it: a DSB completes a broadcast TLBI for the PEs of its own domain, and
    /// the domain of an `st` or `ld` DSB has no meaning.
    #[default]
    Current,
    /// The careful reading of older issues: a DSB narrower than a TLBI's scope completes no part of it, and a DSB orders
    /// a store before what happens on the PEs of its own domain only.
    Strict,
}

impl Name for Reading {
    const NAMES: &'static [(&'static str, Self)] = &[("current", Self::Current), ("strict", Self::Strict)];
}

/// Which VMIDs, or which ASIDs, the changed entries are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Ids {
    /// The one that the TLBI goes by: VTTBR_EL2's VMID, the operand's ASID.
    #[default]
    Current,
    /// Another one.
    Other,
    /// Any number of them.
    All,
}

impl Name for Ids {
    const NAMES: &'static [(&'static str, Self)] =
        &[("current", Self::Current), ("other", Self::Other), ("all", Self::All)];
}

/// Which errata count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CpuChoice {
    /// Judge by the architecture; list the errata that would ask for more as notes.
    #[default]
    Any,
    /// Judge for this CPU.
    One(Cpu),
}

/// A question to the judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What was changed.
    pub change: Change,
    /// Whose tables.
    pub regime: Regime,
    /// Of which stage.
    pub stage: Stage,
    /// What kind of entry; `None` leaves it open.
    pub level: Option<Level>,
    /// The architectural level (0 to 3) of the entry, for level hints.
    pub level_number: Option<u8>,
    /// More than one page was changed.
    pub range: bool,
    /// The entry is global; `None` leaves it open.
    pub global: Option<bool>,
    /// The entry maps memory with the XS attribute, such as a device.
    pub device: bool,
    /// Who may hold it.
    pub observers: Observers,
    /// What follows.
    pub after: After,
    /// Where the sequence runs.
    pub runs_at: ExceptionLevel,
    /// `HCR_EL2.{E2H,TGE}` is {1,1} while it runs: `…e1` operations apply to EL2&0.
    pub host: bool,
    /// For EL1&0, the changed tables belong to the VMID in VTTBR_EL2.
    pub vmid_is_current: bool,
    /// They belong to every VMID: no write of VTTBR_EL2 selects them.
    pub every_vmid: bool,
    /// Of which ASIDs entries that are not global are, seen from a TLBI's operand.
    pub asids: Ids,
    /// Optional parts of the architecture.
    pub architecture: Architecture,
    /// Errata.
    pub cpu: CpuChoice,
    /// How the architecture is read.
    pub reading: Reading,
}

impl Question {
    /// Returns the question about a change in a regime, with the usual answers to everything else: stage 1, one
    /// entry, run at the regime's own exception level (EL2 for EL1&0), the current VMID, no optional feature.
    #[must_use]
    pub const fn new(change: Change, regime: Regime, observers: Observers, after: After) -> Self {
        Self {
            change,
            regime,
            stage: Stage::One,
            level: match change {
                Change::RemoveTable => Some(Level::Table),
                _ => None,
            },
            level_number: None,
            range: false,
            global: None,
            device: false,
            observers,
            after,
            runs_at: match regime {
                Regime::El3 => ExceptionLevel::El3,
                _ => ExceptionLevel::El2,
            },
            host: matches!(regime, Regime::El20),
            vmid_is_current: true,
            every_vmid: false,
            asids: Ids::Current,
            architecture: Architecture {
                ets2: false,
                ets3: false,
                ntlbpa: false,
                fb: false,
                features: None,
            },
            cpu: CpuChoice::Any,
            reading: Reading::Current,
        }
    }

    /// Returns the parts of the question with their names, as they are printed.
    #[must_use]
    pub fn parts(&self) -> Vec<(&'static str, String)> {
        let mut parts = alloc::vec![
            ("change", self.change.name().to_owned()),
            ("regime", self.regime.name().to_owned()),
            ("stage", self.stage.name().to_owned()),
            ("observers", self.observers.name().to_owned()),
            ("after", self.after.name().to_owned()),
        ];
        if let Some(level) = self.level {
            parts.push(("level", level.name().to_owned()));
        }
        if let Some(number) = self.level_number {
            parts.push(("level-number", number.to_string()));
        }
        if let Some(global) = self.global {
            parts.push(("global", if global { "yes" } else { "no" }.to_owned()));
        }
        if self.every_vmid || !self.vmid_is_current {
            let vmid = if self.every_vmid { Ids::All } else { Ids::Other };
            parts.push(("vmid", vmid.name().to_owned()));
        }
        if self.asids != Ids::Current {
            parts.push(("asid", self.asids.name().to_owned()));
        }
        if self.range {
            parts.push(("range", "yes".to_owned()));
        }
        if self.architecture.ets2 {
            parts.push(("ets2", "yes".to_owned()));
        }
        if self.architecture.ets3 {
            parts.push(("ets3", "yes".to_owned()));
        }
        if self.reading != Reading::Current {
            parts.push(("reading", self.reading.name().to_owned()));
        }
        parts
    }

    /// Returns the judgement of a question that no exploration can answer, or that answers itself.
    pub(super) fn undecidable(&self, sequence: &[Instruction]) -> Option<Judgement> {
        let unknown = |text: &str| Some(Judgement::unknown(Reason::new(Rule::Question, text.into())));
        if self.stage == Stage::Two && self.regime != Regime::El10 {
            return unknown("only the EL1&0 regime has a stage 2; say which regime is meant");
        }
        if self.after == After::AccessElsewhere && self.observers == Observers::ThisPe {
            return unknown("an access on another PE follows, yet no other PE may hold the entry; say which is right");
        }
        // With what a question puts around them, as many as a path of the machine may have.
        if sequence.len() > 80 {
            return unknown("more than 80 instructions are not judged");
        }
        if let Some(undefined) = self.undefined(sequence) {
            return Some(undefined);
        }
        self.left_open(sequence).map(Judgement::unknown)
    }

    /// Returns the question as it was before a sequence that writes VTTBR_EL2 with the question's VMID: what its mutants
    /// are judged by, among them the one without the write.
    #[must_use]
    pub fn before(&self, sequence: &[Instruction]) -> Self {
        super::context::before(self, sequence)
    }

    /// Returns whether a TLBI is defined where the sequence runs.
    #[must_use]
    pub const fn can_execute(&self, tlbi: &Tlbi) -> bool {
        tlbi.op.lowest_level() as u8 <= self.runs_at as u8
    }

    /// Returns the judgement of a sequence that cannot be executed.
    fn undefined(&self, sequence: &[Instruction]) -> Option<Judgement> {
        let mut reasons = Vec::new();
        for instruction in sequence {
            let defined = match instruction {
                Instruction::Msr(register, _) => register.level() <= self.runs_at,
                Instruction::Tlbi(tlbi) => self.can_execute(tlbi),
                _ => true,
            };
            if !defined {
                let at = exception_level(self.runs_at);
                reasons.push(Reason::new(
                    Rule::Regime,
                    format!("`{instruction}` is UNDEFINED at {at}"),
                ));
            }
            if let Some(present) = self.architecture.features {
                let missing = instruction.required_features().missing_from(present);
                if !missing.is_empty() {
                    let text = format!("`{instruction}` needs {missing}, which this PE does not have");
                    reasons.push(Reason::new(Rule::Feature, text));
                }
            }
        }
        (!reasons.is_empty()).then(|| Judgement {
            verdict: Verdict::Insufficient,
            reasons,
            notes: Vec::new(),
            weakest: None,
            counterexample: Vec::new(),
        })
    }

    /// Returns what the question would have to say for the sequence to be judged.
    fn left_open(&self, sequence: &[Instruction]) -> Option<Reason> {
        for instruction in sequence {
            let Instruction::Tlbi(tlbi) = instruction else { continue };
            // A dummy names page 0: it is the same whatever the entry is.
            if tlbi.is_dummy() {
                continue;
            }
            let text = match (tlbi.op.target(), tlbi.operand) {
                (target, _) if target.is_last_level() && self.level.is_none() && self.change != Change::Validate => {
                    format!("`{instruction}` covers last-level entries only; say whether the changed entry is one")
                }
                (Target::Asid, _) if self.global.is_none() && self.regime != Regime::El3 => {
                    format!("`{instruction}` does not cover global entries; say whether the changed entry is global")
                }
                (
                    _,
                    Operand::Va(Some(_)) | Operand::Ipa(Some(_)) | Operand::Range(Some(_)) | Operand::Page(Some(_)),
                ) if self.level_number.is_none() => {
                    format!("`{instruction}` has a level hint; say at which level the changed entry is")
                }
                (Target::VmallWs2, _) => {
                    format!("`{instruction}` covers stage 2 entries with write permission only, which is not modelled")
                }
                (Target::PaAll | Target::Pa | Target::PaLast, _) => {
                    format!("`{instruction}` is about granule protection tables, which are not modelled")
                }
                _ => continue,
            };
            return Some(Reason::new(Rule::Question, text));
        }
        None
    }
}

pub(super) const fn exception_level(level: ExceptionLevel) -> &'static str {
    match level {
        ExceptionLevel::El1 => "EL1",
        ExceptionLevel::El2 => "EL2",
        ExceptionLevel::El3 => "EL3",
    }
}
