// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ratio of two interleaved sequences, and when it may be called a difference.
//!
//! Batch `i` of one sequence ran beside batch `i` of the other, so whatever slowed the machine down then slowed both
//! down, and their ratio is little touched by it. The estimate is the median of these ratios, with its bootstrap
//! interval. The same estimate between a sequence and its own copy (A/A) shows what the set-up makes out of nothing:
//! how far from 1 that interval reaches is the noise floor, and no ratio within it is called a difference.

use super::bootstrap::{Interval, MIN_BATCHES, SplitMix64, median_interval};

/// A paired ratio with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// Median over the batches of (sequence / baseline).
    pub estimate: f64,
    /// 95% interval.
    pub interval: Interval,
    /// Batches paired.
    pub batches: usize,
}

/// What may be said about a sequence beside its baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// The interval excludes 1 and the ratio is below 1 by more than the noise floor.
    Faster,
    /// The interval excludes 1 and the ratio is above 1 by more than the noise floor.
    Slower,
    /// Neither.
    Indistinguishable,
}

/// Returns the paired ratio, or `None` with fewer than [`MIN_BATCHES`] pairs.
///
/// `pairs` holds per batch the median of the sequence and of the baseline. `overhead` is subtracted from both; 0 gives
/// the ratio of the raw medians. A batch whose sequence falls to the overhead counts as ratio 0, one whose baseline
/// does as infinite: a median takes both in its stride where dropping them would favor one side.
pub fn paired_ratio(pairs: &[(f64, f64)], overhead: f64, random: SplitMix64) -> Option<Ratio> {
    let ratios: Vec<f64> = pairs
        .iter()
        .map(
            |&(sequence, baseline)| match (sequence - overhead, baseline - overhead) {
                (s, b) if s <= 0.0 && b <= 0.0 => 1.0,
                (s, _) if s <= 0.0 => 0.0,
                (_, b) if b <= 0.0 => f64::INFINITY,
                (s, b) => s / b,
            },
        )
        .collect();
    let (estimate, interval) = median_interval(&ratios, random)?;
    Some(Ratio {
        estimate,
        interval,
        batches: ratios.len(),
    })
}

/// Returns the noise floor as a distance from 1 (0.01 is 1%): the farther end of the A/A interval, either way up.
pub fn noise_floor(aa: &Ratio) -> f64 {
    let distance = |ratio: f64| ratio.max(1.0 / ratio) - 1.0;
    distance(aa.interval.low).max(distance(aa.interval.high))
}

/// Says whether a ratio is a difference, given the noise floor.
pub fn finding(ratio: &Ratio, noise_floor: f64) -> Finding {
    if ratio.interval.high < 1.0 && 1.0 / ratio.estimate - 1.0 > noise_floor {
        Finding::Faster
    } else if ratio.interval.low > 1.0 && ratio.estimate - 1.0 > noise_floor {
        Finding::Slower
    } else {
        Finding::Indistinguishable
    }
}

