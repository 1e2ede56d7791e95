// SPDX-License-Identifier: MIT OR Apache-2.0
//! The header keys of this project: what herd7 has no notion of.
//!
//! A test without them is read as herd7 reads it: every TLBI concerns every entry its operand names. With `Regime=`,
//! each TLBI is judged as the judge would ([`coverage`]).

use super::error::LitmusErrorKind;
use crate::judge::{After, Change, Level, Name, Observers, Question, Regime, Stage, coverage};
use crate::machine::Layers;
use crate::operand::Operand;
use crate::tlbi::{OperandFormat, Tlbi, TlbiOp};
use alloc::format;
use alloc::vec::Vec;

/// What the header says about the tables.
#[derive(Debug, Clone, Default)]
pub(super) struct Extension {
    question: Option<Question>,
    /// PEs outside the Inner Shareable domain of the others.
    pub(super) outer: Vec<usize>,
}

impl Extension {
    /// Reads one of this project's keys.
    pub(super) fn read(&mut self, key: &str, value: &str) -> Result<(), LitmusErrorKind> {
        let refused = || LitmusErrorKind::Header(format!("{key}={value}"));
        if key == "outer" {
            for word in value.split_whitespace() {
                let thread = word.strip_prefix('P').and_then(|number| number.parse().ok());
                self.outer.push(thread.ok_or_else(refused)?);
            }
            return Ok(());
        }
        let flag = |value: &str| match value {
            "0" => Ok(false),
            "1" => Ok(true),
            _ => Err(refused()),
        };
        let asks = self.question.get_or_insert_with(|| {
            Question::new(
                Change::Invalidate,
                Regime::El10,
                Observers::Inner,
                After::AccessElsewhere,
            )
        });
        match key {
            "regime" => {
                let regime = Regime::from_name(value).ok_or_else(refused)?;
                let fresh = Question::new(Change::Invalidate, regime, Observers::Inner, After::AccessElsewhere);
                asks.regime = regime;
                asks.runs_at = fresh.runs_at;
                asks.host = fresh.host;
            }
            "stage" => asks.stage = Stage::from_name(value).ok_or_else(refused)?,
            "level" => asks.level = Some(Level::from_name(value).ok_or_else(refused)?),
            "vmid" => {
                asks.vmid_is_current = match value {
                    "current" => true,
                    "other" => false,
                    _ => return Err(refused()),
                }
            }
            "extent" => {
                asks.range = match value {
                    "page" => false,
                    "range" => true,
                    _ => return Err(refused()),
                }
            }
            "host" => asks.host = flag(value)?,
            "global" => asks.global = Some(flag(value)?),
            _ => {}
        }
        Ok(())
    }

    /// Returns whether a key belongs to this project.
    pub(super) fn is_key(key: &str) -> bool {
        matches!(
            key,
            "regime" | "stage" | "level" | "vmid" | "extent" | "host" | "global" | "outer"
        )
    }

    /// Returns whether the changed pages have an upper layer.
    pub(super) fn is_layered(&self) -> bool {
        self.question
            .as_ref()
            .is_some_and(|question| question.stage == Stage::Two || question.level == Some(Level::Table))
    }

    /// Returns what a TLBI removes of an entry its operand names; `None` for nothing.
    pub(super) fn layers(&self, op: TlbiOp) -> Option<Layers> {
        let Some(question) = &self.question else {
            return Some(Layers::ALL);
        };
        let operand = match op.operand_format() {
            OperandFormat::None => Operand::None,
            OperandFormat::Va => Operand::Va(None),
            OperandFormat::Ipa => Operand::Ipa(None),
            OperandFormat::Asid => Operand::Asid,
            _ => return None,
        };
        let found = coverage(question, &Tlbi { op, operand });
        found.any().then_some(found.layers)
    }
}
