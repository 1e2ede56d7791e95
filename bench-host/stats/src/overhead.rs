// SPDX-License-Identifier: MIT OR Apache-2.0
//! Removing the cost of the measuring frame, reversibly.
//!
//! Every sequence is timed inside one stub frame; the empty frame is timed the same way and interleaved with the rest.
//! Its median is subtracted, once, from a median that stays on show. A difference no larger than the spread of the
//! empty frame itself is a statement about the frame, not about the sequence, and is called below resolution: never a
//! small number, and never a negative one.

use super::Histogram;

/// The empty frame: what is subtracted and how finely it resolves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overhead {
    /// Median of the empty frame.
    pub median: f64,
    /// 90th minus 10th percentile of the empty frame: a smaller difference is below resolution.
    pub spread: f64,
}

/// What is left of a median.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Net {
    /// The frame's cost was subtracted.
    Resolved(f64),
    /// What is left is within the frame's own spread.
    BelowResolution,
}

impl Overhead {
    /// Computes the overhead from the samples of the empty frame.
    pub fn of(empty: &Histogram) -> Option<Self> {
        Some(Self {
            median: empty.median()?,
            spread: (empty.quantile(9, 10)? - empty.quantile(1, 10)?) as f64,
        })
    }

    /// Subtracts the frame from a raw median.
    pub fn subtract(&self, raw: f64) -> Net {
        let net = raw - self.median;
        if net > self.spread {
            Net::Resolved(net)
        } else {
            Net::BelowResolution
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_without_spread_resolves_one_count() {
        let overhead = Overhead::of(&[3; 100].into_iter().collect()).unwrap();
        assert_eq!(overhead.subtract(7.0), Net::Resolved(4.0));
        assert_eq!(overhead.subtract(4.0), Net::Resolved(1.0));
        assert_eq!(overhead.subtract(3.0), Net::BelowResolution);
        assert_eq!(overhead.subtract(2.0), Net::BelowResolution);
    }

    #[test]
    fn what_is_within_the_spread_of_the_frame_is_below_resolution() {
        // 80 to 179: median 129.5, 10th percentile 89, 90th 169.
        let overhead = Overhead::of(&(80..180).collect()).unwrap();
        assert_eq!((overhead.median, overhead.spread), (129.5, 80.0));
        assert_eq!(overhead.subtract(209.5), Net::BelowResolution);
        assert_eq!(overhead.subtract(210.0), Net::Resolved(80.5));
    }
}
