// SPDX-License-Identifier: MIT OR Apache-2.0
//! The Hodges-Lehmann shift between two histograms: the median of all differences between their samples.
//!
//! Hodges and Lehmann, "Estimates of location based on rank tests", Annals of Mathematical Statistics 34 (1963). Two
//! series of a million samples have 10^12 differences, but whole values: the median is found by bisecting the
//! difference and counting, for each, the pairs at or below it in one walk along both histograms. That is exact, takes
//! time proportional to the number of *different* values, and no memory.

/// A value and how many samples have it.
pub type Weighted = (u64, u64);

/// Returns the median of `y - x` over all pairs of a sample of each, in counts; with an even number of pairs the mean
/// of the middle two. `None` if one has no sample. Both must be in rising order, as [`super::Histogram::iter`] is.
pub fn hodges_lehmann(x: &[Weighted], y: &[Weighted]) -> Option<f64> {
    let total = |of: &[Weighted]| of.iter().map(|&(_, count)| u128::from(count)).sum::<u128>();
    let pairs = total(x).checked_mul(total(y)).filter(|&pairs| pairs > 0)?;
    let low = at_rank(x, y, pairs.div_ceil(2))?;
    let high = at_rank(x, y, pairs / 2 + 1)?;
    Some((low as f64 + high as f64) / 2.0)
}

/// Returns the difference with this rank, counted from 1 in rising order.
fn at_rank(x: &[Weighted], y: &[Weighted], rank: u128) -> Option<i128> {
    let difference = |y: &Weighted, x: &Weighted| i128::from(y.0) - i128::from(x.0);
    let (mut low, mut high) = (difference(y.first()?, x.last()?), difference(y.last()?, x.first()?));
    while low < high {
        let middle = low + (high - low) / 2;
        if pairs_at_most(x, y, middle) >= rank {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(low)
}

/// Returns how many pairs have `y - x <= difference`.
fn pairs_at_most(x: &[Weighted], y: &[Weighted], difference: i128) -> u128 {
    let (mut pairs, mut below, mut next) = (0, 0_u128, 0);
    for &(x_value, x_count) in x {
        while let Some(&(y_value, y_count)) = y.get(next)
            && i128::from(y_value) - i128::from(x_value) <= difference
        {
            below += u128::from(y_count);
            next += 1;
        }
        pairs += below * u128::from(x_count);
    }
    pairs
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::{prop_assert_eq, proptest};

    use super::*;
    use crate::Histogram;

    fn weighted(values: &[u64]) -> Vec<Weighted> {
        values.iter().copied().collect::<Histogram>().iter().collect()
    }

    fn brute_force(x: &[u64], y: &[u64]) -> f64 {
        let mut all: Vec<i128> = y
            .iter()
            .flat_map(|&y| x.iter().map(move |&x| i128::from(y) - i128::from(x)))
            .collect();
        all.sort_unstable();
        (all[(all.len() - 1) / 2] as f64 + all[all.len() / 2] as f64) / 2.0
    }

    #[test]
    fn the_textbook_example() {
        // Hollander and Wolfe, "Nonparametric Statistical Methods", example 4.1 and R's ?wilcox.test: permeability
        // constants of the human chorioamnion at term and at 12 to 26 weeks; the estimate is 0.305.
        let term = [80, 83, 189, 104, 145, 138, 191, 164, 73, 146];
        let early = [115, 88, 90, 74, 121];
        assert_eq!(hodges_lehmann(&weighted(&early), &weighted(&term)), Some(30.5));
    }

    #[test]
    fn the_ends_of_the_range_do_not_overflow() {
        let (zero, most) = ([(0, u64::MAX)], [(u64::MAX, u64::MAX)]);
        assert_eq!(hodges_lehmann(&zero, &most), Some(u64::MAX as f64));
        assert_eq!(hodges_lehmann(&most, &zero), Some(-(u64::MAX as f64)));
        assert_eq!(hodges_lehmann(&[], &most), None);
    }

    #[test]
    fn agrees_with_a_crate_for_real_numbers() {
        // pragmastat's `shift` is the same estimator for slices of real numbers.
        let mut random = crate::bootstrap::SplitMix64::new(3);
        for n in [5, 50, 301] {
            let x: Vec<u64> = (0..n).map(|_| random.below(1000)).collect();
            let y: Vec<u64> = (0..2 * n).map(|_| 100 + random.below(700)).collect();
            let real = |of: &[u64]| of.iter().map(|&v| v as f64).collect::<Vec<_>>();
            let expected = pragmastat::estimators::raw::shift(&real(&y), &real(&x), false).unwrap();
            let found = hodges_lehmann(&weighted(&x), &weighted(&y)).unwrap();
            assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_sorting_all_differences(x in vec(0_u64..300, 1..40), y in vec(0_u64..300, 1..40)) {
            prop_assert_eq!(hodges_lehmann(&weighted(&x), &weighted(&y)), Some(brute_force(&x, &y)));
        }

        #[test]
        fn moves_with_the_samples(x in vec(0_u64..300, 1..40), y in vec(0_u64..300, 1..40), by in 0_u64..1000) {
            let moved: Vec<u64> = y.iter().map(|y| y + by).collect();
            let shift = hodges_lehmann(&weighted(&x), &weighted(&y)).unwrap();
            prop_assert_eq!(hodges_lehmann(&weighted(&x), &weighted(&moved)), Some(shift + by as f64));
        }
    }
}
