// SPDX-License-Identifier: MIT OR Apache-2.0
//! Making the rows: which sequences stand beside each other, and by which statistics.

use report::model::Net;
use results::manifest::{HARDWARE_LABEL, Manifest};
use results::record::Event;

use super::comparable::{is_other_sequence, obstacle};
use super::gate::is_across_machines;
use super::load::{Loaded, Measured, RunData};
use super::random;
use super::row::{Finding, Numbers, Row, Unit};
use crate::aggregate::paired;
use stats::between::{self, Batches, many_runs, one_run_each};
use stats::bootstrap::{MIN_BATCHES, median_of_sorted};
use stats::compare::{self, Ratio, paired_ratio};
use stats::rank::mann_whitney_of;
use stats::signed_rank::signed_rank;
use stats::{holm, median_interval};

/// A sequence, PE and event.
type Key = (String, u32, Event);

/// The measurements of one sequence on one side: those of every run that has it.
type Found<'a> = Vec<(&'a RunData, &'a Measured)>;

/// Compares every sequence of every side with the baseline's. Returns the rows and how many p-values were corrected
/// together.
pub fn rows(loaded: &Loaded, baseline: usize, only: &[String]) -> (Vec<Row>, usize) {
    let others = (0..loaded.sides.len()).filter(|&side| side != baseline);
    let mut rows: Vec<Row> = others
        .flat_map(|side| {
            let keys = keys(loaded, baseline, side, only);
            keys.into_iter().map(move |key| row(loaded, baseline, side, &key))
        })
        .collect();
    let tested: Vec<f64> = rows.iter().filter_map(|row| Some(row.numbers?.p)).collect();
    let mut corrected = holm::holm(&tested).into_iter();
    for row in &mut rows {
        if let Some(numbers) = &mut row.numbers {
            numbers.p = corrected.next().unwrap_or(1.0);
        }
        if let Some(numbers) = row.numbers
            && row.finding == Finding::Indistinguishable
        {
            row.finding = finding(row, &numbers, tested.len());
        }
    }
    (rows, tested.len())
}

/// Says which sequences are in some runs of a side only.
pub fn partial(loaded: &Loaded, rows: &[Row]) -> Vec<String> {
    let mut notes = Vec::new();
    for (index, side) in loaded.sides.iter().enumerate().filter(|(_, side)| side.runs.len() > 1) {
        for seq in rows.iter().flat_map(|row| [&row.seq, &row.baseline_seq]) {
            let has = |run: &&RunData| run.series.iter().any(|m| m.seq == *seq);
            let (have, all) = (loaded.runs_of(index).filter(has).count(), side.runs.len());
            let note = format!("{}: {seq} is in {have} of its {all} runs only", side.label);
            if (1..all).contains(&have) && !notes.contains(&note) {
                notes.push(note);
            }
        }
    }
    notes
}

/// Returns what is to be compared between two sides: the baseline's sequences first. Where a sequence was named for each
/// side, the key has the baseline's.
fn keys(loaded: &Loaded, baseline: usize, side: usize, only: &[String]) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    for index in [baseline, side] {
        let named = loaded.sides[index].seq.as_deref();
        let measured = loaded.runs_of(index).flat_map(|run| &run.series);
        for m in measured.filter(|m| named.is_none_or(|seq| m.seq == seq)) {
            let seq = loaded.sides[baseline].seq.as_ref().unwrap_or(&m.seq);
            let key = (seq.clone(), m.pe, m.event);
            if !keys.contains(&key) && (only.is_empty() || only.contains(seq)) {
                keys.push(key);
            }
        }
    }
    keys
}

fn row(loaded: &Loaded, baseline: usize, side: usize, (baseline_seq, pe, event): &Key) -> Row {
    let seq = loaded.sides[side].seq.as_ref().unwrap_or(baseline_seq);
    let find = |side: usize, seq: &str| -> Found<'_> {
        let runs = loaded.runs_of(side);
        runs.filter_map(|run| Some((run, run.measured(seq, *pe, *event)?)))
            .collect()
    };
    let (ours, theirs) = (find(side, seq), find(baseline, baseline_seq));
    let all = || ours.iter().chain(&theirs);
    let is_net = all().all(|(_, m)| m.frame.is_some());
    let mut row = Row {
        side,
        seq: seq.clone(),
        baseline_seq: baseline_seq.clone(),
        pe: *pe,
        event: *event,
        no_timing: all().find_map(|(run, _)| no_timing(&run.manifest)),
        is_across_machines: is_across_machines(loaded, baseline, side),
        is_net,
        value: middle(&ours, is_net),
        baseline_value: middle(&theirs, is_net),
        unit: unit(loaded, baseline, side),
        numbers: None,
        noise_floor: None,
        finding: Finding::Indistinguishable,
    };
    let obstacle = absent(loaded, side, seq, &ours)
        .or_else(|| absent(loaded, baseline, baseline_seq, &theirs))
        .or_else(|| unlike(&ours, &theirs, seq == baseline_seq));
    if let Some(reason) = obstacle {
        row.finding = Finding::Incomparable(reason);
        return row;
    }
    row.noise_floor = noise_floor(&row, &ours, &theirs);
    if is_net && all().any(|(_, m)| matches!(m.net, Net::BelowResolution(_))) {
        row.finding = Finding::BelowResolution;
        return row;
    }
    row.numbers = numbers(&row, &ours, &theirs);
    if row.numbers.is_none() {
        let batches = all().map(|(_, m)| m.batches.len()).min().unwrap_or(0);
        row.finding = Finding::TooFewBatches {
            have: batches,
            need: MIN_BATCHES,
        };
    }
    row
}

