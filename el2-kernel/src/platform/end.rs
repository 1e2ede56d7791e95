// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a run ends: with an `end` line, and as the plan says.

use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use results::plan::AtEnd;
use results::record::Record;

use crate::platform::console;
use crate::platform::firmware::{park, power_off, reset};
use crate::platform::phase::Phase;

static FAILED: AtomicBool = AtomicBool::new(false);
static AT_END: AtomicU8 = AtomicU8::new(AtEnd::Off as u8);
static SAMPLES: AtomicU64 = AtomicU64::new(0);

/// Says what to do at the end.
pub fn set_at_end(at_end: AtEnd) {
    AT_END.store(at_end as u8, Ordering::Relaxed);
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

/// Prints the `end` line and does what the plan says. Nobody boots again from here: what went wrong could do so again, and
/// a reset is the better start.
pub fn end(pass: bool) -> ! {
    print_end(pass);
    match AtEnd::ALL.get(usize::from(AT_END.load(Ordering::Relaxed))) {
        Some(AtEnd::Park) => park(),
        Some(AtEnd::Reset | AtEnd::Loop) => reset(),
        Some(AtEnd::Off) | None => power_off(),
    }
}

/// Prints the `end` line.
pub fn print_end(pass: bool) {
    let pass = pass && !FAILED.load(Ordering::Relaxed);
    console::record(&Record::End {
        pass,
        lines: console::lines(),
        samples: SAMPLES.load(Ordering::Relaxed),
    });
    console::flush();
}
