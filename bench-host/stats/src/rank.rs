// SPDX-License-Identifier: MIT OR Apache-2.0
//! The Mann-Whitney U test, on values with counts, ties corrected.
//!
//! Mann and Whitney, "On a test of whether one of two random variables is stochastically larger than the other", Annals
//! of Mathematical Statistics 18 (1947). One walk along both lists in rising order, so a million samples cost as much
//! as they have different values.
//!
//! [`MannWhitney::superiority`] describes: how often a sample of one series is larger than one of the other. The
//! p-value infers, and for that **what is counted must be independent**. Samples of one run are not (those of a batch
//! share whatever the machine did then), and a million of them make any difference significant. So the p-value is only
//! ever taken from batch medians or from whole runs, and the superiority from samples.

use std::cmp::Ordering;

/// Most values, both sides together, for which the p-value is exact. Above, the normal approximation is good to a
/// fraction of a percent.
pub(super) const EXACT: u64 = 40;

/// The outcome of the test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MannWhitney {
    /// U of the second series: the pairs in which its value is the larger one, ties counted half.
    pub u: f64,
    /// Share of such pairs: 0.5 for no difference, 1 if every value of the second exceeds every one of the first.
    pub superiority: f64,
    /// Two-sided p-value, valid if the values are independent.
    pub p: f64,
}

/// Tests two series of `(value, count)` in strictly rising order of values. `None` if one is empty.
pub fn mann_whitney<T: PartialOrd + Copy>(x: &[(T, u64)], y: &[(T, u64)]) -> Option<MannWhitney> {
    let total = |of: &[(T, u64)]| of.iter().map(|&(_, count)| count).sum::<u64>();
    let (m, n) = (total(x), total(y));
    if m == 0 || n == 0 {
        return None;
    }
    let ties = ties(x, y);
    // Twice U, whole: 2 for each pair with a smaller x, 1 for each tie.
    let (mut below, mut twice_u) = (0_u128, 0_u128);
    for &(of_x, of_y) in &ties {
        twice_u += u128::from(of_y) * (2 * below + u128::from(of_x));
        below += u128::from(of_x);
    }
    let (m_real, n_real) = (m as f64, n as f64);
    let u = twice_u as f64 / 2.0;
    Some(MannWhitney {
        u,
        superiority: u / (m_real * n_real),
        p: if m + n <= EXACT {
            exact(&ties, n as usize)
        } else {
            approximate(&ties, m_real, n_real, u)
        },
    })
}

/// Tests two lists of values, in any order.
pub fn mann_whitney_of(x: &[f64], y: &[f64]) -> Option<MannWhitney> {
    mann_whitney(&weighted(x), &weighted(y))
}

fn weighted(values: &[f64]) -> Vec<(f64, u64)> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let runs = sorted.chunk_by(|a, b| a == b);
    runs.map(|run| (run[0], run.len() as u64)).collect()
}

/// Returns for every different value, in rising order, how often it is in `x` and in `y`.
fn ties<T: PartialOrd + Copy>(mut x: &[(T, u64)], mut y: &[(T, u64)]) -> Vec<(u64, u64)> {
    let mut ties = Vec::with_capacity(x.len() + y.len());
    loop {
        let order = match (x.first(), y.first()) {
            (Some((a, _)), Some((b, _))) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return ties,
        };
        let next = |of: &mut &[(T, u64)], taken: bool| match of.split_first() {
            Some((first, rest)) if taken => {
                *of = rest;
                first.1
            }
            _ => 0,
        };
        ties.push((next(&mut x, order.is_le()), next(&mut y, order.is_ge())));
    }
}

/// Returns the p-value of the normal approximation, corrected for ties and for continuity.
fn approximate(ties: &[(u64, u64)], m: f64, n: f64, u: f64) -> f64 {
    let all = m + n;
    let tied: f64 = ties
        .iter()
        .map(|&(x, y)| (x + y) as f64)
        .map(|t| t * (t * t - 1.0))
        .sum();
    let variance = m * n / 12.0 * (all + 1.0 - tied / (all * (all - 1.0)));
    let distance = ((u - m * n / 2.0).abs() - 0.5).max(0.0);
    if variance > 0.0 {
        two_sided(distance / variance.sqrt())
    } else {
        1.0
    }
}

