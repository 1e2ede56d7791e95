// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ratios between runs.
//!
//! Two boots differ by more than two batches of one boot: addresses, caches and the host are others. So between runs
//! **the run is the unit**, and with several runs on each side the interval is made from one number per run: the
//! Hodges-Lehmann estimate of their ratios with the interval that the exact Mann-Whitney test does not reject (Moses;
//! Hollander and Wolfe, section 4.3), on logarithms. It assumes nothing of how runs vary, and so it takes at least 4 + 4
//! of them: with 3 + 3, all of one side lie beyond all of the other in 2 of 20 cases by chance. With one run on each
//! side only the noise within these runs can be known ([`one_run_each`]); whoever shows that must say so.

use super::bootstrap::{Interval, MIN_BATCHES, SplitMix64, median_of_sorted};
use super::compare::Ratio;
use super::rank::{EXACT, rank_sums};

/// Share of an interval's misses on one side.
const TAIL: f64 = 0.025;
/// The standard normal quantile of `1 - TAIL`.
const Z: f64 = 1.959_963_984_540_054;
/// Resamples of the bootstrap.
const RESAMPLES: usize = 2000;

/// Batch medians of one run with what is to be subtracted from them.
#[derive(Debug, Clone, Copy)]
pub struct Batches<'a> {
    /// The medians.
    pub medians: &'a [f64],
    /// Cost of the empty frame; 0 for a ratio of raw medians.
    pub overhead: f64,
}

/// Returns the ratio of the medians of two runs with its bootstrap interval over the batches of each, resampled
/// independently: batches of different runs are not pairs. `None` with fewer than six batches on a side, or if the
/// baseline is nothing but overhead.
pub fn one_run_each(other: Batches<'_>, baseline: Batches<'_>, mut random: SplitMix64) -> Option<Ratio> {
    let batches = other.medians.len().min(baseline.medians.len());
    if batches < MIN_BATCHES {
        return None;
    }
    let sorted = |of: Batches<'_>| {
        let mut medians = of.medians.to_vec();
        medians.sort_by(f64::total_cmp);
        medians
    };
    let (others, baselines) = (sorted(other), sorted(baseline));
    let ratio = |above: f64, below: f64| {
        let (above, below) = ((above - other.overhead).max(0.0), below - baseline.overhead);
        if below > 0.0 { above / below } else { f64::INFINITY }
    };
    let estimate = ratio(median_of_sorted(&others)?, median_of_sorted(&baselines)?);
    let mut resample = |of: &[f64]| {
        let mut ranks: Vec<u64> = of.iter().map(|_| random.below(of.len() as u64)).collect();
        ranks.sort_unstable();
        let drawn = |at: usize| of[ranks[at] as usize];
        drawn((of.len() - 1) / 2) / 2.0 + drawn(of.len() / 2) / 2.0
    };
    let mut ratios: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let above = resample(&others);
            ratio(above, resample(&baselines))
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    let interval = Interval {
        low: ratios[RESAMPLES / 40],
        high: ratios[RESAMPLES - 1 - RESAMPLES / 40],
    };
    estimate.is_finite().then_some(Ratio {
        estimate,
        interval,
        batches,
    })
}

/// A ratio between several runs on each side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BetweenRuns {
    /// The Hodges-Lehmann estimate: median of all ratios of a run of the one side to a run of the other.
    pub estimate: f64,
    /// 95% interval; `None` with too few runs.
    pub interval: Option<Interval>,
}

/// Returns the ratio of several runs to several others, from one positive number per run. `None` if a side is empty.
pub fn many_runs(others: &[f64], baselines: &[f64]) -> Option<BetweenRuns> {
    let mut ratios: Vec<f64> = others
        .iter()
        .flat_map(|other| baselines.iter().map(move |baseline| other / baseline))
        .collect();
    ratios.sort_by(f64::total_cmp);
    // The median on a logarithmic scale: of an even number, the geometric mean of the middle two.
    let middle = |at: usize| ratios.get(at).map(|ratio| ratio.ln());
    let (low, high) = (middle(ratios.len().checked_sub(1)? / 2)?, middle(ratios.len() / 2)?);
    let interval = outside(others.len(), baselines.len()).map(|outside| Interval {
        low: ratios[outside - 1],
        high: ratios[ratios.len() - outside],
    });
    Some(BetweenRuns {
        estimate: (low / 2.0 + high / 2.0).exp(),
        interval,
    })
}

/// Returns the rank of the ratio the interval begins with, counted from 1.
fn outside(m: usize, n: usize) -> Option<usize> {
    let (m_real, n_real) = (m as f64, n as f64);
    if (m + n) as u64 <= EXACT {
        let ranks: Vec<usize> = (1..=m + n).collect();
        let sums = rank_sums(&ranks, n);
        // The smallest rank sum of n values; U counts from there.
        let ways = &sums[n * (n + 1) / 2..];
        let all: f64 = ways.iter().sum();
        let mut seen = 0.0;
        let below = ways.iter().take_while(|&&ways| {
            seen += ways;
            seen / all < TAIL
        });
        return Some(below.count()).filter(|&below| below > 0);
    }
    let (mean, variance) = (m_real * n_real / 2.0, m_real * n_real * (m_real + n_real + 1.0) / 12.0);
    let below = (mean - 0.5 - Z * variance.sqrt()).ceil();
    (below >= 1.0).then_some(below as usize)
}

