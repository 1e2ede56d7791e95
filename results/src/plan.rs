// SPDX-License-Identifier: MIT OR Apache-2.0
//! The plan: what a boot is to do, written by the host into a reserved area of the kernel image.
//!
//! So one prebuilt kernel runs any sequence on any loader, with no input channel. Layout, little-endian, offsets in
//! bytes:
//!
//! | at | field |
//! |---|---|
//! | 0 | magic `TLBPLAN5` (all zero: no plan, the kernel uses its built-in one) |
//! | 8 | u32 length of the whole plan |
//! | 12 | u32 CRC-32 of bytes 16 to the end |
//! | 16 | u8 what to do at the end; u8 whether each boot draws a seed; 6 times 0 |
//! | 24 | u64 seed; u64 runtime address; u64 console address |
//! | 48 | u32 timed samples per sequence; u32 samples per batch; u32 trials per check |
//! | 60 | u8 slot case; u8 flow; u8 console kind; u8 conduit |
//! | 64 | u16 index of the boot flush; u16 number of sequences; u8 PEs; u8 planted bug; u16 largest random delay |
//! | 72 | u32 events: bits of `Event::mask`; u8 order; u8 timed PEs; u16 warm-up rounds |
//! | 80 | u16 number of scenarios; u8 whether to time the timing; u8 PE and u32 job of a planted silence, or u32 sequence of a planted fault |
//! | 88 | scenarios: 8 u16, the values on the axes in their order |
//! | then | sequences: u8 id length; u8 flags; u8 operands; u8 0; u16 words; u16 pages; u128 checks; u128 good for; id (padded to 4); operands (4 each: register, kind, hint, 0); words |
//!
//! A plan is known by the CRC-32 of its bytes 24 to the end, which is what the stream names: what stands before them does
//! not change what a run is of.

mod console;
mod encode;
mod measure;
mod operand;
mod read;
pub mod room;
#[cfg(test)]
mod tests;

use core::fmt;

pub use console::{Console, Uart, Width};
pub use encode::encode;
pub use measure::{Measure, Scenarios, is_timed_under, is_tlbi};
pub use operand::{OperandKind, OperandRegister};
pub use read::{EntryRef, Plan};

use crate::check::Mask;

/// First bytes of a plan.
pub const MAGIC: [u8; 8] = *b"TLBPLAN5";
/// Longest sequence id, in bytes.
pub const MAX_ID: usize = 63;
/// Most sequences in a plan.
pub const MAX_SEQUENCES: usize = 96;
/// Most instruction words in one sequence: 512 by-VA operations with their steps, and barriers around them.
pub const MAX_WORDS: usize = 1040;
/// Most things that are timed: the empty frame and every timed sequence, each under every scenario.
pub const MAX_STREAMS: usize = 2048;
/// Id of the empty frame: what is timed under every scenario with no words between the counter reads. No sequence of a
/// plan has it.
pub const EMPTY_FRAME: &str = "empty";

/// How the timed samples of every series are put together: all batches but the last are full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// Samples in all.
    pub iterations: u32,
    /// Samples in each batch but the last.
    pub batch: u32,
}

impl Batching {
    /// Asks for nothing, so that every batch is whole.
    pub const NOTHING: Self = Self {
        iterations: 0,
        batch: 0,
    };

    /// Returns the number of batches.
    pub const fn batches(self) -> u32 {
        self.iterations.div_ceil(if self.batch == 0 { 1 } else { self.batch })
    }

    /// Returns how many samples batch `number` has.
    pub const fn samples(self, number: u32) -> u64 {
        let rest = (self.iterations as u64).saturating_sub(number as u64 * self.batch as u64);
        if rest < self.batch as u64 {
            rest
        } else {
            self.batch as u64
        }
    }

    /// Returns whether batch `number` with so many samples has lost none.
    ///
    /// Values travel sorted, so a batch that lost a line has lost its small values or its large ones, and its median
    /// is biased.
    pub const fn is_whole(self, number: u32, samples: u64) -> bool {
        samples >= self.samples(number)
    }
}

/// Most pages a range spans.
pub const MAX_PAGES: u16 = 512;
/// Most PEs a plan may ask for.
pub const MAX_PES: u8 = 8;
/// The boot flush of an entry at EL1 whose plan has one for EL2: `dsb nshst; tlbi vmalle1; dsb nsh; isb`.
pub const BOOT_FLUSH_AT_EL1: [u32; 4] = [0xd503_369f, 0xd508_871f, 0xd503_379f, 0xd503_3fdf];
/// Most operand registers of one sequence: `x2` to `x9`.
pub const MAX_OPERANDS: usize = 8;

