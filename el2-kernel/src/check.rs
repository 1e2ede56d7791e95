// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs the checks of a plan: every checked sequence beside its two controls, interleaved in a seeded order.
//!
//! A simulator's TLB is direct-mapped by address, and an unlucky access evicts the entry that a check is about. So
//! every check first looks for a page on which the bad control (no maintenance at all) shows the stale translation, and
//! all its trials use that page. Where there is none, the check has no power here, and its verdict says so.
#![expect(unsafe_code)]
// UNSAFETY: keeps verdicts in a static buffer, and enters regimes.

use core::cell::UnsafeCell;

use aarch64_cpu::registers::{ID_AA64MMFR0_EL1, ID_AA64MMFR1_EL1, Readable};
use results::check::{Change, Check, Granule, Outcome, Outcomes, Role, Spec};
use results::plan::{EntryRef, MAX_PES, MAX_SEQUENCES, Plan, Planted};
use results::record::Record;
use results::verdict::{Class, classify};

use crate::arch::{dsb_ishst, flush_el2_is, isb, ticks};
use crate::boot::Handover;
use crate::console;
use crate::guest_map::GuestMap;
use crate::identity::Identity;
use crate::operands::{Operands, operands};
use crate::order::Random;
use crate::pages::Pages;
use crate::pe::{self, Command};
use crate::regime::Setup;
use crate::secondaries;
use crate::stop::{fatal, note_failure};
use crate::trial::{Context, Trial};

/// Pages tried to find one on which the bad control is stale.
const CANDIDATES: u64 = 16;
/// Trials of the bad control on each.
const CALIBRATION: u32 = 4;
/// A trial that turns a PE off and on counts for this many others.
const TRIALS_PER_START: u32 = 20;

/// A sequence in its role, and what it has seen.
#[derive(Clone, Copy)]
struct Runner<'a> {
    id: &'a str,
    role: Role,
    stub: usize,
    operands: Operands,
    seen: Outcomes,
}