fn unit(loaded: &Loaded, baseline: usize, side: usize) -> Unit {
    let (a, b) = (&loaded.sides[baseline].runs, &loaded.sides[side].runs);
    match (a == b, a.len(), b.len()) {
        (true, 1, _) => Unit::PairedBatches,
        (true, ..) => Unit::PairedRuns,
        (false, 1, 1) => Unit::Batches,
        (false, ..) => Unit::Runs,
    }
}

/// Returns why the counts of a run are no timing, if they are not.
fn no_timing(manifest: &Manifest) -> Option<&'static str> {
    match manifest.label.as_str() {
        HARDWARE_LABEL => None,
        _ if manifest.simulator => Some("simulated"),
        _ if manifest.origin() == HARDWARE_LABEL => Some("under a hypervisor"),
        _ => Some("unstated"),
    }
}

/// Returns why a side has no such measurement.
fn absent(loaded: &Loaded, side: usize, seq: &str, found: &Found<'_>) -> Option<String> {
    if !found.is_empty() {
        return None;
    }
    let label = &loaded.sides[side].label;
    let mut skipped = loaded
        .runs_of(side)
        .filter_map(|run| run.manifest.sequence(seq)?.skipped.as_ref());
    if let Some(reason) = skipped.next() {
        return Some(format!("not run in {label}: {reason}"));
    }
    let mut elsewhere = loaded
        .runs_of(side)
        .flat_map(|run| &run.series)
        .filter(|m| m.seq == seq);
    Some(match elsewhere.next() {
        Some(m) => format!("in {label} on PE {} only, counted in {}", m.pe, m.event.id()),
        None => format!("missing in {label}"),
    })
}

/// Returns why measurements are not of the same thing.
fn unlike(ours: &Found<'_>, theirs: &Found<'_>, is_same_id: bool) -> Option<String> {
    let (first, m) = theirs.first()?;
    let mut others = theirs[1..].iter().chain(ours);
    others.find_map(|(run, _)| {
        let (a, b) = (&first.manifest, &run.manifest);
        let other = is_same_id && is_other_sequence(&m.seq, a, b);
        let message = || format!("not comparable: {} has other instructions in {}", m.seq, run.name);
        obstacle(a, b).or_else(|| other.then(message))
    })
}

fn value(m: &Measured, is_net: bool) -> f64 {
    if is_net {
        (m.level - m.frame.unwrap_or(0.0)).max(0.0)
    } else {
        m.level
    }
}

fn middle(found: &Found<'_>, is_net: bool) -> Option<f64> {
    median(found.iter().map(|(_, m)| value(m, is_net)))
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    median_of_sorted(&sorted)
}

/// Returns the noise floor: of the runs both share, or compounded from those of the two sides; over several runs, the
/// median of theirs.
fn noise_floor(row: &Row, ours: &Found<'_>, theirs: &Found<'_>) -> Option<f64> {
    let of = |found: &Found<'_>| -> Option<f64> {
        let floors: Option<Vec<f64>> = found.iter().map(|(run, _)| run.floor(row.pe, row.event)).collect();
        median(floors?.into_iter())
    };
    match row.unit {
        Unit::PairedBatches | Unit::PairedRuns => of(ours),
        Unit::Batches | Unit::Runs => Some((1.0 + of(ours)?) * (1.0 + of(theirs)?) - 1.0),
    }
}

