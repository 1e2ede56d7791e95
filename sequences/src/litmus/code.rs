// SPDX-License-Identifier: MIT OR Apache-2.0
//! The code of one column: labels and instructions.

use super::error::LitmusErrorKind;
use super::lexer::number;
use super::names::register;
use crate::instruction::{Access, Barrier, Domain};
use crate::machine::{
    Acquire, Alu, Atomic, Condition, FLAGS_REGISTER, FlagCondition, LINK_REGISTER, Layers, Op, Pages, Register, Source,
    TlbiTarget, ZERO_REGISTER,
};
use crate::tlbi::TlbiOp;
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

/// What a cell of the code holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    Label(String),
    PageAlign,
    /// An operation; a branch has target 0 and goes to the label, and `adr` takes the label's address.
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
        ("UDF", [value]) => immediate(value).map(|_| Op::Udf)?,
        ("MSR", [register, from]) if register.eq_ignore_ascii_case("ELR_EL1") => {
            moved(LINK_REGISTER, Source::Register(general(from)?.0))
        }
        ("MRS", [to, register]) if register.eq_ignore_ascii_case("ELR_EL1") => {
            moved(general(to)?.0, Source::Register(LINK_REGISTER))
        }
        ("ADR", [to, label]) => {
            return Ok(Line::Op(
                moved(general(to)?.0, Source::Code(0)),
                Some((*label).to_owned()),
            ));
        }
        ("CMP", [a, b]) => Op::Alu {
            op: Alu::Compare,
            to: FLAGS_REGISTER,
            a: Source::Register(general(a)?.0),
            b: source(b)?,
        },
        ("CSEL", [to, a, b, when]) => Op::Select {
            to: general(to)?.0,
            condition: flag_condition(when).ok_or_else(refused)?,
            a: Source::Register(general(a)?.0),
            b: Source::Register(general(b)?.0),
        },
        ("CSET", [to, when]) => Op::Select {
            to: general(to)?.0,
            condition: flag_condition(when).ok_or_else(refused)?,
            a: Source::Immediate(1),
            b: Source::Immediate(0),
        },
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
        ("MOV", [to, from]) => moved(general(to)?.0, source(from)?),
        ("LSR", [to, a, b]) => alu(Alu::ShiftRight, to, a, b)?,
        ("LSL", [to, a, b]) => alu(Alu::ShiftLeft, to, a, b)?,
        ("ORR", [to, a, b]) => alu(Alu::Or, to, a, b)?,
        ("BIC", [to, a, b]) => alu(Alu::BitClear, to, a, b)?,
        ("SUB", [to, a, b]) => alu(Alu::Subtract, to, a, b)?,
        ("EOR", [to, a, b]) => alu(Alu::ExclusiveOr, to, a, b)?,
        ("AND", [to, a, b]) => alu(Alu::And, to, a, b)?,
        ("ADD", [to, a, b] | [to, a, b, "SXTW" | "sxtw" | "UXTW" | "uxtw"]) => alu(Alu::Add, to, a, b)?,
        ("LDR" | "LDAR" | "LDAPR", [to, address]) => {
            let to = general(to)?;
            let (base, index) = memory(address, to.1)?;
            let acquire = match mnemonic.as_str() {
                "LDAR" => Acquire::Full,
                "LDAPR" => Acquire::Pc,
                _ => Acquire::No,
            };
            if acquire != Acquire::No && index.is_some() {
                return Err(refused());
            }
            Op::Load {
                to: to.0,
                base,
                index,
                acquire,
            }
        }
        ("STR" | "STLR", [from, address]) => {
            let from = general(from)?;
            let (base, index) = memory(address, from.1)?;
            let release = mnemonic == "STLR";
            if release && index.is_some() {
                return Err(refused());
            }
            Op::Store {
                from: from.0,
                base,
                index,
                release,
            }
        }
        ("B", [label]) => return Ok(branch(Condition::Always, label)),
        ("CBZ", [register, label]) => return Ok(branch(Condition::Zero(general(register)?.0), label)),
        ("CBNZ", [register, label]) => return Ok(branch(Condition::NotZero(general(register)?.0), label)),
        (_, [label]) if mnemonic.strip_prefix("B.").and_then(flag_condition).is_some() => {
            let condition = mnemonic
                .strip_prefix("B.")
                .and_then(flag_condition)
                .ok_or_else(refused)?;
            return Ok(branch(Condition::Flags(condition), label));
        }
        (_, operands) => match atomic(&mnemonic, operands)? {
            Some(op) => op,
            None if is_narrow(&mnemonic) => {
                return Err(LitmusErrorKind::Outside {
                    what: text.to_owned(),
                    why: "the machine has no accesses of mixed size",
                });
            }
            None => return Err(refused()),
        },
    };
    Ok(Line::Op(op, None))
}

