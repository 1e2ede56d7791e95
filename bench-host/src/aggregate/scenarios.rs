// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the cost depends on the conditions: sweeps along one axis, and flush beside refill.
//!
//! Under every scenario the empty frame is timed beside the sequences, with the same pages touched, the same lines
//! dirty, and the same other PEs; that frame is what is subtracted. Batch `i` of every scenario ran within the same
//! stretch of time, so lines are fitted, and differences formed, batch by batch.

mod baseline_ratios;
mod refills;
mod sweeps;

use report::model::{BaselineRatio, Comparison, Net, Part};
use results::manifest::Manifest;
use results::scenario::{Axis, Scenario};

use self::baseline_ratios::{BaselineRatios, Case, Subject, What};
use super::comparisons::paired;
use super::samples::Collected;
use super::series::{is_empty_frame, part};
use stats::bootstrap::SplitMix64;
use stats::overhead::{self, Overhead};

/// A value of every batch that has one, in rising order of the batch.
type Batches = Vec<(u32, f64)>;

/// All series of a clock, looked up by what they are.
#[derive(Debug)]
pub struct Scenarios<'a> {
    all: &'a [Collected],
    /// Those of sequences that a clock timed, in the order of the plan.
    timed: Vec<&'a Collected>,
    manifest: &'a Manifest,
    baseline_ratio: BaselineRatios,
}

impl<'a> Scenarios<'a> {
    /// Takes the series of a run, under every scenario, and what is known of them without conditions.
    pub fn new(all: &'a [Collected], manifest: &'a Manifest, comparisons: &[Comparison]) -> Self {
        let sequence = |c: &&Collected| c.event.number().is_none() && !is_empty_frame(&c.seq, manifest);
        let mut timed: Vec<_> = all.iter().filter(sequence).collect();
        let place = |c: &Collected| manifest.plan.sequences.iter().position(|planned| planned.id == c.seq);
        timed.sort_by_key(|c| (c.pe, c.event, place(c).unwrap_or(usize::MAX), c.scenario));
        let mut scenarios = Self {
            all,
            timed,
            manifest,
            baseline_ratio: BaselineRatios::default(),
        };
        scenarios.baseline_ratio = BaselineRatios::new(&scenarios.cases(), manifest.plan.seed.0, comparisons);
        scenarios
    }

