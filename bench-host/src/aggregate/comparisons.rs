// SPDX-License-Identifier: MIT OR Apache-2.0
//! The statistics of every series, and of every pair of them that is to be compared.

use report::model::{Comparison, Finding, Interval, Net, Part, Ratio, Series, Statistics};
use results::manifest::Manifest;

use super::EMPTY_FRAME;
use super::samples::Collected;
use crate::stats::bootstrap::{MIN_BATCHES, SplitMix64};
use crate::stats::overhead::{self, Overhead};
use crate::stats::{self, Histogram, batch, compare, median_interval};

/// Computes the series and the comparisons, in the order of the plan.
pub fn evaluate(mut collected: Vec<Collected>, manifest: &Manifest) -> (Vec<Series>, Vec<Comparison>) {
    let place = |seq: &str| {
        let found = manifest.plan.sequences.iter().position(|planned| planned.id == seq);
        found.unwrap_or(usize::MAX)
    };
    collected.sort_by_key(|c| (c.pe, c.event, !is_empty_frame(&c.seq, manifest), place(&c.seq)));
    let series: Vec<Series> = collected
        .iter()
        .map(|c| {
            let frame = collected
                .iter()
                .find(|other| (other.pe, other.event) == (c.pe, c.event) && is_empty_frame(&other.seq, manifest));
            one_series(c, frame.and_then(|frame| Overhead::of(&frame.whole)), manifest)
        })
        .collect();
    let comparisons = compare_all(&series, manifest.plan.seed.0);
    (series, comparisons)
}

fn is_empty_frame(seq: &str, manifest: &Manifest) -> bool {
    let planned = manifest.sequence(seq);
    planned.map_or(seq == EMPTY_FRAME, |planned| planned.words.trim().is_empty())
}

fn part(seq: &str, manifest: &Manifest) -> Part {
    match manifest.sequence(seq) {
        _ if is_empty_frame(seq, manifest) => Part::Empty,
        Some(planned) if planned.baseline => Part::Baseline,
        Some(planned) => planned.aa_of.clone().map_or(Part::Test, Part::Twin),
        None => Part::Test,
    }
}

fn one_series(c: &Collected, frame: Option<Overhead>, manifest: &Manifest) -> Series {
    let part = part(&c.seq, manifest);
    let random = SplitMix64::named(
        manifest.plan.seed.0,
        &format!("net {} {} {}", c.seq, c.pe, c.event.id()),
    );
    Series {
        stats: statistics(&c.whole, &c.batches, &part, frame, random),
        text: manifest
            .sequence(&c.seq)
            .map(|planned| planned.text.clone())
            .unwrap_or_default(),
        seq: c.seq.clone(),
        part,
        pe: c.pe,
        event: c.event,
        short_batches: c.short_batches,
        distribution: c.whole.iter().collect(),
        batches: c.batches.clone(),
    }
}

fn statistics(
    h: &Histogram,
    batches: &[(u32, f64)],
    part: &Part,
    frame: Option<Overhead>,
    random: SplitMix64,
) -> Option<Statistics> {
    let median = h.median()?;
    let medians: Vec<f64> = batches.iter().map(|&(_, median)| median).collect();
    let net = match frame {
        _ if *part == Part::Empty => Net::IsFrame,
        None => Net::NoFrame,
        Some(frame) => match frame.subtract(median) {
            overhead::Net::Resolved(net) => Net::Resolved(net),
            overhead::Net::BelowResolution => Net::BelowResolution(frame.spread),
        },
    };
    let net_interval = match (net, frame) {
        (Net::Resolved(net), Some(frame)) => median_interval(&medians, random).map(|(_, i)| Interval {
            // The median of all samples is not quite the median of the batch medians: never outside its own interval.
            low: (i.low - frame.median).min(net).max(0.0),
            high: (i.high - frame.median).max(net),
        }),
        _ => None,
    };
    Some(Statistics {
        samples: h.count(),
        min: h.min()?,
        p1: h.quantile(1, 100)?,
        p10: h.quantile(10, 100)?,
        median,
        p90: h.quantile(90, 100)?,
        p99: h.quantile(99, 100)?,
        p999: h.quantile(999, 1000)?,
        max: h.max()?,
        mean: h.mean()?,
        mad: h.mad()?,
        net,
        net_interval,
        drift: batch::drift(&medians),
    })
}

