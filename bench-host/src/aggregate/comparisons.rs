// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every sequence beside the baseline.
//!
//! The unit of every interval and test is the batch: samples of one batch share what the machine did meanwhile. What
//! rests on single samples (the shift of samples, the superiority) only describes.

use report::model::{Comparison, Finding, Net, Part, Series, Shift, Statistics, Tests};

use super::decision::{Evidence, ratio_to_model, to_model};
use stats::bootstrap::SplitMix64;
use stats::rank::{mann_whitney, mann_whitney_of};
use stats::shift::hodges_lehmann;
use stats::signed_rank::{pseudomedian, signed_rank};
use stats::{batch, compare, holm};

/// A sequence and its baseline, before the comparisons are corrected for their number.
struct Pair<'a> {
    other: &'a Series,
    baseline: &'a Series,
    /// The empty frame of the same PE and event.
    frame: Option<&'a Statistics>,
    /// Medians of the batches both have.
    batches: Vec<(f64, f64)>,
    is_twin: bool,
}

/// Compares every sequence with the baseline of its PE and event, in the order of the series.
pub fn compare_all(series: &[Series], seed: u64) -> Vec<Comparison> {
    let baselines = series.iter().filter(|series| series.part == Part::Baseline);
    let groups: Vec<Vec<Pair>> = baselines.map(|baseline| beside(series, baseline).collect()).collect();
    let tested: Vec<&Pair> = groups.iter().flatten().filter(|pair| !pair.is_twin).collect();
    let mut tests = corrected(&tested).into_iter();
    let family = tested.len();
    let mut comparisons = Vec::new();
    for group in &groups {
        let twin = group.iter().find(|pair| pair.is_twin);
        let floor = twin.and_then(|twin| twin.decisive(seed));
        let floor = floor.map(|ratio| compare::noise_floor(&ratio));
        comparisons.extend(group.iter().map(|pair| {
            let tests = if pair.is_twin { None } else { tests.next().flatten() };
            pair.compare(floor, tests, family, seed)
        }));
    }
    comparisons
}

/// Returns the pairs of one baseline.
fn beside<'a>(series: &'a [Series], baseline: &'a Series) -> impl Iterator<Item = Pair<'a>> {
    let source = (baseline.pe, baseline.event);
    let same = move |other: &&Series| (other.pe, other.event) == source;
    let frame = series
        .iter()
        .find(|other| same(other) && other.part == Part::Empty)
        .and_then(|frame| frame.stats.as_ref());
    let others = series.iter().filter(same);
    let others = others.filter(|other| !matches!(other.part, Part::Empty | Part::Baseline));
    others.map(move |other| Pair {
        other,
        baseline,
        frame,
        batches: paired(&other.batches, &baseline.batches),
        is_twin: other.part == Part::Twin(baseline.seq.clone()),
    })
}

/// Returns the medians of the batches both have; both lists are in rising order.
pub fn paired(other: &[(u32, f64)], baseline: &[(u32, f64)]) -> Vec<(f64, f64)> {
    let of_baseline = |batch: u32| {
        let at = baseline.binary_search_by_key(&batch, |&(index, _)| index).ok()?;
        Some(baseline[at].1)
    };
    let pair = |&(batch, median): &(u32, f64)| Some((median, of_baseline(batch)?));
    other.iter().filter_map(pair).collect()
}

/// Returns the p-values of the pairs, corrected for their number; `None` for a pair without a batch.
fn corrected(pairs: &[&Pair]) -> Vec<Option<Tests>> {
    let raw: Vec<Option<Tests>> = pairs.iter().map(|pair| pair.tests()).collect();
    let column = |p: fn(Tests) -> f64| {
        // What could not be tested was compared all the same, and counts.
        let all: Vec<f64> = raw.iter().map(|tests| tests.map_or(1.0, p)).collect();
        holm::holm(&all)
    };
    let (signed_rank, mann_whitney) = (column(|t| t.signed_rank), column(|t| t.mann_whitney));
    let columns = signed_rank.into_iter().zip(mann_whitney);
    let tests = raw.iter().zip(columns).map(|(raw, (signed_rank, mann_whitney))| {
        raw.map(|_| Tests {
            signed_rank,
            mann_whitney,
        })
    });
    tests.collect()
}

