// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a run ends: with an `end` line and PSCI SYSTEM_OFF.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use results::record::Record;

use crate::platform::console;
use crate::platform::firmware::power_off;
use crate::platform::phase::Phase;

static FAILED: AtomicBool = AtomicBool::new(false);
static SAMPLES: AtomicU64 = AtomicU64::new(0);

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
