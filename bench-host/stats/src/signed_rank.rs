// SPDX-License-Identifier: MIT OR Apache-2.0
//! Wilcoxon's signed-rank test of paired batches, and the Hodges-Lehmann shift that belongs to it.
//!
//! Batch `i` of a sequence runs beside batch `i` of its baseline, in an order drawn at random. If the two do not differ,
//! their batches may be exchanged, so the difference of a pair is as likely to be positive as negative whatever else
//! went on: the symmetry the test needs is made by the interleaving and not assumed. Wilcoxon, "Individual comparisons
//! by ranking methods", Biometrics Bulletin 1 (1945); zero differences are left out, as he did. The estimate and its
//! interval: Hollander and Wolfe, "Nonparametric Statistical Methods", sections 3.2 and 3.3.

use super::bootstrap::Interval;
use super::rank::{smaller_tail_twice, two_sided};

/// Most differences for which the distribution is exact.
const EXACT: usize = 50;
/// Share of an interval's misses on one side.
const TAIL: f64 = 0.025;
/// The standard normal quantile of `1 - TAIL`.
const Z: f64 = 1.959_963_984_540_054;

/// Returns the two-sided p-value of no difference; 1 if all differences are zero.
///
/// Exact given the sizes of the differences (ties included) up to 50 of them, the normal approximation with correction
/// for ties and continuity beyond.
pub fn signed_rank(differences: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = differences.iter().copied().filter(|&d| d != 0.0).collect();
    if sorted.is_empty() {
        return 1.0;
    }
    sorted.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    // Twice the mid-rank is whole.
    let (mut ranks, mut positive) = (Vec::with_capacity(sorted.len()), 0);
    for tied in sorted.chunk_by(|a, b| a.abs() == b.abs()) {
        let rank = 2 * ranks.len() + tied.len() + 1;
        ranks.extend(tied.iter().map(|_| rank));
        positive += rank * tied.iter().filter(|&&d| d > 0.0).count();
    }
    if ranks.len() <= EXACT {
        return smaller_tail_twice(&subset_sums(&ranks), positive);
    }
    let (sum, squares) = ranks
        .iter()
        .map(|&rank| rank as f64 / 2.0)
        .fold((0.0, 0.0), |(sum, squares), rank| (sum + rank, squares + rank * rank));
    let distance = ((positive as f64 / 2.0 - sum / 2.0).abs() - 0.5).max(0.0);
    two_sided(distance / (squares / 4.0).sqrt())
}

/// Returns for every sum how many subsets of the ranks have it.
fn subset_sums(ranks: &[usize]) -> Vec<f64> {
    let mut ways = vec![0.0; ranks.iter().sum::<usize>() + 1];
    ways[0] = 1.0;
    let mut most = 0;
    for &rank in ranks {
        most += rank;
        for sum in (rank..=most).rev() {
            ways[sum] += ways[sum - rank];
        }
    }
    ways
}

/// Returns the median of all averages of two differences (each with itself too), and the 95% interval that the
/// signed-rank test does not reject; `None` with fewer than six differences, from which no such interval can be had.
///
/// The interval assumes differences symmetric about the shift.
pub fn pseudomedian(differences: &[f64]) -> Option<(f64, Interval)> {
    let n = differences.len();
    let averages = n * (n + 1) / 2;
    let outside = outside(n)?;
    let mut sorted = differences.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |rank| walsh_average(&sorted, rank);
    let interval = Interval {
        low: at(outside),
        high: at(averages + 1 - outside),
    };
    Some((at(averages.div_ceil(2)) / 2.0 + at(averages / 2 + 1) / 2.0, interval))
}

/// Returns the rank of the average the interval begins with, counted from 1.
fn outside(n: usize) -> Option<usize> {
    if n <= EXACT {
        let ranks: Vec<usize> = (1..=n).collect();
        let ways = subset_sums(&ranks);
        let all: f64 = ways.iter().sum();
        let mut seen = 0.0;
        let below = ways.iter().take_while(|&&ways| {
            seen += ways;
            seen / all < TAIL
        });
        return Some(below.count()).filter(|&below| below > 0);
    }
    let n = n as f64;
    let (mean, variance) = (n * (n + 1.0) / 4.0, n * (n + 1.0) * (2.0 * n + 1.0) / 24.0);
    Some((mean - 0.5 - Z * variance.sqrt()).ceil() as usize)
}

