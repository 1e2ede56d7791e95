// SPDX-License-Identifier: MIT OR Apache-2.0
//! What may be said of a ratio: one rule for sequences as they are and under conditions.

use report::model::{Finding, Interval, Ratio};

use stats::{self, compare, holm};

/// All that a finding depends on.
#[derive(Debug, Clone, Copy)]
pub struct Evidence {
    /// Batches paired.
    pub batches: usize,
    /// Comparisons made together.
    pub family: usize,
    /// Whether one side is within the spread of the empty frame.
    pub below_resolution: bool,
    /// The ratio.
    pub ratio: Option<compare::Ratio>,
    /// The A/A noise floor.
    pub floor: Option<f64>,
    /// The p-value of the signed-rank test, corrected.
    pub p: f64,
}

impl Evidence {
    /// Returns what may be said.
    pub fn finding(&self) -> Finding {
        let (have, need) = (self.batches, holm::batches_needed(self.family));
        match (self.ratio, self.floor) {
            _ if have < need => Finding::TooFewSamples {
                have: have as u64,
                need: need as u64,
            },
            _ if self.below_resolution => Finding::BelowResolution,
            (Some(ratio), Some(floor)) => match compare::finding(&ratio, floor, self.p) {
                compare::Finding::Faster => Finding::Faster,
                compare::Finding::Slower => Finding::Slower,
                compare::Finding::WithinNoise => Finding::WithinNoise,
                compare::Finding::Indistinguishable => Finding::Indistinguishable,
            },
            _ => Finding::NoNoiseFloor,
        }
    }
}

/// Returns an interval as reports have it.
pub const fn to_model(stats::Interval { low, high }: stats::Interval) -> Interval {
    Interval { low, high }
}

/// Returns a ratio as reports have it.
pub const fn ratio_to_model(ratio: &compare::Ratio) -> Ratio {
    Ratio {
        estimate: ratio.estimate,
        interval: to_model(ratio.interval),
        batches: ratio.batches as u64,
    }
}
