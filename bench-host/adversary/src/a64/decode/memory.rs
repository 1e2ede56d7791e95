// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loads and stores: single and in pairs, ordered, exclusive, atomic.

use super::{bit, bits, register, signed};
use crate::a64::{Address, Atomic, Instruction, Move, vector};

/// Returns what a load or store of a size and `opc` moves, and how many bytes.
fn moved(word: u32) -> Option<(Move, u8)> {
    let (size, opc) = (bits(word, 30, 2), bits(word, 22, 2));
    let bytes = 1 << size;
    Some(if bit(word, 26) {
        let bytes = match (size, opc & 2) {
            (_, 0) => bytes,
            (0, _) => 16,
            _ => return None,
        };
        let load = opc & 1 != 0;
        (if load { Move::LoadVector } else { Move::StoreVector }, bytes)
    } else {
        let r#move = match (opc, size) {
            (0, _) => Move::Store,
            (1, _) => Move::Load,
            (2, 0..=2) => Move::LoadSigned64,
            (3, 0 | 1) => Move::LoadSigned32,
            _ => return None,
        };
        (r#move, bytes)
    })
}

pub(super) fn memory(word: u32) -> Option<Instruction> {
    match (bits(word, 28, 2), bits(word, 24, 2)) {
        (0b00, 0b00) if !bit(word, 26) => exclusive(word),
        (0b00, _) if bit(word, 26) => vector::structure(word).map(Instruction::Vector),
        (0b01, 0b00) => literal(word),
        (0b01, 0b01) if !bit(word, 26) && !bit(word, 21) && bits(word, 10, 2) == 0 => {
            // `ldapur`, `stlur` and their like; there is no prefetch among them.
            let (r#move, bytes) = moved(word)?;
            Some(Instruction::OrderedOffset {
                r#move,
                bytes,
                rt: register(word, 0),
                rn: register(word, 5),
                offset: signed(word, 12, 9) as i16,
            })
        }
        (0b10, _) if !bit(word, 25) => pair(word),
        (0b11, 0b00 | 0b01) => single(word),
        _ => None,
    }
}

fn literal(word: u32) -> Option<Instruction> {
    let (r#move, bytes) = match (bits(word, 30, 2), bit(word, 26)) {
        (size @ 0..=2, true) => (Move::LoadVector, 4 << size),
        (0, false) => (Move::Load, 4),
        (1, false) => (Move::Load, 8),
        (2, false) => (Move::LoadSigned64, 4),
        (3, false) => return Some(Instruction::Nothing),
        _ => return None,
    };
    Some(Instruction::Literal {
        r#move,
        bytes,
        rt: register(word, 0),
        offset: signed(word, 5, 19) << 2,
    })
}

fn pair(word: u32) -> Option<Instruction> {
    let (opc, load) = (bits(word, 30, 2), bit(word, 22));
    let (r#move, bytes) = match (bit(word, 26), opc, load) {
        (true, 0..=2, true) => (Move::LoadVector, 4 << opc),
        (true, 0..=2, false) => (Move::StoreVector, 4 << opc),
        (false, 0, true) => (Move::Load, 4),
        (false, 0, false) => (Move::Store, 4),
        (false, 1, true) if bits(word, 23, 2) != 0 => (Move::LoadSigned64, 4),
        (false, 2, true) => (Move::Load, 8),
        (false, 2, false) => (Move::Store, 8),
        _ => return None,
    };
    let offset = signed(word, 15, 7) * i64::from(bytes);
    let address = match bits(word, 23, 2) {
        1 => Address::After(offset as i16),
        3 => Address::Before(offset as i16),
        _ => Address::Offset(offset as i32),
    };
    let (rt, rt2, rn) = (register(word, 0), register(word, 10), register(word, 5));
    // What a register holds that is written twice is left open.
    if load && rt == rt2 || bit(word, 23) && (writes_base(word, rt, rn) || writes_base(word, rt2, rn)) {
        return None;
    }
    Some(Instruction::Pair {
        r#move,
        bytes,
        rt,
        rt2,
        rn,
        address,
    })
}

/// Returns whether a register that is moved is the base, too, which an access with write-back changes.
fn writes_base(word: u32, rt: u8, rn: u8) -> bool {
    !bit(word, 26) && rt == rn && rn != 31
}

fn single(word: u32) -> Option<Instruction> {
    let (rt, rn) = (register(word, 0), register(word, 5));
    let (by_register, kind) = (bit(word, 21), bits(word, 10, 2));
    let unsigned = bit(word, 24);
    if !unsigned && by_register && kind == 0 && !bit(word, 26) {
        return atomic(word);
    }
    // `prfm`, `prfum`.
    if bits(word, 30, 2) == 3 && bits(word, 22, 2) == 2 && !bit(word, 26) {
        let known = unsigned || !by_register && kind == 0 || by_register && kind == 2 && bit(word, 14);
        return known.then_some(Instruction::Nothing);
    }
    let (r#move, bytes) = moved(word)?;
    let offset = signed(word, 12, 9) as i16;
    let address = match (unsigned, by_register, kind) {
        (true, ..) => Address::Offset((bits(word, 10, 12) * u32::from(bytes)) as i32),
        (_, true, 2) => {
            let extend = bits(word, 13, 3) as u8;
            if extend & 2 == 0 {
                return None;
            }
            let shift = if bit(word, 12) { bytes.ilog2() as u8 } else { 0 };
            Address::Register(register(word, 16), extend, shift)
        }
        (_, false, 0) => Address::Offset(offset.into()),
        (_, false, 1) => Address::After(offset),
        (_, false, 2) if !bit(word, 26) => Address::Unprivileged(offset),
        (_, false, 3) => Address::Before(offset),
        _ => return None,
    };
    if matches!(address, Address::Before(_) | Address::After(_)) && writes_base(word, rt, rn) {
        return None;
    }
    Some(Instruction::Transfer {
        r#move,
        bytes,
        rt,
        rn,
        address,
    })
}

fn atomic(word: u32) -> Option<Instruction> {
    let (rs, rt, rn) = (register(word, 16), register(word, 0), register(word, 5));
    let bytes = 1 << bits(word, 30, 2);
    let operation = match (bit(word, 15), bits(word, 12, 3)) {
        (false, 0) => Atomic::Add,
        (false, 1) => Atomic::Clear,
        (false, 2) => Atomic::Xor,
        (false, 3) => Atomic::Set,
        (false, 4) => Atomic::SignedMaximum,
        (false, 5) => Atomic::SignedMinimum,
        (false, 6) => Atomic::Maximum,
        (false, _) => Atomic::Minimum,
        (true, 0) => Atomic::Swap,
        // `ldapr`.
        (true, 4) if rs == 31 && bits(word, 22, 2) == 2 => {
            return Some(Instruction::Ordered {
                load: true,
                bytes,
                rt,
                rn,
            });
        }
        _ => return None,
    };
    Some(Instruction::Atomic {
        operation,
        bytes,
        release: bit(word, 22),
        rs,
        rt,
        rn,
    })
}

fn exclusive(word: u32) -> Option<Instruction> {
    let (rs, rt, rt2, rn) = (
        register(word, 16),
        register(word, 0),
        register(word, 10),
        register(word, 5),
    );
    let (o2, load, o1, o0) = (bit(word, 23), bit(word, 22), bit(word, 21), bit(word, 15));
    let size = bits(word, 30, 2);
    let bytes = 1 << size;
    Some(match (o2, o1) {
        (false, true) if size < 2 => {
            // Both pairs begin at an even register; `L` says acquire.
            if rt2 != 31 || (rs | rt) & 1 != 0 {
                return None;
            }
            Instruction::ComparePair {
                bytes: 4 << size,
                release: o0,
                rs,
                rt,
                rn,
            }
        }
        (false, _) => {
            // A register that is not there has its field filled with ones; one that is written twice says nothing.
            let second = o1.then_some(rt2);
            let known = if load {
                rs == 31 && second != Some(rt)
            } else {
                rs != rt && second != Some(rs) && (rs != rn || rn == 31)
            };
            if !known || !o1 && rt2 != 31 {
                return None;
            }
            if load {
                Instruction::LoadExclusive {
                    bytes,
                    acquire: o0,
                    rt,
                    rt2: second,
                    rn,
                }
            } else {
                Instruction::StoreExclusive {
                    bytes,
                    release: o0,
                    rs,
                    rt,
                    rt2: second,
                    rn,
                }
            }
        }
        (true, false) if rs == 31 && rt2 == 31 => Instruction::Ordered { load, bytes, rt, rn },
        (true, true) if rt2 == 31 => Instruction::Atomic {
            operation: Atomic::Compare,
            bytes,
            release: o0,
            rs,
            rt,
            rn,
        },
        _ => return None,
    })
}
