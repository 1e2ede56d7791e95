// SPDX-License-Identifier: MIT OR Apache-2.0
//! A sequence as a plan holds it: its words, and what its registers hold.

use results::check::Mask;
use results::manifest;
use results::plan::{Entry, OperandKind, OperandRegister, flags};
use sequences::{
    ExceptionLevel, Instruction, Operand, OperandSlot, Sequence, Target, catalogue, lower, lowest_level, parse,
};

use super::level::Level;
use super::{AA_SUFFIX, RESERVED, checks_of, not_found, usage};
use crate::error::Error;

/// A sequence, ready for the plan area.
#[derive(Debug, Clone)]
pub(super) struct PlannedSequence {
    pub id: String,
    pub text: String,
    pub words: Vec<u32>,
    pub operands: Vec<OperandRegister>,
    pub flags: u8,
    pub checks: Mask,
    pub good_for: Mask,
    pub pages: u16,
    pub baseline: bool,
    pub aa_of: Option<String>,
}

impl PlannedSequence {
    pub fn parse(argument: &str, pages: u16, flags: u8, checks: Mask) -> Result<Self, Error> {
        let Some((name, text)) = argument.split_once('=') else {
            let known = catalogue::find(argument).map_err(|unknown| not_found("--sequence", &unknown))?;
            return Self::new("--sequence", known.id, known.text, pages, flags, checks);
        };
        Self::new("--sequence", new_name(argument, name)?, text, pages, flags, checks)
    }

    pub fn new(option: &str, id: &str, text: &str, pages: u16, flags: u8, checks: Mask) -> Result<Self, Error> {
        let sequence = parse(text).map_err(|error| usage(format!("{option} {id}: {}", error.render(text))))?;
        let lowered = lower(&sequence, pages.into()).map_err(|error| usage(format!("{option} {id}: {error}")))?;
        let at_el1 = flags & flags::AT_EL1 != 0;
        if at_el1 && lowest_level(&lowered.words) > ExceptionLevel::El1 {
            return Err(usage(format!(
                "{option} {id}: UNDEFINED at EL1, and --el1 has the kernel entered there; name sequences of EL1&0 (`bench-host \
                 list`, regime EL1&0), such as linux_flush_tlb_all"
            )));
        }
        // The checks change tables of one regime: a sequence for another is timed, but they say nothing about it.
        let regime = if at_el1 {
            ExceptionLevel::El1
        } else {
            ExceptionLevel::El2
        };
        let checks = if is_for(&sequence, regime) { checks } else { 0 };
        let by_ipa = ranges_by_ipa(&sequence).map_err(|error| usage(format!("{option} {id}: {error}")))?;
        let operands = lowered.operands.iter().map(|slot| register(slot, by_ipa));
        let operands = operands.collect::<Option<_>>();
        Ok(Self {
            id: id.to_owned(),
            text: sequence.to_string(),
            words: lowered.words,
            operands: operands.ok_or_else(|| usage(format!("{option} {id}: an operand without a register")))?,
            flags,
            checks,
            good_for: 0,
            pages,
            baseline: false,
            aa_of: None,
        })
    }

    /// Returns the same sequence under another id, timed only.
    pub fn twin(&self) -> Self {
        Self {
            id: format!("{}{AA_SUFFIX}", self.id),
            flags: self.flags | flags::TIMED,
            checks: 0,
            good_for: 0,
            baseline: false,
            aa_of: Some(self.id.clone()),
            ..self.clone()
        }
    }

    /// Returns whether it is for an entry at a level.
    pub const fn is_for(&self, level: Level) -> bool {
        let levels = flags::AT_EL1 | flags::AT_EL2;
        self.flags & levels == 0 || self.flags & level.flag() != 0
    }

    /// Returns whether it can be executed at a level.
    pub fn runs_at(&self, level: Level) -> bool {
        level == Level::El2 || lowest_level(&self.words) == ExceptionLevel::El1
    }

    pub fn entry(&self) -> Entry<'_> {
        Entry {
            id: &self.id,
            flags: self.flags,
            checks: self.checks,
            good_for: self.good_for,
            operands: &self.operands,
            pages: self.pages,
            words: &self.words,
        }
    }

    pub fn describe(&self) -> manifest::Sequence {
        manifest::Sequence {
            id: self.id.clone(),
            text: self.text.clone(),
            words: words_text(&self.words),
            timed: self.flags & flags::TIMED != 0,
            checked: self.checks != 0,
            checks: checks_of(self.checks),
            baseline: self.baseline,
            aa_of: self.aa_of.clone(),
            skipped: None,
        }
    }
}

/// Returns the name that an argument NAME=TEXT gives a new sequence, if it can be one.
pub fn new_name<'a>(argument: &str, name: &'a str) -> Result<&'a str, Error> {
    let name = name.trim();
    let id_byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if name.is_empty() || !name.bytes().all(id_byte) {
        return Err(usage(format!(
            "--sequence {argument}: the name `{name}` is not made of a-z, 0-9 and _"
        )));
    }
    if RESERVED.contains(&name) || catalogue::find(name).is_ok() {
        return Err(usage(format!(
            "--sequence {argument}: the name `{name}` is taken; choose another"
        )));
    }
    Ok(name)
}

/// Returns whether every TLBI of the sequence is for the regime of a level.
fn is_for(sequence: &Sequence, level: ExceptionLevel) -> bool {
    sequence.instructions().all(|instruction| match instruction {
        Instruction::Tlbi(tlbi) => tlbi.op.level() == level,
        _ => true,
    })
}

/// Returns instruction words as the manifest holds them.
pub fn words_text(words: &[u32]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("{word:08x}")).collect();
    words.join(" ")
}

/// Returns whether the ranges and pages of a sequence are intermediate physical addresses.
///
/// They have no name of their own, and share a register: a sequence cannot have both kinds.
fn ranges_by_ipa(sequence: &Sequence) -> Result<bool, &'static str> {
    let of_range = sequence.instructions().filter_map(|instruction| match instruction {
        Instruction::Tlbi(tlbi) if matches!(tlbi.operand, Operand::Range(_) | Operand::Page(_)) => {
            Some(matches!(tlbi.op.target(), Target::Ipa | Target::IpaLast))
        }
        _ => None,
    });
    let (by_ipa, by_va): (Vec<_>, Vec<_>) = of_range.partition(|by_ipa| *by_ipa);
    match (by_ipa.is_empty(), by_va.is_empty()) {
        (false, false) => Err("a range by IPA and one by VA in the same sequence cannot be run; split it in two"),
        (by_va_only, _) => Ok(!by_va_only),
    }
}

fn register(slot: &OperandSlot, by_ipa: bool) -> Option<OperandRegister> {
    let kind = match slot.operand {
        Operand::Va(_) => OperandKind::Va,
        Operand::Ipa(_) => OperandKind::Ipa,
        Operand::Asid => OperandKind::Asid,
        Operand::Range(_) if by_ipa => OperandKind::IpaRange,
        Operand::Page(_) if by_ipa => OperandKind::IpaPage,
        Operand::Range(_) => OperandKind::Range,
        Operand::Page(_) => OperandKind::Page,
        Operand::VaUnshifted => OperandKind::VaUnshifted,
        Operand::IpaUnshifted => OperandKind::IpaUnshifted,
        Operand::AsidUnshifted => OperandKind::AsidUnshifted,
        Operand::None | Operand::Xzr => return None,
    };
    let hint = slot.operand.ttl().map_or(0, |ttl| ttl.level() + 1);
    Some(OperandRegister {
        register: slot.register,
        kind,
        hint,
    })
}