/// Returns twice the smaller tail of the permutation distribution of the rank sum, given the ties.
fn exact(ties: &[(u64, u64)], n: usize) -> f64 {
    // Twice the mid-rank is whole; the distribution is built one value at a time.
    let (mut ranks, mut observed, mut below) = (Vec::new(), 0, 0);
    for &(of_x, of_y) in ties {
        let tied = (of_x + of_y) as usize;
        let rank = 2 * below + tied + 1;
        ranks.extend(std::iter::repeat_n(rank, tied));
        observed += rank * of_y as usize;
        below += tied;
    }
    smaller_tail_twice(&rank_sums(&ranks, n), observed)
}

/// Returns for every sum how many choices of `n` of the ranks have it.
pub(super) fn rank_sums(ranks: &[usize], n: usize) -> Vec<f64> {
    let most: usize = ranks.iter().sum();
    let mut ways = vec![vec![0.0_f64; most + 1]; n + 1];
    ways[0][0] = 1.0;
    for &rank in ranks {
        for chosen in (1..=n).rev() {
            let (fewer, more) = ways.split_at_mut(chosen);
            let (from, to) = (&fewer[chosen - 1], &mut more[0]);
            to[rank..].iter_mut().zip(from).for_each(|(to, from)| *to += from);
        }
    }
    ways.swap_remove(n)
}

/// Returns twice the smaller of the two tails that hold `observed`, at most 1.
pub(super) fn smaller_tail_twice(ways: &[f64], observed: usize) -> f64 {
    let all: f64 = ways.iter().sum();
    let (low, high) = (
        ways[..=observed].iter().sum::<f64>(),
        ways[observed..].iter().sum::<f64>(),
    );
    (2.0 * low.min(high) / all).min(1.0)
}

