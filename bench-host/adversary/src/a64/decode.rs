// SPDX-License-Identifier: MIT OR Apache-2.0
//! Instruction words to instructions, in the order of the tables of section C4.

mod branch;
mod integer;
mod memory;

use branch::branch;
use integer::{immediate, registers};
use memory::memory;

use super::{Instruction, System, vector};

/// Returns the bits from `low` on, `count` of them.
pub(super) const fn bits(word: u32, low: u32, count: u32) -> u32 {
    word >> low & ((1 << count) - 1)
}

/// Returns one bit.
pub(super) const fn bit(word: u32, at: u32) -> bool {
    word >> at & 1 != 0
}

/// Returns a field of five bits.
pub(super) const fn register(word: u32, low: u32) -> u8 {
    bits(word, low, 5) as u8
}

/// Returns a field with a sign.
pub(super) const fn signed(word: u32, low: u32, count: u32) -> i64 {
    (((bits(word, low, count) as u64) << (64 - count)) as i64) >> (64 - count)
}

/// Returns the instruction that a word is; `None` if it is none of those known here.
#[must_use]
pub fn decode(word: u32) -> Option<Instruction> {
    match bits(word, 25, 4) {
        0b0000 if word >> 16 == 0 => Some(Instruction::System(System::Udf(word as u16))),
        0b1000 | 0b1001 => immediate(word),
        0b1010 | 0b1011 => branch(word),
        0b0100 | 0b0110 | 0b1100 | 0b1110 => memory(word),
        0b0101 | 0b1101 => registers(word),
        0b0111 | 0b1111 => vector::decode(word).map(Instruction::Vector),
        _ => None,
    }
}
