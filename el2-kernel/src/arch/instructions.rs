// SPDX-License-Identifier: MIT OR Apache-2.0
//! One architectural instruction, one function.
//!
//! None of them is `nomem`: the compiler must not move a load or store across a barrier, a TLB or cache maintenance
//! instruction, or a write of a translation register. (`aarch64-cpu` marks all its register writes `nomem`, so writes
//! that memory accesses depend on are made here.)
#![expect(unsafe_code)]
// UNSAFETY: instructions that Rust has no other word for.

use core::arch::asm;

use aarch64_cpu::registers::{CurrentEL, Readable, SCTLR_EL1, SCTLR_EL2, SCTLR_EL3};

/// Reads a system register that `aarch64-cpu` lacks, by name or by its `S<op0>_<op1>_C<n>_C<m>_<op2>` encoding.
macro_rules! mrs {
    ($register:literal) => {{
        #[inline(always)]
        #[allow(unsafe_code)]
        fn read() -> u64 {
            let value;
            // SAFETY: reading an identification or counter register that exists here changes nothing.
            unsafe {
                core::arch::asm!(concat!("mrs {}, ", $register), out(reg) value, options(nostack, preserves_flags));
            }
            value
        }
        read()
    }};
}
pub(crate) use mrs;

/// Issues `dsb sy`.
pub fn dsb_sy() {
    // SAFETY: a barrier has no effect but ordering.
    unsafe { asm!("dsb sy", options(nostack, preserves_flags)) }
}

/// Issues `dsb nshst`.
pub fn dsb_nshst() {
    // SAFETY: a barrier has no effect but ordering.
    unsafe { asm!("dsb nshst", options(nostack, preserves_flags)) }
}

/// Issues `isb`.
pub fn isb() {
    // SAFETY: a barrier has no effect but ordering.
    unsafe { asm!("isb", options(nostack, preserves_flags)) }
}

/// Starts the event stream of this PE: a `wfe` ends after some microseconds even if no event comes, so that a wait can
/// give up (Arm ARM, "Event streams").
pub fn start_event_stream() {
    /// An event at every other change of bit 9 of the counter; at EL2 no traps of the counter, at EL1 none from EL0.
    const CONTROL: u64 = 9 << 4 | 1 << 2 | 0b11;
    // SAFETY: nothing but how long a `wfe` lasts depends on it.
    unsafe {
        match current_el() {
            1 => asm!("msr cntkctl_el1, {}", "isb", in(reg) CONTROL, options(nostack, preserves_flags)),
            _ => asm!("msr cnthctl_el2, {}", "isb", in(reg) CONTROL, options(nostack, preserves_flags)),
        }
    }
}

/// Issues `wfe`.
pub fn wfe() {
    // SAFETY: waits for an event, which does no harm.
    unsafe { asm!("wfe", options(nostack, preserves_flags)) }
}

/// Returns whether the stage 1 MMU of the current exception level is on.
pub fn mmu_is_on() -> bool {
    let sctlr = match current_el() {
        1 => SCTLR_EL1.get(),
        2 => SCTLR_EL2.get(),
        _ => SCTLR_EL3.get(),
    };
    sctlr & 1 != 0
}

/// Returns the current exception level.
pub fn current_el() -> u8 {
    CurrentEL.read(CurrentEL::EL) as u8
}

/// Returns the filter that has a counter count at the current exception level: `NSH` at EL2; at EL1 nothing is filtered
/// there.
fn count_here() -> u64 {
    const NSH: u64 = 1 << 27;
    match current_el() {
        1 => 0,
        _ => NSH,
    }
}

/// Starts the PMU's cycle counter so that it counts at this exception level (Arm ARM, "The Performance Monitors
/// Extension").
///
/// `PMCR_EL0.LC` makes it 64-bit, and `PMCCFILTR_EL0` has it count here. At EL2, `MDCR_EL2` neither traps it nor stops it
/// (`HPMD`, `HCCD` zero) nor reserves counters for EL2 (`HPMN` = `PMCR_EL0.N`); at EL1 that is the hypervisor's.
pub fn start_cycle_counter() {
    const PMCR_E: u64 = 1 << 0;
    const PMCR_C: u64 = 1 << 2;
    const PMCR_LC: u64 = 1 << 6;
    const CYCLE_COUNTER: u64 = 1 << 31;
    let counters = mrs!("pmcr_el0") >> 11 & 31; // PMCR_EL0.N
    if current_el() == 2 {
        // SAFETY: nothing but the PMU depends on it.
        unsafe { asm!("msr mdcr_el2, {}", in(reg) counters, options(nostack, preserves_flags)) };
    }
    // SAFETY: the PMU is implemented (the caller has looked) and nobody else uses it.
    unsafe {
        asm!(
            "msr pmccfiltr_el0, {filter}",
            "msr pmcntenset_el0, {cycle}",
            "msr pmcr_el0, {enable}",
            "isb",
            filter = in(reg) count_here(),
            cycle = in(reg) CYCLE_COUNTER,
            enable = in(reg) PMCR_E | PMCR_C | PMCR_LC,
            options(nostack, preserves_flags),
        );
    }
}

