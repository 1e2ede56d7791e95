// SPDX-License-Identifier: MIT OR Apache-2.0
//! SIMD without floating point (Arm ARM, section C4, "Data Processing - Scalar Floating-Point and Advanced SIMD"): what
//! compilers emit to copy, compare, count and sum.

use super::decode::{bits, register};
use super::{Memory, Order, Registers};

/// An operation on elements of two registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Three {
    /// `and`.
    And,
    /// `bic`.
    Clear,
    /// `orr`.
    Or,
    /// `orn`.
    OrNot,
    /// `eor`.
    Xor,
    /// `bsl`.
    Select,
    /// `bit`.
    InsertIfTrue,
    /// `bif`.
    InsertIfFalse,
    /// `add`.
    Add,
    /// `sub`.
    Sub,
    /// `mul`.
    Multiply,
    /// `mla`.
    MultiplyAdd,
    /// `mls`.
    MultiplySubtract,
    /// `cmeq`.
    Equal,
    /// `cmtst`.
    Test,
    /// `cmgt`.
    Greater,
    /// `cmge`.
    GreaterEqual,
    /// `cmhi`.
    Higher,
    /// `cmhs`.
    HigherSame,
    /// `smax`.
    SignedMaximum,
    /// `smin`.
    SignedMinimum,
    /// `umax`.
    Maximum,
    /// `umin`.
    Minimum,
    /// `sshl`.
    SignedShift,
    /// `ushl`.
    Shift,
    /// `addp`.
    AddPairs,
    /// `umaxp`.
    MaximumPairs,
    /// `uminp`.
    MinimumPairs,
}

/// An operation on elements of one register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Two {
    /// `rev64`, `rev32`, `rev16`: the size of the groups in bytes.
    Reverse(u8),
    /// `mvn`.
    Not,
    /// `rbit`.
    ReverseBits,
    /// `cnt`.
    Count,
    /// `clz`.
    LeadingZeros,
    /// `cmeq` with zero.
    EqualZero,
    /// `cmgt` with zero.
    GreaterZero,
    /// `cmge` with zero.
    GreaterEqualZero,
    /// `cmlt` with zero.
    LessZero,
    /// `cmle` with zero.
    LessEqualZero,
    /// `neg`.
    Negate,
    /// `abs`.
    Absolute,
    /// `xtn`, `xtn2`.
    Narrow,
    /// `uaddlp`.
    AddLongPairs,
    /// `saddlp`.
    SignedAddLongPairs,
}

/// An operation over all elements of a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Across {
    /// `addv`.
    Add,
    /// `uaddlv`.
    AddLong,
    /// `umaxv`.
    Maximum,
    /// `uminv`.
    Minimum,
    /// `smaxv`.
    SignedMaximum,
    /// `sminv`.
    SignedMinimum,
}

/// A shift by an immediate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shifted {
    /// `shl`.
    Left,
    /// `sli`.
    LeftInsert,
    /// `ushr`.
    Right,
    /// `sshr`.
    SignedRight,
    /// `usra`.
    RightAdd,
    /// `ssra`.
    SignedRightAdd,
    /// `sri`.
    RightInsert,
    /// `shrn`.
    Narrow,
    /// `ushll`.
    Long,
    /// `sshll`.
    SignedLong,
}

/// An operation whose results are twice as wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Widening {
    /// `addl`.
    Add,
    /// `addw`: the first operand is wide already.
    AddToLong,
    /// `subl`.
    Sub,
    /// `mull`.
    Multiply,
    /// `mlal`.
    MultiplyAdd,
}