/// Returns whether there are too few batches for any statement.
pub const fn too_few(batches: usize) -> bool {
    batches < MIN_BATCHES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uniform(random: &mut SplitMix64) -> f64 {
        random.next_u64() as f64 / 2f64.powi(64)
    }

    /// Batch medians around `center`, with noise of both sequences in common (drift, a busy host) and of each alone.
    fn simulate(random: &mut SplitMix64, ratio: f64, batches: usize) -> Vec<(f64, f64)> {
        (0..batches)
            .map(|i| {
                let common = 1000.0 * (1.0 + 0.3 * uniform(random) + i as f64 / 200.0);
                let own = |random: &mut SplitMix64| {
                    // Sum of four uniforms: near normal, and one batch in 20 is hit by something on the host.
                    let noise: f64 = (0..4).map(|_| uniform(random) - 0.5).sum();
                    1.0 + 0.01 * noise + if uniform(random) < 0.05 { uniform(random) } else { 0.0 }
                };
                (common * ratio * own(random), common * own(random))
            })
            .collect()
    }

    #[test]
    fn exact_counts_give_an_exact_ratio() {
        let ratio = paired_ratio(&[(6.0, 7.0); 50], 3.0, SplitMix64::new(1)).unwrap();
        assert_eq!(
            (ratio.estimate, ratio.interval.low, ratio.interval.high),
            (0.75, 0.75, 0.75)
        );
        let aa = paired_ratio(&[(7.0, 7.0); 50], 3.0, SplitMix64::new(1)).unwrap();
        assert_eq!(noise_floor(&aa), 0.0);
        assert_eq!(finding(&ratio, 0.0), Finding::Faster);
        assert_eq!(finding(&aa, 0.0), Finding::Indistinguishable);
    }

    #[test]
    fn a_difference_within_the_noise_floor_is_none() {
        let ratio = paired_ratio(&[(98.0, 100.0); 20], 0.0, SplitMix64::new(1)).unwrap();
        assert_eq!(finding(&ratio, 0.01), Finding::Faster);
        assert_eq!(finding(&ratio, 0.03), Finding::Indistinguishable);
        let ratio = paired_ratio(&[(102.0, 100.0); 20], 0.0, SplitMix64::new(1)).unwrap();
        assert_eq!(finding(&ratio, 0.01), Finding::Slower);
    }

    #[test]
    fn batches_at_the_overhead_are_kept() {
        let mut pairs = vec![(13.0, 14.0); 20];
        pairs[0] = (9.0, 14.0);
        pairs[1] = (13.0, 10.0);
        pairs[2] = (9.0, 9.0);
        let ratio = paired_ratio(&pairs, 10.0, SplitMix64::new(1)).unwrap();
        assert_eq!((ratio.estimate, ratio.batches), (0.75, 20));
        assert!(ratio.interval.low.is_finite() && ratio.interval.high.is_finite());
        assert!(paired_ratio(&pairs[..5], 10.0, SplitMix64::new(1)).is_none());
        assert!(too_few(5) && !too_few(6));
    }

    #[test]
    fn the_noise_floor_is_the_same_either_way_up() {
        let interval = |low, high| Ratio {
            estimate: 1.0,
            interval: Interval { low, high },
            batches: 50,
        };
        assert!((noise_floor(&interval(0.8, 1.0)) - noise_floor(&interval(1.0, 1.25))).abs() < 1e-12);
    }

    #[test]
    fn a_thousand_runs_of_nothing_raise_few_alarms() {
        // A/A and A/B of three copies of one sequence. Nominal level 5%; the noise floor only lowers it.
        let mut random = SplitMix64::new(42);
        let (mut excluded, mut alarms) = (0, 0);
        for seed in 0..1000 {
            let aa = paired_ratio(&simulate(&mut random, 1.0, 50), 0.0, SplitMix64::new(seed)).unwrap();
            let ab = paired_ratio(&simulate(&mut random, 1.0, 50), 0.0, SplitMix64::new(seed + 5000)).unwrap();
            excluded += usize::from(ab.interval.low > 1.0 || ab.interval.high < 1.0);
            alarms += usize::from(finding(&ab, noise_floor(&aa)) != Finding::Indistinguishable);
        }
        assert!(excluded <= 70, "{excluded} of 1000 intervals exclude the truth");
        assert!(alarms <= 50 && alarms <= excluded, "{alarms} false alarms in 1000");
    }

    #[test]
    fn a_true_difference_is_found_and_covered() {
        let mut random = SplitMix64::new(43);
        let (mut covered, mut found) = (0, 0);
        for seed in 0..1000 {
            let aa = paired_ratio(&simulate(&mut random, 1.0, 50), 0.0, SplitMix64::new(seed)).unwrap();
            let ab = paired_ratio(&simulate(&mut random, 0.97, 50), 0.0, SplitMix64::new(seed + 5000)).unwrap();
            covered += usize::from((ab.interval.low..=ab.interval.high).contains(&0.97));
            found += usize::from(finding(&ab, noise_floor(&aa)) == Finding::Faster);
        }
        assert!(covered >= 930, "{covered} of 1000 intervals hold the true ratio");
        assert!(found >= 950, "{found} of 1000 runs find 3% under 1% of noise");
    }
}
