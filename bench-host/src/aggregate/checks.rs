// SPDX-License-Identifier: MIT OR Apache-2.0
//! The checks of a run: counts, controls and classes.

use std::collections::HashMap;

use report::model::{CheckResult, CheckRow};
use results::check::{Check, Outcomes, Role};
use results::manifest::Manifest;
use results::store::{LitmusRow, Row, Run, StoreError, VerdictRow};
use results::verdict::{Class, Controls, classify};
use stats::zero_events;

/// Reads the checks, and returns beside them where counts and stored classes contradict each other.
pub fn read(run: &Run) -> Result<(Vec<CheckResult>, Vec<String>), StoreError> {
    let litmus = rows(run)?;
    let verdicts: Vec<VerdictRow> = run.verdicts()?.collect::<Result<_, _>>()?;
    let mut contradictions = Vec::new();
    let results = Check::ALL
        .into_iter()
        .filter(|&check| {
            let planned = run.manifest.plan.checks.contains(&check);
            planned || litmus.iter().any(|row| row.check == check) || verdicts.iter().any(|row| row.check == check)
        })
        .map(|check| one_check(check, &litmus, &verdicts, &run.manifest, &mut contradictions))
        .collect();
    Ok((results, contradictions))
}

fn one_check(
    check: Check,
    litmus: &[LitmusRow],
    verdicts: &[VerdictRow],
    manifest: &Manifest,
    contradictions: &mut Vec<String>,
) -> CheckResult {
    let of = |role: Role| litmus.iter().filter(move |row| row.check == check && row.role == role);
    let bad_control = sum(of(Role::NoMaintenance));
    let no_tlbi = sum(of(Role::NoInvalidation));
    let good_control = of(Role::KnownGood)
        .next()
        .map(|row| row.seq.clone())
        .zip(sum(of(Role::KnownGood)));
    let mut seqs: Vec<&str> = manifest
        .plan
        .sequences
        .iter()
        .filter(|s| s.is_tested_by(check))
        .map(|s| s.id.as_str())
        .collect();
    let arrived = of(Role::Test).map(|row| row.seq.as_str());
    let judged = verdicts
        .iter()
        .filter(|row| row.check == check)
        .map(|row| row.seq.as_str());
    for seq in arrived.chain(judged) {
        if !seqs.contains(&seq) {
            seqs.push(seq);
        }
    }
    let controls = Controls {
        nothing: bad_control.unwrap_or_default(),
        no_tlbi,
        good: good_control.as_ref().map(|(_, good)| *good).unwrap_or_default(),
    };
    let rows = seqs.into_iter().map(|seq| {
        let not_run = manifest.sequence(seq).and_then(|planned| planned.skipped.as_deref());
        let seen = sum(of(Role::Test).filter(|row| row.seq == seq));
        let outcomes = seen.unwrap_or_default();
        let (computed, why) = classify(check, &outcomes, &controls, manifest.scope_of(seq));
        let stored = verdicts.iter().find(|row| row.check == check && row.seq == seq);
        if let Some(stored) = stored.filter(|stored| stored.class != computed && stored.class != Class::Skipped) {
            contradictions.push(format!(
                "{} with {seq}: stored as {}, but the counts say {} ({why})",
                check.id(),
                stored.class.id(),
                computed.id()
            ));
        }
        let (class, reason) = match stored {
            Some(stored) => (stored.class, stored.reason.clone()),
            None if seen.is_none() => (Class::Skipped, not_run.unwrap_or("no outcome arrived").to_owned()),
            None => (computed, why.to_owned()),
        };
        CheckRow {
            seq: seq.to_owned(),
            outcomes,
            class,
            reason,
            stale_rate_bound: (class == Class::Pass).then(|| zero_events::upper_bound(trials(&outcomes))),
        }
    });
    CheckResult {
        id: check.id().to_owned(),
        title: check.title().to_owned(),
        expected: expected(check).to_owned(),
        bad_control,
        no_tlbi,
        good_control,
        rows: rows.collect(),
    }
}

/// Reads `litmus.csv`, and refuses counts whose sum over the PEs would not fit.
fn rows(run: &Run) -> Result<Vec<LitmusRow>, StoreError> {
    let mut totals: HashMap<(Check, Role, String), u64> = HashMap::new();
    let mut rows = Vec::new();
    for (index, row) in run.litmus()?.enumerate() {
        let row = row?;
        let total = totals.entry((row.check, row.role, row.seq.clone())).or_default();
        *total += trials(&row.outcomes());
        if *total > u32::MAX.into() {
            return Err(StoreError::Row {
                path: run.folder().join(LitmusRow::<String>::FILE),
                line: index as u64 + 2,
                field: None,
                message: format!("{total} trials of one check and sequence are more than a run can make"),
            });
        }
        rows.push(row);
    }
    Ok(rows)
}

/// Sums the counts of several PEs; `None` without any.
fn sum<'a>(rows: impl Iterator<Item = &'a LitmusRow>) -> Option<Outcomes> {
    rows.map(LitmusRow::outcomes).reduce(|a, b| Outcomes {
        stale: a.stale + b.stale,
        new: a.new + b.new,
        fault: a.fault + b.fault,
        other: a.other + b.other,
    })
}

/// Returns the number of trials; counts read from a file may be of any size, so they are summed in 64 bits.
fn trials(o: &Outcomes) -> u64 {
    [o.stale, o.new, o.fault, o.other].into_iter().map(u64::from).sum()
}

fn expected(check: Check) -> &'static str {
    use results::check::Outcome;
    match check.expected() {
        Outcome::New => "new",
        Outcome::Fault => "fault",
        Outcome::Stale | Outcome::Other => "other",
    }
}
