// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where in the run the kernel is.

use core::sync::atomic::{AtomicU8, Ordering};

/// Where in the run the kernel is; said by an exception.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub enum Phase {
    /// Reading device tree and plan, building tables, MMU off.
    Early,
    /// From the runtime address up to the fixmap.
    Boot,
    /// Proving what the boot path did.
    Proof,
    /// Timing sequences.
    Measure,
    /// Checking for stale translations.
    Check,
}

static PHASE: AtomicU8 = AtomicU8::new(Phase::Early as u8);

impl Phase {
    /// Enters a phase.
    pub fn enter(self) {
        PHASE.store(self as u8, Ordering::Relaxed);
    }

    /// Returns the phase last entered.
    pub fn current() -> Self {
        match PHASE.load(Ordering::Relaxed) {
            0 => Self::Early,
            1 => Self::Boot,
            2 => Self::Proof,
            3 => Self::Measure,
            _ => Self::Check,
        }
    }

    /// Returns the name used in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Early => "early",
            Self::Boot => "boot",
            Self::Proof => "proof",
            Self::Measure => "measure",
            Self::Check => "check",
        }
    }
}
