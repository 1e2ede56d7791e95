// SPDX-License-Identifier: MIT OR Apache-2.0
//! The samples of a sequence by themselves.

use results::record::Event;

/// The part a timed series plays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The empty frame, whose median is subtracted from the others.
    Empty,
    /// The sequence the others are compared with.
    Baseline,
    /// The same words as the named sequence once more, for the noise floor.
    Twin(String),
    /// A sequence under test.
    Test,
}

/// The samples of one sequence on one PE with one counter.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Stable id of the sequence.
    pub seq: String,
    /// Its text; empty for the empty frame and for what is known by its words only.
    pub text: String,
    /// The part it plays.
    pub part: Part,
    /// Index of the PE.
    pub pe: u32,
    /// What was counted.
    pub event: Event,
    /// Its numbers; `None` if no whole batch arrived.
    pub stats: Option<Statistics>,
    /// Batches left out because samples of them were lost.
    pub short_batches: u64,
    /// Every value and how often it was counted, in rising order.
    pub distribution: Vec<(u64, u64)>,
    /// Index and median of every whole batch, in order.
    pub batches: Vec<(u32, f64)>,
}

/// The numbers of a series, in counts of its event, frame included unless named net.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistics {
    /// Samples.
    pub samples: u64,
    /// Smallest.
    pub min: u64,
    /// 1st percentile (percentiles are nearest rank).
    pub p1: u64,
    /// 10th percentile.
    pub p10: u64,
    /// Median.
    pub median: f64,
    /// 90th percentile.
    pub p90: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p999: u64,
    /// Largest.
    pub max: u64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Median absolute deviation, not scaled.
    pub mad: f64,
    /// The median less that of the empty frame.
    pub net: Net,
    /// 95% interval of the net median over the batches; `None` with too few batches or below resolution.
    pub net_interval: Option<Interval>,
    /// Change of the batch medians from the first to the last third of the run, as a fraction; `None` if too few.
    pub drift: Option<f64>,
    /// Mean without the lowest and the highest tenth of the samples.
    pub trimmed_mean: f64,
    /// Standard deviation of the samples (denominator one less than their number); `None` with one sample.
    pub deviation: Option<f64>,
    /// The two modes of the samples, if they have two.
    pub modes: Option<Modes>,
}

/// Two modes of a series, in counts of its event, frame included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Modes {
    /// Median of the samples of the lower mode.
    pub low: u64,
    /// Median of the samples of the upper mode.
    pub high: u64,
    /// Share of the samples in the upper mode.
    pub upper_share: f64,
    /// Share of the batches whose median lies in the upper mode: near 0 or 1 if every batch has both modes.
    pub upper_batches: f64,
}

/// What is left when the empty frame is subtracted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Net {
    /// This much.
    Resolved(f64),
    /// No more than the spread of the empty frame, which is given (90th less 10th percentile).
    BelowResolution(f64),
    /// The empty frame was not measured.
    NoFrame,
    /// This is the empty frame.
    IsFrame,
}

/// A two-sided 95% interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}