/// A SIMD instruction. `q` says 128 bits instead of 64; `size` is that of elements in bytes, as a power of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vector {
    /// `movi`, `mvni`: 64 bits of it.
    Immediate { rd: u8, q: bool, value: u64 },
    /// `orr`, `bic` with an immediate.
    ChangeBits { rd: u8, q: bool, value: u64, clear: bool },
    /// `fmov` to a general register.
    ToGeneral { wide: bool, rd: u8, rn: u8, high: bool },
    /// `fmov` from a general register.
    FromGeneral { wide: bool, rd: u8, rn: u8, high: bool },
    /// `fmov` between registers, bit by bit.
    MoveScalar { double: bool, rd: u8, rn: u8 },
    /// Two registers, element by element.
    Three {
        operation: Three,
        q: bool,
        size: u8,
        rd: u8,
        rn: u8,
        rm: u8,
    },
    /// One register, element by element.
    Two {
        operation: Two,
        q: bool,
        size: u8,
        rd: u8,
        rn: u8,
    },
    /// All elements of one register.
    Across {
        operation: Across,
        q: bool,
        size: u8,
        rd: u8,
        rn: u8,
    },
    /// Elements shifted by an amount; the size is that of the narrower ones.
    Shifted {
        operation: Shifted,
        q: bool,
        scalar: bool,
        size: u8,
        amount: u8,
        rd: u8,
        rn: u8,
    },
    /// Two registers, with wider results.
    Wide {
        operation: Widening,
        signed: bool,
        q: bool,
        size: u8,
        rd: u8,
        rn: u8,
        rm: u8,
    },
    /// `dup` of an element; one element only if `scalar`.
    Duplicate {
        q: bool,
        scalar: bool,
        size: u8,
        index: u8,
        rd: u8,
        rn: u8,
    },
    /// `dup` of a general register.
    DuplicateGeneral { q: bool, size: u8, rd: u8, rn: u8 },
    /// `ins` of an element.
    Insert { size: u8, to: u8, from: u8, rd: u8, rn: u8 },
    /// `ins` of a general register.
    InsertGeneral { size: u8, to: u8, rd: u8, rn: u8 },
    /// `umov`, `smov`.
    Get {
        wide: bool,
        signed: bool,
        size: u8,
        index: u8,
        rd: u8,
        rn: u8,
    },
    /// `ext`.
    Extract { q: bool, index: u8, rd: u8, rn: u8, rm: u8 },
    /// `uzp`, `trn`, `zip`, by their opcode.
    Permute {
        q: bool,
        size: u8,
        opcode: u8,
        rd: u8,
        rn: u8,
        rm: u8,
    },
    /// `tbl`, `tbx`.
    Table {
        q: bool,
        extend: bool,
        registers: u8,
        rd: u8,
        rn: u8,
        rm: u8,
    },
    /// `ld1` to `ld4`, `st1` to `st4` of whole registers; `interleaved` registers change places element by element.
    Multiple {
        load: bool,
        q: bool,
        size: u8,
        registers: u8,
        interleaved: bool,
        rt: u8,
        rn: u8,
        after: Option<u8>,
    },
    /// `ld1` to `ld4`, `st1` to `st4` of one element.
    Single {
        load: bool,
        size: u8,
        index: u8,
        registers: u8,
        rt: u8,
        rn: u8,
        after: Option<u8>,
    },
    /// `ld1r` to `ld4r`.
    Replicate {
        q: bool,
        size: u8,
        registers: u8,
        rt: u8,
        rn: u8,
        after: Option<u8>,
    },
}

const fn bit(word: u32, at: u32) -> bool {
    word >> at & 1 != 0
}

