// SPDX-License-Identifier: MIT OR Apache-2.0
//! A64 instructions (Arm ARM, section C4): words to instructions, and what those do to registers and memory.
//!
//! Here is what a compiler emits for bare metal: the integer set, exclusives and atomics, and SIMD without floating
//! point. System instructions are told apart, and left to the machine. A word that is not known is no instruction: the
//! machine says so, and guesses nothing: neither what is not implemented, nor what the architecture leaves open.
//! `tests/instructions.rs` holds the forms against `qemu-aarch64`, `tests/allocation.rs` the words against capstone.
//!
//! The decoder is our own. Of the crates that decode A64, `yaxpeax-arm` 0.5 knows every word that is known here, and
//! `disarm64` 0.2 all but those of `smulh` and `umulh` whose should-be-one field is not; both are as fast as this (190 to 310
//! million words a second). But they decode far more than is executed (floating point, pointer authentication, SVE), to
//! operands for printing: to tell what is executed, and to turn it into what can be, would be another decoder behind theirs.

mod decode;
mod execute;
mod extension;
mod integer;
mod vector;

pub use decode::decode;
pub use execute::execute;
pub use extension::{Extension, extension};
pub use vector::Vector;

/// The general registers of a PE.
#[derive(Debug, Clone, Default)]
pub struct Registers {
    /// `X0` to `X30`.
    pub x: [u64; 31],
    /// The stack pointer in use.
    pub sp: u64,
    /// The address of the instruction in progress.
    pub pc: u64,
    /// The condition flags, in bits 31 to 28.
    pub nzcv: u32,
    /// `V0` to `V31`.
    pub v: [u128; 32],
    /// `FPCR`.
    pub fpcr: u32,
    /// `FPSR`.
    pub fpsr: u32,
}

impl Registers {
    /// Reads a register; 31 is zero.
    #[inline(always)]
    fn get(&self, register: u8) -> u64 {
        self.x.get(usize::from(register)).copied().unwrap_or(0)
    }

    /// Reads a register; 31 is the stack pointer.
    #[inline(always)]
    fn base(&self, register: u8) -> u64 {
        self.x.get(usize::from(register)).copied().unwrap_or(self.sp)
    }

    /// Writes a register; 31 is nowhere.
    #[inline(always)]
    fn set(&mut self, register: u8, value: u64) {
        if let Some(place) = self.x.get_mut(usize::from(register)) {
            *place = value;
        }
    }

    /// Writes a register; 31 is the stack pointer.
    #[inline(always)]
    fn set_base(&mut self, register: u8, value: u64) {
        *self.x.get_mut(usize::from(register)).unwrap_or(&mut self.sp) = value;
    }

    /// Reads a vector register.
    fn vector(&self, register: u8) -> u128 {
        self.v[usize::from(register) % 32]
    }

    /// Writes a vector register.
    fn set_vector(&mut self, register: u8, value: u128) {
        self.v[usize::from(register) % 32] = value;
    }
}

/// How an access is ordered, and what else is special about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Not at all.
    Plain,
    /// Load-acquire.
    Acquire,
    /// Store-release.
    Release,
    /// As if from EL0.
    Unprivileged,
    /// Exclusive.
    Exclusive,
    /// Exclusive, load-acquire.
    AcquireExclusive,
    /// Exclusive, store-release.
    ReleaseExclusive,
}

/// The memory that instructions work on.
pub trait Memory {
    /// Why an access was not made.
    type Fault;

    /// Loads up to 16 bytes.
    fn load(&mut self, address: u64, bytes: u32, order: Order) -> Result<u128, Self::Fault>;

    /// Stores up to 16 bytes.
    fn store(&mut self, address: u64, bytes: u32, value: u128, order: Order) -> Result<(), Self::Fault>;

    /// Makes a store-exclusive, and returns whether it was not made.
    fn store_exclusive(&mut self, address: u64, bytes: u32, value: u128, order: Order) -> Result<bool, Self::Fault>;

    /// Replaces a value by what is made of it, or leaves it; returns what was there.
    fn atomic(
        &mut self,
        address: u64,
        bytes: u32,
        release: bool,
        operation: &mut dyn FnMut(u128) -> Option<u128>,
    ) -> Result<u128, Self::Fault>;

    /// Zeroes a line.
    fn dc_zva(&mut self, address: u64) -> Result<(), Self::Fault>;
}

/// How it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// With the next instruction.
    Next,
    /// At another address.
    Branch(u64),
    /// As the machine sees fit.
    System(System),
}

