// SPDX-License-Identifier: MIT OR Apache-2.0
//! SIMD words to instructions.

use super::super::decode::{bit, bits, register};
use super::{Across, Shifted, Three, Two, Vector, Widening};

/// Returns the SIMD instruction that a word is.
pub(in crate::a64) fn decode(word: u32) -> Option<Vector> {
    let (q, rd, rn, rm) = (bit(word, 30), register(word, 0), register(word, 5), register(word, 16));
    let (u, size) = (bit(word, 29), bits(word, 22, 2) as u8);
    // Moves between files: sf, type, rmode, opcode.
    if word & 0x7f20_fc00 == 0x1e20_0000 {
        let wide = bit(word, 31);
        let (high, known) = match (wide, bits(word, 22, 2), bits(word, 19, 2)) {
            (false, 0, 0) | (true, 1, 0) => (false, true),
            (true, 2, 1) => (true, true),
            _ => (false, false),
        };
        return match bits(word, 16, 3) {
            6 if known => Some(Vector::ToGeneral { wide, rd, rn, high }),
            7 if known => Some(Vector::FromGeneral { wide, rd, rn, high }),
            _ => None,
        };
    }
    if word & 0xffbf_fc00 == 0x1e20_4000 {
        return Some(Vector::MoveScalar {
            double: bit(word, 22),
            rd,
            rn,
        });
    }
    // Bit 31 is clear in all others; bit 28 tells scalars.
    if bit(word, 31) {
        return None;
    }
    let scalar = bit(word, 28);
    match (bits(word, 24, 4), bit(word, 21), bit(word, 10)) {
        // One element of 64 bits is a scalar's.
        (0b1110, true, true) if !scalar && !q && size == 3 && bits(word, 11, 5) != 3 => None,
        (0b1110, true, true) if !scalar => three(word, u, size).map(|operation| Vector::Three {
            operation,
            q,
            size: if bits(word, 11, 5) == 3 { 0 } else { size },
            rd,
            rn,
            rm,
        }),
        (0b1110, true, false) if scalar => match word & 0xffff_fc00 {
            // `addp` of the two halves.
            0x5ef1_b800 => Some(Vector::Across {
                operation: Across::Add,
                q: true,
                size: 3,
                rd,
                rn,
            }),
            _ => None,
        },
        (0b1110, true, false) => match bits(word, 17, 4) {
            0b0000 if bits(word, 10, 2) == 2 => two(word, q, u, size, rd, rn),
            0b1000 if bits(word, 10, 2) == 2 => across(word, u).map(|operation| Vector::Across {
                operation,
                q,
                size,
                rd,
                rn,
            }),
            _ if bits(word, 10, 2) == 0 => wide(word, u).filter(|_| size < 3).map(|operation| Vector::Wide {
                operation,
                signed: !u,
                q,
                size,
                rd,
                rn,
                rm,
            }),
            _ => None,
        },
        (0b1110, false, true) => copy(word, q, u, scalar, rd, rn),
        (0b1110, false, false) if !scalar && u && size == 0 && !bit(word, 15) => {
            let index = bits(word, 11, 4) as u8;
            (q || index < 8).then_some(Vector::Extract { q, index, rd, rn, rm })
        }
        (0b1110, false, false) if !scalar && !u && !bit(word, 15) && bits(word, 10, 2) == 2 => {
            let opcode = bits(word, 12, 3) as u8;
            (opcode & 3 != 0 && (q || size < 3)).then_some(Vector::Permute {
                q,
                size,
                opcode,
                rd,
                rn,
                rm,
            })
        }
        (0b1110, false, false) if !scalar && !u && size == 0 && !bit(word, 15) && bits(word, 10, 2) == 0 => {
            Some(Vector::Table {
                q,
                extend: bit(word, 12),
                registers: bits(word, 13, 2) as u8 + 1,
                rd,
                rn,
                rm,
            })
        }
        (0b1111, _, true) if !bit(word, 23) => {
            if bits(word, 19, 4) == 0 && !scalar {
                immediate(word, q, u, rd)
            } else {
                shifted(word, q, u, scalar, rd, rn)
            }
        }
        _ => None,
    }
}

