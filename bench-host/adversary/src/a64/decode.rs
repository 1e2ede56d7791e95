// SPDX-License-Identifier: MIT OR Apache-2.0
//! Instruction words to instructions, in the order of the tables of section C4.

use super::vector;
use super::{Address, Arithmetic, Atomic, FlagChange, Instruction, Logical, Move, Operand, System};

/// Returns the bits from `low` on, `count` of them.
pub(super) const fn bits(word: u32, low: u32, count: u32) -> u32 {
    word >> low & ((1 << count) - 1)
}

const fn bit(word: u32, at: u32) -> bool {
    word >> at & 1 != 0
}

/// Returns a field of five bits.
pub(super) const fn register(word: u32, low: u32) -> u8 {
    bits(word, low, 5) as u8
}

const fn signed(word: u32, low: u32, count: u32) -> i64 {
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

fn immediate(word: u32) -> Option<Instruction> {
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

fn branch(word: u32) -> Option<Instruction> {
    let rt = register(word, 0);
    Some(match bits(word, 29, 3) {
        0b000 | 0b100 => Instruction::Branch {
            offset: signed(word, 0, 26) << 2,
            link: bit(word, 31),
        },
        0b001 | 0b101 if !bit(word, 25) => Instruction::CompareBranch {
            offset: signed(word, 5, 19) << 2,
            wide: bit(word, 31),
            not_zero: bit(word, 24),
            rt,
        },
        0b001 | 0b101 => Instruction::TestBranch {
            offset: signed(word, 5, 14) << 2,
            bit: (bits(word, 31, 1) << 5 | bits(word, 19, 5)) as u8,
            set: bit(word, 24),
            rt,
        },
        0b010 if bits(word, 24, 2) == 0 && !bit(word, 4) => Instruction::BranchConditional {
            offset: signed(word, 5, 19) << 2,
            condition: bits(word, 0, 4) as u8,
        },
        0b110 => return system(word),
        _ => return None,
    })
}

fn system(word: u32) -> Option<Instruction> {
    let imm = bits(word, 5, 16) as u16;
    let system = match bits(word, 22, 4) {
        // Exceptions: opc and LL.
        0b0000..=0b0011 if bits(word, 24, 2) == 0 => match (bits(word, 21, 3), bits(word, 0, 5)) {
            (0, 1) => System::Svc(imm),
            (0, 2) => System::Hvc(imm),
            (0, 3) => System::Smc(imm),
            (1, 0) => System::Brk(imm),
            _ => return None,
        },
        0b0100 => return system_register(word),
        _ => {
            let rn = register(word, 5);
            return Some(match word & 0xffff_fc1f {
                0xd61f_0000 | 0xd65f_0000 => Instruction::BranchRegister { rn, link: false },
                0xd63f_0000 => Instruction::BranchRegister { rn, link: true },
                _ if word == 0xd69f_03e0 => Instruction::System(System::Eret),
                _ => return None,
            });
        }
    };
    Some(Instruction::System(system))
}

fn system_register(word: u32) -> Option<Instruction> {
    let (op1, crn, crm, op2, rt) = (
        bits(word, 16, 3) as u8,
        bits(word, 12, 4) as u8,
        bits(word, 8, 4) as u8,
        bits(word, 5, 3) as u8,
        register(word, 0),
    );
    let id = (word >> 5) as u16 & 0x7fff | 0x8000;
    let system = match (bits(word, 19, 3), op1, crn, rt) {
        // L, op0.
        (0b000, 3, 2, 31) => match (crm, op2) {
            (0, 1) => System::Yield,
            (0, 2) => System::Wfe,
            (0, 3) => System::Wfi,
            (0, 4) => System::Sev,
            (0, 5) => System::Sevl,
            _ => return Some(Instruction::Nothing),
        },
        (0b000, 3, 3, 31) => match op2 {
            1 if crm & 3 == 2 => System::Dsb { crm, nxs: true },
            2 => System::Clrex,
            4 => System::Dsb { crm, nxs: false },
            5 => System::Dmb(crm),
            6 => System::Isb,
            7 if crm == 0 => System::Sb,
            _ => return None,
        },
        (0b000, 0, 4, 31) if op2 < 3 => {
            let change = [
                FlagChange::InvertCarry,
                FlagChange::FromExternal,
                FlagChange::ToExternal,
            ][usize::from(op2)];
            return (crm == 0).then_some(Instruction::ChangeFlags { change });
        }
        (0b000, _, 4, 31) => System::MsrImmediate { op1, op2, imm: crm },
        (0b001, 3, 7, _) if (crm, op2) == (4, 1) => return Some(Instruction::ZeroLine { rt }),
        (0b001, ..) => System::Sys { op1, crn, crm, op2, rt },
        (0b010 | 0b011, ..) => System::Msr(id, rt),
        (0b110 | 0b111, ..) => System::Mrs(id, rt),
        _ => return None,
    };
    Some(Instruction::System(system))
}

fn registers(word: u32) -> Option<Instruction> {
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

fn memory(word: u32) -> Option<Instruction> {
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
