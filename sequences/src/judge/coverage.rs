// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which entries a TLBI names: regime, stage, VMID, ASID, address, level. Not on which PEs, and not when.

use super::question::{Change, Ids, Level, Name, Question, Regime, Stage};
use super::rule::{Reason, Rule};
use crate::machine::Layers;
use crate::operand::{Operand, Ttl};
use crate::tlbi::{ExceptionLevel, Target, Tlbi};
use alloc::format;
use alloc::string::String;

/// What of the changed entry a TLBI removes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The parts it removes. Neither: the TLBI is about something else.
    pub layers: Layers,
    /// Why it does not remove all of it.
    pub reason: Option<Reason>,
}

impl Coverage {
    const ALL: Self = Self {
        layers: Layers::ALL,
        reason: None,
    };

    /// Returns whether the TLBI removes anything of the entry.
    #[must_use]
    pub const fn any(&self) -> bool {
        self.layers.leaf || self.layers.upper
    }

    fn none(rule: Rule, text: String) -> Self {
        Self {
            layers: Layers {
                leaf: false,
                upper: false,
            },
            reason: Some(Reason::new(rule, text)),
        }
    }
}

/// Returns what a TLBI removes of the entry a question is about.
///
/// Arm ARM, section D8.17 "TLB maintenance", and the descriptions of the operations.
#[must_use]
pub fn coverage(question: &Question, tlbi: &Tlbi) -> Coverage {
    let target = tlbi.op.target();
    if let Some(regime) = other_regime(question, tlbi) {
        let wanted = question.regime.name().to_ascii_uppercase();
        return Coverage::none(
            Rule::Regime,
            format!("`{tlbi}` is about {regime}; the changed tables are those of the {wanted} regime"),
        );
    }
    if question.regime == Regime::El10 && !question.vmid_is_current && target != Target::All {
        return Coverage::none(
            Rule::Regime,
            format!("`{tlbi}` covers the VMID in VTTBR_EL2, which is not the one of the changed tables"),
        );
    }
    if question.regime == Regime::El10 && question.every_vmid && target != Target::All {
        return Coverage::none(
            Rule::Regime,
            format!("`{tlbi}` covers one VMID; the changed entries are of all of them"),
        );
    }
    let has_asids = matches!(question.regime, Regime::El10 | Regime::El20) && question.stage == Stage::One;
    if has_asids
        && question.asids != Ids::Current
        && question.global != Some(true)
        && matches!(target, Target::Va | Target::VaLast | Target::Asid)
    {
        let whose = match question.asids {
            Ids::All => "all of them",
            _ => "another",
        };
        return Coverage::none(
            Rule::Operand,
            format!("`{tlbi}` covers the ASID in its operand, and global entries; the changed entries are of {whose}"),
        );
    }
    match (question.stage, target) {
        (_, Target::All | Target::VmallS12) => Coverage::ALL,
        (Stage::One, Target::Vmall) => Coverage::ALL,
        (Stage::One, Target::Asid) if question.global == Some(true) => {
            Coverage::none(Rule::Operand, format!("`{tlbi}` does not cover global entries"))
        }
        (Stage::One, Target::Asid) if matches!(tlbi.operand, Operand::AsidUnshifted | Operand::Xzr) => Coverage::none(
            Rule::Operand,
            format!("`{tlbi}`: the operand holds the ASID in bits [63:48]; this one names ASID 0"),
        ),
        (Stage::One, Target::Asid) => Coverage::ALL,
        (Stage::One, Target::Ipa | Target::IpaLast) => Coverage::none(
            Rule::Stage2,
            format!("`{tlbi}` covers stage 2 entries; the change is in stage 1 tables"),
        ),
        (Stage::One, _) => by_address(question, tlbi, target.is_last_level()),
        (Stage::Two, Target::Ipa | Target::IpaLast) => {
            let mut by_ipa = by_address(question, tlbi, target == Target::IpaLast);
            if question.level == Some(Level::Table) && target == Target::IpaLast {
                by_ipa.layers = Layers {
                    leaf: false,
                    upper: false,
                };
            } else if by_ipa.any() {
                let text = format!("entries that combine stages 1 and 2 may survive `{tlbi}`");
                by_ipa = Coverage {
                    layers: Layers {
                        leaf: false,
                        upper: true,
                    },
                    reason: Some(Reason::new(Rule::Stage2, text)),
                };
            }
            by_ipa
        }
        (Stage::Two, Target::Vmall) => Coverage {
            layers: Layers {
                leaf: true,
                upper: false,
            },
            reason: Some(Reason::new(
                Rule::Stage2,
                format!("`{tlbi}` removes entries with stage 1 information, not those of stage 2 alone"),
            )),
        },
        (Stage::Two, _) => Coverage::none(
            Rule::Stage2,
            format!("`{tlbi}` covers one virtual address; any number of them may map the changed IPA"),
        ),
    }
}

