// SPDX-License-Identifier: MIT OR Apache-2.0
//! What SIMD instructions do.

use super::super::{Memory, Registers};
use super::elements::{Elements, half, join, replace, shift_by, truth};
use super::structure::transfer;
use super::{Across, Shifted, Three, Two, Vector, Widening};

/// Executes a SIMD instruction.
pub(in crate::a64) fn execute<M: Memory>(
    registers: &mut Registers,
    memory: &mut M,
    vector: Vector,
) -> Result<(), M::Fault> {
    let both = |q: bool, value: u64| u128::from(value) | if q { u128::from(value) << 64 } else { 0 };
    let (rd, value) = match vector {
        Vector::Immediate { rd, q, value } => (rd, both(q, value)),
        Vector::ChangeBits { rd, q, value, clear } => {
            let (old, value) = (half(registers.vector(rd), q), both(q, value));
            (rd, if clear { old & !value } else { old | value })
        }
        Vector::ToGeneral { wide, rd, rn, high } => {
            let value = (registers.vector(rn) >> if high { 64 } else { 0 }) as u64;
            registers.set(rd, if wide { value } else { value & 0xffff_ffff });
            return Ok(());
        }
        Vector::FromGeneral { wide, rd, rn, high } => {
            let value = u128::from(registers.get(rn));
            match (high, wide) {
                (true, _) => (rd, half(registers.vector(rd), false) | value << 64),
                (_, true) => (rd, value),
                (_, false) => (rd, value & 0xffff_ffff),
            }
        }
        Vector::MoveScalar { double, rd, rn } => {
            let value = half(registers.vector(rn), false);
            (rd, if double { value } else { value & 0xffff_ffff })
        }
        Vector::Three {
            operation,
            q,
            size,
            rd,
            rn,
            rm,
        } => {
            let (a, b, d) = (registers.vector(rn), registers.vector(rm), registers.vector(rd));
            (rd, half(combine(operation, q, size, a, b, d), q))
        }
        Vector::Two {
            operation,
            q,
            size,
            rd,
            rn,
        } => (
            rd,
            change(operation, q, size, registers.vector(rn), registers.vector(rd)),
        ),
        Vector::Across {
            operation,
            q,
            size,
            rd,
            rn,
        } => (rd, reduce(operation, &Elements::of(registers.vector(rn), size, q))),
        Vector::Shifted {
            operation,
            q,
            scalar,
            size,
            amount,
            rd,
            rn,
        } => {
            let result = move_bits(operation, q, size, amount, registers.vector(rn), registers.vector(rd));
            (rd, half(result, !scalar))
        }
        Vector::Wide {
            operation,
            signed,
            q,
            size,
            rd,
            rn,
            rm,
        } => {
            let (a, b, d) = (registers.vector(rn), registers.vector(rm), registers.vector(rd));
            (rd, widen(operation, signed, q, size, a, b, d))
        }
        Vector::Duplicate {
            q,
            scalar,
            size,
            index,
            rd,
            rn,
        } => {
            let from = Elements::of(registers.vector(rn), size, true);
            let value = from.all[usize::from(index) % from.count];
            let all = if q { 16 } else { 8 };
            let copies = if scalar { 1 } else { all >> size };
            (rd, join((0..copies).map(|_| value), from.bits))
        }
        Vector::DuplicateGeneral { q, size, rd, rn } => {
            let value = registers.get(rn);
            (rd, Elements::of(0, size, q).map(|_, _| value).value())
        }
        Vector::Insert { size, to, from, rd, rn } => {
            let source = Elements::of(registers.vector(rn), size, true);
            let value = source.all[usize::from(from) % source.count];
            (rd, replace(registers.vector(rd), size, to, value))
        }
        Vector::InsertGeneral { size, to, rd, rn } => (rd, replace(registers.vector(rd), size, to, registers.get(rn))),
        Vector::Get {
            wide,
            signed,
            size,
            index,
            rd,
            rn,
        } => {
            let from = Elements::of(registers.vector(rn), size, true);
            let value = from.all[usize::from(index) % from.count];
            let value = if signed { from.signed(value) as u64 } else { value };
            registers.set(rd, if wide { value } else { value & 0xffff_ffff });
            return Ok(());
        }
        Vector::Extract { q, index, rd, rn, rm } => {
            let (low, high) = (half(registers.vector(rn), q), half(registers.vector(rm), q));
            let (shift, bits) = (8 * u32::from(index), if q { 128 } else { 64 });
            let value = if shift == 0 {
                low
            } else {
                low >> shift | high << (bits - shift)
            };
            (rd, half(value, q))
        }
        Vector::Permute {
            q,
            size,
            opcode,
            rd,
            rn,
            rm,
        } => {
            let (a, b) = (
                Elements::of(registers.vector(rn), size, q),
                Elements::of(registers.vector(rm), size, q),
            );
            let (part, count) = (usize::from(opcode >> 2), a.count);
            let pick = |n: usize| match opcode & 3 {
                1 if 2 * n + part < count => a.all[2 * n + part],
                1 => b.all[2 * n + part - count],
                2 if n.is_multiple_of(2) => a.all[n + part],
                2 => b.all[n - 1 + part],
                _ if n.is_multiple_of(2) => a.all[part * count / 2 + n / 2],
                _ => b.all[part * count / 2 + n / 2],
            };
            (rd, join((0..count).map(pick), a.bits))
        }
        Vector::Table {
            q,
            extend,
            registers: tables,
            rd,
            rn,
            rm,
        } => {
            let old = Elements::of(registers.vector(rd), 0, q);
            let indices = Elements::of(registers.vector(rm), 0, q);
            let look_up = |n: usize, index: u64| {
                let (table, byte) = ((index / 16) as u8, index % 16);
                if table < tables {
                    (registers.vector((rn + table) % 32) >> (8 * byte)) as u64 & 0xff
                } else if extend {
                    old.all[n]
                } else {
                    0
                }
            };
            (rd, indices.map(look_up).value())
        }
        Vector::Multiple { .. } | Vector::Single { .. } | Vector::Replicate { .. } => {
            return transfer(registers, memory, vector);
        }
    };
    registers.set_vector(rd, value);
    Ok(())
}

