// SPDX-License-Identifier: MIT OR Apache-2.0
//! The batches of a series: put together from rows, their medians, and what a series of them says about the run.

use super::bootstrap::median_of_sorted;

/// Returns the median of one batch of `(value, count)` pairs, interpolated within the value it falls on.
///
/// A counter shows whole numbers, so the plain median of a batch can only be one of them (or a half), and two sequences
/// that differ by a fraction of a cycle would look equal in every batch. The median for grouped data takes the samples
/// of a value `v` as spread evenly over `v - 0.5` to `v + 0.5`; a batch of one value only has exactly that median.
pub fn grouped_median(pairs: &mut [(u64, u64)]) -> Option<f64> {
    pairs.sort_unstable_by_key(|&(value, _)| value);
    let total: u64 = pairs.iter().map(|&(_, count)| count).sum();
    let half = total as f64 / 2.0;
    let mut below = 0_u64;
    let mut rest = &pairs[..];
    while let Some(&(value, _)) = rest.first() {
        // Pairs of one value may come in parts, from several lines.
        let same = rest.iter().take_while(|&&(other, _)| other == value).count();
        let count: u64 = rest[..same].iter().map(|&(_, count)| count).sum();
        if count > 0 && (below + count) as f64 >= half {
            return Some(value as f64 - 0.5 + (half - below as f64) / count as f64);
        }
        below += count;
        rest = &rest[same..];
    }
    None
}

/// A batch that has ended.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// Its number.
    pub number: u32,
    /// Its samples.
    pub samples: u64,
    /// Their [`grouped_median`]; `None` where there are none.
    pub median: Option<f64>,
    /// Its values, each with its count, sorted; a value may come several times.
    pub pairs: &'a [(u64, u64)],
}

/// Puts the rows of one series together to batches, as they come. Memory is that of one batch.
#[derive(Debug, Clone, Default)]
pub struct Fold {
    open: Option<u32>,
    pairs: Vec<(u64, u64)>,
}

