// SPDX-License-Identifier: MIT OR Apache-2.0
//! What times: the PMU's cycle counter, or the generic timer where no PMU is implemented.
//!
//! At EL1 the PMU is a hypervisor's to give. Where the identification registers show one and it does not answer, or does not
//! count, the timer is taken as well.

use aarch64_cpu::registers::{CNTVCT_EL0, ID_AA64DFR0_EL1, Readable};
use results::record::{Event, Support};

use crate::arch::instructions::{current_el, isb, mrs, start_cycle_counter, yield_now};
use crate::arch::probe::{Probed, read_cycles};

/// Starts the best counter there is.
pub fn start() -> Event {
    // ID_AA64DFR0_EL1.PMUVer: 0 is no PMU, 15 one of another kind.
    match ID_AA64DFR0_EL1.read(ID_AA64DFR0_EL1::PMUVer) {
        0 | 15 => Event::TimerTicks,
        _ if current_el() == 1 && matches!(read_cycles(), Probed::Fault(_)) => Event::TimerTicks,
        _ => {
            start_cycle_counter();
            match current_el() {
                1 if !counts() => Event::TimerTicks,
                _ => Event::Cycles,
            }
        }
    }
}

/// Returns whether the cycle counter moves.
fn counts() -> bool {
    const TURNS: u32 = 1000;
    let before = now(Event::Cycles);
    (0..TURNS).any(|_| {
        yield_now();
        now(Event::Cycles) != before
    })
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
