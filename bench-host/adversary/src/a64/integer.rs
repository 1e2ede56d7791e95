// SPDX-License-Identifier: MIT OR Apache-2.0
//! Operations on general registers.

use super::{Arithmetic, Condition, FlagChange, Logical, Operand, Registers};

const N: u32 = 1 << 31;
const Z: u32 = 1 << 30;
const C: u32 = 1 << 29;
const V: u32 = 1 << 28;

/// Returns the low half of a value, unless all of it is wanted.
#[inline(always)]
pub(super) const fn narrow(value: u64, wide: bool) -> u64 {
    if wide { value } else { value & 0xffff_ffff }
}

/// Adds with a carry, and returns the flags too.
#[inline(always)]
const fn add_with_carry(a: u64, b: u64, carry: bool, wide: bool) -> (u64, u32) {
    let (a, b) = (narrow(a, wide), narrow(b, wide));
    let (sum, over) = a.overflowing_add(b);
    let (sum, again) = sum.overflowing_add(carry as u64);
    let (result, top) = (narrow(sum, wide), if wide { 63 } else { 31 });
    let carried = if wide { over || again } else { sum >> 32 != 0 };
    let overflow = ((a ^ result) & (b ^ result)) >> top & 1 != 0;
    let mut flags = if result >> top & 1 != 0 { N } else { 0 };
    flags |= if result == 0 { Z } else { 0 };
    flags |= if carried { C } else { 0 };
    flags |= if overflow { V } else { 0 };
    (result, flags)
}

/// Adds or subtracts; returns the result and, where the operation sets them, the flags.
#[inline(always)]
pub(super) const fn arithmetic(operation: Arithmetic, a: u64, b: u64, wide: bool) -> (u64, Option<u32>) {
    match operation {
        Arithmetic::Add => (narrow(a.wrapping_add(b), wide), None),
        Arithmetic::Sub => (narrow(a.wrapping_sub(b), wide), None),
        Arithmetic::Adds => {
            let (result, flags) = add_with_carry(a, b, false, wide);
            (result, Some(flags))
        }
        Arithmetic::Subs => {
            let (result, flags) = add_with_carry(a, !b, true, wide);
            (result, Some(flags))
        }
    }
}

/// Adds or subtracts with the carry flag.
pub(super) const fn with_carry(nzcv: u32, subtract: bool, a: u64, b: u64, wide: bool) -> (u64, u32) {
    add_with_carry(a, if subtract { !b } else { b }, nzcv & C != 0, wide)
}

/// Combines bits; returns the result and, where the operation sets them, the flags.
#[inline(always)]
pub(super) const fn logical(operation: Logical, a: u64, b: u64, wide: bool) -> (u64, Option<u32>) {
    let result = narrow(
        match operation {
            Logical::And | Logical::Ands => a & b,
            Logical::Or => a | b,
            Logical::Xor => a ^ b,
        },
        wide,
    );
    if !matches!(operation, Logical::Ands) {
        return (result, None);
    }
    let negative = if result >> (if wide { 63 } else { 31 }) & 1 != 0 {
        N
    } else {
        0
    };
    (result, Some(negative | if result == 0 { Z } else { 0 }))
}

/// Returns whether a condition holds.
#[inline(always)]
pub(super) const fn holds(condition: Condition, nzcv: u32) -> bool {
    let (n, z, c, v) = (nzcv & N != 0, nzcv & Z != 0, nzcv & C != 0, nzcv & V != 0);
    let base = match condition >> 1 {
        0 => z,
        1 => c,
        2 => n,
        3 => v,
        4 => c && !z,
        5 => n == v,
        6 => n == v && !z,
        _ => return true,
    };
    base != (condition & 1 != 0)
}

/// Shifts: left, right, right with sign, or around.
#[inline(always)]
pub(super) const fn shift(value: u64, kind: u8, amount: u8, wide: bool) -> u64 {
    let amount = amount as u32;
    if wide {
        match kind {
            0 => value << amount,
            1 => value >> amount,
            2 => (value as i64 >> amount) as u64,
            _ => value.rotate_right(amount),
        }
    } else {
        let value = value as u32;
        (match kind {
            0 => value << amount,
            1 => value >> amount,
            2 => (value as i32 >> amount) as u32,
            _ => value.rotate_right(amount),
        }) as u64
    }
}

/// Extends: zeros or sign, from 8 to 64 bits; and shifts left.
#[inline(always)]
pub(super) const fn extend(value: u64, kind: u8, left: u8) -> u64 {
    (match kind {
        0 => value as u8 as u64,
        1 => value as u16 as u64,
        2 => value as u32 as u64,
        4 => value as i8 as u64,
        5 => value as i16 as u64,
        6 => value as i32 as u64,
        _ => value,
    }) << left
}

