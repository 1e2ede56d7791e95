// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the cost depends on the conditions, and what was counted beside the clock.

use results::record::Event;
use results::scenario::Axis;

use super::{Finding, Interval, Net, Part, Ratio};

/// A sequence beside the baseline under the same conditions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BaselineRatio {
    /// The ratio; `None` with too few batches, or when either is below resolution.
    pub ratio: Option<Ratio>,
    /// Distance of the A/A interval under these conditions from 1 (0.01 is 1%); `None` without an A/A twin.
    pub noise_floor: Option<f64>,
    /// What may be said, all conditions of the run taken together.
    pub finding: Finding,
}

/// The cost of a sequence as one condition varies and all others stay.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// Stable id of the sequence.
    pub seq: String,
    /// The part it plays; never [`Part::Empty`].
    pub part: Part,
    /// Index of the PE that was timed.
    pub pe: u32,
    /// What was counted.
    pub event: Event,
    /// What varies.
    pub axis: Axis,
    /// The other conditions, as a scenario id; `plain` if there are none.
    pub base: String,
    /// The points, in rising order of `x`; at least two.
    pub points: Vec<SweepPoint>,
    /// A straight line through the net medians; `None` with too few batches, or where no line is to be expected.
    pub fit: Option<LineFit>,
}

/// One point of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepPoint {
    /// Where on the axis.
    pub x: u64,
    /// Stable id of the scenario.
    pub scenario: String,
    /// Median, frame included.
    pub median: f64,
    /// The median less that of the empty frame under the same conditions.
    pub net: Net,
    /// 95% interval of the net median over the batches; `None` with too few batches or below resolution.
    pub net_interval: Option<Interval>,
    /// The net cost beside the baseline's; `None` for the baseline and its twin.
    pub baseline_ratio: Option<BaselineRatio>,
    /// Samples.
    pub samples: u64,
}

/// A least-squares line through the points of a sweep: fitted in every batch, then the median over the batches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LineFit {
    /// Cost per unit of the axis. For [`Axis::Tlbis`] the cost to issue one more invalidation; for [`Axis::Repeat`]
    /// that of one more run of the sequence, with whatever the frame costs canceled out.
    pub slope: f64,
    /// Its 95% interval.
    pub slope_interval: Interval,
    /// Cost at 0. For [`Axis::Tlbis`] that of completion: the barriers without any invalidation to wait for.
    pub intercept: f64,
    /// Its 95% interval.
    pub intercept_interval: Interval,
    /// The slope beside the baseline's; `None` for the baseline and its twin.
    pub baseline_ratio: Option<BaselineRatio>,
    /// Batches fitted.
    pub batches: u64,
}

/// The cost of a flush beside the cost of touching pages again after it, in net medians.
#[derive(Debug, Clone, PartialEq)]
pub struct Refill {
    /// Stable id of the sequence.
    pub seq: String,
    /// The part it plays.
    pub part: Part,
    /// Index of the PE.
    pub pe: u32,
    /// What was counted.
    pub event: Event,
    /// Pages touched before the flush and again after it.
    pub pages: u64,
    /// The flush alone, with those pages touched before it.
    pub flush: Net,
    /// Touching the pages after the flush, less touching them without one; `None` where it cannot be told from 0.
    pub refill: Option<f64>,
    /// Its 95% interval; `None` with too few batches.
    pub refill_interval: Option<Interval>,
    /// What follows the flush beside what follows the baseline's; `None` for the baseline and its twin.
    pub baseline_ratio: Option<BaselineRatio>,
    /// Touching the pages without a flush before it, less the empty frame: what is subtracted.
    pub warm: f64,
}

/// What an event counter counted during a sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct EventCount {
    /// Stable id of the sequence.
    pub seq: String,
    /// The part it plays.
    pub part: Part,
    /// Stable id of the scenario.
    pub scenario: String,
    /// Index of the PE.
    pub pe: u32,
    /// What was counted.
    pub event: Event,
    /// Samples.
    pub samples: u64,
    /// Mean per sample, frame included: events are often rarer than samples.
    pub mean: f64,
    /// Median per sample, frame included.
    pub median: f64,
    /// Mean less that of the empty frame under the same conditions, never below 0; `None` without the empty frame.
    pub net_mean: Option<f64>,
}

/// An event that was asked for and not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotCounted {
    /// Index of the PE.
    pub pe: u32,
    /// The event.
    pub event: Event,
    /// Why not, in a phrase.
    pub reason: String,
}

/// The cycle counter held against the generic timer, batch by batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Clock {
    /// Index of the PE.
    pub pe: u32,
    /// Frequency of the cycle counter in every batch, in Hz: index of the batch and value.
    pub frequencies: Vec<(u32, f64)>,
    /// Median of them.
    pub median: f64,
    /// Largest less smallest, as a fraction of the median.
    pub spread: f64,
}
