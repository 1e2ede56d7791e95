// SPDX-License-Identifier: MIT OR Apache-2.0
//! A number of this boot, which the next one does not have.
//!
//! It tells the lines of two boots of one plan apart, so it need not be secret, but it has to differ. What differs is how
//! long everything until here took, and how the counters stand to each other, so both are read again and again: each
//! pair of reads adds a bit or two. A machine whose counters are a part of its program (QEMU with `-icount`, the
//! adversary) gives the same number each time, and is the same in all else too.

use results::record::Event;

use crate::arch::pmu;
use crate::random::Random;

/// Pairs of reads.
const READS: u32 = 64;

/// Returns the number, drawn anew at each call. The counter has been started.
pub fn draw(clock: Event) -> u64 {
    (0..READS).fold(0, |drawn, _| {
        let read = pmu::now(clock) ^ pmu::now(Event::TimerTicks).rotate_left(32);
        Random::new(drawn ^ read).next()
    })
}