    /// Returns the series of the same sequence, PE and event under another scenario.
    fn under(&self, c: &Collected, scenario: Scenario) -> Option<&'a Collected> {
        let same = |other: &&Collected| (other.pe, other.event, &other.seq) == (c.pe, c.event, &c.seq);
        self.all.iter().filter(same).find(|other| other.scenario == scenario)
    }

    /// Returns the empty frame beside a series.
    fn frame(&self, c: &Collected) -> Option<&'a Collected> {
        let source = (c.pe, c.event, c.scenario);
        let mut same = self
            .all
            .iter()
            .filter(|other| (other.pe, other.event, other.scenario) == source);
        same.find(|other| is_empty_frame(&other.seq, self.manifest))
    }

    fn overhead(&self, c: &Collected) -> Option<Overhead> {
        Overhead::of(&self.frame(c)?.whole)
    }

    fn random(&self, what: &str, c: &Collected) -> SplitMix64 {
        let name = format!("{what} {} {} {} {}", c.seq, c.scenario, c.pe, c.event.id());
        SplitMix64::named(self.manifest.plan.seed.0, &name)
    }

    fn net(&self, c: &Collected) -> Option<Net> {
        let median = c.whole.median()?;
        Some(match self.overhead(c) {
            None => Net::NoFrame,
            Some(frame) => match frame.subtract(median) {
                overhead::Net::Resolved(net) => Net::Resolved(net),
                overhead::Net::BelowResolution => Net::BelowResolution(frame.spread),
            },
        })
    }

    /// Returns the medians of the batches that a series and its empty frame both have, less the frame's.
    fn net_batches(&self, c: &Collected) -> Batches {
        let Some(frame) = self.overhead(c) else {
            return Vec::new();
        };
        c.batches
            .iter()
            .map(|&(batch, median)| (batch, median - frame.median))
            .collect()
    }

    /// Returns all that can be held against the baseline under the same conditions.
    fn cases(&self) -> Vec<Case> {
        let mut cases: Vec<Case> = Vec::new();
        for &c in &self.timed {
            let part = part(&c.seq, self.manifest);
            let Some(baseline) = self.baseline(c).filter(|_| part != Part::Baseline) else {
                continue;
            };
            let mut add = |what, scenario, of: &dyn Fn(&Collected) -> Batches, overhead, below_resolution| {
                let subject = Subject {
                    what,
                    pe: c.pe,
                    event: c.event,
                    scenario,
                };
                // Every point of a sweep leads to its one slope.
                if !cases.iter().any(|case| case.subject == subject && case.seq == c.seq) {
                    cases.push(Case {
                        subject,
                        seq: c.seq.clone(),
                        part: part.clone(),
                        pairs: paired(&of(c), &of(baseline)),
                        overhead,
                        below_resolution,
                    });
                }
            };
            if c.scenario != Scenario::PLAIN {
                let frame = self.overhead(c).map_or(0.0, |frame| frame.median);
                let below = |c| matches!(self.net(c), Some(Net::BelowResolution(_)));
                add(
                    What::Cost,
                    c.scenario,
                    &|c| c.batches.clone(),
                    frame,
                    below(c) || below(baseline),
                );
            }
            if c.scenario.get(Axis::Refill) > 0 {
                let unseen = !self.is_refill_seen(c) || !self.is_refill_seen(baseline);
                add(What::Refill, c.scenario, &|c| self.refill_batches(c), 0.0, unseen);
            }
            for axis in Axis::ALL.into_iter().filter(|axis| axis.is_linear()) {
                let base = c.scenario.with(axis, axis.neutral());
                let slopes = |c: &Collected| self.lines(c, axis).map(|(batch, slope, _)| (batch, slope)).collect();
                if self.along(c, axis).len() > 1 {
                    add(What::Slope(axis), base, &slopes, 0.0, false);
                }
            }
        }
        cases
    }

    /// Returns a sequence beside the baseline.
    fn baseline_ratio(&self, c: &Collected, what: What, scenario: Scenario) -> Option<BaselineRatio> {
        let subject = Subject {
            what,
            pe: c.pe,
            event: c.event,
            scenario,
        };
        self.baseline_ratio.get(subject, &c.seq)
    }

    /// Returns the baseline's series under the same conditions.
    fn baseline(&self, c: &Collected) -> Option<&'a Collected> {
        let same = |other: &&&Collected| (other.pe, other.event, other.scenario) == (c.pe, c.event, c.scenario);
        let mut same = self.timed.iter().filter(same);
        same.find(|other| part(&other.seq, self.manifest) == Part::Baseline)
            .copied()
    }

    /// Returns the series of the same sequence whose conditions differ on one axis only, along that axis.
    fn along(&self, c: &Collected, axis: Axis) -> Vec<&'a Collected> {
        let base = c.scenario.with(axis, axis.neutral());
        let same = |other: &&Collected| {
            (other.pe, other.event, &other.seq) == (c.pe, c.event, &c.seq)
                && other.scenario.with(axis, axis.neutral()) == base
        };
        let mut series: Vec<_> = self.timed.iter().copied().filter(same).collect();
        series.sort_by_key(|other| other.scenario.get(axis));
        series
    }
}

/// Returns the value of a batch.
fn of_batch(batches: &[(u32, f64)], batch: u32) -> Option<f64> {
    let at = batches.binary_search_by_key(&batch, |&(index, _)| index).ok()?;
    Some(batches[at].1)
}