fn three(word: u32, u: bool, size: u8) -> Option<Three> {
    let narrow = size < 3;
    if !narrow && !bit(word, 30) && bits(word, 11, 5) != 3 {
        return None;
    }
    Some(match (bits(word, 11, 5), u) {
        (0b00011, false) => [Three::And, Three::Clear, Three::Or, Three::OrNot][usize::from(size)],
        (0b00011, true) => [Three::Xor, Three::Select, Three::InsertIfTrue, Three::InsertIfFalse][usize::from(size)],
        (0b10000, false) => Three::Add,
        (0b10000, true) => Three::Sub,
        (0b10001, false) => Three::Test,
        (0b10001, true) => Three::Equal,
        (0b00110, false) => Three::Greater,
        (0b00110, true) => Three::Higher,
        (0b00111, false) => Three::GreaterEqual,
        (0b00111, true) => Three::HigherSame,
        (0b01000, false) => Three::SignedShift,
        (0b01000, true) => Three::Shift,
        (0b01100, false) if narrow => Three::SignedMaximum,
        (0b01100, true) if narrow => Three::Maximum,
        (0b01101, false) if narrow => Three::SignedMinimum,
        (0b01101, true) if narrow => Three::Minimum,
        (0b10010, false) if narrow => Three::MultiplyAdd,
        (0b10010, true) if narrow => Three::MultiplySubtract,
        (0b10011, false) if narrow => Three::Multiply,
        (0b10100, true) if narrow => Three::MaximumPairs,
        (0b10101, true) if narrow => Three::MinimumPairs,
        (0b10111, false) => Three::AddPairs,
        _ => return None,
    })
}

fn two(word: u32, q: bool, u: bool, size: u8, rd: u8, rn: u8) -> Option<Vector> {
    if size == 3 && !q {
        return None;
    }
    let operation = match (bits(word, 12, 5), u) {
        (0b00000, false) if size < 3 => Two::Reverse(8),
        (0b00000, true) if size < 2 => Two::Reverse(4),
        (0b00001, false) if size == 0 => Two::Reverse(2),
        (0b00010, false) if size < 3 => Two::SignedAddLongPairs,
        (0b00010, true) if size < 3 => Two::AddLongPairs,
        (0b00100, true) if size < 3 => Two::LeadingZeros,
        (0b00101, false) if size == 0 => Two::Count,
        (0b00101, true) if size == 0 => Two::Not,
        (0b00101, true) if size == 1 => Two::ReverseBits,
        (0b01000, false) => Two::GreaterZero,
        (0b01000, true) => Two::GreaterEqualZero,
        (0b01001, false) => Two::EqualZero,
        (0b01001, true) => Two::LessEqualZero,
        (0b01010, false) => Two::LessZero,
        (0b01011, false) => Two::Absolute,
        (0b01011, true) => Two::Negate,
        (0b10010, false) if size < 3 => Two::Narrow,
        _ => return None,
    };
    if size == 3 && !q {
        return None;
    }
    let bytewise = matches!(operation, Two::ReverseBits | Two::Not);
    Some(Vector::Two {
        operation,
        q,
        size: if bytewise { 0 } else { size },
        rd,
        rn,
    })
}

fn across(word: u32, u: bool) -> Option<Across> {
    Some(match (bits(word, 12, 5), u) {
        _ if bits(word, 22, 2) == 3 || bits(word, 22, 2) == 2 && !bit(word, 30) => return None,
        (0b00011, true) => Across::AddLong,
        (0b01010, false) => Across::SignedMaximum,
        (0b01010, true) => Across::Maximum,
        (0b11010, false) => Across::SignedMinimum,
        (0b11010, true) => Across::Minimum,
        (0b11011, false) => Across::Add,
        _ => return None,
    })
}

fn wide(word: u32, _: bool) -> Option<Widening> {
    Some(match bits(word, 12, 4) {
        0b0000 => Widening::Add,
        0b0001 => Widening::AddToLong,
        0b0010 => Widening::Sub,
        0b1000 => Widening::MultiplyAdd,
        0b1100 => Widening::Multiply,
        _ => return None,
    })
}

