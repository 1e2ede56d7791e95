// SPDX-License-Identifier: MIT OR Apache-2.0
//! The code of one column: labels and instructions.

use super::error::LitmusErrorKind;
use super::lexer::number;
use super::names::register;
use crate::instruction::{Access, Barrier, Domain};
use crate::machine::{Alu, Condition, Layers, Op, Pages, Register, Source, TlbiTarget};
use crate::tlbi::TlbiOp;
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

/// What a cell of the code holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    Label(String),
    PageAlign,
    /// An operation; a branch has target 0 and goes to the label.
    Op(Op, Option<String>),
    /// A TLBI, with its operand; what it covers depends on the header.
    Tlbi(TlbiOp, Option<Register>),
}

/// Reads a cell: any number of labels, then at most one instruction.
pub(super) fn cell(text: &str) -> Result<Vec<Line>, LitmusErrorKind> {
    let mut lines = Vec::new();
    let mut rest = text.trim();
    while let Some((label, after)) = rest.split_once(':') {
        if label.is_empty() || !label.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(LitmusErrorKind::Instruction(rest.to_owned()));
        }
        lines.push(Line::Label(label.to_owned()));
        rest = after.trim();
    }
    if rest.eq_ignore_ascii_case(".pagealign") {
        lines.push(Line::PageAlign);
    } else if !rest.is_empty() {
        lines.push(instruction(rest)?);
    }
    Ok(lines)
}

fn instruction(text: &str) -> Result<Line, LitmusErrorKind> {
    let (mnemonic, operands) = text.split_once(' ').unwrap_or((text, ""));
    let mnemonic = mnemonic.to_ascii_uppercase();
    let operands = split_operands(operands);
    let operands: Vec<&str> = operands.iter().map(String::as_str).collect();
    let refused = || LitmusErrorKind::Instruction(text.to_owned());
    let op = match (mnemonic.as_str(), operands.as_slice()) {
        ("NOP", []) => Op::Nop,
        ("ISB", [] | ["SY" | "sy"]) => Op::Isb,
        ("ERET", []) => Op::Eret,
        ("SVC", [value]) => immediate(value).map(|_| Op::Svc)?,
        ("DMB", [option]) => Op::Dmb(Barrier::from_name(option).ok_or_else(refused)?),
        ("DSB", [option]) => match Barrier::from_name(option) {
            Some(barrier) => Op::Dsb(barrier),
            None => Op::DsbNxs(nxs_domain(option).ok_or_else(refused)?),
        },
        ("TLBI", [name, operand @ ..]) => {
            let op = TlbiOp::from_name(&name.to_ascii_lowercase()).ok_or_else(refused)?;
            let operand = match operand {
                [] => None,
                [operand] => Some(general(operand)?.0),
                _ => return Err(refused()),
            };
            if op.takes_operand() != operand.is_some() || op.is_range() {
                return Err(refused());
            }
            return Ok(Line::Tlbi(op, operand));
        }
        ("MOV", [to, from]) => Op::Alu {
            op: Alu::Move,
            to: general(to)?.0,
            a: Source::Immediate(0),
            b: source(from)?,
        },
        ("LSR", [to, a, b]) => alu(Alu::ShiftRight, to, a, b)?,
        ("EOR", [to, a, b]) => alu(Alu::ExclusiveOr, to, a, b)?,
        ("AND", [to, a, b]) => alu(Alu::And, to, a, b)?,
        ("ADD", [to, a, b] | [to, a, b, "SXTW" | "sxtw" | "UXTW" | "uxtw"]) => alu(Alu::Add, to, a, b)?,
        ("LDR" | "LDAR", [to, address]) => {
            let (base, index) = memory(address)?;
            let acquire = mnemonic == "LDAR";
            if acquire && index.is_some() {
                return Err(refused());
            }
            Op::Load {
                to: general(to)?.0,
                base,
                index,
                acquire,
            }
        }
        ("STR" | "STLR", [from, address]) => {
            let (base, index) = memory(address)?;
            let release = mnemonic == "STLR";
            if release && index.is_some() {
                return Err(refused());
            }
            Op::Store {
                from: general(from)?.0,
                base,
                index,
                release,
            }
        }
        ("B", [label]) => return Ok(branch(Condition::Always, label)),
        ("CBZ", [register, label]) => return Ok(branch(Condition::Zero(general(register)?.0), label)),
        ("CBNZ", [register, label]) => return Ok(branch(Condition::NotZero(general(register)?.0), label)),
        _ => return Err(refused()),
    };
    Ok(Line::Op(op, None))
}