/// Returns the SIMD instruction that a word is.
pub(super) fn decode(word: u32) -> Option<Vector> {
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

/// Returns the load or store of structures that a word is.
pub(super) fn structure(word: u32) -> Option<Vector> {
    let (q, load, rt, rn) = (bit(word, 30), bit(word, 22), register(word, 0), register(word, 5));
    let after = bit(word, 23).then(|| register(word, 16));
    if bit(word, 31) || after.is_none() && bits(word, 16, 5) != 0 {
        return None;
    }
    let size = bits(word, 10, 2) as u8;
    if !bit(word, 24) {
        if bit(word, 21) {
            return None;
        }
        let (registers, interleaved) = match bits(word, 12, 4) {
            0b0000 => (4, true),
            0b0010 => (4, false),
            0b0100 => (3, true),
            0b0110 => (3, false),
            0b0111 => (1, false),
            0b1000 => (2, true),
            0b1010 => (2, false),
            _ => return None,
        };
        if interleaved && size == 3 && !q {
            return None;
        }
        return Some(Vector::Multiple {
            load,
            q,
            size,
            registers,
            interleaved,
            rt,
            rn,
            after,
        });
    }
    let opcode = bits(word, 13, 3);
    let registers = ((opcode & 1) << 1 | bits(word, 21, 1)) as u8 + 1;
    let index = bits(word, 30, 1) << 3 | bits(word, 12, 1) << 2 | u32::from(size);
    let (size, index) = match opcode >> 1 {
        0 => (0, index),
        1 if size & 1 == 0 => (1, index >> 1),
        2 if size == 0 => (2, index >> 2),
        2 if size == 1 && !bit(word, 12) => (3, index >> 3),
        3 if load && !bit(word, 12) => {
            return Some(Vector::Replicate {
                q,
                size,
                registers,
                rt,
                rn,
                after,
            });
        }
        _ => return None,
    };
    Some(Vector::Single {
        load,
        size,
        index: index as u8,
        registers,
        rt,
        rn,
        after,
    })
}

/// Elements, in their lowest bits.
#[derive(Clone, Copy)]
struct Elements {
    all: [u64; 16],
    count: usize,
    /// Bits of one.
    bits: u32,
}

impl Elements {
    fn of(value: u128, size: u8, q: bool) -> Self {
        let bits = 8 << size;
        let count = if q { 16 } else { 8 } >> size;
        let mask = u64::MAX >> (64 - bits);
        let all = std::array::from_fn(|n| {
            if n < count {
                (value >> (n as u32 * bits)) as u64 & mask
            } else {
                0
            }
        });
        Self { all, count, bits }
    }

    fn signed(&self, value: u64) -> i64 {
        (value << (64 - self.bits)) as i64 >> (64 - self.bits)
    }

    fn map(mut self, mut f: impl FnMut(usize, u64) -> u64) -> Self {
        for n in 0..self.count {
            self.all[n] = f(n, self.all[n]);
        }
        self
    }

    fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.all[..self.count].iter().copied()
    }

    fn value(&self) -> u128 {
        join(self.iter(), self.bits)
    }
}

/// Joins elements of so many bits.
fn join(elements: impl Iterator<Item = u64>, bits: u32) -> u128 {
    let mask = u128::MAX >> (128 - bits);
    elements.zip(0..).fold(0, |value, (element, n)| {
        value | (u128::from(element) & mask) << (n * bits)
    })
}

const fn half(value: u128, q: bool) -> u128 {
    if q { value } else { value & u64::MAX as u128 }
}

const fn truth(value: bool) -> u64 {
    if value { u64::MAX } else { 0 }
}

/// Shifts an element left by a signed number of bits.
fn shift_by(elements: &Elements, value: u64, by: u64, signed: bool) -> u64 {
    let by = i32::from(by as i8);
    let bits = elements.bits as i32;
    match (by, signed) {
        (0.., _) if by < bits => value << by,
        (0.., _) => 0,
        (_, false) if -by < bits => value >> -by,
        (_, false) => 0,
        (_, true) => (elements.signed(value) >> (-by).min(63)) as u64,
    }
}

