// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a machine cannot be made, and how a run ends.

use std::fmt;

/// Why no machine can be made of an image and options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file does not begin as an arm64 Linux `Image` does.
    #[error("not an arm64 Image (no ARM\\x64 at offset 0x38)")]
    NotAnImage,
    /// The image does not fit into the memory of the machine.
    #[error("the image takes {size:#x} bytes of memory; the machine has room for {room:#x}")]
    TooLarge {
        /// Bytes the image takes, with its zeroed data.
        size: u64,
        /// Bytes there are.
        room: u64,
    },
    /// A number of PEs that the machine cannot have.
    #[error("{0} PEs; the machine has 1 to {max}", max = crate::MAX_PES)]
    Pes(usize),
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// The guest called PSCI SYSTEM_OFF.
    Off,
    /// The guest called PSCI SYSTEM_RESET.
    Reset,
    /// The guest executed as many instructions as it may.
    Budget {
        /// How many that were.
        instructions: u64,
        /// The PE that ran last.
        pe: usize,
        /// Where it was.
        pc: u64,
    },
    /// The console's reader wants no more.
    Stopped,
    /// Every PE waits for an event that cannot come.
    Deadlock,
    /// The guest did something that this machine does not implement.
    Unimplemented(Unimplemented),
}

/// What the machine does not implement, and where the guest wanted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unimplemented {
    /// The PE.
    pub pe: usize,
    /// The address of the instruction.
    pub address: u64,
    /// The instruction word.
    pub word: u32,
    /// What about it.
    pub what: What,
}

/// What is not implemented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// The instruction.
    Instruction,
    /// The system register or system instruction.
    System,
    /// The use of a device.
    Device,
    /// The configuration of the translation.
    Translation,
    /// An exception to EL3, or a return to a state that is not there.
    ExceptionLevel,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("turned off"),
            Self::Reset => f.write_str("reset"),
            Self::Budget { instructions, pe, pc } => {
                write!(
                    f,
                    "still running after {instructions} instructions; PE {pe} is at {pc:#x}"
                )
            }
            Self::Stopped => f.write_str("stopped by the reader of the console"),
            Self::Deadlock => f.write_str("every PE waits for an event that cannot come"),
            Self::Unimplemented(what) => what.fmt(f),
        }
    }
}

impl fmt::Display for Unimplemented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            What::Instruction => "an instruction",
            What::System => "a system register or instruction",
            What::Device => "a use of a device",
            What::Translation => "a translation configuration",
            What::ExceptionLevel => "an exception level or state",
        };
        write!(
            f,
            "{what} that this machine does not implement: word {:#010x} at {:#x}, PE {}",
            self.word, self.address, self.pe
        )
    }
}
