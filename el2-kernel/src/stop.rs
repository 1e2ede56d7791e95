// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a run ends: with an `end` line and PSCI SYSTEM_OFF.

use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use results::plan::Conduit;
use results::record::Record;
use smccc::psci::system_off;
use smccc::{Hvc, Smc};

use crate::arch::wfe;
use crate::console;

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
static CONDUIT: AtomicU8 = AtomicU8::new(0);
static FAILED: AtomicBool = AtomicBool::new(false);
static SAMPLES: AtomicU64 = AtomicU64::new(0);

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

/// Says how the firmware is called.
pub fn set_conduit(conduit: Option<Conduit>) {
    let value = match conduit {
        None => 0,
        Some(Conduit::Smc) => 1,
        Some(Conduit::Hvc) => 2,
    };
    CONDUIT.store(value, Ordering::Relaxed);
}

/// Returns how the firmware is called.
pub fn conduit() -> Option<Conduit> {
    match CONDUIT.load(Ordering::Relaxed) {
        1 => Some(Conduit::Smc),
        2 => Some(Conduit::Hvc),
        _ => None,
    }
}

/// Remembers that something failed: the run goes on, and its `end` line says `fail`.
pub fn note_failure() {
    FAILED.store(true, Ordering::Relaxed);
}

/// Counts timed samples for the `end` line. (One PE sends them, so load and store will do.)
pub fn count_samples(n: usize) {
    SAMPLES.store(SAMPLES.load(Ordering::Relaxed) + n as u64, Ordering::Relaxed);
}

/// Says why the run cannot go on, and ends it as a failure.
pub fn fatal(message: &str) -> ! {
    console::record(&Record::Fatal {
        phase: Phase::current().name(),
        message,
    });
    end(false)
}

/// Prints the `end` line and turns the machine off.
pub fn end(pass: bool) -> ! {
    let pass = pass && !FAILED.load(Ordering::Relaxed);
    console::record(&Record::End {
        pass,
        lines: console::lines(),
        samples: SAMPLES.load(Ordering::Relaxed),
    });
    console::flush();
    power_off()
}

/// Turns the machine off.
pub fn power_off() -> ! {
    // SYSTEM_OFF returns only where the firmware does not implement it.
    let _ = match conduit() {
        Some(Conduit::Smc) => system_off::<Smc>(),
        Some(Conduit::Hvc) => system_off::<Hvc>(),
        // No PSCI that we know of: a call nobody answers would hang or trap.
        None => Ok(()),
    };
    park()
}

/// Waits for ever.
pub fn park() -> ! {
    loop {
        wfe();
    }
}
