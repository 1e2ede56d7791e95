// SPDX-License-Identifier: MIT OR Apache-2.0
//! The second half of the boot path, at the runtime address with the MMU on: removal of the 1:1 map, flush, fixmap, as the
//! seed patch has them, each step timed.
#![expect(unsafe_code)]
// UNSAFETY: runs an emitted stub.

use results::plan::{Flow, Plan};
use results::record::Record;

use crate::arch::instructions::{dsb_nshst, dsb_sy, isb};
use crate::arch::pmu;
use crate::arch::probe::Probed;
use crate::handover::Handover;
use crate::mmu::fixmap;
use crate::mmu::identity::{self, Identity};
use crate::platform::console;
use crate::platform::end::fatal;
use crate::platform::id_registers;
use crate::stub::call;
use crate::stub::operands::{Subject, operands};

/// Counter values around the switch.
#[derive(Debug, Clone, Copy)]
pub struct SwitchTimes {
    /// Before the MMU was on.
    pub mmu_off: u64,
    /// After it was.
    pub mmu_on: u64,
    /// After the jump to the runtime address.
    pub jumped: u64,
}

/// What the boot path leaves to be proved.
#[derive(Debug)]
pub struct Finished {
    /// The 1:1 map that was removed, if there was one.
    pub identity: Option<Identity>,
    /// What became of the first use of the fixmap, right behind what orders it; `None` without a console.
    pub use_of_fixmap: Option<Probed>,
}

/// Removes the 1:1 map, sets up the fixmap, uses it, and prints how long every step of the boot path took.
pub fn finish(boot: &Handover, plan: &Plan<'_>, switch: &SwitchTimes) -> Finished {
    let event = boot.event;
    let phase = |phase, count| {
        console::record(&Record::Boot {
            pe: 0,
            phase,
            event,
            count,
        })
    };

    let identity = identity::find(boot.load, boot.slot);
    let Some(flush) = boot.stubs.boot_flush() else {
        fatal("the boot flush is a sequence that this machine cannot run")
    };
    let operand_values = plan
        .entries()
        .nth(usize::from(plan.settings.boot_flush))
        .map_or([0; 8], |entry| operands(&entry, &Subject::at(boot.load)));
    // SAFETY: an emitted stub of validated words.
    let run_flush = || unsafe { call::run(flush, &operand_values) };
    // A 16550 without a page-aligned base keeps its offset into the page.
    let page_offset = console::physical().unwrap_or(0) & 0xfff;
    console::set_virtual(boot.layout.early_console + page_offset);
    let fixmap = || {
        let console = console::physical().unwrap_or(0) & !0xfff;
        if fixmap::set_up(boot.load, boot.layout.fixmap, console).is_err() {
            fatal("out of translation tables for the fixmap");
        }
    };
    let timed = |f: &dyn Fn()| {
        let before = pmu::now(event);
        f();
        pmu::now(event) - before
    };

    let first_use = || console::probe_at(boot.layout.fixmap + page_offset);

    // The path itself: no console output until the fixmap is there.
    let (remove, (flush_before, flush_after), set_up, barrier, use_of_fixmap);
    match plan.settings.flow {
        Flow::New => {
            remove = timed(&|| identity.iter().for_each(|identity| identity.remove()));
            (flush_before, flush_after) = run_flush();
            set_up = timed(&fixmap);
            // The patch has no `isb` here, and reading a counter needs one: barrier and first use are timed together.
            let before = pmu::now(event);
            dsb_nshst();
            use_of_fixmap = first_use();
            barrier = ("fixmap_barrier_and_use", pmu::now(event) - before);
        }
        Flow::Fixed => {
            remove = timed(&|| identity.iter().for_each(|identity| identity.remove()));
            (flush_before, flush_after) = run_flush();
            set_up = timed(&fixmap);
            barrier = (
                "fixmap_barrier",
                timed(&|| {
                    dsb_nshst();
                    isb();
                }),
            );
            use_of_fixmap = first_use();
        }
        Flow::Old => {
            // Before the patch the 1:1 map stayed until the runtime tables replaced it. Here it goes with the fixmap
            // set-up, so that the flush at its end has the same work to do and the same proof to pass.
            barrier = ("fixmap_barrier", timed(&dsb_sy));
            set_up = timed(&fixmap);
            remove = timed(&|| identity.iter().for_each(|identity| identity.remove()));
            (flush_before, flush_after) = run_flush();
            use_of_fixmap = first_use();
        }
    }
    // An exception, if there was one, has synchronized context: the second use finds what the tables say, or never will.
    let mapped = use_of_fixmap.is_some() && matches!(first_use(), Some(Probed::Done(_)));
    if mapped {
        console::set_virtual(boot.layout.fixmap + page_offset);
    }

    id_registers::print(0);
    let [build_started, built] = boot.marks;
    phase("build_tables", built - build_started);
    phase("mmu_on", switch.mmu_on - switch.mmu_off);
    phase("jump", switch.jumped - switch.mmu_on);
    phase("remove_identity", remove);
    phase("flush", flush_after - flush_before);
    phase("fixmap", set_up);
    phase(barrier.0, barrier.1);
    Finished {
        identity,
        use_of_fixmap,
    }
}