const HEADER: usize = 88;
/// Where what a plan is known by begins.
const IDENTITY: usize = 24;

/// Where the kernel runs after the MMU is on, relative to where it was loaded.
///
/// Named by the level of the top-level entry that is exclusive to the 1:1 map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuntimeCase {
    /// Another level 0 slot.
    Level0,
    /// The same level 0 slot, another level 1 slot.
    Level1,
    /// The same level 1 slot, another level 2 slot.
    Level2,
    /// Runtime address equal to the physical one: no 1:1 map is needed.
    None,
    /// The same level 2 slot at another offset: the two maps clash, and the kernel refuses.
    Clash,
    /// The address in [`Settings::runtime`], whatever case that is.
    Address,
}

impl RuntimeCase {
    /// Every case.
    pub const ALL: [Self; 6] = [
        Self::Level0,
        Self::Level1,
        Self::Level2,
        Self::None,
        Self::Clash,
        Self::Address,
    ];

    /// Returns the stable id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Level0 => "level0",
            Self::Level1 => "level1",
            Self::Level2 => "level2",
            Self::None => "none",
            Self::Clash => "clash",
            Self::Address => "address",
        }
    }

    /// Returns the case with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|case| case.id() == id)
    }
}

/// Which side of the seed patch the boot path takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flow {
    /// As after the patch: `remove_identity_mapping` with its flush, then the fixmap.
    New,
    /// As before it: the 1:1 map stays until the fixmap set-up, which ends with the flush.
    Old,
    /// As after the patch, with what it lacks: an `isb` between the fixmap set-up and the first use of the fixmap.
    Fixed,
}

impl Flow {
    /// Every flow.
    pub const ALL: [Self; 3] = [Self::New, Self::Old, Self::Fixed];

    /// Returns the stable id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Old => "old",
            Self::Fixed => "fixed",
        }
    }

    /// Returns the flow with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flow| flow.id() == id)
    }
}

/// How PSCI is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Conduit {
    /// `smc #0`.
    Smc,
    /// `hvc #0`.
    Hvc,
}

/// What the kernel does when a run has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AtEnd {
    /// Turns the machine off (PSCI SYSTEM_OFF); where the firmware cannot, waits for ever.
    #[default]
    Off,
    /// Resets the machine (PSCI SYSTEM_RESET), so that its firmware boots it again; where the firmware cannot, waits for
    /// ever.
    Reset,
    /// Enters the kernel again, as its boot loader did: another boot with the same plan, and no firmware in between. With
    /// a PE that cannot be brought back to where it began, waits for ever.
    Loop,
    /// Waits for ever in WFE.
    Park,
}

impl AtEnd {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Off, Self::Reset, Self::Loop, Self::Park];

    /// Returns the stable id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Reset => "reset",
            Self::Loop => "loop",
            Self::Park => "park",
        }
    }

    /// Returns the one with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|end| end.id() == id)
    }
}

/// Everything in a plan but its sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// What to do at the end.
    pub at_end: AtEnd,
    /// Whether each boot draws a seed of its own: from `seed`, and from what differs between boots of one image.
    pub seed_by_boot: bool,
    /// Seed of every random choice.
    pub seed: u64,
    /// Timed samples per sequence.
    pub iterations: u32,
    /// Timed samples per sequence and batch.
    pub batch: u32,
    /// Trials per check, sequence and role.
    pub trials: u32,
    /// Where to run.
    pub case: RuntimeCase,
    /// Runtime virtual address for [`RuntimeCase::Address`]; 0 otherwise.
    pub runtime: u64,
    /// Which flow to boot through.
    pub flow: Flow,
    /// Console without a device tree.
    pub console: Option<Console>,
    /// PSCI conduit without a device tree.
    pub conduit: Option<Conduit>,
    /// Index of the sequence used as the boot flush.
    pub boot_flush: u16,
    /// PEs to start for the checks, the boot PE included, 1 to [`MAX_PES`]. Checks that need more are skipped.
    pub pes: u8,
    /// Stress: every PE waits up to this many loop turns, a random number, before each of its steps, and uses other
    /// memory meanwhile. 0: no stress.
    pub stress: u16,
    /// A bug to plant, to prove that a run would notice it.
    pub planted: Option<Planted>,
    /// How and under which conditions sequences are timed.
    pub measure: Measure,
}