/// Executes a SIMD instruction.
pub(super) fn execute<M: Memory>(registers: &mut Registers, memory: &mut M, vector: Vector) -> Result<(), M::Fault> {
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

fn replace(value: u128, size: u8, index: u8, element: u64) -> u128 {
    let mut elements = Elements::of(value, size, true);
    let index = usize::from(index) % elements.count;
    elements.all[index] = element;
    elements.value()
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

/// Loads or stores structures. Registers change when everything was read.
fn transfer<M: Memory>(registers: &mut Registers, memory: &mut M, vector: Vector) -> Result<(), M::Fault> {
    let next = |rt: u8, n: u8| (rt + n) % 32;
    let (base, total, after) = match vector {
        Vector::Multiple {
            load,
            q,
            size,
            registers: count,
            interleaved,
            rt,
            rn,
            after,
        } => {
            let (mut place, base) = (registers.base(rn), rn);
            let bytes = if q { 16 } else { 8 };
            let mut values: [u128; 4] = std::array::from_fn(|n| half(registers.vector(next(rt, n as u8)), q));
            let element = if interleaved { 1 << size } else { bytes };
            let mask = u128::MAX >> (128 - 8 * element);
            let order = |step: u32| {
                let (n, part) = if interleaved {
                    (step % u32::from(count), step / u32::from(count))
                } else {
                    (step, 0)
                };
                (n as usize, 8 * element * part)
            };
            for step in 0..u32::from(count) * bytes / element {
                let (n, shift) = order(step);
                if load {
                    let value = memory.load(place, element, Order::Plain)?;
                    values[n] = values[n] & !(mask << shift) | value << shift;
                } else {
                    memory.store(place, element, values[n] >> shift & mask, Order::Plain)?;
                }
                place = place.wrapping_add(element.into());
            }
            if load {
                (0..count).for_each(|n| registers.set_vector(next(rt, n), values[usize::from(n)]));
            }
            (base, u64::from(count) * u64::from(bytes), after)
        }
        Vector::Single {
            load,
            size,
            index,
            registers: count,
            rt,
            rn,
            after,
        } => {
            let (place, bytes) = (registers.base(rn), 1_u32 << size);
            let at = |n: u8| place.wrapping_add(u64::from(n) * u64::from(bytes));
            let mut loaded = [0; 4];
            for n in 0..count {
                if load {
                    loaded[usize::from(n)] = memory.load(at(n), bytes, Order::Plain)? as u64;
                } else {
                    let elements = Elements::of(registers.vector(next(rt, n)), size, true);
                    let value = elements.all[usize::from(index) % elements.count];
                    memory.store(at(n), bytes, value.into(), Order::Plain)?;
                }
            }
            if load {
                for n in 0..count {
                    let old = registers.vector(next(rt, n));
                    registers.set_vector(next(rt, n), replace(old, size, index, loaded[usize::from(n)]));
                }
            }
            (rn, u64::from(count) * u64::from(bytes), after)
        }
        Vector::Replicate {
            q,
            size,
            registers: count,
            rt,
            rn,
            after,
        } => {
            let (place, bytes) = (registers.base(rn), 1_u32 << size);
            let mut loaded = [0; 4];
            for n in 0..count {
                let at = place.wrapping_add(u64::from(n) * u64::from(bytes));
                loaded[usize::from(n)] = memory.load(at, bytes, Order::Plain)? as u64;
            }
            for n in 0..count {
                let value = loaded[usize::from(n)];
                registers.set_vector(next(rt, n), Elements::of(0, size, q).map(|_, _| value).value());
            }
            (rn, u64::from(count) * u64::from(bytes), after)
        }
        _ => return Ok(()),
    };
    if let Some(register) = after {
        let step = if register == 31 { total } else { registers.get(register) };
        let moved = registers.base(base).wrapping_add(step);
        registers.set_base(base, moved);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Flow, Instruction, decode, execute};
    use super::*;

    /// No memory at all.
    struct Nowhere;

    impl Memory for Nowhere {
        type Fault = ();

        fn load(&mut self, _: u64, _: u32, _: Order) -> Result<u128, ()> {
            Err(())
        }

        fn store(&mut self, _: u64, _: u32, _: u128, _: Order) -> Result<(), ()> {
            Err(())
        }

        fn store_exclusive(&mut self, _: u64, _: u32, _: u128, _: Order) -> Result<bool, ()> {
            Err(())
        }

        fn atomic(&mut self, _: u64, _: u32, _: bool, _: &mut dyn FnMut(u128) -> Option<u128>) -> Result<u128, ()> {
            Err(())
        }

        fn dc_zva(&mut self, _: u64) -> Result<(), ()> {
            Err(())
        }
    }

    /// Executes a word whose sources are `v1` and `v2` and whose target is `v0`, and returns that.
    fn of(word: u32, v1: u128, v2: u128) -> u128 {
        let mut registers = Registers::default();
        (registers.v[0], registers.v[1], registers.v[2]) = (0xffff << 64 | 0xaaaa, v1, v2);
        registers.x[1] = 0x1234_5678_9abc_def0;
        let instruction = decode(word).unwrap_or_else(|| panic!("{word:#010x}"));
        assert!(matches!(instruction, Instruction::Vector(_)));
        assert_eq!(execute(&mut registers, &mut Nowhere, instruction), Ok(Flow::Next));
        registers.v[0]
    }

    #[test]
    fn immediates_are_expanded() {
        // movi v0.2d, #0; movi v0.16b, #1; mvni v0.4s, #0xff; movi d0, #0xff0000000000ff; movi v0.4h, #1, lsl #8
        assert_eq!(of(0x6f00_e400, 1, 1), 0);
        assert_eq!(of(0x4f00_e420, 0, 0), u128::from_le_bytes([1; 16]));
        assert_eq!(of(0x6f07_07e0, 0, 0), 0xffff_ff00_ffff_ff00_ffff_ff00_ffff_ff00);
        assert_eq!(of(0x2f02_e420, 0, 0), 0x00ff_0000_0000_00ff);
        assert_eq!(of(0x0f00_a420, 0, 0), 0x0100_0100_0100_0100);
    }

    #[test]
    fn elements_are_compared_and_added() {
        let (a, b) = (u128::from_le_bytes([0x80; 16]), u128::from_le_bytes([1; 16]));
        // add, cmeq, cmgt, cmhi .16b, .8b; addp .2d
        assert_eq!(of(0x4e22_8420, a, b), u128::from_le_bytes([0x81; 16]));
        assert_eq!(of(0x2e22_8c20, a, a), u64::MAX.into());
        assert_eq!(of(0x4e22_3420, a, b), 0);
        assert_eq!(of(0x6e22_3420, a, b), u128::MAX);
        assert_eq!(of(0x4ee2_bc20, 5 << 64 | 3, 7 << 64 | 1), 8 << 64 | 8);
    }

    #[test]
    fn results_may_be_wider_or_narrower() {
        // ushll v0.8h, v1.8b, #0; sshll2 v0.2d, v1.4s, #0; xtn v0.8b, v1.8h; umull v0.2d, v1.2s, v2.2s
        assert_eq!(of(0x2f08_a420, 0x80ff, 0), 0x0080_00ff);
        assert_eq!(of(0x4f20_a420, 0xffff_ffff << 64, 0), u128::from(u64::MAX));
        assert_eq!(of(0x0e21_2820, 0x1180_22ff, 0), 0x80ff);
        assert_eq!(of(0x2ea2_c020, 0xffff_ffff, 0xffff_ffff), 0xffff_fffe_0000_0001);
    }

    #[test]
    fn registers_are_reduced_and_reordered() {
        let counting = u128::from_le_bytes(std::array::from_fn(|n| n as u8));
        // addv b0, v1.16b; umaxv b0, v1.16b; rev64 v0.16b; ext v0.16b, #4; zip1 v0.16b; cnt v0.8b
        assert_eq!(of(0x4e31_b820, counting, 0), 120);
        assert_eq!(of(0x6e30_a820, counting, 0), 15);
        assert_eq!(of(0x4e20_0820, counting, 0), 0x0809_0a0b_0c0d_0e0f_0001_0203_0405_0607);
        assert_eq!(of(0x6e02_2020, counting, 0xff), 0xff << 96 | counting >> 32);
        assert_eq!(of(0x4e02_3820, 0x0201, 0x0403), 0x0402_0301);
        assert_eq!(of(0x0e20_5820, 0x07ff, 0), 0x0308);
    }

    #[test]
    fn elements_move_between_files() {
        // dup v0.2d, x1; mov v0.s[1], w1; fmov d0, x1; dup v0.4h, v1.h[1]
        assert_eq!(of(0x4e08_0c20, 0, 0), 0x1234_5678_9abc_def0_1234_5678_9abc_def0);
        assert_eq!(of(0x4e0c_1c20, 0, 0), 0xffff << 64 | 0x9abc_def0_0000_aaaa);
        assert_eq!(of(0x9e67_0020, 0, 0), 0x1234_5678_9abc_def0);
        assert_eq!(of(0x0e06_0420, 0x1234_0000, 0), 0x1234_1234_1234_1234);
    }

    #[test]
    fn shifts_keep_within_their_elements() {
        // ushr v0.4s, #4; sshr v0.8h, #15; shl v0.2d, #63; bsl v0.16b
        assert_eq!(of(0x6f3c_0420, 0xf000_000f_0000_00f0, 0), 0x0f00_0000_0000_000f);
        assert_eq!(of(0x4f11_0420, 0x8000_7fff, 0), 0xffff_0000);
        assert_eq!(of(0x4f7f_5420, 3, 0), 1 << 63);
        assert_eq!(of(0x6e62_1c20, u128::MAX, 0), 0xffff << 64 | 0xaaaa);
    }
}