/// Returns the two-sided tail of the standard normal distribution beyond `z`.
pub(super) fn two_sided(z: f64) -> f64 {
    libm::erfc(z / std::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::{prop_assert, proptest};

    use super::*;
    use crate::bootstrap::SplitMix64;

    /// Returns the test of two lists without ties whose U is `u`: `n` values, `m` others, each below some of them.
    fn with_u(m: usize, n: usize, u: usize) -> f64 {
        let x: Vec<f64> = (0..m).map(|i| i as f64).collect();
        // The i-th value of y lies above as many of x as it is still to contribute.
        let mut left = u;
        let y: Vec<f64> = (0..n)
            .map(|i| {
                let above = left.min(m);
                left -= above;
                above as f64 - 0.5 - i as f64 / 1000.0
            })
            .collect();
        let test = mann_whitney_of(&x, &y).unwrap();
        assert_eq!(test.u, u as f64);
        test.p
    }

    #[test]
    fn critical_values_as_tabulated() {
        // Critical values of U, two-tailed, alpha 0.05, n = m to 20: the table of Mann and Whitney as reprinted in any
        // textbook (e.g. Siegel 1956, table K). Exact up to 20 + 20.
        let rows: [(usize, &[usize]); 6] = [
            (4, &[0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10, 11, 11, 12, 13, 14]),
            (5, &[2, 3, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 17, 18, 19, 20]),
            (8, &[13, 15, 17, 19, 22, 24, 26, 29, 31, 34, 36, 38, 41]),
            (10, &[23, 26, 29, 33, 36, 39, 42, 45, 48, 52, 55]),
            (15, &[64, 70, 75, 80, 85, 90]),
            (20, &[127]),
        ];
        for (m, row) in rows {
            for (n, &critical) in (m..).zip(row) {
                assert!(with_u(m, n, critical) <= 0.05, "{m} and {n}: {critical} is significant");
                assert!(with_u(m, n, critical + 1) > 0.05, "{m} and {n}: {critical} + 1 is not");
            }
        }
    }

    #[test]
    fn the_textbook_example() {
        // Hollander and Wolfe, example 4.1 (R's ?wilcox.test): W = 35, one-sided p = 0.1272.
        let term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
        let early = [1.15, 0.88, 0.90, 0.74, 1.21];
        let test = mann_whitney_of(&early, &term).unwrap();
        assert_eq!(test.u, 35.0);
        assert!((test.p / 2.0 - 0.1272).abs() < 5e-5, "{}", test.p);
    }

    #[test]
    fn a_published_z_with_ties() {
        // Siegel, "Nonparametric Statistics" (1956), p. 122: oral socialization anxiety in 16 and 23 societies; with ties
        // corrected z = 3.45 (without continuity correction, which he does not make).
        let absent = [
            13.0, 12.0, 12.0, 10.0, 10.0, 10.0, 10.0, 9.0, 8.0, 8.0, 7.0, 7.0, 7.0, 7.0, 7.0, 6.0,
        ];
        let present = [
            17.0, 16.0, 15.0, 15.0, 15.0, 14.0, 14.0, 14.0, 13.0, 13.0, 13.0, 12.0, 12.0, 12.0, 12.0, 11.0, 11.0, 10.0,
            10.0, 10.0, 8.0, 8.0, 6.0,
        ];
        let test = mann_whitney_of(&absent, &present).unwrap();
        assert_eq!(test.u, 304.0);
        let groups = ties(&weighted(&absent), &weighted(&present));
        let p = approximate(&groups, 16.0, 23.0, test.u + 0.5);
        assert!((p - two_sided(3.45)).abs() < 2e-5, "{p} is not {}", two_sided(3.45));
        // The exact distribution has a shorter tail there; its approximation is on the safe side.
        assert!((0.5..1.0).contains(&(test.p / approximate(&groups, 16.0, 23.0, test.u))));
    }

    #[test]
    fn equal_values_are_no_evidence() {
        let same = mann_whitney(&[(7_u64, 1_000_000)], &[(7, 2_000_000)]).unwrap();
        assert_eq!((same.superiority, same.p), (0.5, 1.0));
        assert_eq!(mann_whitney_of(&[1.0; 4], &[1.0; 4]).unwrap().p, 1.0);
        assert_eq!(mann_whitney::<u64>(&[], &[(1, 1)]), None);
    }

    #[test]
    fn counts_stand_for_repeated_values() {
        let long = mann_whitney_of(&[1.0, 1.0, 2.0, 3.0, 3.0, 3.0], &[2.0, 3.0, 4.0, 4.0]).unwrap();
        let short = mann_whitney(&[(1, 2), (2, 1), (3, 3)], &[(2, 1), (3, 1), (4, 2)]).unwrap();
        assert_eq!(long, short);
    }

    #[test]
    fn false_alarms_keep_to_the_level() {
        // Batch medians of whole counts, so with ties; 12 + 12 is exact, 50 + 50 approximate.
        let mut random = SplitMix64::new(11);
        for size in [12, 50] {
            let mut draw = || (0..size).map(|_| random.below(9) as f64).collect::<Vec<_>>();
            let alarms = (0..1000)
                .filter(|_| mann_whitney_of(&draw(), &draw()).unwrap().p <= 0.05)
                .count();
            assert!((20..=65).contains(&alarms), "{alarms} of 1000 at {size}");
        }
    }

    proptest! {
        #[test]
        fn u_counts_pairs(x in vec(0_u32..20, 1..60), y in vec(0_u32..20, 1..60)) {
            let (x, y) = (x.iter().map(|&v| f64::from(v)).collect::<Vec<_>>(), y.iter().map(|&v| f64::from(v)).collect::<Vec<_>>());
            let pairs = y.iter().flat_map(|y| x.iter().map(move |x| if y > x { 1.0 } else if y == x { 0.5 } else { 0.0 }));
            let (one, other) = (mann_whitney_of(&x, &y).unwrap(), mann_whitney_of(&y, &x).unwrap());
            prop_assert!((one.u - pairs.sum::<f64>()).abs() < 1e-9);
            prop_assert!((one.superiority + other.superiority - 1.0).abs() < 1e-12);
            prop_assert!((one.p - other.p).abs() < 1e-9 && (0.0..=1.0).contains(&one.p));
        }
    }
}