/// Returns the numbers, with a p-value that is not corrected yet.
fn numbers(row: &Row, ours: &Found<'_>, theirs: &Found<'_>) -> Option<Numbers> {
    let (run, our) = ours.first()?;
    let (base, their) = theirs.first()?;
    let overhead = |m: &Measured| if row.is_net { m.frame.unwrap_or(0.0) } else { 0.0 };
    let event = row.event.id();
    let from = |ratio: Ratio, units: usize, baseline_units: usize, p: f64| Numbers {
        ratio: ratio.estimate,
        interval: Some(ratio.interval),
        units,
        baseline_units,
        p,
    };
    match row.unit {
        Unit::PairedBatches => {
            let pairs = paired(&our.batches, &their.batches);
            // Drawn as in the run's own report, so that both show the same interval.
            let basis = if row.is_net { "net" } else { "raw" };
            let name = format!("{basis} {} {} {} {event}", row.seq, row.baseline_seq, row.pe);
            let random = stats::bootstrap::SplitMix64::named(run.manifest.plan.seed.0, &name);
            let ratio = paired_ratio(&pairs, overhead(our), random)?;
            let differences: Vec<f64> = pairs.iter().map(|(a, b)| a - b).collect();
            Some(from(ratio, pairs.len(), pairs.len(), signed_rank(&differences)))
        }
        Unit::Batches => {
            let medians = |m: &Measured| m.batches.iter().map(|&(_, median)| median).collect::<Vec<_>>();
            let (ours, theirs) = (medians(our), medians(their));
            let name = format!(
                "{} {} {} {} {} {event}",
                run.name, base.name, row.seq, row.baseline_seq, row.pe
            );
            let of = |medians, m| Batches {
                medians,
                overhead: overhead(m),
            };
            let ratio = one_run_each(of(&ours, our), of(&theirs, their), random(&name))?;
            let net = |medians: &[f64], m| medians.iter().map(|median| median - overhead(m)).collect::<Vec<_>>();
            let test = mann_whitney_of(&net(&theirs, their), &net(&ours, our))?;
            Some(from(ratio, ours.len(), theirs.len(), test.p))
        }
        Unit::PairedRuns => {
            let of_run = |of: &RunData| {
                let found = theirs.iter().find(|(run, _)| run.folder == of.folder);
                found.map(|(_, m)| value(m, row.is_net))
            };
            let pairs = ours
                .iter()
                .filter_map(|(run, m)| Some((value(m, row.is_net), of_run(run)?)));
            let ratios: Vec<f64> = pairs.map(|(a, b)| a / b).filter(|ratio| ratio.is_finite()).collect();
            let logarithms: Vec<f64> = ratios.iter().map(|ratio| ratio.ln()).collect();
            let name = format!("{} {} {} {event}", row.seq, row.baseline_seq, row.pe);
            let interval = median_interval(&ratios, random(&name));
            Some(Numbers {
                ratio: median(ratios.iter().copied())?,
                interval: interval.map(|(_, interval)| interval),
                units: ratios.len(),
                baseline_units: ratios.len(),
                p: signed_rank(&logarithms),
            })
        }
        Unit::Runs => {
            let values = |found: &Found<'_>| found.iter().map(|(_, m)| value(m, row.is_net)).collect::<Vec<_>>();
            let (ours, theirs) = (values(ours), values(theirs));
            let ratio = many_runs(&ours, &theirs)?;
            Some(Numbers {
                ratio: ratio.estimate,
                interval: ratio.interval,
                units: ours.len(),
                baseline_units: theirs.len(),
                p: mann_whitney_of(&theirs, &ours)?.p,
            })
        }
    }
}

/// Says what the numbers allow to be said, as one of `family` comparisons.
fn finding(row: &Row, numbers: &Numbers, family: usize) -> Finding {
    let have = (numbers.units, numbers.baseline_units);
    let fewer = have.0.min(have.1);
    let few_runs = |need| Finding::TooFewRuns { have, need };
    match row.unit {
        Unit::PairedBatches | Unit::Batches => {
            let need = match row.unit {
                Unit::PairedBatches => holm::batches_needed(family),
                _ => between::runs_needed(family).max(MIN_BATCHES),
            };
            if fewer < need {
                return Finding::TooFewBatches { have: fewer, need };
            }
        }
        Unit::PairedRuns if fewer < holm::batches_needed(family) => return few_runs(holm::batches_needed(family)),
        Unit::Runs if between::least_p(have.0, have.1) * family as f64 > holm::LEVEL => {
            return few_runs(between::runs_needed(family));
        }
        Unit::PairedRuns | Unit::Runs => {}
    }
    let (Some(floor), Some(interval)) = (row.noise_floor, numbers.interval) else {
        return Finding::NoNoiseFloor;
    };
    let ratio = Ratio {
        estimate: numbers.ratio,
        interval,
        batches: fewer,
    };
    match compare::finding(&ratio, floor, numbers.p) {
        compare::Finding::Faster => Finding::Lower,
        compare::Finding::Slower => Finding::Higher,
        compare::Finding::WithinNoise => Finding::WithinNoise,
        compare::Finding::Indistinguishable => Finding::Indistinguishable,
    }
}