fn branch(condition: Condition, label: &str) -> Line {
    Line::Op(Op::Branch { condition, target: 0 }, Some(label.to_owned()))
}

/// Builds the operation of a TLBI.
pub(super) fn tlbi(id: u8, op: TlbiOp, operand: Option<Register>, layers: Option<Layers>) -> Op {
    let target = match (layers, operand) {
        (None, _) => TlbiTarget::Pages(Pages::default()),
        (Some(_), None) => TlbiTarget::Pages(Pages::ALL),
        (Some(_), Some(register)) => TlbiTarget::Register(register),
    };
    Op::Tlbi {
        id,
        scope: op.scope(),
        nxs: op.is_nxs(),
        target,
        layers: layers.unwrap_or(Layers::ALL),
    }
}

fn alu(op: Alu, to: &str, a: &str, b: &str) -> Result<Op, LitmusErrorKind> {
    Ok(Op::Alu {
        op,
        to: general(to)?.0,
        a: Source::Register(general(a)?.0),
        b: source(b)?,
    })
}

/// Splits at commas outside brackets, so that `X0,[X1,W2,SXTW]` has two operands.
fn split_operands(text: &str) -> Vec<String> {
    let mut operands = Vec::new();
    let mut depth = 0;
    let mut current = String::new();
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        if c == ',' && depth == 0 {
            operands.push(core::mem::take(&mut current));
        } else {
            current.push(c);
        }
    }
    if !current.is_empty() || !operands.is_empty() {
        operands.push(current);
    }
    operands
}

fn general(text: &str) -> Result<(Register, bool), LitmusErrorKind> {
    register(text).ok_or_else(|| LitmusErrorKind::Operand(text.to_owned()))
}

fn immediate(text: &str) -> Result<i64, LitmusErrorKind> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    let value = match digits.strip_prefix('-') {
        Some(digits) => number(digits).map(|value| -value),
        None => number(digits),
    };
    value.ok_or_else(|| LitmusErrorKind::Operand(text.to_owned()))
}

fn source(text: &str) -> Result<Source, LitmusErrorKind> {
    match register(text) {
        Some((number, _)) => Ok(Source::Register(number)),
        None => immediate(text).map(Source::Immediate),
    }
}

/// Reads `[Xn]`, `[Xn,#0]`, `[Xn,Xm]` or `[Xn,Wm,SXTW]`.
fn memory(text: &str) -> Result<(Register, Option<Register>), LitmusErrorKind> {
    let refused = || LitmusErrorKind::Operand(text.to_owned());
    let inner = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .ok_or_else(refused)?;
    let parts: Vec<&str> = inner.split(',').collect();
    match parts.as_slice() {
        [base] | [base, "#0"] => Ok((general(base)?.0, None)),
        [base, index] => match general(index)? {
            (index, false) => Ok((general(base)?.0, Some(index))),
            _ => Err(refused()),
        },
        [base, index, extend] if matches!(extend.to_ascii_uppercase().as_str(), "SXTW" | "UXTW") => {
            Ok((general(base)?.0, Some(general(index)?.0)))
        }
        _ => Err(refused()),
    }
}

fn nxs_domain(option: &str) -> Option<Domain> {
    let option = option.to_ascii_lowercase();
    let domain = option.strip_suffix("nxs")?;
    Barrier::from_name(domain)
        .filter(|barrier| barrier.access == Access::All)
        .map(|barrier| barrier.domain)
}