fn combine(operation: Three, q: bool, size: u8, a: u128, b: u128, d: u128) -> u128 {
    match operation {
        Three::And => return a & b,
        Three::Clear => return a & !b,
        Three::Or => return a | b,
        Three::OrNot => return a | !b,
        Three::Xor => return a ^ b,
        Three::Select => return d & a | !d & b,
        Three::InsertIfTrue => return d & !b | a & b,
        Three::InsertIfFalse => return d & b | a & !b,
        _ => {}
    }
    let (a, b, d) = (
        Elements::of(a, size, q),
        Elements::of(b, size, q),
        Elements::of(d, size, q),
    );
    let pairs = |f: &dyn Fn(u64, u64) -> u64| {
        let of = |from: &Elements| -> Vec<u64> { from.all[..from.count].chunks(2).map(|c| f(c[0], c[1])).collect() };
        join(of(&a).into_iter().chain(of(&b)), a.bits)
    };
    match operation {
        Three::AddPairs => return pairs(&u64::wrapping_add),
        Three::MaximumPairs => return pairs(&|x, y| x.max(y)),
        Three::MinimumPairs => return pairs(&|x, y| x.min(y)),
        _ => {}
    }
    let signed = |value| a.signed(value);
    a.map(|n, x| {
        let y = b.all[n];
        match operation {
            Three::Add => x.wrapping_add(y),
            Three::Sub => x.wrapping_sub(y),
            Three::Multiply => x.wrapping_mul(y),
            Three::MultiplyAdd => d.all[n].wrapping_add(x.wrapping_mul(y)),
            Three::MultiplySubtract => d.all[n].wrapping_sub(x.wrapping_mul(y)),
            Three::Equal => truth(x == y),
            Three::Test => truth(x & y != 0),
            Three::Greater => truth(signed(x) > signed(y)),
            Three::GreaterEqual => truth(signed(x) >= signed(y)),
            Three::Higher => truth(x > y),
            Three::HigherSame => truth(x >= y),
            Three::SignedMaximum => signed(x).max(signed(y)) as u64,
            Three::SignedMinimum => signed(x).min(signed(y)) as u64,
            Three::Maximum => x.max(y),
            Three::Minimum => x.min(y),
            Three::SignedShift => shift_by(&a, x, y, true),
            _ => shift_by(&a, x, y, false),
        }
    })
    .value()
}

