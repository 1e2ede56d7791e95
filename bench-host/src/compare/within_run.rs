// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every side says by itself: each sequence beside the baseline of its own run.
//!
//! Within a run sequences are interleaved, so these ratios are better evidence than any ratio between runs, and they
//! are what may be held against each other when the machines differ.

use report::model::Comparison;
use report::number::{ratio, ratio_interval};
use results::record::Event;

use super::load::Loaded;
use stats::bootstrap::median_of_sorted;

/// A sequence beside the baseline of its own run, for every side.
#[derive(Debug, Clone, PartialEq)]
pub struct WithinRun {
    /// Stable id of the sequence.
    pub seq: String,
    /// Stable id of the baseline of its run.
    pub baseline: String,
    /// Index of the PE.
    pub pe: u32,
    /// What was counted.
    pub event: Event,
    /// For every side, what its runs found; `None` if it has no such comparison.
    pub sides: Vec<Option<WithinRatio>>,
}

/// The ratio of a side to its own baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WithinRatio {
    /// The ratio; over several runs, the median of theirs.
    pub ratio: f64,
    /// Ends of the 95% interval of a single run; of several runs, the lowest and the highest ratio.
    pub ends: (f64, f64),
    /// Runs.
    pub runs: usize,
}

/// Returns the comparisons that the runs of at least one side made by themselves; nothing where sequences were named.
pub fn within_runs(loaded: &Loaded, only: &[String]) -> Vec<WithinRun> {
    if loaded.sides.iter().any(|side| side.seq.is_some()) {
        return Vec::new();
    }
    let mut all: Vec<WithinRun> = Vec::new();
    for (index, _) in loaded.sides.iter().enumerate() {
        for c in loaded.runs_of(index).flat_map(|run| &run.comparisons) {
            let is = |within: &WithinRun| {
                (&within.seq, &within.baseline, within.pe, within.event) == (&c.seq, &c.baseline, c.pe, c.event)
            };
            if (only.is_empty() || only.contains(&c.seq)) && !all.iter().any(is) {
                all.push(WithinRun {
                    seq: c.seq.clone(),
                    baseline: c.baseline.clone(),
                    pe: c.pe,
                    event: c.event,
                    sides: Vec::new(),
                });
            }
        }
    }
    for within in &mut all {
        within.sides = (0..loaded.sides.len())
            .map(|side| of_side(loaded, side, within))
            .collect();
    }
    all
}

fn of_side(loaded: &Loaded, side: usize, within: &WithinRun) -> Option<WithinRatio> {
    let is = |c: &&Comparison| {
        (&c.seq, &c.baseline, c.pe, c.event) == (&within.seq, &within.baseline, within.pe, within.event)
    };
    let found: Vec<_> = loaded
        .runs_of(side)
        .filter_map(|run| run.comparisons.iter().find(is)?.ratio())
        .collect();
    if let [one] = found[..] {
        return Some(WithinRatio {
            ratio: one.estimate,
            ends: (one.interval.low, one.interval.high),
            runs: 1,
        });
    }
    let mut ratios: Vec<f64> = found.iter().map(|ratio| ratio.estimate).collect();
    ratios.sort_by(f64::total_cmp);
    Some(WithinRatio {
        ratio: median_of_sorted(&ratios)?,
        ends: (*ratios.first()?, *ratios.last()?),
        runs: ratios.len(),
    })
}

impl WithinRatio {
    /// Returns the ratio with its ends.
    pub fn text(&self) -> String {
        let (low, high) = self.ends;
        if self.runs > 1 {
            return format!(
                "{} [{}, {}] in {}",
                ratio(self.ratio),
                ratio(low),
                ratio(high),
                self.runs
            );
        }
        ratio_interval(&report::model::Ratio {
            estimate: self.ratio,
            interval: report::model::Interval { low, high },
            batches: 0,
        })
    }
}
