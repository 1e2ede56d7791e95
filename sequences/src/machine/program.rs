// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs of the abstract machine: one straight list of operations per PE, and what memory holds at the start.

use super::descriptor::{Descriptor, Symbol};
use crate::instruction::{Barrier, Domain};
use crate::tlbi::Scope;
use alloc::vec::Vec;

/// A general-purpose register number; 31 reads as zero.
pub type Register = u8;

/// The register that reads as zero and ignores writes.
pub const ZERO_REGISTER: Register = 31;

/// The condition flags, kept as one more register.
pub const FLAGS_REGISTER: Register = 32;

/// The exception link register.
pub const LINK_REGISTER: Register = 33;

/// The number of registers of a PE.
pub const REGISTERS: usize = 34;

/// A virtual page; its descriptor is the table location of the same number.
pub type Page = Symbol;

/// What a register or a memory location holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Value {
    /// A number.
    Int(i64),
    /// The virtual address of a page.
    Address(Symbol),
    /// An address in a page, by its distance from the page's beginning.
    Element(Symbol, u16),
    /// The address of a page's descriptor.
    Table(Symbol),
    /// A page's address shifted right by 12: the operand of a by-VA invalidation.
    Operand(Symbol),
    /// A descriptor, by its index in [`Program::descriptors`].
    Descriptor(u8),
    /// The address of an instruction of a PE.
    Code(u8, u16),
}

impl Value {
    /// Returns a word that differs for different values (numbers beyond 59 bits aside, which no test uses).
    pub(super) const fn packed(self) -> u64 {
        let (tag, payload) = match self {
            Self::Int(number) => (0, number as u64),
            Self::Address(symbol) => (1, symbol.0 as u64),
            Self::Table(symbol) => (2, symbol.0 as u64),
            Self::Operand(symbol) => (3, symbol.0 as u64),
            Self::Descriptor(index) => (4, index as u64),
            Self::Code(thread, pc) => (5, (thread as u64) << 16 | pc as u64),
            Self::Element(symbol, offset) => (6, (symbol.0 as u64) << 16 | offset as u64),
        };
        payload.rotate_left(4) ^ tag
    }
}

/// An operand of a data-processing instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A register.
    Register(Register),
    /// An immediate.
    Immediate(i64),
    /// The address of an instruction of this PE (`adr`).
    Code(u16),
}

/// The data-processing operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alu {
    /// `mov`: the second operand.
    Move,
    /// `lsr`.
    ShiftRight,
    /// `eor`.
    ExclusiveOr,
    /// `and`.
    And,
    /// `add`.
    Add,
    /// `lsl`.
    ShiftLeft,
    /// `orr`.
    Or,
    /// `bic`.
    BitClear,
    /// `sub`.
    Subtract,
    /// `cmp`: the flags of a subtraction.
    Compare,
}

/// What an atomic instruction makes of the value in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Atomic {
    /// `swp`: the register's value.
    Swap,
    /// `cas`: the register's value, if memory holds the value of the destination register.
    CompareAndSwap,
    /// `ldadd`, `ldset`, `ldclr`, `ldeor`: what the operation makes of both.
    Operation(Alu),
}

/// A condition on the flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum FlagCondition {
    Eq,
    Ne,
    Cs,
    Cc,
    Mi,
    Pl,
    Vs,
    Vc,
    Hi,
    Ls,
    Ge,
    Lt,
    Gt,
    Le,
}

/// How far a load orders what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub enum Acquire {
    /// Not at all: `ldr`.
    #[default]
    No,
    /// Later accesses, but an earlier store-release does not wait for it: `ldapr`.
    Pc,
    /// Later accesses, and after an earlier store-release: `ldar`.
    Full,
}

/// What of a descriptor the walkers of a PE set (FEAT_HAFDBS, `TCR_ELx.{HA,HD}`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub enum HardwareUpdates {
    /// Nothing: a clear access flag faults.
    #[default]
    None,
    /// The access flag.
    AccessFlag,
    /// The access flag, and the dirty state where the descriptor has the dirty bit modifier.
    Dirty,
}

/// When a branch is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// `b`.
    Always,
    /// `cbz`.
    Zero(Register),
    /// `cbnz`.
    NotZero(Register),
    /// `b.cond`.
    Flags(FlagCondition),
}

/// A set of pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Pages(pub u64);

impl Pages {
    /// Every page.
    pub const ALL: Self = Self(u64::MAX);

    /// Returns the set of one page.
    pub const fn one(page: Page) -> Self {
        Self(1 << page.0)
    }
    /// Returns whether `page` is in the set.
    pub const fn contains(self, page: Page) -> bool {
        self.0 & (1 << page.0) != 0
    }
}

/// What a TLBI invalidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlbiTarget {
    /// The page whose operand is in a register; nothing if the register holds no such operand.
    Register(Register),
    /// These pages, whatever the operand.
    Pages(Pages),
}