fn change(operation: Two, q: bool, size: u8, value: u128, old: u128) -> u128 {
    let from = Elements::of(value, size, q);
    let signed = |value| from.signed(value);
    let result = match operation {
        Two::Reverse(group) => {
            let group = usize::from(group) >> size;
            from.map(|n, _| from.all[n / group * group + group - 1 - n % group])
        }
        Two::Narrow => {
            let wide = Elements::of(value, size + 1, true);
            let low = join(wide.iter(), from.bits);
            return if q { half(old, false) | low << 64 } else { low };
        }
        Two::AddLongPairs | Two::SignedAddLongPairs => {
            let extend = |value| {
                if operation == Two::AddLongPairs {
                    value
                } else {
                    signed(value) as u64
                }
            };
            let sums = from.all[..from.count].chunks(2);
            return join(sums.map(|c| extend(c[0]).wrapping_add(extend(c[1]))), 2 * from.bits);
        }
        Two::Not => from.map(|_, x| !x),
        Two::ReverseBits => from.map(|_, x| (x as u8).reverse_bits().into()),
        Two::Count => from.map(|_, x| x.count_ones().into()),
        Two::LeadingZeros => from.map(|_, x| (x.leading_zeros() - (64 - from.bits)).into()),
        Two::EqualZero => from.map(|_, x| truth(x == 0)),
        Two::GreaterZero => from.map(|_, x| truth(signed(x) > 0)),
        Two::GreaterEqualZero => from.map(|_, x| truth(signed(x) >= 0)),
        Two::LessZero => from.map(|_, x| truth(signed(x) < 0)),
        Two::LessEqualZero => from.map(|_, x| truth(signed(x) <= 0)),
        Two::Negate => from.map(|_, x| x.wrapping_neg()),
        Two::Absolute => from.map(|_, x| signed(x).unsigned_abs()),
    };
    result.value()
}

fn reduce(operation: Across, from: &Elements) -> u128 {
    let signed = from.iter().map(|value| from.signed(value));
    let (value, bits) = match operation {
        Across::Add => (from.iter().fold(0, u64::wrapping_add), from.bits),
        Across::AddLong => (from.iter().sum(), 2 * from.bits),
        Across::Maximum => (from.iter().max().unwrap_or(0), from.bits),
        Across::Minimum => (from.iter().min().unwrap_or(0), from.bits),
        Across::SignedMaximum => (signed.max().unwrap_or(0) as u64, from.bits),
        Across::SignedMinimum => (signed.min().unwrap_or(0) as u64, from.bits),
    };
    join([value].into_iter(), bits)
}

fn move_bits(operation: Shifted, q: bool, size: u8, amount: u8, value: u128, old: u128) -> u128 {
    let (from, to) = (Elements::of(value, size, q), Elements::of(old, size, q));
    let by = u32::from(amount);
    let right = |x: u64| x.checked_shr(by).unwrap_or(0);
    let signed_right = |x: u64| (from.signed(x) >> by.min(63)) as u64;
    let mask = u64::MAX >> (64 - from.bits);
    match operation {
        Shifted::Left => from.map(|_, x| x << by).value(),
        Shifted::LeftInsert => from.map(|n, x| x << by | to.all[n] & ((1 << by) - 1)).value(),
        Shifted::Right => from.map(|_, x| right(x)).value(),
        Shifted::SignedRight => from.map(|_, x| signed_right(x)).value(),
        Shifted::RightAdd => from.map(|n, x| to.all[n].wrapping_add(right(x))).value(),
        Shifted::SignedRightAdd => from.map(|n, x| to.all[n].wrapping_add(signed_right(x))).value(),
        Shifted::RightInsert => {
            let kept = mask & !mask.checked_shr(by).unwrap_or(0);
            from.map(|n, x| right(x) | to.all[n] & kept).value()
        }
        Shifted::Narrow => {
            let wide = Elements::of(value, size + 1, true);
            let low = join(wide.iter().map(right), from.bits);
            if q { half(old, false) | low << 64 } else { low }
        }
        Shifted::Long | Shifted::SignedLong => {
            let all = Elements::of(value, size, true);
            let half = all.all[..all.count].iter().skip(if q { all.count / 2 } else { 0 });
            let extend = |&x: &u64| {
                if operation == Shifted::Long {
                    x
                } else {
                    all.signed(x) as u64
                }
            };
            join(half.take(all.count / 2).map(|x| extend(x) << by), 2 * all.bits)
        }
    }
}

fn widen(operation: Widening, signed: bool, q: bool, size: u8, a: u128, b: u128, d: u128) -> u128 {
    let (x, y) = (Elements::of(a, size, true), Elements::of(b, size, true));
    let (first, old) = (Elements::of(a, size + 1, true), Elements::of(d, size + 1, true));
    let offset = if q { x.count / 2 } else { 0 };
    let extend = |value: u64| if signed { x.signed(value) as u64 } else { value };
    let results = (0..x.count / 2).map(|n| {
        let (x, y) = (extend(x.all[offset + n]), extend(y.all[offset + n]));
        match operation {
            Widening::Add => x.wrapping_add(y),
            Widening::AddToLong => first.all[n].wrapping_add(y),
            Widening::Sub => x.wrapping_sub(y),
            Widening::Multiply => x.wrapping_mul(y),
            Widening::MultiplyAdd => old.all[n].wrapping_add(x.wrapping_mul(y)),
        }
    });
    join(results, 2 * x.bits)
}