/// Returns whether an instruction accesses a byte or a halfword.
fn is_narrow(mnemonic: &str) -> bool {
    let plain = [
        "LDR", "STR", "LDAR", "STLR", "LDXR", "STXR", "LDAXR", "STLXR", "CAS", "SWP",
    ];
    mnemonic
        .strip_suffix(['B', 'H'])
        .is_some_and(|stem| plain.iter().any(|known| stem.starts_with(known)))
}

fn moved(to: Register, from: Source) -> Op {
    Op::Alu {
        op: Alu::Move,
        to,
        a: Source::Immediate(0),
        b: from,
    }
}

fn flag_condition(name: &str) -> Option<FlagCondition> {
    Some(match name.to_ascii_uppercase().as_str() {
        "EQ" => FlagCondition::Eq,
        "NE" => FlagCondition::Ne,
        "CS" | "HS" => FlagCondition::Cs,
        "CC" | "LO" => FlagCondition::Cc,
        "MI" => FlagCondition::Mi,
        "PL" => FlagCondition::Pl,
        "VS" => FlagCondition::Vs,
        "VC" => FlagCondition::Vc,
        "HI" => FlagCondition::Hi,
        "LS" => FlagCondition::Ls,
        "GE" => FlagCondition::Ge,
        "LT" => FlagCondition::Lt,
        "GT" => FlagCondition::Gt,
        "LE" => FlagCondition::Le,
        _ => return None,
    })
}

/// Reads an atomic instruction of FEAT_LSE: `swp`, `cas`, and the `ld…` and `st…` operations, with their orderings.
fn atomic(mnemonic: &str, operands: &[&str]) -> Result<Option<Op>, LitmusErrorKind> {
    const OPERATIONS: [(&str, Alu); 4] = [
        ("ADD", Alu::Add),
        ("SET", Alu::Or),
        ("CLR", Alu::BitClear),
        ("EOR", Alu::ExclusiveOr),
    ];
    let stem = |stem: &str| {
        let (acquire, release) = match mnemonic.strip_prefix(stem)? {
            "" => (false, false),
            "A" => (true, false),
            "L" => (false, true),
            "AL" => (true, true),
            _ => return None,
        };
        Some((acquire, release))
    };
    let mut found = stem("SWP").map(|order| (Atomic::Swap, order, false));
    found = found.or_else(|| stem("CAS").map(|order| (Atomic::CompareAndSwap, order, false)));
    for (name, op) in OPERATIONS {
        for (prefix, throws_away) in [("LD", false), ("ST", true)] {
            let order = stem(&[prefix, name].concat());
            found = found.or_else(|| order.map(|order| (Atomic::Operation(op), order, throws_away)));
        }
    }
    let Some((op, (acquire, release), throws_away)) = found else {
        return Ok(None);
    };
    let (from, to, address) = match (operands, op, throws_away) {
        ([from, address], _, true) => (general(from)?, (ZERO_REGISTER, false), address),
        // What is compared comes first; it is the destination too.
        ([compared, from, address], Atomic::CompareAndSwap, false) => (general(from)?, general(compared)?, address),
        ([from, to, address], _, false) => (general(from)?, general(to)?, address),
        _ => return Ok(None),
    };
    let (base, index) = memory(address, true)?;
    if index.is_some() {
        return Ok(None);
    }
    // An acquire that throws its value away acquires nothing (Arm ARM, "LDADD").
    Ok(Some(Op::Atomic {
        op,
        to: to.0,
        from: from.0,
        base,
        acquire: acquire && (to.0 != ZERO_REGISTER || op == Atomic::CompareAndSwap),
        release,
    }))
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

/// Reads `[Xn]`, `[Xn,#8]`, `[Xn,Xm]` or `[Xn,Wm,SXTW]`.
///
/// Arrays have elements of four bytes: what is accessed at a distance is a word.
fn memory(text: &str, word: bool) -> Result<(Register, Option<Source>), LitmusErrorKind> {
    let refused = || LitmusErrorKind::Operand(text.to_owned());
    let inner = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .ok_or_else(refused)?;
    let parts: Vec<&str> = inner.split(',').collect();
    match parts.as_slice() {
        [base] | [base, "#0"] => Ok((general(base)?.0, None)),
        [base, distance] if distance.starts_with('#') => {
            let distance = immediate(distance)?;
            if !word || distance % 4 != 0 {
                return Err(LitmusErrorKind::Outside {
                    what: text.to_owned(),
                    why: "the machine has no accesses of mixed size",
                });
            }
            Ok((general(base)?.0, Some(Source::Immediate(distance))))
        }
        [base, index] => match general(index)? {
            (index, false) => Ok((general(base)?.0, Some(Source::Register(index)))),
            _ => Err(refused()),
        },
        [base, index, extend] if matches!(extend.to_ascii_uppercase().as_str(), "SXTW" | "UXTW") => {
            Ok((general(base)?.0, Some(Source::Register(general(index)?.0))))
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