impl Registers {
    /// Returns the value of a second operand.
    #[inline(always)]
    pub(super) fn operand(&self, operand: Operand, wide: bool) -> u64 {
        match operand {
            Operand::Shifted(register, kind, amount) => {
                let value = narrow(self.get(register), wide);
                if amount == 0 {
                    value
                } else {
                    shift(value, kind, amount, wide)
                }
            }
            Operand::Extended(register, kind, left) => extend(self.get(register), kind, left),
        }
    }
}

/// Moves a field of bits: `sbfm`, `bfm`, `ubfm`.
#[inline(always)]
pub(super) const fn bitfield(opc: u8, source: u64, target: u64, immr: u8, imms: u8, wide: bool) -> u64 {
    let size = if wide { 64 } else { 32 };
    let (immr, imms) = (immr as u32, imms as u32);
    // A field of the source from bit `from` on goes to bit `to` on.
    let (from, to, count) = if imms >= immr {
        (immr, 0, imms - immr + 1)
    } else {
        (0, size - immr, imms + 1)
    };
    let ones = u64::MAX >> (64 - count);
    let field = source >> from & ones;
    let result = match opc {
        0 => ((field << (64 - count)) as i64 >> (64 - count)) as u64,
        _ => field,
    } << to;
    narrow(
        if opc == 1 {
            target & !(ones << to) | result
        } else {
            result
        },
        wide,
    )
}

/// `rbit`, `rev16`, `rev32`, `rev`, `clz`, `cls`.
pub(super) const fn one_source(opcode: u8, value: u64, wide: bool) -> u64 {
    const BYTES: u64 = 0x00ff_00ff_00ff_00ff;
    let low = value as u32;
    match (opcode, wide) {
        (0, true) => value.reverse_bits(),
        (0, false) => low.reverse_bits() as u64,
        (1, _) => narrow((value >> 8 & BYTES) | (value & BYTES) << 8, wide),
        (2, true) => value.swap_bytes().rotate_left(32),
        (2 | 3, false) => low.swap_bytes() as u64,
        (3, true) => value.swap_bytes(),
        (4, true) => value.leading_zeros() as u64,
        (4, false) => low.leading_zeros() as u64,
        (_, true) => (value ^ value << 1 | 1).leading_zeros() as u64,
        (_, false) => (low ^ low << 1 | 1).leading_zeros() as u64,
    }
}

/// Divisions, and shifts by a register.
pub(super) const fn two_source(opcode: u8, a: u64, b: u64, wide: bool) -> u64 {
    let (a, b) = (narrow(a, wide), narrow(b, wide));
    match opcode {
        2 => match a.checked_div(b) {
            Some(quotient) => quotient,
            None => 0,
        },
        3 if b == 0 => 0,
        3 if wide => (a as i64).wrapping_div(b as i64) as u64,
        3 => (a as i32).wrapping_div(b as i32) as u32 as u64,
        16..=23 => checksum(opcode, a as u32, b),
        _ => shift(a, opcode & 3, b as u8 & if wide { 63 } else { 31 }, wide),
    }
}

/// `crc32`, `crc32c`: of 1 to 8 bytes, the lowest first; neither end is inverted.
const fn checksum(opcode: u8, sum: u32, data: u64) -> u64 {
    // The polynomials, bits reversed.
    let polynomial = if opcode & 4 == 0 { 0xedb8_8320 } else { 0x82f6_3b78 };
    let (mut sum, mut step) = (sum, 0);
    while step < 8 << (opcode & 3) {
        let low = (sum ^ (data >> step) as u32) & 1;
        sum = sum >> 1 ^ if low != 0 { polynomial } else { 0 };
        step += 1;
    }
    sum as u64
}

/// `rmif`: a mask of flags comes from the lowest bits of a register rotated right.
pub(super) const fn rotate_flags(nzcv: u32, value: u64, amount: u8, mask: u8) -> u32 {
    let (new, mask) = ((value.rotate_right(amount as u32) as u32) << 28, (mask as u32) << 28);
    nzcv & !mask | new & mask
}

/// `setf8`, `setf16`: flags as if a narrow value had just been added to; the carry stays.
pub(super) const fn set_flags(nzcv: u32, value: u64, bytes: u8) -> u32 {
    let top = 8 * bytes as u32 - 1;
    let negative = if value >> top & 1 != 0 { N } else { 0 };
    let zero = if value << (63 - top) == 0 { Z } else { 0 };
    let overflow = if (value >> top ^ value >> (top + 1)) & 1 != 0 {
        V
    } else {
        0
    };
    negative | zero | nzcv & C | overflow
}

