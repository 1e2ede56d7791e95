// SPDX-License-Identifier: MIT OR Apache-2.0
//! Data processing on general registers, with an immediate or a register.

use super::{bit, bits, register, signed};
use crate::a64::{Arithmetic, Instruction, Logical, Operand};

fn arithmetic(word: u32) -> Arithmetic {
    match bits(word, 29, 2) {
        0 => Arithmetic::Add,
        1 => Arithmetic::Adds,
        2 => Arithmetic::Sub,
        _ => Arithmetic::Subs,
    }
}

fn logical(word: u32) -> Logical {
    match bits(word, 29, 2) {
        0 => Logical::And,
        1 => Logical::Or,
        2 => Logical::Xor,
        _ => Logical::Ands,
    }
}

/// Returns the immediate of a logical operation (Arm ARM, `DecodeBitMasks`).
fn bit_mask(word: u32, wide: bool) -> Option<u64> {
    let (n, immr, imms) = (bits(word, 22, 1), bits(word, 16, 6), bits(word, 10, 6));
    if !wide && n == 1 {
        return None;
    }
    let length = (n << 6 | !imms & 0x3f).checked_ilog2()?;
    let levels = (1 << length) - 1;
    if length == 0 || imms & levels == levels {
        return None;
    }
    let size = 1 << length;
    let ones = (1_u64 << ((imms & levels) + 1)) - 1;
    let rotate = immr & levels;
    let all = u64::MAX >> (64 - size);
    let element = if rotate == 0 {
        ones
    } else {
        (ones >> rotate | ones << (size - rotate)) & all
    };
    let mask = (0..64 / size).fold(0, |mask, copy| mask | element << (copy * size));
    Some(if wide { mask } else { mask & 0xffff_ffff })
}

pub(super) fn immediate(word: u32) -> Option<Instruction> {
    let (wide, rd, rn) = (bit(word, 31), register(word, 0), register(word, 5));
    Some(match bits(word, 23, 3) {
        0b000 | 0b001 => Instruction::Adr {
            rd,
            offset: if wide {
                (signed(word, 5, 19) << 2 | i64::from(bits(word, 29, 2))) << 12
            } else {
                signed(word, 5, 19) << 2 | i64::from(bits(word, 29, 2))
            },
            page: wide,
        },
        0b010 => Instruction::ArithmeticImmediate {
            wide,
            operation: arithmetic(word),
            rd,
            rn,
            imm: bits(word, 10, 12) << if bit(word, 22) { 12 } else { 0 },
        },
        0b100 => Instruction::LogicalImmediate {
            wide,
            operation: logical(word),
            rd,
            rn,
            imm: bit_mask(word, wide)?,
        },
        0b101 => {
            let (imm, shift) = (bits(word, 5, 16) as u16, 16 * bits(word, 21, 2) as u8);
            if !wide && shift >= 32 {
                return None;
            }
            let value = u64::from(imm) << shift;
            let all = if wide { u64::MAX } else { 0xffff_ffff };
            match bits(word, 29, 2) {
                0 => Instruction::MoveWide {
                    rd,
                    value: !value & all,
                },
                2 => Instruction::MoveWide { rd, value },
                3 => Instruction::MoveKeep { rd, imm, shift, wide },
                _ => return None,
            }
        }
        0b110 => {
            let (opc, immr, imms) = (
                bits(word, 29, 2) as u8,
                bits(word, 16, 6) as u8,
                bits(word, 10, 6) as u8,
            );
            if opc == 3 || bit(word, 22) != wide || !wide && (immr | imms) & 32 != 0 {
                return None;
            }
            Instruction::Bitfield {
                wide,
                opc,
                rd,
                rn,
                immr,
                imms,
            }
        }
        0b111 => {
            let lsb = bits(word, 10, 6) as u8;
            if bits(word, 29, 2) != 0 || bit(word, 21) || bit(word, 22) != wide || !wide && lsb >= 32 {
                return None;
            }
            Instruction::Extract {
                wide,
                rd,
                rn,
                rm: register(word, 16),
                lsb,
            }
        }
        _ => return None,
    })
}

