// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the cost depends on the conditions: sweeps along one axis, and flush beside refill.
//!
//! Under every scenario the empty frame is timed beside the sequences, with the same pages touched, the same lines
//! dirty, and the same other PEs; that frame is what is subtracted. Batch `i` of every scenario ran within the same
//! stretch of time, so lines are fitted, and differences formed, batch by batch.

use report::model::{Interval, LineFit, Net, Refill, Sweep, SweepPoint};
use results::manifest::Manifest;
use results::scenario::{Axis, Scenario};

use super::comparisons::paired;
use super::samples::Collected;
use super::series::{is_empty_frame, part};
use crate::stats::bootstrap::SplitMix64;
use crate::stats::line::least_squares;
use crate::stats::median_interval;
use crate::stats::overhead::{self, Overhead};

/// All series of a clock, looked up by what they are.
#[derive(Debug)]
pub struct Scenarios<'a> {
    all: &'a [Collected],
    /// Those of sequences that a clock timed, in the order of the plan.
    timed: Vec<&'a Collected>,
    manifest: &'a Manifest,
}

impl<'a> Scenarios<'a> {
    /// Takes the series of a run, under every scenario.
    pub fn new(all: &'a [Collected], manifest: &'a Manifest) -> Self {
        let sequence = |c: &&Collected| c.event.number().is_none() && !is_empty_frame(&c.seq, manifest);
        let mut timed: Vec<_> = all.iter().filter(sequence).collect();
        let place = |c: &Collected| manifest.plan.sequences.iter().position(|planned| planned.id == c.seq);
        timed.sort_by_key(|c| (c.pe, c.event, place(c).unwrap_or(usize::MAX), c.scenario));
        Self { all, timed, manifest }
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
    fn net_batches(&self, c: &Collected) -> Vec<(u32, f64)> {
        let Some(frame) = self.overhead(c) else {
            return Vec::new();
        };
        c.batches
            .iter()
            .map(|&(batch, median)| (batch, median - frame.median))
            .collect()
    }

    /// Returns every sweep: all scenarios that differ on one axis only, where there are two or more.
    pub fn sweeps(&self) -> Vec<Sweep> {
        let mut sweeps = Vec::new();
        let mut seen = Vec::new();
        for &c in &self.timed {
            for axis in Axis::ALL {
                let base = c.scenario.with(axis, axis.neutral());
                let key = (&c.seq, c.pe, c.event, axis, base);
                if seen.contains(&key) {
                    continue;
                }
                let mut series: Vec<_> = self
                    .timed
                    .iter()
                    .copied()
                    .filter(|other| (other.pe, other.event, &other.seq) == (c.pe, c.event, &c.seq))
                    .filter(|other| other.scenario.with(axis, axis.neutral()) == base)
                    .collect();
                if series.len() < 2 {
                    continue;
                }
                seen.push(key);
                series.sort_by_key(|other| other.scenario.get(axis));
                let points: Vec<_> = series.iter().filter_map(|other| self.point(other, axis)).collect();
                if points.len() < 2 {
                    continue;
                }
                sweeps.push(Sweep {
                    seq: c.seq.clone(),
                    part: part(&c.seq, self.manifest),
                    pe: c.pe,
                    event: c.event,
                    axis,
                    base: base.to_string(),
                    points,
                    fit: if axis.is_linear() {
                        self.fit(&series, axis)
                    } else {
                        None
                    },
                });
            }
        }
        let place = |sweep: &Sweep| Axis::ALL.iter().position(|&axis| axis == sweep.axis);
        sweeps.sort_by_key(place);
        sweeps
    }

    fn point(&self, c: &Collected, axis: Axis) -> Option<SweepPoint> {
        let net = self.net(c)?;
        let medians: Vec<f64> = self.net_batches(c).into_iter().map(|(_, net)| net).collect();
        let interval = match net {
            Net::Resolved(net) => median_interval(&medians, self.random("sweep", c)).map(|(_, i)| Interval {
                // The median of all samples is not quite that of the batch medians: never outside its own interval.
                low: i.low.min(net).max(0.0),
                high: i.high.max(net),
            }),
            _ => None,
        };
        Some(SweepPoint {
            x: c.scenario.get(axis).into(),
            scenario: c.scenario.to_string(),
            median: c.whole.median()?,
            net,
            net_interval: interval,
            samples: c.whole.count(),
        })
    }

    /// Fits a line in every batch that all points have.
    fn fit(&self, series: &[&Collected], axis: Axis) -> Option<LineFit> {
        let first = *series.first()?;
        let batches: Vec<_> = series.iter().map(|c| self.net_batches(c)).collect();
        let of = |all: &[(u32, f64)], batch: u32| {
            let at = all.binary_search_by_key(&batch, |&(index, _)| index).ok()?;
            Some(all[at].1)
        };
        let line = |&(batch, _): &(u32, f64)| {
            let points = series.iter().zip(&batches).map(|(c, all)| {
                let y = of(all, batch)?;
                Some((f64::from(c.scenario.get(axis)), y))
            });
            least_squares(&points.collect::<Option<Vec<_>>>()?)
        };
        let lines: Vec<_> = batches.first()?.iter().filter_map(line).collect();
        let (slopes, intercepts): (Vec<f64>, Vec<f64>) = lines.iter().copied().unzip();
        let (slope, slope_interval) = median_interval(&slopes, self.random("slope", first))?;
        let (intercept, intercept_interval) = median_interval(&intercepts, self.random("intercept", first))?;
        Some(LineFit {
            slope,
            slope_interval: to_model(slope_interval),
            intercept,
            intercept_interval: to_model(intercept_interval),
            batches: lines.len() as u64,
        })
    }

    /// Returns the cost of every flush beside that of touching pages again after it.
    pub fn refills(&self) -> Vec<Refill> {
        let after = self.timed.iter().filter(|c| c.scenario.get(Axis::Refill) > 0);
        after.filter_map(|c| self.refill(c)).collect()
    }

    fn refill(&self, after: &Collected) -> Option<Refill> {
        let pages = after.scenario.get(Axis::Refill);
        let alone = after
            .scenario
            .with(Axis::Live, after.scenario.touched())
            .with(Axis::Refill, 0);
        let before = self.under(after, alone)?;
        let (warm, frame) = (self.frame(after)?, self.frame(before)?);
        // What follows the flush, less the same without one, less the flush itself: all of one batch.
        let (touched, flushed) = (
            paired(&after.batches, &warm.batches),
            paired(&before.batches, &frame.batches),
        );
        let costs: Vec<f64> = touched
            .iter()
            .zip(&flushed)
            .map(|((after, warm), (before, frame))| (after - warm) - (before - frame))
            .collect();
        let cost = median_interval(&costs, self.random("refill", after));
        Some(Refill {
            seq: after.seq.clone(),
            part: part(&after.seq, self.manifest),
            pe: after.pe,
            event: after.event,
            pages: pages.into(),
            flush: self.net(before)?,
            refill: cost.filter(|(_, interval)| interval.low > 0.0).map(|(cost, _)| cost),
            refill_interval: cost.map(|(_, interval)| to_model(interval)),
            warm: warm.whole.median()? - frame.whole.median()?,
        })
    }
}

const fn to_model(interval: crate::stats::Interval) -> Interval {
    Interval {
        low: interval.low,
        high: interval.high,
    }
}