/// An instruction that is about more than general registers and memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// `msr`: a register by `op0`, `op1`, `CRn`, `CRm` and `op2`, packed as in the word, and the general register.
    Msr(u16, u8),
    /// `mrs`.
    Mrs(u16, u8),
    /// `msr` of an immediate to a field of PSTATE.
    MsrImmediate {
        /// `op1`.
        op1: u8,
        /// `op2`.
        op2: u8,
        /// The immediate.
        imm: u8,
    },
    /// `sys` and its aliases.
    Sys {
        /// `op1`.
        op1: u8,
        /// `CRn`.
        crn: u8,
        /// `CRm`.
        crm: u8,
        /// `op2`.
        op2: u8,
        /// The general register.
        rt: u8,
    },
    /// `dsb`.
    Dsb {
        /// Domain and access type.
        crm: u8,
        /// The nXS kind.
        nxs: bool,
    },
    /// `dmb`, with domain and access type.
    Dmb(u8),
    /// `isb`.
    Isb,
    /// `sb`.
    Sb,
    /// `clrex`.
    Clrex,
    /// `hvc`.
    Hvc(u16),
    /// `smc`.
    Smc(u16),
    /// `svc`.
    Svc(u16),
    /// `brk`.
    Brk(u16),
    /// `udf`.
    Udf(u16),
    /// `eret`.
    Eret,
    /// `yield`.
    Yield,
    /// `wfe`.
    Wfe,
    /// `wfi`.
    Wfi,
    /// `sev`.
    Sev,
    /// `sevl`.
    Sevl,
}

/// A condition (`eq` is 0).
pub type Condition = u8;

/// An arithmetic or logical operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// `add`.
    Add,
    /// `adds`.
    Adds,
    /// `sub`.
    Sub,
    /// `subs`.
    Subs,
}

/// A logical operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logical {
    /// `and`.
    And,
    /// `orr`.
    Or,
    /// `eor`.
    Xor,
    /// `ands`.
    Ands,
}

/// The second operand of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operand {
    /// A register shifted: register, kind of shift, amount.
    Shifted(u8, u8, u8),
    /// A register extended: register, kind of extension, shift left. The other registers may be the stack pointer.
    Extended(u8, u8, u8),
}

/// Which address an access is to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    /// The base and an offset.
    Offset(i32),
    /// The same, which the base becomes.
    Before(i16),
    /// The base, to which the offset is added afterwards.
    After(i16),
    /// The base and a register: register, kind of extension, shift left.
    Register(u8, u8, u8),
    /// The base and an offset, with the privileges of EL0.
    Unprivileged(i16),
}

/// What a load or store moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// To memory.
    Store,
    /// From memory.
    Load,
    /// From memory, sign-extended to 64 bits.
    LoadSigned64,
    /// From memory, sign-extended to 32 bits.
    LoadSigned32,
    /// To memory, from a vector register.
    StoreVector,
    /// From memory, to a vector register.
    LoadVector,
}

/// What an atomic operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Atomic {
    /// `ldadd`.
    Add,
    /// `ldclr`.
    Clear,
    /// `ldeor`.
    Xor,
    /// `ldset`.
    Set,
    /// `ldsmax`.
    SignedMaximum,
    /// `ldsmin`.
    SignedMinimum,
    /// `ldumax`.
    Maximum,
    /// `ldumin`.
    Minimum,
    /// `swp`.
    Swap,
    /// `cas`.
    Compare,
}

/// A change of the flags alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagChange {
    /// `cfinv`.
    InvertCarry,
    /// `xaflag`.
    FromExternal,
    /// `axflag`.
    ToExternal,
}