/// Returns the average of two of the sorted values with this rank, counted from 1, without making them all: bisects the
/// average and counts those at or below it.
fn walsh_average(sorted: &[f64], rank: usize) -> f64 {
    let (mut low, mut high) = (key(sorted[0]), key(sorted[sorted.len() - 1]));
    while low < high {
        let middle = low + (high - low) / 2;
        if averages_at_most(sorted, value(middle)) >= rank {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    value(low)
}

fn averages_at_most(sorted: &[f64], limit: f64) -> usize {
    let (mut averages, mut below) = (0, sorted.len());
    for (at, &first) in sorted.iter().enumerate() {
        while below > 0 && (first + sorted[below - 1]) * 0.5 > limit {
            below -= 1;
        }
        averages += below.saturating_sub(at);
    }
    averages
}

/// Maps a number to a whole one, keeping the order.
fn key(value: f64) -> u64 {
    let bits = value.to_bits();
    if value.is_sign_negative() {
        !bits
    } else {
        bits | 1 << 63
    }
}

fn value(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 0 { !key } else { key & !(1 << 63) })
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::{prop_assert, proptest};

    use super::*;
    use crate::bootstrap::SplitMix64;

    /// Hollander and Wolfe, example 3.1 (R's ?wilcox.test): depression scale of nine patients before and after.
    const DEPRESSION: [f64; 9] = [0.952, -0.147, 1.022, 0.43, 0.62, 0.59, 0.49, -0.08, 0.01];

    #[test]
    fn the_textbook_example() {
        // V = 40, one-sided p = 0.01953.
        assert!((signed_rank(&DEPRESSION) / 2.0 - 0.019_53).abs() < 5e-6);
        // Hollander and Wolfe, examples 3.3 and 3.4: estimate 0.46, interval of 96.1% from 0.010 to 0.786.
        let (estimate, interval) = pseudomedian(&DEPRESSION).unwrap();
        assert!((estimate - 0.46).abs() < 1e-9, "{estimate}");
        assert!(
            (interval.low - 0.010).abs() < 1e-9 && (interval.high - 0.786).abs() < 1e-9,
            "{interval:?}"
        );
    }

    #[test]
    fn critical_values_as_tabulated() {
        // Critical values of T, two-tailed, alpha 0.05, n from 6 to 25: McCornack, "Extended tables of the Wilcoxon
        // matched pair signed rank statistic", Journal of the American Statistical Association 60 (1965).
        let table = [
            0, 2, 3, 5, 8, 10, 13, 17, 21, 25, 29, 34, 40, 46, 52, 58, 65, 73, 81, 89,
        ];
        for (n, critical) in (6_usize..).zip(table) {
            let p = |t: usize| {
                // The ranks that make up T, taken from the largest down, are positive.
                let mut left = t;
                let signs = (1..=n).rev().map(|rank| {
                    let taken = rank <= left;
                    left -= if taken { rank } else { 0 };
                    if taken { rank as f64 } else { -(rank as f64) }
                });
                signed_rank(&signs.collect::<Vec<_>>())
            };
            assert!(p(critical) <= 0.05, "{n}: {critical} has {}", p(critical));
            assert!(p(critical + 1) > 0.05, "{n}: {critical} + 1 has {}", p(critical + 1));
        }
    }

    #[test]
    fn few_differences_give_no_interval() {
        assert_eq!(pseudomedian(&[1.0; 5]), None);
        let (estimate, interval) = pseudomedian(&[3.0, 1.0, 2.0, 6.0, 5.0, 4.0]).unwrap();
        assert_eq!((estimate, interval.low, interval.high), (3.5, 1.0, 6.0));
        assert_eq!(signed_rank(&[0.0; 20]), 1.0);
        assert_eq!(signed_rank(&[2.0; 6]), 2.0 / 64.0);
    }

    #[test]
    fn agrees_with_a_crate_for_real_numbers() {
        use pragmastat::estimators::raw;
        let mut random = SplitMix64::new(5);
        for n in [6, 7, 30, 50] {
            let values: Vec<f64> = (0..n).map(|_| random.below(100_000) as f64 / 16.0 - 3000.0).collect();
            let (estimate, interval) = pseudomedian(&values).unwrap();
            assert!((estimate - raw::center(&values, false).unwrap()).abs() < 1e-6);
            let bounds = raw::center_bounds(&values, 0.05, false).unwrap();
            // pragmastat leaves out one more average at each end when the level falls between two.
            assert!(
                (interval.low..=estimate).contains(&bounds.lower),
                "{interval:?} {bounds:?}"
            );
            assert!(
                (estimate..=interval.high).contains(&bounds.upper),
                "{interval:?} {bounds:?}"
            );
        }
    }

    #[test]
    fn the_interval_covers_and_the_test_keeps_its_level() {
        // 1000 seeded runs of 12 (exact) and of 60 (approximate) batches; the true shift is 5.
        for n in [12, 60] {
            let mut random = SplitMix64::new(n);
            let (mut covered, mut alarms) = (0, 0);
            for _ in 0..1000 {
                let draw = |random: &mut SplitMix64| (0..3).map(|_| random.below(1000) as f64 / 100.0).sum::<f64>();
                let noise: Vec<f64> = (0..n).map(|_| draw(&mut random) - draw(&mut random)).collect();
                let moved: Vec<f64> = noise.iter().map(|d| d + 5.0).collect();
                let (_, interval) = pseudomedian(&moved).unwrap();
                covered += usize::from((interval.low..=interval.high).contains(&5.0));
                alarms += usize::from(signed_rank(&noise) <= 0.05);
            }
            assert!((930..=975).contains(&covered), "{covered} of 1000 at {n}");
            assert!((25..=70).contains(&alarms), "{alarms} of 1000 at {n}");
        }
    }

    #[test]
    fn order_survives_the_mapping() {
        let values = [-1e300, -1.0, -0.0, 0.0, 1e-300, 1.0, 1e300];
        assert!(values.is_sorted_by_key(|&v| key(v)));
        assert!(values.iter().all(|&v| value(key(v)).to_bits() == v.to_bits()));
    }

    proptest! {
        #[test]
        fn agrees_with_sorting_all_averages(values in vec(-1000_i32..1000, 6..60)) {
            let values: Vec<f64> = values.iter().map(|&v| f64::from(v) / 8.0).collect();
            let mut all: Vec<f64> = (0..values.len())
                .flat_map(|i| (i..values.len()).map(move |j| (i, j)))
                .map(|(i, j)| (values[i] + values[j]) / 2.0)
                .collect();
            all.sort_by(f64::total_cmp);
            let (estimate, interval) = pseudomedian(&values).unwrap();
            let median = (all[(all.len() - 1) / 2] + all[all.len() / 2]) / 2.0;
            prop_assert!((estimate - median).abs() < 1e-9);
            prop_assert!(all.contains(&interval.low) && all.contains(&interval.high));
        }
    }
}
