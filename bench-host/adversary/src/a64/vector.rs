// SPDX-License-Identifier: MIT OR Apache-2.0
//! SIMD without floating point (Arm ARM, section C4, "Data Processing - Scalar Floating-Point and Advanced SIMD"): what
//! compilers emit to copy, compare, count and sum.
//!
//! Here is what these instructions are; `decode` finds them in words, `execute` does what they do to registers, element by
//! element (`elements`), and `structure` has those that load and store.

mod decode;
mod elements;
mod execute;
mod structure;

pub(super) use decode::decode;
pub(super) use execute::execute;
pub(super) use structure::structure;

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

#[cfg(test)]
mod tests {
    use crate::a64::{Flow, Instruction, Memory, Order, Registers, decode, execute};

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