impl Fold {
    /// Adds a row, and hands out the batch before its own, which ends with it. Batches come in rising order: returns the
    /// later batch that came before, otherwise.
    pub fn add(&mut self, batch: u32, value: u64, count: u64, ended: impl FnOnce(Batch<'_>)) -> Result<(), u32> {
        match self.open {
            Some(open) if open == batch => {}
            Some(open) if open > batch => return Err(open),
            _ => {
                self.end(ended);
                self.open = Some(batch);
            }
        }
        self.pairs.push((value, count));
        Ok(())
    }

    /// Hands out the last batch, if there is one.
    pub fn end(&mut self, ended: impl FnOnce(Batch<'_>)) {
        let Some(number) = self.open.take() else { return };
        ended(Batch {
            number,
            samples: self.pairs.iter().map(|&(_, count)| count).sum(),
            median: grouped_median(&mut self.pairs),
            pairs: &self.pairs,
        });
        self.pairs.clear();
    }
}

/// Returns by how much the last third of the batches differs from the first, relative to the first, or `None` with
/// fewer than nine batches.
///
/// A clock that changes frequency or a host that gets busy shows here; pairing by batch keeps it out of the ratios.
pub fn drift(medians: &[f64]) -> Option<f64> {
    let third = medians.len() / 3;
    if third < 3 {
        return None;
    }
    let median = |part: &[f64]| {
        let mut sorted = part.to_vec();
        sorted.sort_by(f64::total_cmp);
        median_of_sorted(&sorted)
    };
    let first = median(&medians[..third])?;
    let last = median(&medians[medians.len() - third..])?;
    (first > 0.0).then(|| last / first - 1.0)
}

/// Returns the correlation of consecutive values' ranks (Spearman's, at lag 1), or `None` with fewer than ten values
/// or if all are equal.
///
/// An interval over batches takes them as independent. Where this is well above 0, something slower than a batch went
/// on, and the interval is too narrow by about `sqrt((1 + r) / (1 - r))`.
pub fn correlation(values: &[f64]) -> Option<f64> {
    if values.len() < 10 {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let center = (values.len() - 1) as f64;
    // Twice the distance from the middle rank; ties share the middle of their ranks.
    let rank = |value: &f64| {
        let below = sorted.partition_point(|other| other < value);
        let through = sorted.partition_point(|other| other <= value);
        (below + through - 1) as f64 - center
    };
    let ranks: Vec<f64> = values.iter().map(rank).collect();
    let all: f64 = ranks.iter().map(|rank| rank * rank).sum();
    let along: f64 = ranks.iter().zip(&ranks[1..]).map(|(a, b)| a * b).sum();
    (all > 0.0).then(|| along / all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bootstrap::SplitMix64;

    #[test]
    fn rows_become_batches_in_rising_order() {
        let mut fold = Fold::default();
        let mut seen = Vec::new();
        for (batch, value, count) in [(0, 8, 1), (0, 7, 2), (2, 9, 1)] {
            fold.add(batch, value, count, |batch| {
                seen.push((batch.number, batch.samples, batch.median, batch.pairs.to_vec()));
            })
            .unwrap();
        }
        // Half of the three samples are below 7.25: one and a half of the two that spread over 6.5 to 7.5.
        assert_eq!(seen, [(0, 3, Some(7.25), vec![(7, 2), (8, 1)])]);
        assert_eq!(fold.add(1, 7, 1, |_| unreachable!()), Err(2));
        fold.end(|batch| assert_eq!((batch.number, batch.pairs), (2, &[(9, 1)][..])));
        fold.end(|_| unreachable!("there is no further batch"));
    }

    #[test]
    fn correlation_tells_waves_from_noise() {
        let slow: Vec<f64> = (0..60).map(|i| f64::from(i / 10 % 2)).collect();
        assert!(correlation(&slow).unwrap() > 0.7);
        let alternating: Vec<f64> = (0..60).map(|i| f64::from(i % 2)).collect();
        assert!(correlation(&alternating).unwrap() < -0.9);
        assert_eq!((correlation(&[1.0; 60]), correlation(&slow[..9])), (None, None));
        // Independent values: within 3 / sqrt(n) of zero, but for one in 370.
        let mut random = SplitMix64::new(4);
        let alarms = (0..1000).filter(|_| {
            let values: Vec<f64> = (0..50).map(|_| random.below(1000) as f64).collect();
            correlation(&values).unwrap().abs() > 3.0 / 50_f64.sqrt()
        });
        assert!(alarms.count() <= 8);
    }

    #[test]
    fn grouped_medians_as_published() {
        // The examples of Python's statistics.median_grouped.
        let of = |values: &[u64]| grouped_median(&mut values.iter().map(|&v| (v, 1)).collect::<Vec<_>>()).unwrap();
        assert_eq!(of(&[1, 2, 2, 3, 4, 4, 4, 4, 4, 5]), 3.7);
        assert_eq!(of(&[52, 52, 53, 54]), 52.5);
        assert_eq!(of(&[1, 3, 3, 5, 7]), 3.25);
    }

    #[test]
    fn a_batch_of_one_value_has_that_median() {
        assert_eq!(grouped_median(&mut [(7, 2000)]), Some(7.0));
        assert_eq!(grouped_median(&mut []), None);
        assert_eq!(grouped_median(&mut [(7, 0)]), None);
    }

    #[test]
    fn order_and_splitting_of_pairs_do_not_matter() {
        assert_eq!(
            grouped_median(&mut [(9, 1), (4, 2), (3, 1), (4, 2)]),
            grouped_median(&mut [(3, 1), (4, 4), (9, 1)])
        );
    }

    #[test]
    fn drift_is_the_change_from_the_first_to_the_last_third() {
        assert_eq!(drift(&[100.0; 8]), None);
        assert_eq!(drift(&[100.0; 9]), Some(0.0));
        let rising: Vec<f64> = (0..30).map(|i| if i < 15 { 100.0 } else { 110.0 }).collect();
        assert!((drift(&rising).unwrap() - 0.1).abs() < 1e-12);
    }
}