/// Returns the regime or context an operation applies to, where it is not the question's.
fn other_regime(question: &Question, tlbi: &Tlbi) -> Option<&'static str> {
    let by_host = question.host
        && question.runs_at == ExceptionLevel::El2
        && matches!(
            tlbi.op.target(),
            Target::Vmall | Target::Va | Target::VaLast | Target::VaAllAsid | Target::VaAllAsidLast | Target::Asid
        );
    let (applies, name) = match tlbi.op.level() {
        ExceptionLevel::El1 if by_host => (
            question.regime == Regime::El20,
            "EL2&0, because HCR_EL2.{E2H,TGE} is {1,1}",
        ),
        ExceptionLevel::El1 => (question.regime == Regime::El10, "EL1&0"),
        ExceptionLevel::El2 => (matches!(question.regime, Regime::El2 | Regime::El20), "EL2 or EL2&0"),
        ExceptionLevel::El3 => (question.regime == Regime::El3, "EL3"),
    };
    (!applies).then_some(name)
}

/// Judges the address operand, and the level.
fn by_address(question: &Question, tlbi: &Tlbi, last_level: bool) -> Coverage {
    let hint = match tlbi.operand {
        Operand::VaUnshifted => {
            return Coverage::none(
                Rule::Operand,
                format!(
                    "`{tlbi}`: bits [43:0] of the operand are VA[55:12]; an address that is not put there names another \
                     page, and its other bits fall into the TTL and ASID fields"
                ),
            );
        }
        Operand::IpaUnshifted => {
            return Coverage::none(
                Rule::Operand,
                format!(
                    "`{tlbi}`: bits [39:0] of the operand are IPA[51:12]; an address that is not put there names another \
                     page, and its other bits fall into the TTL field"
                ),
            );
        }
        Operand::Xzr | Operand::None | Operand::Asid | Operand::AsidUnshifted => {
            return Coverage::none(Rule::Operand, format!("`{tlbi}` names page 0, not the changed one"));
        }
        Operand::Va(_) | Operand::Ipa(_) if question.change == Change::RemoveTable => {
            return Coverage::none(
                Rule::Operand,
                format!("`{tlbi}` covers one page; the removed table mapped more than one"),
            );
        }
        Operand::Va(_) | Operand::Ipa(_) if question.range => {
            return Coverage::none(
                Rule::Operand,
                format!("`{tlbi}` covers one page; more than one was changed"),
            );
        }
        Operand::Va(hint) | Operand::Ipa(hint) | Operand::Range(hint) | Operand::Page(hint) => hint,
    };
    let table_changed = question.level == Some(Level::Table) || question.change == Change::RemoveTable;
    if let (Some(hint), Some(level)) = (hint, question.level_number)
        && (hint_level(hint) != level || table_changed)
    {
        return Coverage::none(
            Rule::Operand,
            format!(
                "`{tlbi}`: the hint promises a last-level entry at level {}, which this is not",
                hint_level(hint)
            ),
        );
    }
    if last_level && table_changed {
        return Coverage {
            layers: Layers {
                leaf: true,
                upper: false,
            },
            reason: Some(Reason::new(
                Rule::Operand,
                format!("`{tlbi}` covers last-level entries; cached entries of the changed table level survive"),
            )),
        };
    }
    Coverage::ALL
}

const fn hint_level(hint: Ttl) -> u8 {
    match hint {
        Ttl::Level0 => 0,
        Ttl::Level1 => 1,
        Ttl::Level2 => 2,
        Ttl::Level3 => 3,
    }
}