fn copy(word: u32, q: bool, u: bool, scalar: bool, rd: u8, rn: u8) -> Option<Vector> {
    let imm5 = bits(word, 16, 5);
    if bits(word, 22, 2) != 0 || bit(word, 15) || imm5 & 15 == 0 {
        return None;
    }
    let size = imm5.trailing_zeros() as u8;
    let index = (imm5 >> (size + 1)) as u8;
    let imm4 = bits(word, 11, 4);
    Some(match (scalar, u, imm4) {
        (true, false, 0) if q => Vector::Duplicate {
            q,
            scalar,
            size,
            index,
            rd,
            rn,
        },
        (false, false, 0) if q || size < 3 => Vector::Duplicate {
            q,
            scalar,
            size,
            index,
            rd,
            rn,
        },
        (false, false, 1) if q || size < 3 => Vector::DuplicateGeneral { q, size, rd, rn },
        (false, false, 3) if q => Vector::InsertGeneral {
            size,
            to: index,
            rd,
            rn,
        },
        (false, false, 5) if size < 2 || q && size == 2 => Vector::Get {
            wide: q,
            signed: true,
            size,
            index,
            rd,
            rn,
        },
        (false, false, 7) if q == (size == 3) => Vector::Get {
            wide: q,
            signed: false,
            size,
            index,
            rd,
            rn,
        },
        (false, true, _) if q => Vector::Insert {
            size,
            to: index,
            from: (imm4 >> size) as u8,
            rd,
            rn,
        },
        _ => return None,
    })
}

/// Decodes a modified immediate (Arm ARM, `AdvSIMDExpandImm`).
fn immediate(word: u32, q: bool, op: bool, rd: u8) -> Option<Vector> {
    if bit(word, 11) {
        return None;
    }
    let imm = u64::from(bits(word, 16, 3) << 5 | bits(word, 5, 5));
    let mode = bits(word, 12, 4);
    let words = |value: u64| value << 32 | value;
    let halves = |value: u64| words(value << 16 | value);
    let value = match (mode, op) {
        (0..=7, _) => words(imm << (8 * (mode >> 1))),
        (8..=11, _) => halves(imm << (8 * (mode >> 1 & 1))),
        (12, _) => words(imm << 8 | 0xff),
        (13, _) => words(imm << 16 | 0xffff),
        (14, false) => halves(imm << 8 | imm),
        (14, true) => (0..8)
            .filter(|bit| imm >> bit & 1 != 0)
            .fold(0, |value, bit| value | 0xff << (8 * bit)),
        // Floating point.
        _ => return None,
    };
    Some(if mode < 12 && mode & 1 != 0 {
        Vector::ChangeBits {
            rd,
            q,
            value,
            clear: op,
        }
    } else {
        let value = if op && mode < 14 { !value } else { value };
        if op && mode == 14 && !q {
            // `movi` of a scalar.
            return Some(Vector::Immediate { rd, q: false, value });
        }
        Vector::Immediate { rd, q, value }
    })
}

fn shifted(word: u32, q: bool, u: bool, scalar: bool, rd: u8, rn: u8) -> Option<Vector> {
    let amount = bits(word, 16, 7);
    let size = (amount >> 3).checked_ilog2()? as u8;
    let element = 8 << size;
    let (left, right) = ((amount - element) as u8, (2 * element - amount) as u8);
    let (operation, amount) = match (bits(word, 11, 5), u) {
        (0b00000, false) => (Shifted::SignedRight, right),
        (0b00000, true) => (Shifted::Right, right),
        (0b00010, false) => (Shifted::SignedRightAdd, right),
        (0b00010, true) => (Shifted::RightAdd, right),
        (0b01000, true) => (Shifted::RightInsert, right),
        (0b01010, false) => (Shifted::Left, left),
        (0b01010, true) => (Shifted::LeftInsert, left),
        (0b10000, false) if !scalar && size < 3 => (Shifted::Narrow, right),
        (0b10100, false) if !scalar && size < 3 => (Shifted::SignedLong, left),
        (0b10100, true) if !scalar && size < 3 => (Shifted::Long, left),
        _ => return None,
    };
    let fits = if scalar { size == 3 && q } else { q || size < 3 };
    fits.then_some(Vector::Shifted {
        operation,
        q,
        scalar,
        size,
        amount,
        rd,
        rn,
    })
}