/// What a TLBI removes of a page that is translated through two tables.
///
/// The *leaf* is the entry an access uses. The *upper* part is what a leaf can be rebuilt from without looking at the
/// changed table again: a stage 2 entry below a combined one, or a cached table descriptor above a last-level one.
/// Removing the leaf alone is in vain while a stale upper part is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Layers {
    /// The entry an access uses.
    pub leaf: bool,
    /// What it is rebuilt from; of no concern to pages outside [`Program::layered`].
    pub upper: bool,
}

impl Layers {
    /// Both.
    pub const ALL: Self = Self {
        leaf: true,
        upper: true,
    };
}

/// One operation of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    /// A data-processing instruction.
    Alu {
        /// The operation.
        op: Alu,
        /// The destination.
        to: Register,
        /// The first operand.
        a: Source,
        /// The second operand.
        b: Source,
    },
    /// A load.
    Load {
        /// The destination.
        to: Register,
        /// The address.
        base: Register,
        /// What is added to the address.
        index: Option<Source>,
        /// `ldar`, `ldapr`.
        acquire: Acquire,
    },
    /// A load and a store to one location with nothing between them (FEAT_LSE).
    Atomic {
        /// The operation.
        op: Atomic,
        /// The destination, and for [`Atomic::CompareAndSwap`] what is compared.
        to: Register,
        /// The data.
        from: Register,
        /// The address.
        base: Register,
        /// The load has acquire semantics.
        acquire: bool,
        /// The store has release semantics.
        release: bool,
    },
    /// `csel`, `cset`: the first operand if the condition holds, else the second. The choice may be predicted, as a
    /// branch is.
    Select {
        /// The destination.
        to: Register,
        /// When the first operand is taken.
        condition: FlagCondition,
        /// The first operand.
        a: Source,
        /// The second operand.
        b: Source,
    },
    /// A store.
    Store {
        /// The data.
        from: Register,
        /// The address.
        base: Register,
        /// What is added to the address.
        index: Option<Source>,
        /// `stlr`.
        release: bool,
    },
    /// `dsb`.
    Dsb(Barrier),
    /// `dsb …nxs`.
    DsbNxs(Domain),
    /// `dmb`.
    Dmb(Barrier),
    /// `isb`.
    Isb,
    /// `tlbi`.
    Tlbi {
        /// Which TLBI of the program this is; at most 32, numbered from 0.
        id: u8,
        /// The PEs it applies to.
        scope: Scope,
        /// An nXS operation.
        nxs: bool,
        /// The pages.
        target: TlbiTarget,
        /// What of them it removes.
        layers: Layers,
    },
    /// A branch to the operation with that number.
    Branch {
        /// When.
        condition: Condition,
        /// Where to.
        target: u16,
    },
    /// `svc`: an exception to the handler.
    Svc,
    /// `udf`: an exception at this instruction.
    Udf,
    /// `eret`: back to where the exception came from, or to where [`LINK_REGISTER`] was made to point.
    Eret,
    /// A write of the register that selects the tables `page` is translated through (TTBR, VTTBR, ASID or VMID). It is
    /// no access: nothing but context synchronization orders it before a walk.
    SetContext {
        /// The page.
        page: Page,
        /// The descriptor found there from now on, by index.
        descriptor: u8,
        /// TLB entries of the tables before go on to match on this PE: the ASID or VMID stays the same.
        stale: bool,
    },
    /// The fetch of the first instruction of a code page.
    Fetch(Page),
    /// Nothing.
    Nop,
    /// The end of the thread's code; control that arrives here has finished.
    End,
}

/// Where a PE is, seen from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub enum Placement {
    /// In the common Inner Shareable domain.
    #[default]
    Inner,
    /// Only in the common Outer Shareable domain.
    Outer,
}

/// One PE's program.
#[derive(Debug, Clone)]
pub struct Thread {
    /// The operations, starting at 0. Every path must run into [`Op::End`].
    pub ops: Vec<Op>,
    /// The first operation of the exception handler.
    pub handler: Option<u16>,
    /// The initial registers.
    pub registers: [Value; REGISTERS],
    /// Where the PE is.
    pub placement: Placement,
    /// Runs at EL0, where descriptors without `el0` deny access.
    pub user: bool,
    /// What its walkers set in the descriptors they read.
    pub updates: HardwareUpdates,
}

/// What follows a fault that no handler takes (herd's variants of the same names).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FaultHandling {
    /// The thread ends.
    #[default]
    Fatal,
    /// The instruction is executed once more.
    Handled,
    /// The next instruction is executed.
    Skip,
}

/// The architecture's options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// FEAT_ETS2: a completed DSB orders later walks for data, and faulting walks come after earlier accesses.
    pub ets2: bool,
    /// FEAT_ETS3: as FEAT_ETS2, for every MMU fault.
    pub ets3: bool,
    /// A DSB completes a TLBI only for the PEs of its own shareability domain. Off is herd's reading.
    pub dsb_domain: bool,
    /// A DSB narrower than a TLBI's scope completes no part of it: the careful reading of older issues of the Arm ARM.
    pub strict_completion: bool,
    /// A DSB orders a store before what happens on the PEs of its own domain only, whatever it is a DSB for.
    pub strict_store: bool,
    /// What follows a fault.
    pub faults: FaultHandling,
    /// `svc` is a context synchronization event: always, unless FEAT_ExS is used to say otherwise.
    pub entry_synchronizes: bool,
    /// `eret` is a context synchronization event.
    pub return_synchronizes: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            ets2: false,
            ets3: false,
            dsb_domain: true,
            strict_completion: false,
            strict_store: false,
            faults: FaultHandling::Fatal,
            entry_synchronizes: true,
            return_synchronizes: true,
        }
    }
}

