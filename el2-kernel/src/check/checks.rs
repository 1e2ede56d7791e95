// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs the checks of a plan: every checked sequence beside its three controls, interleaved in a seeded order.
//!
//! Here: which checks, in which regime, and their verdicts. [`crate::check::trials`] makes the trials of one.
#![expect(unsafe_code)]
// UNSAFETY: keeps verdicts in a static buffer, and enters regimes.

use core::cell::UnsafeCell;

use aarch64_cpu::registers::{ID_AA64MMFR0_EL1, ID_AA64MMFR1_EL1, Readable};
use results::check::{Check, Spec};
use results::plan::{EntryRef, MAX_PES, MAX_SEQUENCES, Plan, Planted};
use results::record::Record;
use results::verdict::Class;

use crate::arch::instructions::{dsb_ishst, isb};
use crate::arch::regime::{OwnRegime, flush_own_is};
use crate::check::context::Context;
use crate::check::guest_map::GuestMap;
use crate::check::regime::{self, Setup};
use crate::check::requirements::Capabilities;
use crate::check::trials::trials;
use crate::check::verdicts::{Verdicts, tested};
use crate::handover::Handover;
use crate::mmu::identity::Identity;
use crate::mmu::test_pages::Pages;
use crate::platform::console;
use crate::platform::end::{fatal, note_failure};
use crate::random::Random;
use crate::smp::bring_up;
use crate::smp::kept::Kept;
use crate::smp::mailbox;
use crate::stub::resident::UNDEFINED_AT_EL1;

struct AllVerdicts(UnsafeCell<[Verdicts; Check::ALL.len()]>);

// SAFETY: only `run` refers to it, once, on the boot PE.
unsafe impl Sync for AllVerdicts {}

static VERDICTS: AllVerdicts = AllVerdicts(UnsafeCell::new([[None; MAX_SEQUENCES]; Check::ALL.len()]));

/// The regime of the check that is going on.
static SETUP: Kept<Setup> = Kept::new();

/// Runs every check of the plan. So many PEs run already.
pub fn run(boot: &'static Handover, plan: &Plan<'_>, identity: Option<&'static Identity>, mut running: usize) {
    let at_el1 = OwnRegime::current() == OwnRegime::El1;
    let of_level = |entry: &EntryRef<'_>| entry.is_for(at_el1);
    let wanted = plan.entries().filter(of_level).fold(0, |all, entry| all | entry.checks);
    let checks = || Check::ALL.into_iter().filter(|check| wanted & check.mask() != 0);
    if plan.settings.trials == 0 || checks().next().is_none() {
        return;
    }
    let pes = usize::from(plan.settings.pes.min(MAX_PES));
    if plan.settings.planted == Some(Planted::SkipSequence) {
        // A run with a planted bug must never be taken for one without.
        note_failure();
        console::record(&Record::Proof {
            name: "no_planted_bug",
            holds: false,
            detail: "the plan says that the sequences under test are not run",
        });
    }
    let steps = checks().count() as u32;
    console::record(&Record::Phase { name: "check", steps });
    // SAFETY: the only reference, see above.
    let verdicts = unsafe { &mut *VERDICTS.0.get() };
    // A boot before this one may have left its own.
    verdicts.as_flattened_mut().fill(None);
    let mut random = Random::new(boot.seed ^ 0x6368_6563_6b73);
    for check in checks() {
        let verdicts = &mut verdicts[check.index()];
        // Not before they are needed: a PE that waits costs an emulator time.
        let wanted = usize::from(check.pes()).min(pes);
        if wanted > running {
            running = bring_up::start(boot, identity, running, wanted);
        }
        let mut result = run_one(boot, plan, identity, running, check, &mut random, verdicts);
        running = bring_up::left(running);
        if usize::from(check.pes()) > running {
            // Lost before or on the way: then what the trials saw is no observation.
            result = bring_up::why_no_more(running).map_or(result, Err);
        }
        if let Err(reason) = result {
            for (index, _) in tested(boot, plan, check) {
                verdicts[index] = Some((Class::Skipped, reason));
            }
        }
        // What EL1 cannot do at all is told check by check: nothing that was asked for is left out in silence.
        let undefined = |(index, entry): &(usize, EntryRef<'_>)| {
            entry.checks & check.mask() != 0 && boot.stubs.is_undefined(*index)
        };
        for (index, _) in plan.entries().enumerate().filter(undefined) {
            verdicts[index] = Some((Class::Skipped, result.err().unwrap_or(UNDEFINED_AT_EL1)));
        }
    }
    // Verdicts come after all outcomes: a lab's monitor reads one kind of line at a time.
    for check in checks() {
        for (index, entry) in plan.entries().enumerate() {
            let Some((class, reason)) = verdicts[check.index()][index] else {
                continue;
            };
            if class == Class::Fail {
                note_failure();
            }
            console::record(&Record::Verdict {
                check: check.id(),
                seq: entry.id,
                class: class.id(),
                reason,
            });
        }
    }
    bring_up::stop_all(boot, running);
}

