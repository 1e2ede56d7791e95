// SPDX-License-Identifier: MIT OR Apache-2.0
//! Arithmetic: values from values, and flags from comparisons.

use super::program::{Alu, FlagCondition, Op, Program, Value};

/// Calculates; `None` where the machine has no such value.
pub(super) fn evaluate(program: &Program, op: Alu, a: Value, b: Value) -> Option<Value> {
    match op {
        Alu::Move => return Some(b),
        Alu::Compare => return Some(Value::Int(compare(a, b))),
        Alu::ExclusiveOr | Alu::Subtract if a == b => return Some(Value::Int(0)),
        _ => {}
    }
    if let (Value::Descriptor(index), Value::Int(mask)) = (a, b)
        && mask != 0
    {
        return on_descriptor(program, op, index, mask);
    }
    match (op, a, b) {
        // The next instruction; a fetch is no instruction of its own.
        (Alu::Add, Value::Code(thread, pc), Value::Int(4)) => {
            let ops = &program.threads.get(usize::from(thread))?.ops;
            let plain = !matches!(ops.get(usize::from(pc))?, Op::Fetch(_) | Op::End);
            plain.then_some(Value::Code(thread, pc + 1))
        }
        (_, value, Value::Int(0)) if op != Alu::And => Some(value),
        (Alu::And, _, Value::Int(0)) | (Alu::And, Value::Int(0), _) => Some(Value::Int(0)),
        (Alu::Add | Alu::ExclusiveOr | Alu::Or, Value::Int(0), value) => Some(value),
        (Alu::ShiftRight, Value::Address(page) | Value::Element(page, _), Value::Int(12)) => Some(Value::Operand(page)),
        (Alu::ShiftLeft, Value::Operand(page), Value::Int(12)) => Some(Value::Address(page)),
        (Alu::Add, Value::Address(page), Value::Int(offset)) | (Alu::Add, Value::Int(offset), Value::Address(page)) => {
            u16::try_from(offset)
                .ok()
                .filter(|offset| *offset < 4096)
                .map(|offset| Value::Element(page, offset))
        }
        (_, Value::Int(a), Value::Int(b)) => Some(Value::Int(match op {
            Alu::Move | Alu::Compare => b,
            Alu::ShiftRight => u32::try_from(b).ok().and_then(|by| (a as u64).checked_shr(by))? as i64,
            Alu::ExclusiveOr => a ^ b,
            Alu::And => a & b,
            Alu::Add => a.wrapping_add(b),
            Alu::ShiftLeft => u32::try_from(b).ok().and_then(|by| a.checked_shl(by))?,
            Alu::Or => a | b,
            Alu::BitClear => a & !b,
            Alu::Subtract => a.wrapping_sub(b),
        })),
        _ => None,
    }
}

/// Calculates with one bit of a descriptor.
fn on_descriptor(program: &Program, op: Alu, index: u8, mask: i64) -> Option<Value> {
    let descriptor = program.descriptors[usize::from(index)];
    let bit = descriptor.bit(mask)?;
    let changed = match op {
        Alu::And => return Some(Value::Int(if bit { mask } else { 0 })),
        Alu::Or => descriptor.with_bit(mask, true)?,
        Alu::BitClear => descriptor.with_bit(mask, false)?,
        Alu::ExclusiveOr => descriptor.with_bit(mask, !bit)?,
        _ => return None,
    };
    program.index_of(&changed).map(Value::Descriptor)
}

/// The bits of [`compare`]'s result.
const NEGATIVE: i64 = 8;
const ZERO: i64 = 4;
const CARRY: i64 = 2;
const OVERFLOW: i64 = 1;

/// Returns the flags of a subtraction. Of values that are no numbers only `Z` means something.
fn compare(a: Value, b: Value) -> i64 {
    let (Value::Int(x), Value::Int(y)) = (a, b) else {
        return if a == b { ZERO | CARRY } else { 0 };
    };
    let (difference, overflow) = x.overflowing_sub(y);
    let flags = [
        (difference < 0, NEGATIVE),
        (difference == 0, ZERO),
        (x as u64 >= y as u64, CARRY),
        (overflow, OVERFLOW),
    ];
    flags.iter().filter(|(set, _)| *set).fold(0, |all, (_, bit)| all | bit)
}

/// Returns whether a condition holds on flags.
pub(super) fn condition_holds(condition: FlagCondition, flags: Value) -> Option<bool> {
    let Value::Int(flags) = flags else { return None };
    let set = |bit: i64| flags & bit != 0;
    let (negative, zero, carry, overflow) = (set(NEGATIVE), set(ZERO), set(CARRY), set(OVERFLOW));
    Some(match condition {
        FlagCondition::Eq => zero,
        FlagCondition::Ne => !zero,
        FlagCondition::Cs => carry,
        FlagCondition::Cc => !carry,
        FlagCondition::Mi => negative,
        FlagCondition::Pl => !negative,
        FlagCondition::Vs => overflow,
        FlagCondition::Vc => !overflow,
        FlagCondition::Hi => carry && !zero,
        FlagCondition::Ls => !carry || zero,
        FlagCondition::Ge => negative == overflow,
        FlagCondition::Lt => negative != overflow,
        FlagCondition::Gt => !zero && negative == overflow,
        FlagCondition::Le => zero || negative != overflow,
    })
}