/// The verdicts of a check, in the order of the plan's sequences; `None` where a sequence is not under test.
type Verdicts = [Option<(Class, &'static str)>; MAX_SEQUENCES];

struct AllVerdicts(UnsafeCell<[Verdicts; Check::ALL.len()]>);

// SAFETY: only `run` refers to it, once, on the boot PE.
unsafe impl Sync for AllVerdicts {}

static VERDICTS: AllVerdicts = AllVerdicts(UnsafeCell::new([[None; MAX_SEQUENCES]; Check::ALL.len()]));

/// Runs every check of the plan.
pub fn run(boot: &Handover, plan: &Plan<'_>, identity: Option<&Identity>) {
    let wanted = plan.entries().fold(0, |all, entry| all | entry.checks);
    let checks = || Check::ALL.into_iter().filter(|check| wanted & check.mask() != 0);
    if plan.settings.trials == 0 || checks().next().is_none() {
        return;
    }
    let pes = usize::from(plan.settings.pes.min(MAX_PES));
    if plan.settings.planted.is_some() {
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
    let mut random = Random::new(plan.settings.seed ^ 0x6368_6563_6b73);
    let mut running = 1;
    for check in checks() {
        let verdicts = &mut verdicts[check.index()];
        // Not before they are needed: a PE that waits costs an emulator time.
        let wanted = usize::from(check.pes()).min(pes);
        if wanted > running {
            running = secondaries::start(boot, identity, running, wanted);
        }
        if let Err(reason) = run_one(boot, plan, identity, running, check, &mut random, verdicts) {
            for (index, _) in tested(boot, plan, check) {
                verdicts[index] = Some((Class::Skipped, reason));
            }
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
    secondaries::stop_all(boot, running);
}

/// Returns the sequences that a check tests and that can run here, with their index in the plan.
fn tested<'a>(boot: &'a Handover, plan: &Plan<'a>, check: Check) -> impl Iterator<Item = (usize, EntryRef<'a>)> {
    plan.entries()
        .enumerate()
        .filter(move |(index, entry)| entry.checks & check.mask() != 0 && boot.stubs.plain(*index).is_some())
}

/// Returns why a check cannot be made here.
fn obstacle(pes: usize, check: Check, identity: Option<&Identity>) -> Option<&'static str> {
    let spec = check.spec();
    let of_identity = matches!(spec.change, Change::Identity | Change::IdentityOfSecondaries);
    if of_identity && identity.is_none() {
        Some("runtime address is the physical one: there is no 1:1 map")
    } else if usize::from(check.pes()) > pes {
        Some(match check.pes() {
            2 => "needs 2 PEs",
            _ => "needs 3 PEs",
        })
    } else if spec.change == Change::IdentityOfSecondaries && !secondaries::can_restart() {
        Some("needs PSCI to turn a PE off and on")
    } else if spec.regime.is_host() && ID_AA64MMFR1_EL1.read(ID_AA64MMFR1_EL1::VH) == 0 {
        Some("FEAT_VHE is not implemented here")
    } else {
        missing(spec)
    }
}

/// Returns which optional feature of the tables a check needs and this PE lacks.
fn missing(spec: &Spec) -> Option<&'static str> {
    let updates = ID_AA64MMFR1_EL1.read(ID_AA64MMFR1_EL1::HAFDBS);
    let (stage2, mmfr0) = (spec.regime.changes_stage2(), ID_AA64MMFR0_EL1.get());
    let field = |shift: u32| mmfr0 >> shift & 0b1111;
    // Stage 2 has fields of its own; 0 there: as in stage 1.
    let granule = |stage1: bool, of_stage2: u64| match of_stage2 {
        0 => stage1,
        of_stage2 => of_stage2 >= 2,
    };
    // TGran16: 0 is not implemented; TGran64: 0b1111 is not.
    let (has_16k, has_64k) = (field(20) != 0, field(24) != 0b1111);
    let (stage2_16k, stage2_64k) = (granule(has_16k, field(32)), granule(has_64k, field(36)));
    match spec.change {
        Change::Clean if updates < 2 => return Some("hardware management of dirty state is not implemented here"),
        Change::Age if updates < 1 => return Some("hardware management of the access flag is not implemented here"),
        _ => {}
    }
    match spec.granule {
        Granule::K16 if !(if stage2 { stage2_16k } else { has_16k }) => Some("no 16 KiB granule here"),
        Granule::K64 if !(if stage2 { stage2_64k } else { has_64k }) => Some("no 64 KiB granule here"),
        _ => None,
    }
}

/// Makes all trials of one check, prints what they saw, and fills in the verdicts.
fn run_one(
    boot: &Handover,
    plan: &Plan<'_>,
    identity: Option<&Identity>,
    pes: usize,
    check: Check,
    random: &mut Random,
    verdicts: &mut Verdicts,
) -> Result<(), &'static str> {
    if let Some(reason) = obstacle(pes, check, identity) {
        return Err(reason);
    }
    let good = plan
        .entries()
        .enumerate()
        .find(|(index, entry)| entry.good_for & check.mask() != 0 && boot.stubs.plain(*index).is_some())
        .ok_or("the plan has no known-good sequence for it")?;
    let pages = Pages::new(boot.load);
    let &Spec { regime, granule, .. } = check.spec();
    let guest = regime.is_guest().then(|| {
        GuestMap::build(regime, granule, boot.load, pages).unwrap_or_else(|_| fatal("out of tables for EL1 and EL0"))
    });
    let setup = Setup::new(check.spec(), guest, boot);
    let context = Context {
        boot,
        setup: &setup,
        pages,
        identity,
    };
    let all = usize::from(check.pes());
    in_regime(&setup, identity, all, Command::Enter);
    let result = trials(&context, plan, check, good, random, verdicts);
    in_regime(&setup, identity, all, Command::Leave);
    result
}

/// Has every PE of a check enter or leave its regime.
fn in_regime(setup: &Setup, identity: Option<&Identity>, pes: usize, command: Command) {
    // The switch between EL2 and EL2&0 runs with the MMU off, in the 1:1 map.
    let identity = identity.filter(|_| setup.regime.is_host());
    if let Some(identity) = identity {
        identity.entry.set(identity.descriptor);
        dsb_ishst();
        isb();
    }
    // SAFETY: the 1:1 map is there.
    unsafe {
        if command == Command::Enter {
            setup.enter();
        } else {
            setup.leave();
        }
    }
    for pe in 1..pes {
        pe::call(pe, command, &raw const *setup as usize, 0);
    }
    if let Some(identity) = identity {
        identity.remove();
        flush_el2_is();
    }
}

fn trials(
    context: &Context<'_>,
    plan: &Plan<'_>,
    check: Check,
    (good, good_entry): (usize, EntryRef<'_>),
    random: &mut Random,
    verdicts: &mut Verdicts,
) -> Result<(), &'static str> {
    let boot = context.boot;
    let nothing = boot.stubs.nothing();
    let starts = check.spec().change == Change::IdentityOfSecondaries;
    let stress = plan.settings.stress;
    let make = |trial: &Trial<'_>, stub, operands: &Operands, random: &mut Random| {
        if starts {
            trial.run_start(stub, operands)
        } else {
            trial.run(stub, operands, random, stress)
        }
    };
    let mut chosen = None;
    for candidate in 0..CANDIDATES {
        let Some(trial) = Trial::new(context, check, candidate) else {
            break;
        };
        // Stress would evict the entry now and then; the page is chosen without.
        let stale = (0..CALIBRATION).all(|_| starts || trial.run(nothing, &[0; 8], random, 0) == Outcome::Stale);
        trial.finish();
        if stale {
            chosen = Some(trial);
            break;
        }
        chosen.get_or_insert(trial);
    }
    let trial = chosen.ok_or(if check.spec().is_block() {
        "by the device tree the block around the image is not all free memory"
    } else {
        "no address to make it at"
    })?;

    let idle = Runner {
        id: "none",
        role: Role::NoMaintenance,
        stub: nothing,
        operands: [0; 8],
        seen: Outcomes::default(),
    };
    let mut runners = [idle; MAX_SEQUENCES + 2];
    let mut count = 1;
    let mut add = |role, index: usize, entry: &EntryRef<'_>| {
        if let Some(stub) = boot.stubs.plain(index) {
            let skip = plan.settings.planted == Some(Planted::SkipSequence) && role == Role::Test;
            runners[count] = Runner {
                id: plan.entries().nth(index).map_or("", |entry| entry.id),
                role,
                stub: if skip { nothing } else { stub },
                operands: operands(entry, trial.subject()),
                seen: Outcomes::default(),
            };
            count += 1;
        }
    };
    add(Role::KnownGood, good, &good_entry);
    for (index, entry) in tested(boot, plan, check) {
        add(Role::Test, index, &entry);
    }
    let runners = &mut runners[..count];

    let mut order: [u8; MAX_SEQUENCES + 2] = core::array::from_fn(|i| i as u8);
    let order = &mut order[..count];
    let rounds = match plan.settings.trials {
        trials if starts => trials.div_ceil(TRIALS_PER_START),
        trials => trials,
    };
    let started = ticks();
    for _ in 0..rounds {
        random.shuffle(order);
        for &runner in &*order {
            let runner = &mut runners[usize::from(runner)];
            runner.seen.add(make(&trial, runner.stub, &runner.operands, random));
        }
    }
    let ticks = ticks() - started;
    trial.finish();

    let observer = trial.observer() as u32;
    for runner in &*runners {
        let (check, seq, role) = (check.id(), runner.id, runner.role.id());
        console::record(&Record::Outcome {
            check,
            seq,
            role,
            pe: observer,
            outcomes: runner.seen,
        });
    }
    console::record(&Record::Pace {
        check: check.id(),
        trials: rounds * count as u32,
        ticks,
    });
    let [none, good] = [runners[0].seen, runners[1].seen];
    for ((index, _), runner) in tested(boot, plan, check).zip(&runners[2..]) {
        verdicts[index] = Some(classify(check, &runner.seen, &none, &good));
    }
    Ok(())
}