impl Pair<'_> {
    /// Returns the differences of paired batches.
    fn differences(&self) -> Vec<f64> {
        self.batches.iter().map(|(other, baseline)| other - baseline).collect()
    }

    fn tests(&self) -> Option<Tests> {
        let (others, baselines): (Vec<f64>, Vec<f64>) = self.batches.iter().copied().unzip();
        Some(Tests {
            signed_rank: signed_rank(&self.differences()),
            mann_whitney: mann_whitney_of(&baselines, &others)?.p,
        })
    }

    fn shift(&self) -> Option<Shift> {
        let (batches, interval) = pseudomedian(&self.differences())?;
        let (baseline, other) = (&self.baseline.distribution, &self.other.distribution);
        Some(Shift {
            batches,
            interval: to_model(interval),
            samples: hodges_lehmann(baseline, other)?,
            superiority: mann_whitney(baseline, other)?.superiority,
        })
    }

    /// Returns the ratio the finding rests on: net, or raw where no empty frame was measured.
    fn decisive(&self, seed: u64) -> Option<compare::Ratio> {
        let (net, raw) = self.ratios(seed);
        if self.frame.is_some() { net } else { raw }
    }

    /// Returns the net and the raw ratio.
    fn ratios(&self, seed: u64) -> (Option<compare::Ratio>, Option<compare::Ratio>) {
        let ratio = |basis: &str, overhead| {
            let name = format!(
                "{basis} {} {} {} {}",
                self.other.seq,
                self.baseline.seq,
                self.other.pe,
                self.other.event.id()
            );
            compare::paired_ratio(&self.batches, overhead, SplitMix64::named(seed, &name))
        };
        let resolved = is_resolved(self.other) && is_resolved(self.baseline);
        let net = self
            .frame
            .filter(|_| resolved)
            .and_then(|frame| ratio("net", frame.median));
        (net, ratio("raw", 0.0))
    }

    fn compare(&self, floor: Option<f64>, tests: Option<Tests>, family: usize, seed: u64) -> Comparison {
        let (net, raw) = self.ratios(seed);
        let decisive = if self.frame.is_some() { net } else { raw };
        let ratios: Vec<f64> = self.batches.iter().map(|(other, baseline)| other / baseline).collect();
        Comparison {
            seq: self.other.seq.clone(),
            baseline: self.baseline.seq.clone(),
            is_twin: self.is_twin,
            pe: self.other.pe,
            event: self.other.event,
            net: net.as_ref().map(ratio_to_model),
            raw: raw.as_ref().map(ratio_to_model),
            noise_floor: floor,
            finding: self.finding(decisive, floor, tests.as_ref(), family),
            shift: self.shift(),
            tests,
            family: family as u64,
            correlation: batch::correlation(&ratios),
        }
    }

    fn finding(
        &self,
        ratio: Option<compare::Ratio>,
        floor: Option<f64>,
        tests: Option<&Tests>,
        family: usize,
    ) -> Finding {
        let below = |series: &Series| {
            let net = series.stats.map(|stats| stats.net);
            matches!(net, Some(Net::BelowResolution(_)))
        };
        let evidence = Evidence {
            batches: self.batches.len(),
            family,
            below_resolution: below(self.other) || below(self.baseline),
            ratio,
            floor,
            p: tests.map_or(1.0, |tests| tests.signed_rank),
        };
        evidence.finding()
    }
}

fn is_resolved(series: &Series) -> bool {
    matches!(series.stats.map(|stats| stats.net), Some(Net::Resolved(_)))
}
