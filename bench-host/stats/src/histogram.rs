// SPDX-License-Identifier: MIT OR Apache-2.0
//! An exact histogram of whole numbers: every value seen, and how often.
//!
//! A timed sequence takes a few thousand different values at most, however many samples there are, so keeping them all
//! costs little and no percentile is ever an estimate. Small values are counted in an array, because that is what
//! makes adding fast; the long tail goes to a map.

use std::collections::BTreeMap;

/// Values below this are counted in the array: 256 KiB per histogram when full.
const DENSE: u64 = 1 << 15;

/// Exact counts of whole values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    dense: Vec<u64>,
    tail: BTreeMap<u64, u64>,
    count: u64,
    sum: u128,
}

impl Histogram {
    /// Creates an empty histogram.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts `count` samples of `value`.
    pub fn add(&mut self, value: u64, count: u64) {
        if count == 0 {
            return;
        }
        if value < DENSE {
            let index = value as usize;
            if index >= self.dense.len() {
                self.dense.resize(index + 1, 0);
            }
            self.dense[index] += count;
        } else {
            *self.tail.entry(value).or_default() += count;
        }
        self.count += count;
        self.sum += u128::from(value) * u128::from(count);
    }

    /// Returns the number of samples.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Returns whether there is no sample.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns every value seen with its count, in rising order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let dense = (0..).zip(self.dense.iter().copied()).filter(|&(_, count)| count > 0);
        dense.chain(self.tail.iter().map(|(&value, &count)| (value, count)))
    }

    /// Returns the smallest value.
    pub fn min(&self) -> Option<u64> {
        self.iter().next().map(|(value, _)| value)
    }

    /// Returns the largest value.
    pub fn max(&self) -> Option<u64> {
        let dense = || self.dense.iter().rposition(|&count| count > 0).map(|at| at as u64);
        self.tail.last_key_value().map(|(&value, _)| value).or_else(dense)
    }

    /// Returns the arithmetic mean.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// Returns the quantile `numerator / denominator` by nearest rank: the smallest value with at least that share of
    /// the samples at or below it, always a value that was measured (Hyndman and Fan 1996, definition 1).
    pub fn quantile(&self, numerator: u64, denominator: u64) -> Option<u64> {
        let rank = (u128::from(self.count) * u128::from(numerator)).div_ceil(u128::from(denominator));
        self.at_rank(u64::try_from(rank).ok()?.max(1))
    }

    /// Returns the median; with an even number of samples the mean of the middle two, so possibly a half.
    pub fn median(&self) -> Option<f64> {
        let low = self.at_rank(self.count.div_ceil(2))?;
        let high = self.at_rank(self.count / 2 + 1)?;
        Some((low as f64 + high as f64) / 2.0)
    }

    /// Returns the median absolute deviation from the median, not scaled to a standard deviation.
    pub fn mad(&self) -> Option<f64> {
        let center = self.median()?;
        let mut deviations: Vec<(f64, u64)> = self
            .iter()
            .map(|(value, count)| ((value as f64 - center).abs(), count))
            .collect();
        deviations.sort_by(|a, b| a.0.total_cmp(&b.0));
        let at = |rank: u64| {
            let mut seen = 0;
            deviations.iter().find_map(|&(deviation, count)| {
                seen += count;
                (seen >= rank).then_some(deviation)
            })
        };
        Some((at(self.count.div_ceil(2))? + at(self.count / 2 + 1)?) / 2.0)
    }

    /// Returns the value of the sample with this rank, counted from 1 in rising order.
    fn at_rank(&self, rank: u64) -> Option<u64> {
        let mut seen = 0;
        self.iter().find_map(|(value, count)| {
            seen += count;
            (rank > 0 && seen >= rank).then_some(value)
        })
    }
}

