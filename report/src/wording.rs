// SPDX-License-Identifier: MIT OR Apache-2.0
//! The words for findings. What no processor timed is lower or higher, never faster or slower, and it is neither good
//! news nor bad.

use results::manifest::HARDWARE_LABEL;

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

    /// Returns how a ratio below 1 and one above it are meant: good and bad news, where they are news at all.
    pub const fn tones(self) -> (Tone, Tone) {
        if self.is_timing {
            (Tone::Good, Tone::Bad)
        } else {
            (Tone::Plain, Tone::Plain)
        }
    }
}
