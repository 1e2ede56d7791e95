// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ratio of two interleaved sequences, and when it may be called a difference.
//!
//! Batch `i` of one sequence ran beside batch `i` of the other, so whatever slowed the machine down then slowed both
//! down, and their ratio is little touched by it. The estimate is the median of these ratios, with its bootstrap
//! interval. The same estimate between a sequence and its own copy (A/A) shows what the set-up makes out of nothing:
//! how far from 1 that interval reaches is the noise floor, and no ratio within it is called a difference. Nor is one
//! that chance explains when all comparisons of the run are taken together: a p-value can only take a finding away.

use super::bootstrap::{Interval, SplitMix64, median_interval};
use super::holm;

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
    /// The interval excludes 1, the ratio is below 1 by more than the noise floor, and chance does not explain it.
    Faster,
    /// The interval excludes 1, the ratio is above 1 by more than the noise floor, and chance does not explain it.
    Slower,
    /// The interval excludes 1, but the noise floor reaches as far: an effect that this set-up makes out of nothing too.
    WithinNoise,
    /// None of these.
    Indistinguishable,
}

/// Returns the paired ratio, or `None` with fewer than [`super::bootstrap::MIN_BATCHES`] pairs.
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

/// Says whether a ratio is a difference, given the noise floor and the p-value of the comparison, corrected for the
/// number of comparisons made with it.
pub fn finding(ratio: &Ratio, noise_floor: f64, p: f64) -> Finding {
    let (lower, higher) = (ratio.interval.high < 1.0, ratio.interval.low > 1.0);
    let distance = ratio.estimate.max(1.0 / ratio.estimate) - 1.0;
    match () {
        () if !lower && !higher => Finding::Indistinguishable,
        () if distance <= noise_floor => Finding::WithinNoise,
        () if p > holm::LEVEL => Finding::Indistinguishable,
        () if lower => Finding::Faster,
        () => Finding::Slower,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signed_rank::signed_rank;

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
        assert_eq!(finding(&ratio, 0.0, 0.0), Finding::Faster);
        assert_eq!(finding(&aa, 0.0, 1.0), Finding::Indistinguishable);
    }

    #[test]
    fn a_difference_within_the_noise_floor_is_none() {
        let ratio = paired_ratio(&[(98.0, 100.0); 20], 0.0, SplitMix64::new(1)).unwrap();
        assert_eq!(finding(&ratio, 0.01, 0.05), Finding::Faster);
        assert_eq!(finding(&ratio, 0.03, 0.0), Finding::WithinNoise);
        assert_eq!(finding(&ratio, 0.03, 1.0), Finding::WithinNoise, "whatever p says");
        let ratio = paired_ratio(&[(102.0, 100.0); 20], 0.0, SplitMix64::new(1)).unwrap();
        assert_eq!(finding(&ratio, 0.01, 0.05), Finding::Slower);
        assert_eq!(
            finding(&ratio, 0.01, 0.051),
            Finding::Indistinguishable,
            "chance explains it"
        );
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

    fn ratio_of(pairs: &[(f64, f64)], seed: u64) -> (Ratio, f64) {
        let differences: Vec<f64> = pairs.iter().map(|(a, b)| a - b).collect();
        (
            paired_ratio(pairs, 0.0, SplitMix64::new(seed)).unwrap(),
            signed_rank(&differences),
        )
    }

    fn is_claim(finding: Finding) -> bool {
        matches!(finding, Finding::Faster | Finding::Slower)
    }

    #[test]
    fn a_thousand_runs_of_nothing_raise_few_alarms() {
        // A/A and A/B of three copies of one sequence. Nominal level 5%; the noise floor only lowers it.
        let mut random = SplitMix64::new(42);
        let (mut excluded, mut alarms) = (0, 0);
        for seed in 0..1000 {
            let (aa, _) = ratio_of(&simulate(&mut random, 1.0, 50), seed);
            let (ab, p) = ratio_of(&simulate(&mut random, 1.0, 50), seed + 5000);
            excluded += usize::from(ab.interval.low > 1.0 || ab.interval.high < 1.0);
            alarms += usize::from(is_claim(finding(&ab, noise_floor(&aa), p)));
        }
        assert!(excluded <= 70, "{excluded} of 1000 intervals exclude the truth");
        assert!(alarms <= 50 && alarms <= excluded, "{alarms} false alarms in 1000");
    }

    #[test]
    fn a_run_of_many_sequences_raises_no_more_alarms_than_one() {
        // 200 runs of 20 sequences, none of which differs from the baseline; even without a noise floor, at most about
        // one run in 20 may raise any alarm.
        let mut random = SplitMix64::new(44);
        let (mut runs, mut uncorrected) = (0, 0);
        for run in 0..200 {
            let found: Vec<(Ratio, f64)> = (0..20)
                .map(|seq| ratio_of(&simulate(&mut random, 1.0, 24), run * 20 + seq))
                .collect();
            let p = holm::holm(&found.iter().map(|&(_, p)| p).collect::<Vec<_>>());
            let alarm = |(ratio, _): &(Ratio, f64), p| is_claim(finding(ratio, 0.0, p));
            runs += usize::from(found.iter().zip(&p).any(|(found, &p)| alarm(found, p)));
            uncorrected += usize::from(found.iter().any(|found| alarm(found, found.1)));
        }
        assert!(runs <= 18, "{runs} of 200 runs raise an alarm");
        assert!(
            uncorrected > 60,
            "{uncorrected} of 200 runs would without the correction"
        );
    }

    #[test]
    fn a_true_difference_is_found_and_covered() {
        let mut random = SplitMix64::new(43);
        let (mut covered, mut found) = (0, 0);
        for seed in 0..1000 {
            let (aa, _) = ratio_of(&simulate(&mut random, 1.0, 50), seed);
            let (ab, p) = ratio_of(&simulate(&mut random, 0.97, 50), seed + 5000);
            covered += usize::from((ab.interval.low..=ab.interval.high).contains(&0.97));
            found += usize::from(finding(&ab, noise_floor(&aa), p) == Finding::Faster);
        }
        assert!(covered >= 930, "{covered} of 1000 intervals hold the true ratio");
        assert!(found >= 950, "{found} of 1000 runs find 3% under 1% of noise");
    }
}