impl FromIterator<u64> for Histogram {
    fn from_iter<I: IntoIterator<Item = u64>>(values: I) -> Self {
        let mut histogram = Self::new();
        values.into_iter().for_each(|value| histogram.add(value, 1));
        histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bootstrap::SplitMix64;

    #[test]
    fn an_empty_histogram_has_no_statistics() {
        let h = Histogram::new();
        assert_eq!((h.count(), h.min(), h.max(), h.quantile(1, 2)), (0, None, None, None));
        assert_eq!((h.mean(), h.median(), h.mad()), (None, None, None));
    }

    #[test]
    fn hand_computed_values() {
        // R: x <- c(1, 1, 2, 2, 4, 6, 9); median(x) 2; mad(x, constant = 1) 1; mean(x) 25/7.
        let h: Histogram = [6, 1, 2, 4, 1, 9, 2].into_iter().collect();
        assert_eq!((h.min(), h.max(), h.count()), (Some(1), Some(9), 7));
        assert_eq!((h.median(), h.mad()), (Some(2.0), Some(1.0)));
        assert!((h.mean().unwrap() - 25.0 / 7.0).abs() < 1e-12);
        // Even count: the mean of the middle two.
        let h: Histogram = [3, 4, 10, 1].into_iter().collect();
        assert_eq!(h.median(), Some(3.5));
        // Deviations 0.5, 0.5, 2.5, 6.5.
        assert_eq!(h.mad(), Some(1.5));
    }

    #[test]
    fn nearest_rank_percentiles_as_published() {
        // The worked example of nearest rank: 15, 20, 35, 40, 50 at 5, 30, 40, 50 and 100%.
        let h: Histogram = [15, 20, 35, 40, 50].into_iter().collect();
        let at = |p| h.quantile(p, 100).unwrap();
        assert_eq!([at(5), at(30), at(40), at(50), at(100)], [15, 20, 20, 35, 50]);
        let h: Histogram = (1..=1000).collect();
        assert_eq!(h.quantile(999, 1000), Some(999));
        assert_eq!(h.quantile(9991, 10_000), Some(1000));
        assert_eq!(h.quantile(0, 100), Some(1));
    }

    #[test]
    fn agrees_with_sorting_across_the_array_and_the_tail() {
        let mut random = SplitMix64::new(7);
        let mut values: Vec<u64> = (0..5001)
            .map(|_| random.next_u64() >> (40 + random.below(20)))
            .collect();
        let h: Histogram = values.iter().copied().collect();
        values.sort_unstable();
        assert!(values[0] < DENSE && values[5000] > DENSE, "both halves are exercised");
        assert_eq!((h.min(), h.max()), (Some(values[0]), Some(values[5000])));
        assert_eq!(h.median(), Some(values[2500] as f64));
        for permille in [1_u64, 10, 500, 900, 990, 999, 1000] {
            let rank = (5001 * permille).div_ceil(1000);
            assert_eq!(h.quantile(permille, 1000), Some(values[rank as usize - 1]));
        }
        let mut deviations: Vec<u64> = values.iter().map(|v| v.abs_diff(values[2500])).collect();
        deviations.sort_unstable();
        assert_eq!(h.mad(), Some(deviations[2500] as f64));
    }

    #[test]
    fn counts_do_not_overflow_on_long_runs_of_large_values() {
        let mut h = Histogram::new();
        h.add(u64::MAX, 1 << 40);
        h.add(u64::MAX - 2, 1 << 40);
        assert_eq!(h.count(), 1 << 41);
        assert_eq!(h.max(), Some(u64::MAX));
        assert_eq!(h.quantile(1, 2), Some(u64::MAX - 2));
    }

    proptest::proptest! {
        #[test]
        fn counts_are_the_same_in_any_order_and_any_pieces(
            samples in proptest::collection::vec((0_u64..70_000, 0_u64..5), 0..60),
            cut in 0_usize..60,
        ) {
            let (mut whole, mut backwards, mut merged) = (Histogram::new(), Histogram::new(), Histogram::new());
            samples.iter().for_each(|&(value, count)| whole.add(value, count));
            samples.iter().rev().for_each(|&(value, count)| backwards.add(value, count));
            // As two files of one series are read: each by itself, then one into the other.
            let (first, second) = samples.split_at(cut.min(samples.len()));
            for part in [first, second] {
                let mut own = Histogram::new();
                part.iter().for_each(|&(value, count)| own.add(value, count));
                own.iter().for_each(|(value, count)| merged.add(value, count));
            }
            let of = |h: &Histogram| (h.iter().collect::<Vec<_>>(), h.count(), h.median(), h.mad(), h.mean());
            proptest::prop_assert_eq!(of(&whole), of(&backwards));
            proptest::prop_assert_eq!(of(&whole), of(&merged));
            let count: u64 = samples.iter().map(|&(_, count)| count).sum();
            proptest::prop_assert_eq!(whole.count(), count);
        }
    }
}