/// Has event counter 0 count an event at this exception level, from 0 on, or stops it.
pub fn select_event(number: Option<u16>) {
    const COUNTER_0: u64 = 1;
    // SAFETY: an event counter is implemented where an event is asked for (the caller has looked), and nobody else
    // uses it; clearing the enable bit of an absent one has no effect.
    unsafe {
        match number {
            None => asm!("msr pmcntenclr_el0, {}", "isb", in(reg) COUNTER_0, options(nostack, preserves_flags)),
            Some(number) => asm!(
                "msr pmevtyper0_el0, {typer}",
                "msr pmevcntr0_el0, xzr",
                "msr pmcntenset_el0, {counter}",
                "isb",
                typer = in(reg) count_here() | u64::from(number),
                counter = in(reg) COUNTER_0,
                options(nostack, preserves_flags),
            ),
        }
    }
}

/// Issues `yield`: a PE that spins gives an emulator's only thread away here.
pub fn yield_now() {
    // SAFETY: a hint.
    unsafe { asm!("yield", options(nostack, preserves_flags)) }
}

/// Makes code just written at an address visible to the instruction fetches of every PE: `dc cvau` of each line, `dsb ish;
/// ic ialluis; dsb ish; isb` (Arm ARM, "Synchronization and coherency issues between data and instruction accesses").
///
/// Other PEs need a context synchronization event before they run it.
pub fn publish_code(address: usize, bytes: usize) {
    let line = 4_usize << (mrs!("ctr_el0") >> 16 & 15); // CTR_EL0.DminLine is in words
    for number in address / line..(address + bytes).div_ceil(line) {
        // SAFETY: cleans a line of the code just written; no data change.
        unsafe { asm!("dc cvau, {}", in(reg) number * line, options(nostack, preserves_flags)) };
    }
    // SAFETY: instruction caches hold nothing that memory does not.
    unsafe {
        asm!(
            "dsb ish",
            "ic ialluis",
            "dsb ish",
            "isb",
            options(nostack, preserves_flags)
        )
    };
}

/// Issues `dsb ishst`.
pub fn dsb_ishst() {
    // SAFETY: a barrier has no effect but ordering.
    unsafe { asm!("dsb ishst", options(nostack, preserves_flags)) }
}

/// Issues `dmb ishld`: accesses after it come after the loads before it.
pub fn dmb_ishld() {
    // SAFETY: a barrier has no effect but ordering.
    unsafe { asm!("dmb ishld", options(nostack, preserves_flags)) }
}

/// Issues `sev`, once everything stored before it can be seen.
pub fn sev() {
    // SAFETY: a barrier, and an event that wakes whoever waits for one.
    unsafe { asm!("dsb ishst", "sev", options(nostack, preserves_flags)) }
}

/// Invalidates all entries of EL1&0, stages 1 and 2, all VMIDs, on this PE or on every PE; full system barriers on both
/// sides. For EL2 only.
pub fn flush_guests(everywhere: bool) {
    // SAFETY: invalidation makes the next access walk the tables, and has no other effect.
    unsafe {
        if everywhere {
            asm!(
                "dsb sy",
                "tlbi alle1is",
                "dsb sy",
                "isb",
                options(nostack, preserves_flags)
            );
        } else {
            asm!(
                "dsb sy",
                "tlbi alle1",
                "dsb sy",
                "isb",
                options(nostack, preserves_flags)
            );
        }
    }
}

/// Reads the generic timer's counter (`CNTVCT_EL0`).
pub fn ticks() -> u64 {
    let ticks;
    // SAFETY: reading a counter changes nothing; `isb` keeps the read in its place.
    unsafe { asm!("isb", "mrs {}, cntvct_el0", out(reg) ticks, options(nostack, preserves_flags)) };
    ticks
}
