// SPDX-License-Identifier: MIT OR Apache-2.0
//! The run, at the runtime address: the rest of the boot path, its proofs, timing, checks, and the end.
#![expect(unsafe_code)]
// UNSAFETY: keeps the 1:1 map where PEs look at it.

use results::plan::{AtEnd, Plan, Planted};

use crate::arch::instructions::start_event_stream;
use crate::arch::probe;
use crate::boot::again;
use crate::boot::path::{self, SwitchTimes};
use crate::boot::proof;
use crate::boot::rehearsal;
use crate::check::checks;
use crate::handover::Handover;
use crate::image::plan_area;
use crate::measure::batches;
use crate::mmu::identity::Identity;
use crate::mmu::test_pages::Pages;
use crate::platform::end::{end, fatal, print_end};
use crate::platform::phase::Phase;
use crate::smp::kept::Kept;
use crate::smp::mailbox;
use crate::smp::power;

/// The 1:1 map that was removed.
static IDENTITY: Kept<Identity> = Kept::new();

/// Runs the plan. `head` hands this function to the boot path's first half, which enters it at the runtime address.
///
/// The arguments are counter values: before the MMU was on, after it was, and after the jump.
pub extern "C" fn runtime_main(mmu_off: u64, mmu_on: u64, jumped: u64) -> ! {
    let Some(boot) = Handover::take_over() else {
        fatal("no handover")
    };
    let Ok(Some(plan)) = Plan::read(plan_area()) else {
        fatal("the plan is gone")
    };
    let times = SwitchTimes {
        mmu_off,
        mmu_on,
        jumped,
    };
    // The first use of the fixmap is one that may fault.
    probe::init();
    let finished = path::finish(boot, &plan, &times);
    // SAFETY: put once.
    let identity = finished.identity.map(|identity| unsafe { IDENTITY.put(identity) });

    start_event_stream();
    Pages::new(boot.load).fill();

    if let Some(Planted::Silence(silence)) = plan.settings.planted {
        mailbox::plant(silence);
    }

    Phase::Proof.enter();
    proof::run(boot, &finished);
    let watchdog = rehearsal::run(boot, &plan);

    Phase::Measure.enter();
    let running = batches::run(boot, &plan, identity);

    Phase::Check.enter();
    checks::run(boot, &plan, identity, running);

    if plan.settings.at_end == AtEnd::Loop && power::all_off(boot, identity) {
        if let Some(watchdog) = watchdog {
            watchdog.stop();
        }
        print_end(true);
        // SAFETY: this PE is the only one left, and goes on as its boot loader had it.
        unsafe { again::boot_again(boot, identity) }
    }
    end(true)
}