/// Makes all trials of one check, prints what they saw, and fills in the verdicts.
fn run_one(
    boot: &'static Handover,
    plan: &Plan<'_>,
    identity: Option<&'static Identity>,
    pes: usize,
    check: Check,
    random: &mut Random,
    verdicts: &mut Verdicts,
) -> Result<(), &'static str> {
    let own = OwnRegime::current();
    let machine = Capabilities {
        at_el1: own == OwnRegime::El1,
        pes,
        has_identity: identity.is_some(),
        can_restart: bring_up::can_restart(),
        mmfr0: ID_AA64MMFR0_EL1.get(),
        mmfr1: ID_AA64MMFR1_EL1.get(),
    };
    if let Some(reason) = machine.obstacle(check) {
        return Err(reason);
    }
    let good = plan
        .entries()
        .enumerate()
        .find(|(index, entry)| entry.good_for & check.mask() != 0 && boot.stubs.plain(*index).is_some())
        .ok_or("the plan has no known-good sequence for it")?;
    let pages = Pages::new(boot.load);
    let &Spec { regime, granule, .. } = check.spec();
    // Entered at EL1, the kernel's own tables are those of EL1&0.
    let guest = (own == OwnRegime::El2 && regime.is_guest()).then(|| {
        GuestMap::build(regime, granule, boot.load, pages).unwrap_or_else(|_| fatal("out of tables for EL1 and EL0"))
    });
    // SAFETY: the check before is over: what it put here is used by nobody but a lost PE.
    let setup = unsafe { SETUP.put(Setup::new(check.spec(), guest, boot)) };
    let context = Context {
        boot,
        setup,
        pages,
        identity,
    };
    let all = usize::from(check.pes());
    in_regime(setup, identity, all, Way::In);
    let result = match bring_up::all_answer(all) {
        true => trials(&context, plan, check, good, random, verdicts),
        false => Err(bring_up::LOST),
    };
    in_regime(setup, identity, all, Way::Out);
    result
}

/// Into a regime, or out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

/// Has every PE of a check enter or leave its regime.
fn in_regime(setup: &'static Setup, identity: Option<&Identity>, pes: usize, way: Way) {
    // The switch between EL2 and EL2&0 runs with the MMU off, in the 1:1 map.
    let identity = identity.filter(|_| setup.regime.is_host());
    if let Some(identity) = identity {
        identity.entry.set(identity.descriptor);
        dsb_ishst();
        isb();
    }
    // SAFETY: the 1:1 map is there.
    unsafe {
        match way {
            Way::In => setup.enter(),
            Way::Out => setup.leave(),
        }
    }
    let job = match way {
        Way::In => regime::enter,
        Way::Out => regime::leave,
    };
    for pe in 1..pes {
        // SAFETY: the setup is kept for good where a PE is lost, else until all have answered; the 1:1 map is there.
        unsafe { mailbox::call(pe, job, &raw const *setup as usize, 0) };
    }
    if let Some(identity) = identity {
        identity.remove();
        flush_own_is();
    }
}
