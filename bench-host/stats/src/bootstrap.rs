// SPDX-License-Identifier: MIT OR Apache-2.0
//! A seeded percentile bootstrap of the median.
//!
//! The median, because batches hit by an interrupt or a busy host must not move the result. With at least
//! [`MIN_BATCHES`] values the interval holds the true median about 95 times in 100 (`tests` measures it). With fewer no
//! distribution-free interval of that level exists: all of 5 values lie on the same side of the median in
//! 2 * 0.5^5 = 6% of the cases.

use crc::{CRC_32_ISO_HDLC, Crc};

/// The fewest values a 95% interval of a median can be had from.
pub const MIN_BATCHES: usize = 6;

/// Resamples per interval: the ends then move by about a hundredth of the interval's width between seeds.
const RESAMPLES: usize = 2000;

/// A two-sided 95% interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Turns names into numbers: the check sum that the wire of a run has too, for ever the same.
const NAMES: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// The generator of Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
///
/// Written out rather than taken from a crate, because the stream must never change: stored reports are compared.
#[derive(Debug, Clone)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// Creates a generator from a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Creates a generator from a seed and a name, so that two statistics of one run do not share their luck.
    pub fn named(seed: u64, name: &str) -> Self {
        Self(seed ^ u64::from(NAMES.checksum(name.as_bytes())) << 32)
    }

    /// Returns the next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number below `n`, uniform to within `n` in 2^64.
    pub const fn below(&mut self, n: u64) -> u64 {
        ((self.next_u64() as u128 * n as u128) >> 64) as u64
    }
}

/// Returns the median of values in rising order; with an even number of them the mean of the middle two.
pub fn median_of_sorted(sorted: &[f64]) -> Option<f64> {
    let low = *sorted.get(sorted.len().checked_sub(1)? / 2)?;
    let high = sorted[sorted.len() / 2];
    // Infinite ends stay infinite instead of becoming NaN.
    Some(if low == high { low } else { low / 2.0 + high / 2.0 })
}

/// Returns the median and its 95% bootstrap interval, or `None` with fewer than [`MIN_BATCHES`] values.
pub fn median_interval(values: &[f64], mut random: SplitMix64) -> Option<(f64, Interval)> {
    if values.len() < MIN_BATCHES {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    // A resample is drawn as counts per rank: its median is found by walking them, with nothing to sort.
    let mut counts = vec![0_u32; n];
    let mut medians: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            counts.fill(0);
            (0..n).for_each(|_| counts[random.below(n as u64) as usize] += 1);
            let (lower, upper) = middle(&counts);
            median_of_sorted(&[sorted[lower], sorted[upper]]).unwrap_or(sorted[upper])
        })
        .collect();
    medians.sort_by(f64::total_cmp);
    let interval = Interval {
        low: medians[RESAMPLES / 40],
        high: medians[RESAMPLES - 1 - RESAMPLES / 40],
    };
    Some((median_of_sorted(&sorted)?, interval))
}

/// Returns the ranks of the middle two of as many draws as there are ranks; of an odd number, the middle one twice.
fn middle(counts: &[u32]) -> (usize, usize) {
    let n = counts.len();
    let (mut seen, mut lower) = (0, None);
    for (rank, &count) in counts.iter().enumerate() {
        seen += count as usize;
        if lower.is_none() && seen >= n.div_ceil(2) {
            lower = Some(rank);
        }
        if seen > n / 2 {
            return (lower.unwrap_or(rank), rank);
        }
    }
    (0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_the_published_one() {
        // First outputs for seed 1234567, as published (Rosetta Code, "Pseudo-random numbers/Splitmix64").
        let mut random = SplitMix64::new(1_234_567);
        assert_eq!(random.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(random.next_u64(), 3_203_168_211_198_807_973);
        assert_eq!(random.next_u64(), 9_817_491_932_198_370_423);
    }

    #[test]
    fn the_middle_of_a_resample() {
        assert_eq!(middle(&[0, 3, 0]), (1, 1));
        assert_eq!(middle(&[2, 0, 0, 2]), (0, 3));
        assert_eq!(middle(&[1, 1, 1, 1]), (1, 2));
        assert_eq!(middle(&[1, 1, 1, 1, 1]), (2, 2));
        assert_eq!(middle(&[0, 0, 0, 4]), (3, 3));
    }

    #[test]
    fn too_few_values_give_no_interval() {
        assert_eq!(median_interval(&[1.0; 5], SplitMix64::new(1)), None);
        assert!(median_interval(&[1.0; 6], SplitMix64::new(1)).is_some());
    }

    #[test]
    fn equal_values_give_an_interval_without_width() {
        let (median, interval) = median_interval(&[0.75; 50], SplitMix64::new(1)).unwrap();
        assert_eq!((median, interval.low, interval.high), (0.75, 0.75, 0.75));
    }

    #[test]
    fn a_seed_fixes_the_interval() {
        let values: Vec<f64> = (0..40).map(|i| f64::from(i * i % 37)).collect();
        let interval = |seed| median_interval(&values, SplitMix64::new(seed)).unwrap();
        assert_eq!(interval(3), interval(3));
    }

    #[test]
    fn infinite_values_take_their_place_and_make_no_nan() {
        let mut values = vec![1.0; 20];
        values[..12].fill(f64::INFINITY);
        let (median, interval) = median_interval(&values, SplitMix64::new(1)).unwrap();
        assert_eq!((median, interval.high), (f64::INFINITY, f64::INFINITY));
        assert_eq!(interval.low, 1.0);
    }

    #[test]
    fn the_interval_agrees_with_the_exact_one() {
        // Order statistics: for n = 50, ranks 18 and 33 hold the median with 96.7%, the sum of the binomial
        // probabilities of 18 to 32 of 50 at one half.
        let values: Vec<f64> = (1..=50).map(f64::from).collect();
        let (median, interval) = median_interval(&values, SplitMix64::new(9)).unwrap();
        assert_eq!(median, 25.5);
        assert!((17.5..=19.5).contains(&interval.low), "{interval:?}");
        assert!((31.5..=33.5).contains(&interval.high), "{interval:?}");
    }

    #[test]
    fn the_interval_covers_the_true_median_as_often_as_it_says() {
        // Skewed on purpose: the true median of u^4 is 1/16. 1000 seeded experiments of 50 batches.
        let mut random = SplitMix64::new(2026);
        let covered = (0..1000)
            .filter(|&seed| {
                let values: Vec<f64> = (0..50)
                    .map(|_| (random.next_u64() as f64 / 2f64.powi(64)).powi(4))
                    .collect();
                let (_, interval) = median_interval(&values, SplitMix64::new(seed)).unwrap();
                (interval.low..=interval.high).contains(&(1.0 / 16.0))
            })
            .count();
        assert!((925..=975).contains(&covered), "{covered} of 1000");
    }
}
