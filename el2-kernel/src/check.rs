// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs the checks of a plan: every checked sequence beside its two controls, interleaved in a seeded order.
//!
//! A simulator's TLB is direct-mapped by address, and an unlucky access evicts the entry that a check is about. So
//! every check first looks for a page on which the bad control (no maintenance at all) shows the stale translation, and
//! all its trials use that page. Where there is none, the check has no power here, and its verdict says so.

use results::check::{Check, Outcome, Outcomes, Role};
use results::plan::{EntryRef, MAX_SEQUENCES, Plan, flags};
use results::record::Record;
use results::verdict::{Class, classify};

use crate::boot::Handover;
use crate::console;
use crate::identity::Identity;
use crate::operands::{Operands, operands};
use crate::order::Random;
use crate::stop::note_failure;
use crate::trial::Trial;

/// Pages tried to find one on which the bad control is stale.
const CANDIDATES: u64 = 16;
/// Trials of the bad control on each.
const CALIBRATION: u32 = 4;

/// A sequence in its role, and what it has seen.
#[derive(Clone, Copy)]
struct Runner<'a> {
    id: &'a str,
    role: Role,
    stub: usize,
    operands: Operands,
    seen: Outcomes,
}

/// Runs every check of the plan.
pub fn run(boot: &Handover, plan: &Plan<'_>, identity: Option<&Identity>) {
    let checks = Check::ALL
        .into_iter()
        .filter(|check| plan.settings.checks & check.mask() != 0);
    if plan.settings.trials == 0 || tested(boot, plan).next().is_none() {
        return;
    }
    let mut random = Random::new(plan.settings.seed ^ 0x6368_6563_6b73);
    let steps = checks.clone().count() as u32;
    console::record(&Record::Phase { name: "check", steps });
    // Verdicts come after all outcomes: a lab's monitor reads one kind of line at a time.
    let mut verdicts = [None; Check::ALL.len()];
    for (check, verdict) in checks.zip(&mut verdicts) {
        *verdict = Some((check, run_one(boot, plan, identity, check, &mut random)));
    }
    for (check, seen) in verdicts.into_iter().flatten() {
        for (at, (_, entry)) in tested(boot, plan).enumerate() {
            let (class, reason) = match seen {
                None => (
                    Class::Skipped,
                    "runtime address is the physical one: there is no 1:1 map",
                ),
                Some(seen) => classify(check, &seen.tested[at], &seen.none, &seen.good),
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
}

/// The outcomes of one check.
#[derive(Clone, Copy)]
struct Seen {
    none: Outcomes,
    good: Outcomes,
    /// In the order of [`tested`].
    tested: [Outcomes; MAX_SEQUENCES],
}

/// Returns the sequences that are checked and can run here, with their index in the plan.
fn tested<'a>(boot: &'a Handover, plan: &Plan<'a>) -> impl Iterator<Item = (usize, EntryRef<'a>)> {
    plan.entries()
        .enumerate()
        .filter(|(index, entry)| entry.flags & flags::CHECKED != 0 && boot.stubs.plain(*index).is_some())
}

/// Makes all trials of one check and prints what they saw. `None`: the check does not apply to this boot.
fn run_one(
    boot: &Handover,
    plan: &Plan<'_>,
    identity: Option<&Identity>,
    check: Check,
    random: &mut Random,
) -> Option<Seen> {
    let nothing = boot.stubs.nothing();
    let mut candidates = (0..CANDIDATES).map_while(|candidate| Trial::new(boot, check, identity, candidate));
    let first = candidates.next()?;
    let trial = core::iter::once(first)
        .chain(candidates)
        .find(|trial| (0..CALIBRATION).all(|_| trial.run(nothing, &[0; 8]) == Outcome::Stale))
        .unwrap_or(first);

    let known_good = usize::from(plan.settings.known_good);
    let idle = Runner {
        id: "none",
        role: Role::NoMaintenance,
        stub: nothing,
        operands: [0; 8],
        seen: Outcomes::default(),
    };
    let mut runners = [idle; MAX_SEQUENCES + 2];
    let mut count = 1;
    let mut add = |id, role, index: usize, entry: &EntryRef<'_>| {
        if let Some(stub) = boot.stubs.plain(index) {
            let operands = operands(entry, trial.address());
            runners[count] = Runner {
                id,
                role,
                stub,
                operands,
                seen: Outcomes::default(),
            };
            count += 1;
        }
    };
    for (index, entry) in plan.entries().enumerate().filter(|(index, _)| *index == known_good) {
        add(entry.id, Role::KnownGood, index, &entry);
    }
    for (index, entry) in tested(boot, plan) {
        add(entry.id, Role::Test, index, &entry);
    }
    let runners = &mut runners[..count];

    let mut order: [u8; MAX_SEQUENCES + 2] = core::array::from_fn(|i| i as u8);
    let order = &mut order[..count];
    for _ in 0..plan.settings.trials {
        random.shuffle(order);
        for &runner in &*order {
            let runner = &mut runners[usize::from(runner)];
            runner.seen.add(trial.run(runner.stub, &runner.operands));
        }
    }

    let mut seen = Seen {
        none: Outcomes::default(),
        good: Outcomes::default(),
        tested: [Outcomes::default(); MAX_SEQUENCES],
    };
    let mut places = seen.tested.iter_mut();
    for runner in &*runners {
        let (check, seq, role) = (check.id(), runner.id, runner.role.id());
        console::record(&Record::Outcome {
            check,
            seq,
            role,
            pe: 0,
            outcomes: runner.seen,
        });
        match runner.role {
            Role::NoMaintenance => seen.none = runner.seen,
            Role::KnownGood => seen.good = runner.seen,
            Role::Test => *places.next()? = runner.seen,
        }
    }
    Some(seen)
}