/// An instruction. Sizes in bytes are powers of two, and `wide` says 64 bits instead of 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instruction {
    /// Nothing, such as a hint or a prefetch.
    Nothing,
    /// `add`, `sub` with an immediate.
    ArithmeticImmediate {
        wide: bool,
        operation: Arithmetic,
        rd: u8,
        rn: u8,
        imm: u32,
    },
    /// `and`, `orr`, `eor` with an immediate.
    LogicalImmediate {
        wide: bool,
        operation: Logical,
        rd: u8,
        rn: u8,
        imm: u64,
    },
    /// `movz`, `movn`.
    MoveWide { rd: u8, value: u64 },
    /// `movk`.
    MoveKeep { rd: u8, imm: u16, shift: u8, wide: bool },
    /// `adr`, `adrp`.
    Adr { rd: u8, offset: i64, page: bool },
    /// `sbfm`, `bfm`, `ubfm`, by their `opc`.
    Bitfield {
        wide: bool,
        opc: u8,
        rd: u8,
        rn: u8,
        immr: u8,
        imms: u8,
    },
    /// `extr`.
    Extract {
        wide: bool,
        rd: u8,
        rn: u8,
        rm: u8,
        lsb: u8,
    },
    /// `add`, `sub` of registers.
    Arithmetic {
        wide: bool,
        operation: Arithmetic,
        rd: u8,
        rn: u8,
        operand: Operand,
    },
    /// `adc`, `sbc`.
    WithCarry {
        wide: bool,
        subtract: bool,
        flags: bool,
        rd: u8,
        rn: u8,
        rm: u8,
    },
    /// `and`, `bic`, `orr`, `orn`, `eor`, `eon` of registers.
    Logical {
        wide: bool,
        operation: Logical,
        invert: bool,
        rd: u8,
        rn: u8,
        operand: Operand,
    },
    /// `ccmp`, `ccmn`.
    ConditionalCompare {
        wide: bool,
        subtract: bool,
        immediate: bool,
        rn: u8,
        rm: u8,
        condition: Condition,
        nzcv: u8,
    },
    /// `csel`, `csinc`, `csinv`, `csneg`.
    ConditionalSelect {
        wide: bool,
        invert: bool,
        increment: bool,
        rd: u8,
        rn: u8,
        rm: u8,
        condition: Condition,
    },
    /// `rbit`, `rev16`, `rev32`, `rev`, `clz`, `cls`, by their opcode.
    OneSource { wide: bool, opcode: u8, rd: u8, rn: u8 },
    /// `udiv`, `sdiv`, shifts by a register, `crc32` and `crc32c`, by their opcode.
    TwoSource {
        wide: bool,
        opcode: u8,
        rd: u8,
        rn: u8,
        rm: u8,
    },
    /// `madd` and its like, by their `op31`.
    Multiply {
        wide: bool,
        op31: u8,
        subtract: bool,
        rd: u8,
        rn: u8,
        rm: u8,
        ra: u8,
    },
    /// `b`, `bl`.
    Branch { offset: i64, link: bool },
    /// `br`, `blr`, `ret`.
    BranchRegister { rn: u8, link: bool },
    /// `b.<condition>`.
    BranchConditional { offset: i64, condition: Condition },
    /// `cbz`, `cbnz`.
    CompareBranch {
        offset: i64,
        wide: bool,
        not_zero: bool,
        rt: u8,
    },
    /// `tbz`, `tbnz`.
    TestBranch { offset: i64, bit: u8, set: bool, rt: u8 },
    /// A load or store of one register.
    Transfer {
        r#move: Move,
        bytes: u8,
        rt: u8,
        rn: u8,
        address: Address,
    },
    /// A load relative to the program counter.
    Literal {
        r#move: Move,
        bytes: u8,
        rt: u8,
        offset: i64,
    },
    /// A load or store of two registers.
    Pair {
        r#move: Move,
        bytes: u8,
        rt: u8,
        rt2: u8,
        rn: u8,
        address: Address,
    },
    /// Load-acquire, store-release.
    Ordered { load: bool, bytes: u8, rt: u8, rn: u8 },
    /// `ldapur`, `stlur` and their like.
    OrderedOffset {
        r#move: Move,
        bytes: u8,
        rt: u8,
        rn: u8,
        offset: i16,
    },
    /// Load-exclusive.
    LoadExclusive {
        bytes: u8,
        acquire: bool,
        rt: u8,
        rt2: Option<u8>,
        rn: u8,
    },
    /// Store-exclusive.
    StoreExclusive {
        bytes: u8,
        release: bool,
        rs: u8,
        rt: u8,
        rt2: Option<u8>,
        rn: u8,
    },
    /// An atomic operation.
    Atomic {
        operation: Atomic,
        bytes: u8,
        release: bool,
        rs: u8,
        rt: u8,
        rn: u8,
    },
    /// `casp`: registers `rs` and `rs + 1`, of 4 or 8 bytes each, are compared, and `rt` and `rt + 1` are stored.
    ComparePair {
        bytes: u8,
        release: bool,
        rs: u8,
        rt: u8,
        rn: u8,
    },
    /// `rmif`.
    RotateFlags { rn: u8, amount: u8, mask: u8 },
    /// `setf8`, `setf16`.
    SetFlags { rn: u8, bytes: u8 },
    /// `cfinv` and its like.
    ChangeFlags { change: FlagChange },
    /// `dc zva`.
    ZeroLine { rt: u8 },
    /// A SIMD instruction.
    Vector(Vector),
    /// A system instruction.
    System(System),
}
