// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a finding is called. What no processor timed is lower or higher, never faster or slower, and it is neither good
//! news nor bad.

use results::manifest::HARDWARE_LABEL;

use crate::model::Finding;
use crate::table::Tone;

/// The words for findings in counts of one label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wording {
    is_timing: bool,
}

impl Wording {
    /// The words for time on hardware.
    pub const TIMING: Self = Self { is_timing: true };
    /// The words for what may be anything but that.
    pub const COUNTS: Self = Self { is_timing: false };

    /// Returns the words for counts with this label.
    pub fn of(label: &str) -> Self {
        Self {
            is_timing: label == HARDWARE_LABEL,
        }
    }

    /// Returns the word for a ratio below 1.
    pub const fn less(self) -> &'static str {
        if self.is_timing { "faster" } else { "lower" }
    }

    /// Returns the word for a ratio above 1.
    pub const fn more(self) -> &'static str {
        if self.is_timing { "slower" } else { "higher" }
    }

    /// Returns what a finding is called in a table, and how it is meant.
    pub const fn verdict(self, finding: Finding) -> (&'static str, Tone) {
        let (good, bad) = if self.is_timing {
            (Tone::Good, Tone::Bad)
        } else {
            (Tone::Plain, Tone::Plain)
        };
        match finding {
            Finding::Faster => (self.less(), good),
            Finding::Slower => (self.more(), bad),
            Finding::Indistinguishable => ("indistinguishable", Tone::Plain),
            Finding::BelowResolution => ("below resolution", Tone::Care),
            Finding::TooFewSamples { .. } => ("too few samples", Tone::Care),
            Finding::NoNoiseFloor => ("no noise floor, no claim", Tone::Care),
        }
    }

    /// Returns the same where an effect that the noise floor accounts for is told from none.
    pub const fn verdict_within(self, finding: Finding, is_within_noise: bool) -> (&'static str, Tone) {
        match finding {
            Finding::Indistinguishable if is_within_noise => ("within the noise floor", Tone::Plain),
            _ => self.verdict(finding),
        }
    }
}

#[cfg(test)]
mod tests {
    use results::manifest::QEMU_LABEL;

    use super::*;

    #[test]
    fn only_hardware_is_faster_or_slower() {
        let (hardware, simulator) = (Wording::of(HARDWARE_LABEL), Wording::of(QEMU_LABEL));
        assert_eq!(hardware.verdict(Finding::Faster), ("faster", Tone::Good));
        assert_eq!(simulator.verdict(Finding::Faster), ("lower", Tone::Plain));
        assert_eq!(hardware.verdict(Finding::Slower), ("slower", Tone::Bad));
        assert_eq!(simulator.verdict(Finding::Slower), ("higher", Tone::Plain));
        let within = hardware.verdict_within(Finding::Indistinguishable, true).0;
        assert_eq!(within, "within the noise floor");
        assert_eq!(hardware.verdict_within(Finding::Slower, true).0, "slower");
    }
}
