// SPDX-License-Identifier: MIT OR Apache-2.0
//! A sequence beside the baseline.

use results::record::Event;

use super::series::Interval;
use crate::table::Tone;
use crate::wording::Wording;

/// A ratio to the baseline with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// Median over the batches of (sequence / baseline).
    pub estimate: f64,
    /// Its interval.
    pub interval: Interval,
    /// Batches paired.
    pub batches: u64,
}

impl Ratio {
    /// Returns how far from 1 the estimate is, the same either way up: 0.25 for 1.25 and for 0.8.
    pub fn distance(&self) -> f64 {
        self.estimate.max(1.0 / self.estimate) - 1.0
    }
}

/// A sequence beside the baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Stable id of the sequence.
    pub seq: String,
    /// Stable id of the baseline.
    pub baseline: String,
    /// Whether the sequence is the baseline's own copy, so that its ratio shows the noise.
    pub is_twin: bool,
    /// Index of the PE.
    pub pe: u32,
    /// What was counted.
    pub event: Event,
    /// Ratio of the net medians; `None` with too few batches, or when either is below resolution.
    pub net: Option<Ratio>,
    /// Ratio of the raw medians; `None` with too few batches.
    pub raw: Option<Ratio>,
    /// Distance of the A/A interval of the net medians from 1 (0.01 is 1%); `None` without an A/A twin.
    pub noise_floor: Option<f64>,
    /// What may be said.
    pub finding: Finding,
    /// By how many counts the sequence exceeds the baseline, batch beside batch; `None` with too few batches.
    pub shift: Option<Shift>,
    /// The tests of no difference; `None` for an A/A twin and without a batch.
    pub tests: Option<Tests>,
    /// Comparisons of the run whose p-values were corrected together.
    pub family: u64,
    /// Correlation of the ranks of consecutive batch ratios; `None` with too few batches or if all are equal.
    pub correlation: Option<f64>,
}

impl Comparison {
    /// Returns the ratio the finding rests on: net where there is one.
    pub fn ratio(&self) -> Option<&Ratio> {
        self.net.as_ref().or(self.raw.as_ref())
    }

    /// Returns the one word for the finding, the same in every form, and how it is meant.
    pub fn word(&self, words: Wording) -> (&'static str, Tone) {
        self.finding.wording(words)
    }
}

/// Hodges-Lehmann shifts of a sequence from its baseline, in counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// Median of all averages of two differences of paired batch medians.
    pub batches: f64,
    /// Its 95% interval.
    pub interval: Interval,
    /// Median of all differences between a sample of the one and a sample of the other.
    pub samples: f64,
    /// Share of those differences that are positive, zeros counted half.
    pub superiority: f64,
}

/// Two-sided p-values of no difference, on batch medians, corrected for the number of comparisons (Holm).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tests {
    /// Wilcoxon's signed-rank test of paired batches.
    pub signed_rank: f64,
    /// Mann-Whitney U test, which does not know of the pairing.
    pub mann_whitney: f64,
}

/// What may be said about a sequence beside the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Faster by more than the noise floor, and the interval excludes 1.
    Faster,
    /// Slower by more than the noise floor, and the interval excludes 1.
    Slower,
    /// The interval excludes 1, but the noise floor reaches as far: an effect that this set-up makes out of nothing too.
    WithinNoise,
    /// None of these.
    Indistinguishable,
    /// Its net median, or the baseline's, is within the spread of the empty frame.
    BelowResolution,
    /// Fewer batches than an interval needs.
    TooFewSamples {
        /// Batches paired.
        have: u64,
        /// Batches needed.
        need: u64,
    },
    /// There is a ratio, but no A/A twin to hold it against.
    NoNoiseFloor,
}

impl Finding {
    /// Returns the one word for the finding, the same in every form, in the words for its counts, and how it is meant.
    pub const fn wording(self, words: Wording) -> (&'static str, Tone) {
        let (good, bad) = words.tones();
        match self {
            Self::Faster => (words.less(), good),
            Self::Slower => (words.more(), bad),
            Self::WithinNoise | Self::Indistinguishable => ("indistinguishable", Tone::Plain),
            Self::BelowResolution => ("below resolution", Tone::Care),
            Self::TooFewSamples { .. } => ("too few samples", Tone::Care),
            Self::NoNoiseFloor => ("no noise floor, no claim", Tone::Care),
        }
    }
}

#[cfg(test)]
mod tests {
    use results::manifest::{HARDWARE_LABEL, QEMU_LABEL};

    use super::*;

    #[test]
    fn only_hardware_is_faster_or_slower() {
        let (hardware, simulator) = (Wording::of(HARDWARE_LABEL), Wording::of(QEMU_LABEL));
        assert_eq!(Finding::Faster.wording(hardware), ("faster", Tone::Good));
        assert_eq!(Finding::Faster.wording(simulator), ("lower", Tone::Plain));
        assert_eq!(Finding::Slower.wording(hardware), ("slower", Tone::Bad));
        assert_eq!(Finding::Slower.wording(simulator), ("higher", Tone::Plain));
    }
}
