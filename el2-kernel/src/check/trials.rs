// SPDX-License-Identifier: MIT OR Apache-2.0
//! The trials of one check: every sequence beside its three controls, interleaved in a seeded order.
//!
//! A simulator's TLB is direct-mapped by address, and an unlucky access evicts the entry that a check is about. So
//! every check first looks for a page on which a bad control (barriers and no TLBI; where nothing needs one, no
//! maintenance at all) shows the stale translation, and all its trials use that page; under stress, one of several such pages, drawn anew for each. Where there is none, the
//! check has no power here, and its verdict says so.

use results::check::{Change, Check, Outcome, Outcomes, Role};
use results::plan::{EntryRef, MAX_SEQUENCES, Plan, Planted};
use results::record::Record;
use results::verdict::{Controls, Scope, classify};

use crate::arch::instructions::ticks;
use crate::arch::regime::OwnRegime;
use crate::check::context::Context;
use crate::check::trial::Trial;
use crate::check::verdicts::{Verdicts, tested};
use crate::platform::console;
use crate::platform::suspect;
use crate::platform::watchdog;
use crate::random::Random;
use crate::smp::bring_up;
use crate::stub::operands::{Operands, operands};
use crate::stub::planted;

/// No maintenance at all, barriers and no TLBI, and a sequence known to be good.
const CONTROLS: usize = 3;
/// Pages tried to find one on which the bad control is stale.
const CANDIDATES: u64 = 16;
/// Trials of the bad control on each.
const CALIBRATION: u32 = 4;
/// Pages used under stress.
const VICTIMS: usize = 4;

/// A sequence in its role, and what it has seen.
#[derive(Clone, Copy)]
struct Runner<'a> {
    id: &'a str,
    role: Role,
    /// Index in the plan; `None` for the bad controls.
    index: Option<usize>,
    stub: usize,
    /// `None` for the bad controls, and where the operands are not the victim's.
    entry: Option<EntryRef<'a>>,
    /// For the first victim.
    operands: Operands,
    seen: Outcomes,
}

/// Makes all trials of a check whose regime is entered, prints what they saw, and fills in the verdicts.
pub fn trials(
    context: &Context,
    plan: &Plan<'_>,
    check: Check,
    (good, good_entry): (usize, EntryRef<'_>),
    random: &mut Random,
    verdicts: &mut Verdicts,
) -> Result<(), &'static str> {
    let boot = context.boot;
    let (nothing, no_tlbi) = (boot.stubs.nothing(), boot.stubs.no_tlbi());
    let starts = check.spec().change == Change::IdentityOfSecondaries;
    let stress = plan.settings.stress;
    let (victims, count) = victims(context, check, if stress == 0 || starts { 1 } else { VICTIMS }, random);
    let Some(trial) = victims[0] else {
        return Err(if check.spec().is_block() {
            "by the device tree the block around the image is not all free memory"
        } else {
            "no address to make it at"
        });
    };

    let idle = Runner {
        id: "none",
        role: Role::NoMaintenance,
        index: None,
        stub: nothing,
        entry: None,
        operands: [0; 8],
        seen: Outcomes::default(),
    };
    let mut runners = [idle; MAX_SEQUENCES + CONTROLS];
    runners[1] = Runner {
        id: "no_tlbi",
        role: Role::NoInvalidation,
        stub: no_tlbi,
        ..idle
    };
    let mut running = CONTROLS - 1;
    let skip = plan.settings.planted == Some(Planted::SkipSequence);
    let good = [(Role::KnownGood, good, good_entry)].into_iter();
    let all = good.chain(tested(boot, plan, check).map(|(index, entry)| (Role::Test, index, entry)));
    for (role, index, entry) in all {
        let Some(stub) = boot.stubs.plain(index) else { continue };
        let late = planted::late_operands(plan, index);
        runners[running] = Runner {
            id: entry.id,
            role,
            index: Some(index),
            stub: if skip && role == Role::Test { nothing } else { stub },
            entry: late.is_none().then_some(entry),
            operands: late.unwrap_or_else(|| operands(&entry, trial.subject())),
            seen: Outcomes::default(),
        };
        running += 1;
    }
    let runners = &mut runners[..running];

    let mut order: [u8; MAX_SEQUENCES + CONTROLS] = core::array::from_fn(|i| i as u8);
    let order = &mut order[..running];
    let rounds = check.trials(plan.settings.trials);
    let started = ticks();
    let pes = usize::from(check.pes());
    for _ in 0..rounds {
        if !bring_up::all_answer(pes) {
            break;
        }
        random.shuffle(order);
        watchdog::watch();
        for &runner in &*order {
            let runner = &mut runners[usize::from(runner)];
            let (victim, operands) = match count {
                ..=1 => (&trial, runner.operands),
                several => {
                    let victim = victims[random.below(several)].as_ref().unwrap_or(&trial);
                    let values = runner.entry.map(|entry| operands(&entry, victim.subject()));
                    (victim, values.unwrap_or(runner.operands))
                }
            };
            suspect::runs(runner.index);
            runner.seen.add(if starts {
                victim.run_start(runner.stub, &operands)
            } else {
                victim.run(runner.stub, &operands, random, stress)
            });
        }
    }
    let ticks = ticks() - started;
    watchdog::rest();
    suspect::runs(None);
    victims.iter().flatten().for_each(Trial::finish);
    if !bring_up::all_answer(pes) {
        // What was seen by then is of fewer trials than planned, and the last one is no observation.
        return Err(bring_up::LOST);
    }

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
        trials: rounds * running as u32,
        ticks,
    });
    let controls = Controls {
        nothing: runners[0].seen,
        no_tlbi: Some(runners[1].seen),
        good: runners[2].seen,
    };
    let at_el1 = context.setup.own == OwnRegime::El1;
    for ((index, entry), runner) in tested(boot, plan, check).zip(&runners[CONTROLS..]) {
        let scope = Scope::of(at_el1, entry.words());
        verdicts[index] = Some(classify(check, &runner.seen, &controls, scope));
    }
    Ok(())
}

/// Finds up to `wanted` pages on which a bad control is stale, and returns them with their number. If there is none:
/// any page, for what it is worth.
fn victims(context: &Context, check: Check, wanted: usize, random: &mut Random) -> ([Option<Trial>; VICTIMS], usize) {
    let bad = if check.needs_invalidation() {
        context.boot.stubs.no_tlbi()
    } else {
        context.boot.stubs.nothing()
    };
    let starts = check.spec().change == Change::IdentityOfSecondaries;
    let (mut victims, mut count, mut any) = ([None; VICTIMS], 0, None);
    for trial in (0..CANDIDATES).map_while(|candidate| Trial::new(context, check, candidate)) {
        // Stress would evict the entry now and then; pages are chosen without.
        let mut is_stale = || trial.run(bad, &[0; 8], random, 0) == Outcome::Stale;
        let stale = starts || (0..CALIBRATION).all(|_| is_stale());
        if !bring_up::all_answer(check.pes().into()) {
            any.get_or_insert(trial);
            break;
        }
        trial.finish();
        any.get_or_insert(trial);
        if stale {
            victims[count] = Some(trial);
            count += 1;
            if count == wanted {
                break;
            }
        }
    }
    if count == 0 {
        victims[0] = any;
    }
    (victims, count)
}