fn compare_all(series: &[Series], seed: u64) -> Vec<Comparison> {
    let mut comparisons = Vec::new();
    for baseline in series.iter().filter(|series| series.part == Part::Baseline) {
        let beside = |other: &&Series| {
            (other.pe, other.event) == (baseline.pe, baseline.event)
                && !matches!(other.part, Part::Empty | Part::Baseline)
        };
        let frame = series
            .iter()
            .find(|other| other.part == Part::Empty && (other.pe, other.event) == (baseline.pe, baseline.event))
            .and_then(|frame| frame.stats);
        let is_twin = |other: &Series| other.part == Part::Twin(baseline.seq.clone());
        let floor = series
            .iter()
            .filter(beside)
            .find(|other| is_twin(other))
            .and_then(|twin| {
                let (net, raw) = ratios(twin, baseline, frame.as_ref(), seed);
                if frame.is_some() { net } else { raw }
            })
            .map(|ratio| compare::noise_floor(&ratio));
        for other in series.iter().filter(beside) {
            let (net, raw) = ratios(other, baseline, frame.as_ref(), seed);
            comparisons.push(Comparison {
                seq: other.seq.clone(),
                baseline: baseline.seq.clone(),
                is_twin: is_twin(other),
                pe: other.pe,
                event: other.event,
                net: net.as_ref().map(to_model),
                raw: raw.as_ref().map(to_model),
                noise_floor: floor,
                finding: finding(other, baseline, if frame.is_some() { net } else { raw }, floor),
            });
        }
    }
    comparisons
}

/// Returns the net and the raw ratio.
fn ratios(
    other: &Series,
    baseline: &Series,
    frame: Option<&Statistics>,
    seed: u64,
) -> (Option<compare::Ratio>, Option<compare::Ratio>) {
    let pairs = pairs(&other.batches, &baseline.batches);
    let ratio = |basis: &str, overhead| {
        let name = format!(
            "{basis} {} {} {} {}",
            other.seq,
            baseline.seq,
            other.pe,
            other.event.id()
        );
        compare::paired_ratio(&pairs, overhead, SplitMix64::named(seed, &name))
    };
    let resolved = |series: &Series| {
        matches!(
            series.stats,
            Some(Statistics {
                net: Net::Resolved(_),
                ..
            })
        )
    };
    let net = frame
        .filter(|_| resolved(other) && resolved(baseline))
        .and_then(|frame| ratio("net", frame.median));
    (net, ratio("raw", 0.0))
}

/// Returns the medians of the batches both have; both lists are in rising order.
fn pairs(other: &[(u32, f64)], baseline: &[(u32, f64)]) -> Vec<(f64, f64)> {
    let of_baseline = |batch: u32| {
        let at = baseline.binary_search_by_key(&batch, |&(index, _)| index).ok()?;
        Some(baseline[at].1)
    };
    let pair = |&(batch, median): &(u32, f64)| Some((median, of_baseline(batch)?));
    other.iter().filter_map(pair).collect()
}

fn finding(other: &Series, baseline: &Series, ratio: Option<compare::Ratio>, floor: Option<f64>) -> Finding {
    let have = pairs(&other.batches, &baseline.batches).len();
    let below = |series: &Series| {
        matches!(
            series.stats,
            Some(Statistics {
                net: Net::BelowResolution(_),
                ..
            })
        )
    };
    match (ratio, floor) {
        _ if compare::too_few(have) => Finding::TooFewSamples {
            have: have as u64,
            need: MIN_BATCHES as u64,
        },
        _ if below(other) || below(baseline) => Finding::BelowResolution,
        (Some(ratio), Some(floor)) => match compare::finding(&ratio, floor) {
            compare::Finding::Faster => Finding::Faster,
            compare::Finding::Slower => Finding::Slower,
            compare::Finding::Indistinguishable => Finding::Indistinguishable,
        },
        _ => Finding::NoNoiseFloor,
    }
}

fn to_model(ratio: &compare::Ratio) -> Ratio {
    let stats::Interval { low, high } = ratio.interval;
    Ratio {
        estimate: ratio.estimate,
        interval: Interval { low, high },
        batches: ratio.batches as u64,
    }
}