pub(super) fn registers(word: u32) -> Option<Instruction> {
    let (wide, rd, rn, rm) = (bit(word, 31), register(word, 0), register(word, 5), register(word, 16));
    let shifted = || {
        let amount = bits(word, 10, 6) as u8;
        (wide || amount < 32).then_some(Operand::Shifted(rm, bits(word, 22, 2) as u8, amount))
    };
    Some(match (bit(word, 28), bits(word, 21, 4)) {
        (false, 0b0000..=0b0111) => Instruction::Logical {
            wide,
            operation: logical(word),
            invert: bit(word, 21),
            rd,
            rn,
            operand: shifted()?,
        },
        (false, opcode) if opcode & 1 == 0 => {
            if bits(word, 22, 2) == 3 {
                return None;
            }
            Instruction::Arithmetic {
                wide,
                operation: arithmetic(word),
                rd,
                rn,
                operand: shifted()?,
            }
        }
        (false, 0b1001) => {
            let shift = bits(word, 10, 3) as u8;
            if shift > 4 {
                return None;
            }
            Instruction::Arithmetic {
                wide,
                operation: arithmetic(word),
                rd,
                rn,
                operand: Operand::Extended(rm, bits(word, 13, 3) as u8, shift),
            }
        }
        (true, 0b0000) if bits(word, 10, 6) == 0 => Instruction::WithCarry {
            wide,
            subtract: bit(word, 30),
            flags: bit(word, 29),
            rd,
            rn,
            rm,
        },
        (true, 0b0000) if word & 0xffe0_7c10 == 0xba00_0400 => Instruction::RotateFlags {
            rn,
            amount: bits(word, 15, 6) as u8,
            mask: bits(word, 0, 4) as u8,
        },
        (true, 0b0000) if word & 0xffff_bc1f == 0x3a00_080d => Instruction::SetFlags {
            rn,
            bytes: if bit(word, 14) { 2 } else { 1 },
        },
        (true, 0b0010) if bit(word, 29) && !bit(word, 10) && !bit(word, 4) => Instruction::ConditionalCompare {
            wide,
            subtract: bit(word, 30),
            immediate: bit(word, 11),
            rn,
            rm,
            condition: bits(word, 12, 4) as u8,
            nzcv: bits(word, 0, 4) as u8,
        },
        (true, 0b0100) if !bit(word, 29) && !bit(word, 11) => Instruction::ConditionalSelect {
            wide,
            invert: bit(word, 30),
            increment: bit(word, 10),
            rd,
            rn,
            rm,
            condition: bits(word, 12, 4) as u8,
        },
        (true, 0b0110) if !bit(word, 29) => {
            let opcode = bits(word, 10, 6) as u8;
            match (bit(word, 30), opcode) {
                (true, 0..=5) if rm == 0 && (wide || opcode != 3) => Instruction::OneSource { wide, opcode, rd, rn },
                (false, 2 | 3 | 8..=11) | (false, 16..=23) if opcode < 16 || wide == (opcode & 3 == 3) => {
                    Instruction::TwoSource {
                        wide,
                        opcode,
                        rd,
                        rn,
                        rm,
                    }
                }
                _ => return None,
            }
        }
        (true, 0b1000..=0b1111) if bits(word, 29, 2) == 0 => {
            let op31 = bits(word, 21, 3) as u8;
            let known = match op31 {
                0 => true,
                1 | 5 => wide,
                2 | 6 => wide && !bit(word, 15),
                _ => false,
            };
            if !known {
                return None;
            }
            Instruction::Multiply {
                wide,
                op31,
                subtract: bit(word, 15),
                rd,
                rn,
                rm,
                ra: register(word, 10),
            }
        }
        _ => return None,
    })
}