/// A bug of the kernel under test, planted on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Planted {
    /// The sequences under test are not run.
    SkipSequence,
    /// A PE falls silent.
    Silence(Silence),
    /// The sequence with this index in the plan does something that it must not.
    Fault(Fault, u32),
}

/// What a sequence does that it must not, to prove that a run survives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// It is UNDEFINED: an operation of EL3.
    Undefined,
    /// It takes a data abort.
    Abort,
    /// It takes the kernel's own mapping away.
    Unmap,
    /// It never returns.
    Endless,
    /// It takes a data abort, but not when it is tried alone.
    LateAbort,
    /// It never returns, but does when it is tried alone.
    LateEndless,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Undefined,
        Self::Abort,
        Self::Unmap,
        Self::Endless,
        Self::LateAbort,
        Self::LateEndless,
    ];

    /// Returns the name.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Undefined => "undefined",
            Self::Abort => "abort",
            Self::Unmap => "unmap",
            Self::Endless => "endless",
            Self::LateAbort => "late-abort",
            Self::LateEndless => "late-endless",
        }
    }

    /// Returns whether it shows only under other conditions than those of a sequence tried alone.
    pub const fn is_late(self) -> bool {
        matches!(self, Self::LateAbort | Self::LateEndless)
    }
}

/// A PE that is to fall silent in the middle of its work, to prove that a run survives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Silence {
    /// Index of the PE; 0, the boot PE, cannot.
    pub pe: u8,
    /// The job in which it does: so many it has answered before.
    pub job: u32,
    /// Where in the job.
    pub moment: Moment,
}

/// Where in its job a PE falls silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// Before it does anything.
    Before,
    /// When it is done and should answer.
    After,
    /// Before it does anything; it goes on when it has been given up.
    Late,
}

impl Moment {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Before, Self::After, Self::Late];

    /// Returns the name.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
            Self::Late => "late",
        }
    }
}

/// How a sequence is used; bits of [`Entry::flags`].
pub mod flags {
    /// It is timed.
    pub const TIMED: u8 = 1;
    /// It is for a kernel that is entered at EL2 only.
    pub const AT_EL2: u8 = 2;
    /// It is for a kernel that is entered at EL1 only. With neither of the two it is for both.
    pub const AT_EL1: u8 = 4;
}

/// A sequence to put into a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Stable id, `[a-z0-9_]+`.
    pub id: &'a str,
    /// Bits of [`flags`].
    pub flags: u8,
    /// Pages that `{range}` spans, 1 to 512.
    pub pages: u16,
    /// The checks that test it: bits of [`crate::check::Check::mask`].
    pub checks: Mask,
    /// The checks that use it as their known-good control. The first sequence of the plan with the bit is used.
    pub good_for: Mask,
    /// Operand registers.
    pub operands: &'a [OperandRegister],
    /// Instruction words.
    pub words: &'a [u32],
}

/// Why a plan cannot be written or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanError {
    /// More sequences than [`MAX_SEQUENCES`], or none.
    Sequences(usize),
    /// A sequence is longer than [`MAX_WORDS`], has more than [`MAX_OPERANDS`] operands, or a malformed id.
    Entry {
        /// Its index.
        index: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The plan needs more bytes than the area has.
    TooBig {
        /// Bytes needed.
        needed: usize,
        /// Bytes there are.
        capacity: usize,
    },
    /// The area holds neither a plan nor zeros.
    NoPlan,
    /// The plan is cut short, or its checksum is wrong.
    Damaged,
    /// A field has a value this version does not know.
    Field(&'static str),
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sequences(n) => write!(f, "{n} sequences; a plan holds 1 to {MAX_SEQUENCES}"),
            Self::Entry { index, what } => write!(f, "sequence {index}: {what}"),
            Self::TooBig { needed, capacity } => {
                write!(f, "plan of {needed} bytes; the kernel has room for {capacity}")
            }
            Self::NoPlan => f.write_str("plan area holds something that is no plan"),
            Self::Damaged => f.write_str("plan is damaged"),
            Self::Field(name) => write!(f, "plan field {name} has an unknown value"),
        }
    }
}

impl core::error::Error for PlanError {}