/// `cfinv`, `xaflag`, `axflag`.
pub(super) const fn change_flags(nzcv: u32, change: FlagChange) -> u32 {
    let (z, c, v) = (nzcv & Z != 0, nzcv & C != 0, nzcv & V != 0);
    const fn flag(set: bool, flag: u32) -> u32 {
        if set { flag } else { 0 }
    }
    match change {
        FlagChange::InvertCarry => nzcv ^ C,
        FlagChange::FromExternal => flag(!c && !z, N) | flag(z && c, Z) | flag(c || z, C) | flag(!c && z, V),
        FlagChange::ToExternal => flag(z || v, Z) | flag(c && !v, C),
    }
}

/// Multiplies, and adds or subtracts the product.
pub(super) const fn multiply(op31: u8, subtract: bool, a: u64, b: u64, c: u64, wide: bool) -> u64 {
    let product = match op31 {
        0 => a.wrapping_mul(b),
        1 => (a as i32 as i64 as u64).wrapping_mul(b as i32 as i64 as u64),
        5 => (a as u32 as u64).wrapping_mul(b as u32 as u64),
        2 => return ((a as i64 as i128 * b as i64 as i128) >> 64) as u64,
        _ => return ((a as u128 * b as u128) >> 64) as u64,
    };
    narrow(
        if subtract {
            c.wrapping_sub(product)
        } else {
            c.wrapping_add(product)
        },
        wide,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_those_of_the_width() {
        let subs = |a, b, wide| arithmetic(Arithmetic::Subs, a, b, wide);
        assert_eq!(subs(1, 1, true), (0, Some(Z | C)));
        assert_eq!(subs(0, 1, false), (0xffff_ffff, Some(N)));
        assert_eq!(subs(0x8000_0000, 1, false), (0x7fff_ffff, Some(C | V)));
        assert_eq!(arithmetic(Arithmetic::Adds, u64::MAX, 1, true), (0, Some(Z | C)));
        assert_eq!(arithmetic(Arithmetic::Adds, 0xffff_ffff, 1, false), (0, Some(Z | C)));
        assert_eq!(with_carry(C, false, 1, 1, true).0, 3);
        assert_eq!(with_carry(0, true, 5, 1, true).0, 3);
    }

    #[test]
    fn conditions_are_pairs() {
        assert!(holds(0, Z) && !holds(1, Z) && holds(8, C) && !holds(8, C | Z) && holds(9, C | Z));
        assert!(holds(10, N | V) && holds(11, N) && holds(12, 0) && holds(13, Z) && holds(14, 0) && holds(15, 0));
    }

    #[test]
    fn fields_are_moved() {
        // lsr #4, lsl #4, asr #4, sxtb, bfi of 8 bits to bit 4.
        assert_eq!(bitfield(2, 0xf0, 0, 4, 63, true), 0xf);
        assert_eq!(bitfield(2, 0xf, 0, 60, 59, true), 0xf0);
        assert_eq!(bitfield(0, 1 << 63, 0, 4, 63, true), 0xf8 << 56);
        assert_eq!(bitfield(0, 0x80, 0, 0, 7, false), 0xffff_ff80);
        assert_eq!(bitfield(1, 0xab, 0xffff, 60, 7, true), 0xfabf);
    }

    #[test]
    fn odd_cases_are_defined() {
        assert_eq!((two_source(2, 5, 0, true), two_source(3, 5, 0, false)), (0, 0));
        assert_eq!(two_source(3, i64::MIN as u64, u64::MAX, true), i64::MIN as u64);
        assert_eq!(two_source(8, 1, 33, false), 2);
        assert_eq!(one_source(5, 0, true), 63);
        assert_eq!(one_source(5, 0xf000_0000, false), 3);
        assert_eq!(one_source(2, 0x0102_0304_0506_0708, true), 0x0403_0201_0807_0605);
        assert_eq!(one_source(1, 0x0102_0304, false), 0x0201_0403);
        // The check value of both polynomials: of "123456789".
        let check = |opcode| {
            b"123456789".iter().fold(u32::MAX.into(), |sum, &byte| {
                two_source(opcode, sum, byte.into(), false)
            })
        };
        assert_eq!((!check(16) as u32, !check(20) as u32), (0xcbf4_3926, 0xe306_9283));
        assert_eq!(multiply(2, false, u64::MAX, u64::MAX, 0, true), 0);
        assert_eq!(multiply(6, false, u64::MAX, u64::MAX, 0, true), u64::MAX - 1);
    }
}
