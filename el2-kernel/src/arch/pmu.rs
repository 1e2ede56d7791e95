// SPDX-License-Identifier: MIT OR Apache-2.0
//! What times: the PMU's cycle counter at EL2, or the generic timer where no PMU is implemented.

use aarch64_cpu::registers::{CNTVCT_EL0, ID_AA64DFR0_EL1, Readable};
use results::record::{Event, Support};

use crate::arch::instructions::{isb, mrs, start_cycle_counter};

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

/// Returns whether this PE counts an event.
pub fn support(clock: Event, event: Event) -> Support {
    let counters = || mrs!("pmcr_el0") >> 11 & 31; // PMCR_EL0.N
    if clock != Event::Cycles || counters() == 0 {
        Support::NoCounter
    } else if event.is_implemented(mrs!("pmceid0_el0"), mrs!("pmceid1_el0")) {
        Support::Counted
    } else {
        Support::NotImplemented
    }
}

/// Reads the counter between two context synchronization events.
pub fn now(event: Event) -> u64 {
    isb();
    let now = match event {
        Event::Cycles => mrs!("pmccntr_el0"),
        _ => CNTVCT_EL0.get(),
    };
    isb();
    now
}