/// Returns the smallest p-value there can be: two of all ways to divide the ranks are the extreme ones.
pub fn least_p(m: usize, n: usize) -> f64 {
    (2.0 * (1..=n).map(|i| i as f64 / (m + i) as f64).product::<f64>()).min(1.0)
}

/// Returns how many runs on each side it takes for one of so many comparisons to be found at all.
pub fn runs_needed(comparisons: usize) -> usize {
    let mut n = 4;
    while comparisons as f64 * least_p(n, n) > super::holm::LEVEL {
        n += 1;
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rank::mann_whitney_of;

    fn uniform(random: &mut SplitMix64) -> f64 {
        random.next_u64() as f64 / 2f64.powi(64)
    }

    #[test]
    fn the_textbook_interval() {
        // Hollander and Wolfe, example 4.1: wilcox.test(x, y, conf.int = TRUE) of R estimates 0.305, from -0.15 to 0.76.
        // The exponential makes ratios of these differences.
        let term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46_f64];
        let early = [1.15, 0.88, 0.90, 0.74, 1.21_f64];
        let found = many_runs(&term.map(f64::exp), &early.map(f64::exp)).unwrap();
        let interval = found.interval.unwrap();
        let close =
            |ratio: f64, shift: f64| assert!((ratio.ln() - shift).abs() < 1e-9, "{} is not {shift}", ratio.ln());
        close(found.estimate, 0.305);
        close(interval.low, -0.15);
        close(interval.high, 0.76);
    }

    #[test]
    fn few_runs_give_no_interval() {
        let of = |m: usize, n: usize| many_runs(&vec![2.0; m], &vec![1.0; n]).unwrap();
        assert_eq!(
            (of(3, 3).interval, of(3, 4).interval, of(1, 20).interval),
            (None, None, None)
        );
        assert!(of(4, 4).interval.is_some() && of(3, 5).interval.is_some());
        assert!((of(3, 3).estimate - 2.0).abs() < 1e-12);
        assert_eq!(many_runs(&[], &[1.0]), None);
        // 2/70, 2/252, 2/924: times the number of comparisons at most 0.05.
        assert_eq!([1, 2, 6, 7, 23].map(runs_needed), [4, 5, 5, 6, 6]);
        assert!((least_p(3, 5) - 2.0 / 56.0).abs() < 1e-12 && least_p(0, 3) == 1.0);
    }

    #[test]
    fn between_runs_the_interval_covers_and_alarms_are_few() {
        // Runs differ by 2% (one factor for all its samples), 5 and 8 on the sides; the true ratio is 1.05, or 1.
        let mut random = SplitMix64::new(21);
        let (mut covered, mut alarms) = (0, 0);
        for _ in 0..1000 {
            let mut side = |n: usize, level: f64| -> Vec<f64> {
                (0..n)
                    .map(|_| level * (0.02 * (uniform(&mut random) + uniform(&mut random))).exp())
                    .collect()
            };
            let (a, b, c) = (side(5, 100.0), side(8, 105.0), side(8, 100.0));
            let interval = many_runs(&b, &a).unwrap().interval.unwrap();
            covered += usize::from((interval.low..=interval.high).contains(&1.05));
            alarms += usize::from(mann_whitney_of(&a, &c).unwrap().p <= 0.05);
        }
        assert!((935..=985).contains(&covered), "{covered} of 1000");
        assert!((20..=65).contains(&alarms), "{alarms} of 1000");
    }

    #[test]
    fn one_run_each_covers_what_batches_show_only() {
        let mut random = SplitMix64::new(22);
        let (mut covered, mut missed) = (0, 0);
        for seed in 0..400 {
            let mut run = |level: f64| -> Vec<f64> {
                (0..40)
                    .map(|_| level * (1.0 + 0.02 * (uniform(&mut random) - 0.5)))
                    .collect()
            };
            let (a, same, other_boot) = (run(100.0), run(110.0), run(110.0 * 1.02));
            let holds = |run: &[f64], seed| {
                let of = |medians| Batches {
                    medians,
                    overhead: 10.0,
                };
                let ratio = one_run_each(of(run), of(&a), SplitMix64::new(seed)).unwrap();
                (ratio.interval.low..=ratio.interval.high).contains(&(100.0 / 90.0))
            };
            covered += usize::from(holds(&same, seed));
            missed += usize::from(!holds(&other_boot, seed + 1000));
        }
        assert!((368..=394).contains(&covered), "{covered} of 400");
        // A run that differs as a whole by 2% is never covered: that noise cannot be seen within runs.
        assert!(missed > 390, "{missed} of 400");
    }

    #[test]
    fn too_few_batches_and_a_baseline_of_nothing_give_no_ratio() {
        let of = |medians, overhead| Batches { medians, overhead };
        let random = SplitMix64::new(1);
        assert_eq!(
            one_run_each(of(&[2.0; 5], 0.0), of(&[1.0; 9], 0.0), random.clone()),
            None
        );
        assert_eq!(
            one_run_each(of(&[2.0; 9], 0.0), of(&[1.0; 9], 1.0), random.clone()),
            None
        );
        let exact = one_run_each(of(&[6.0; 9], 3.0), of(&[7.0; 8], 3.0), random).unwrap();
        assert_eq!(
            (exact.estimate, exact.interval.low, exact.interval.high, exact.batches),
            (0.75, 0.75, 0.75, 8)
        );
    }
}
