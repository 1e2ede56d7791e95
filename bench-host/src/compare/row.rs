// SPDX-License-Identifier: MIT OR Apache-2.0
//! One sequence of one side beside the baseline, and what may be said about it.

use report::number::{percent, plural};
use report::wording::Wording;
use results::record::Event;

use stats::Interval;

/// What is counted as one independent observation, and how the two sides belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Batches of one run, paired: both sequences were interleaved in it.
    PairedBatches,
    /// Runs that have both sequences, paired.
    PairedRuns,
    /// Batches of one run on each side; what differs between boots is not seen.
    Batches,
    /// Runs, several on at least one side.
    Runs,
}

impl Unit {
    /// Returns the stable id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::PairedBatches => "paired_batches",
            Self::PairedRuns => "paired_runs",
            Self::Batches => "batches",
            Self::Runs => "runs",
        }
    }
}

/// The numbers of a comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Numbers {
    /// Ratio to the baseline.
    pub ratio: f64,
    /// Its 95% interval; `None` with too few runs.
    pub interval: Option<Interval>,
    /// Units of this side.
    pub units: usize,
    /// Units of the baseline.
    pub baseline_units: usize,
    /// Two-sided p-value of no difference, corrected for the number of comparisons.
    pub p: f64,
}

/// What may be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A smaller count, beyond noise floor, interval and chance.
    Lower,
    /// A larger count, beyond noise floor, interval and chance.
    Higher,
    /// The interval excludes 1, but the noise floor is above the effect.
    WithinNoise,
    /// No difference can be told.
    Indistinguishable,
    /// One of the two is within the spread of the empty frame.
    BelowResolution,
    /// Fewer batches than a finding needs.
    TooFewBatches {
        /// Batches, of the side that has fewer.
        have: usize,
        /// Batches needed.
        need: usize,
    },
    /// Fewer runs than a finding needs.
    TooFewRuns {
        /// Runs of this side and of the baseline.
        have: (usize, usize),
        /// Runs needed on each side.
        need: usize,
    },
    /// No A/A twin was measured on a side.
    NoNoiseFloor,
    /// It is not there, or not comparable; the reason.
    Incomparable(String),
}

/// A comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Index of the side beside the baseline.
    pub side: usize,
    /// Stable id of the sequence on that side.
    pub seq: String,
    /// Stable id of the sequence on the baseline's side.
    pub baseline_seq: String,
    /// Index of the PE.
    pub pe: u32,
    /// What was counted.
    pub event: Event,
    /// Why the counts are no timing, in a word or two; `None` on hardware.
    pub no_timing: Option<&'static str>,
    /// Whether the two sides are of different machines.
    pub is_across_machines: bool,
    /// Whether the empty frame is subtracted.
    pub is_net: bool,
    /// Median of the batch medians on that side; over several runs, the median of theirs. `None` if there is none.
    pub value: Option<f64>,
    /// The same on the baseline's side.
    pub baseline_value: Option<f64>,
    /// What an observation is.
    pub unit: Unit,
    /// The numbers, if there is anything to divide.
    pub numbers: Option<Numbers>,
    /// Noise floor: of the run, or of both sides together. 0.01 is 1%.
    pub noise_floor: Option<f64>,
    /// What may be said.
    pub finding: Finding,
}

impl Finding {
    /// Returns the stable id.
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Higher => "higher",
            Self::WithinNoise => "within_noise",
            Self::Indistinguishable => "indistinguishable",
            Self::BelowResolution => "below_resolution",
            Self::TooFewBatches { .. } => "too_few_batches",
            Self::TooFewRuns { .. } => "too_few_runs",
            Self::NoNoiseFloor => "no_noise_floor",
            Self::Incomparable(_) => "incomparable",
        }
    }

    /// Returns whether there is an answer, be it that no difference can be told.
    pub const fn is_decided(&self) -> bool {
        matches!(
            self,
            Self::Lower | Self::Higher | Self::WithinNoise | Self::Indistinguishable
        )
    }
}

impl Row {
    /// Returns the finding in words. What no processor is known to have timed is lower or higher, never faster or slower.
    pub fn words(&self) -> String {
        let by = self
            .numbers
            .map_or_else(String::new, |n| percent((n.ratio - 1.0).abs()));
        let (wording, why) = match self.no_timing {
            None => (Wording::TIMING, String::new()),
            Some(why) => (Wording::COUNTS, format!(", {why}")),
        };
        match &self.finding {
            Finding::Lower => format!("{} by {by}{why}", wording.less()),
            Finding::Higher => format!("{} by {by}{why}", wording.more()),
            Finding::WithinNoise => format!("indistinguishable, an effect of {by} is within the noise floor"),
            Finding::Indistinguishable => "indistinguishable".to_owned(),
            Finding::BelowResolution => "below resolution".to_owned(),
            Finding::TooFewBatches { have, need } => {
                format!(
                    "too few samples: {}, {need} needed",
                    plural(*have as u64, "batch", "batches")
                )
            }
            Finding::TooFewRuns { have: (a, b), need } => {
                format!("too few runs: {b} and {a}, {need} needed on each side")
            }
            Finding::NoNoiseFloor => "no noise floor, no claim".to_owned(),
            Finding::Incomparable(reason) => reason.clone(),
        }
    }
}