/// The PEs that may access a page whose descriptor changes.
///
/// What the TLBs of the others hold of such pages, and when they lose it, makes no difference; leaving it out makes the
/// search smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walkers(u8);

impl Default for Walkers {
    fn default() -> Self {
        Self(u8::MAX)
    }
}

/// A program for the machine.
#[derive(Debug, Clone)]
pub struct Program {
    /// The PEs; at most 8.
    pub threads: Vec<Thread>,
    /// Every descriptor the program can write, and the initial ones.
    pub descriptors: Vec<Descriptor>,
    /// The initial content of each frame, by symbol.
    pub frames: Vec<Value>,
    /// The initial descriptor of each page, by symbol: an index in `descriptors`.
    pub tables: Vec<u8>,
    /// The further locations of frames: the frame, the distance from its beginning, and the initial content.
    pub elements: Vec<(Symbol, u16, Value)>,
    /// The pages whose descriptor some thread may write.
    pub written: Pages,
    /// The pages with an upper layer (see [`Layers`]).
    pub layered: Pages,
    /// The pages whose initial descriptor TLBs may hold from an earlier use of the same ASID or VMID.
    pub recycled: Pages,
    /// The PEs whose TLBs matter; all, until [`Self::prepared`] narrows them down.
    pub walkers: Walkers,
    /// The options.
    pub rules: Rules,
}

impl Program {
    /// Returns the program with [`Self::walkers`] narrowed down as far as its code allows.
    #[must_use]
    pub fn prepared(mut self) -> Self {
        let walks = |thread: usize| u8::from(self.walks_written(thread)) << thread;
        self.walkers = Walkers((0..self.threads.len()).fold(0, |all, thread| all | walks(thread)));
        self
    }

    /// Returns the index of `descriptor`, adding it where it is new.
    pub fn intern(&mut self, descriptor: Descriptor) -> u8 {
        if let Some(at) = self.descriptors.iter().position(|known| *known == descriptor) {
            return at as u8;
        }
        self.descriptors.push(descriptor);
        (self.descriptors.len() - 1) as u8
    }

    /// Returns whether a PE may access a page whose descriptor changes.
    fn walks_written(&self, thread: usize) -> bool {
        let code = &self.threads[thread];
        let computed = |register: Register| {
            code.ops
                .iter()
                .any(|op| matches!(op, Op::Alu { to, .. } | Op::Select { to, .. } | Op::Load { to, .. } | Op::Atomic { to, .. } if *to == register))
        };
        code.ops.iter().any(|op| match *op {
            Op::Fetch(page) => self.written.contains(page),
            Op::Load { base, .. } | Op::Store { base, .. } | Op::Atomic { base, .. } => {
                computed(base)
                    || matches!(code.registers[usize::from(base)], Value::Address(page) if self.written.contains(page))
            }
            _ => false,
        })
    }

    /// Returns whether any walker sets fields of the descriptors it reads.
    pub(super) fn has_updates(&self) -> bool {
        self.threads
            .iter()
            .any(|thread| thread.updates != HardwareUpdates::None)
    }

    /// Returns the index of a descriptor that a walker or a calculation makes of another.
    pub(super) fn index_of(&self, descriptor: &Descriptor) -> Option<u8> {
        self.descriptors
            .iter()
            .position(|known| known == descriptor)
            .map(|at| at as u8)
    }

    /// Returns whether a location is a page's descriptor: which page's.
    pub(super) fn table_at(&self, location: usize) -> Option<Page> {
        let page = location.checked_sub(self.frames.len())?;
        (page < self.tables.len()).then_some(Symbol(page as u8))
    }

    /// Returns the location at a distance from the beginning of a frame.
    pub(super) fn location_in(&self, frame: Symbol, offset: u16) -> Option<u8> {
        if offset == 0 {
            return Some(frame.0);
        }
        let at = self
            .elements
            .iter()
            .position(|(known, distance, _)| (*known, *distance) == (frame, offset))?;
        u8::try_from(self.frames.len() + self.tables.len() + at).ok()
    }

    /// Returns whether it matters what the TLB of a PE holds.
    pub(super) const fn is_walker(&self, thread: usize) -> bool {
        self.walkers.0 & (1 << thread) != 0
    }

    /// Returns whether a TLBI or DSB that reaches as far as `inner` or `outer` applies to `other`, seen from `own`.
    pub(super) fn reaches(&self, issuer: usize, other: usize, inner: bool, outer: bool) -> bool {
        if issuer == other {
            return true;
        }
        let far =
            self.threads[issuer].placement == Placement::Outer || self.threads[other].placement == Placement::Outer;
        if far { outer } else { inner }
    }
}
