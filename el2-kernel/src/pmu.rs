// SPDX-License-Identifier: MIT OR Apache-2.0
//! What times: the PMU's cycle counter at EL2, or the generic timer where no PMU is implemented.

use aarch64_cpu::registers::{CNTVCT_EL0, ID_AA64DFR0_EL1, Readable};
use results::record::Event;

use crate::arch::{isb, mrs, start_cycle_counter};

/// Starts the best counter there is.
pub fn start() -> Event {
    // ID_AA64DFR0_EL1.PMUVer: 0 is no PMU, 15 one of another kind.
    match ID_AA64DFR0_EL1.read(ID_AA64DFR0_EL1::PMUVer) {
        0 | 15 => Event::TimerTicks,
        _ => {
            start_cycle_counter();
            Event::Cycles
        }
    }
}

/// Reads the counter between two context synchronization events.
pub fn now(event: Event) -> u64 {
    isb();
    let now = match event {
        Event::Cycles => mrs!("pmccntr_el0"),
        Event::TimerTicks => CNTVCT_EL0.get(),
    };
    isb();
    now
}
