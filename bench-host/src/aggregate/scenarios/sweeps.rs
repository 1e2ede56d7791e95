// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sweeps: the cost as one condition varies and all others stay, and the line through it.

use report::model::{Interval, LineFit, Net, Sweep, SweepPoint};
use results::scenario::Axis;

use super::baseline_ratios::What;
use super::{Batches, Scenarios, of_batch};
use crate::aggregate::decision::to_model;
use crate::aggregate::samples::Collected;
use crate::aggregate::series::part;
use stats::line::least_squares;
use stats::median_interval;

impl Scenarios<'_> {
    /// Returns every sweep: all scenarios that differ on one axis only, where there are two or more.
    pub fn sweeps(&self) -> Vec<Sweep> {
        let mut sweeps = Vec::new();
        let mut seen = Vec::new();
        for &c in &self.timed {
            for axis in Axis::ALL {
                let base = c.scenario.with(axis, axis.neutral());
                let key = (&c.seq, c.pe, c.event, axis, base);
                let series = self.along(c, axis);
                if seen.contains(&key) || series.len() < 2 {
                    continue;
                }
                seen.push(key);
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
                    fit: if axis.is_linear() { self.fit(c, axis) } else { None },
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
            baseline_ratio: self.baseline_ratio(c, What::Cost, c.scenario),
            samples: c.whole.count(),
        })
    }

    /// Returns batch, slope and intercept of the lines through the points of a sweep, in every batch that all have.
    pub(super) fn lines(&self, c: &Collected, axis: Axis) -> impl Iterator<Item = (u32, f64, f64)> {
        let along = self.along(c, axis);
        let points = along
            .into_iter()
            .map(|c| (f64::from(c.scenario.get(axis)), self.net_batches(c)));
        let points: Vec<(f64, Batches)> = points.collect();
        let batches: Vec<u32> = points
            .first()
            .map_or_else(Vec::new, |(_, first)| first.iter().map(|b| b.0).collect());
        batches.into_iter().filter_map(move |batch| {
            let points = points.iter().map(|(x, all)| Some((*x, of_batch(all, batch)?)));
            let (slope, intercept) = least_squares(&points.collect::<Option<Vec<_>>>()?)?;
            Some((batch, slope, intercept))
        })
    }

    fn fit(&self, c: &Collected, axis: Axis) -> Option<LineFit> {
        let (slopes, intercepts): (Vec<f64>, Vec<f64>) =
            self.lines(c, axis).map(|(_, slope, at_0)| (slope, at_0)).unzip();
        let first = *self.along(c, axis).first()?;
        let (slope, slope_interval) = median_interval(&slopes, self.random("slope", first))?;
        let (intercept, intercept_interval) = median_interval(&intercepts, self.random("intercept", first))?;
        Some(LineFit {
            slope,
            slope_interval: to_model(slope_interval),
            intercept,
            intercept_interval: to_model(intercept_interval),
            baseline_ratio: self.baseline_ratio(c, What::Slope(axis), c.scenario.with(axis, axis.neutral())),
            batches: slopes.len() as u64,
        })
    }
}
