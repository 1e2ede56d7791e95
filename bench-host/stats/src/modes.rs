// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether samples have two modes, by their excess mass.
//!
//! A sequence that sometimes takes a slow path has two medians and no honest single one. The test is that of Müller and
//! Sawitzki, "Excess mass estimates and tests for multimodality", Journal of the American Statistical Association 86
//! (1991): how much more of the samples two intervals hold than one, each paying for its length at the same rate,
//! maximized over the rate. It is twice Hartigan's dip (Hartigan and Hartigan 1985), and has a plain meaning: the share
//! of the samples that would have to move for the distribution to have a single peak.
//!
//! A p-value would be of no use: samples of one batch are not independent, and with a million of them any dent is
//! significant. The threshold is on the share, [`LEAST`], far above what chance makes of [`FEWEST`] samples (the 99.9%
//! quantile for one flat peak is about `1.4 / sqrt(n)`, so 4.4%). What is known to look like modes without being any is
//! excluded: skew and tails (no dent), steps of the counter (bins are whole steps), and a far tail (the outer percents
//! are left out).

/// Fewest samples looked at.
pub const FEWEST: u64 = 1000;
/// Least share of the samples that must be in excess.
pub const LEAST: f64 = 0.10;
/// Least distance of the modes, as a share of the lower: a closer pair changes no conclusion.
pub const DISTANCE: f64 = 0.02;
/// Bins the bulk of the samples is put into.
const BINS: u64 = 128;
/// Rates tried.
const RATES: usize = 200;

/// Two modes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Modes {
    /// Median of the samples of the lower mode.
    pub low: u64,
    /// Median of the samples of the upper mode.
    pub high: u64,
    /// Share of the samples in the upper mode.
    pub upper_share: f64,
    /// Samples up to this value are of the lower mode.
    pub split: u64,
    /// Excess mass: the share of the samples that no single peak accounts for.
    pub excess: f64,
}

/// Returns the two modes of `(value, count)` in rising order, if there are two. `step` is what the counter advances by
/// ([`step`]).
pub fn two_modes(values: &[(u64, u64)], step: u64) -> Option<Modes> {
    let total: u64 = values.iter().map(|&(_, count)| count).sum();
    if total < FEWEST {
        return None;
    }
    let bulk = |numerator: u64| at_rank(values, (total * numerator).div_ceil(100));
    let (first, last) = (bulk(1)?, bulk(99)?);
    let step = step.max(1);
    let width = ((last - first) / step / BINS + 1) * step;
    let mut bins = vec![0_u64; ((last - first) / width) as usize + 1];
    for &(value, count) in values.iter().filter(|(value, _)| (first..=last).contains(value)) {
        bins[((value - first) / width) as usize] += count;
    }
    let shares: Vec<f64> = bins.iter().map(|&count| count as f64 / total as f64).collect();
    let peak = shares.iter().copied().fold(0.0, f64::max);
    let best = (0..RATES)
        .map(|i| excess(&shares, peak * (i as f64 + 0.5) / RATES as f64))
        .max_by(|a, b| a.excess.total_cmp(&b.excess))?;
    if best.excess < LEAST {
        return None;
    }
    let valley = emptiest(&shares[best.first_end..best.second_start]) + best.first_end;
    let split = first + valley as u64 * width + width / 2;
    let below: u64 = values
        .iter()
        .take_while(|v| v.0 <= split)
        .map(|&(_, count)| count)
        .sum();
    let at = values.partition_point(|v| v.0 <= split);
    let (low, high) = (
        at_rank(&values[..at], below.div_ceil(2))?,
        at_rank(&values[at..], (total - below).div_ceil(2))?,
    );
    let apart = (high - low) as f64 >= DISTANCE * low as f64;
    apart.then_some(Modes {
        low,
        high,
        upper_share: (total - below) as f64 / total as f64,
        split,
        excess: best.excess,
    })
}

/// Returns what a counter advances by, as far as can be seen in series of `(value, count)` in rising order that it
/// counted: the greatest number that divides all differences; or, if that is 1 and values nevertheless come in groups at
/// equal distances (a clock with coarse ticks, scaled and rounded to whole counts), twice that distance, since such
/// groups drift against whole counts.
pub fn step<'a>(series: impl Iterator<Item = &'a [(u64, u64)]> + Clone) -> u64 {
    let gcd = |mut a: u64, mut b: u64| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let mut values = series.clone().flatten().map(|&(value, _)| value);
    let Some(first) = values.next() else { return 1 };
    let divisor = values.fold(0, |step, value| gcd(step, value.abs_diff(first)));
    let mut groups: Vec<u64> = series.filter_map(distance_of_groups).collect();
    groups.sort_unstable();
    // The lower median: a few series may have many modes of their own at equal distances.
    let typical = groups.get(groups.len().saturating_sub(1) / 2).copied().unwrap_or(1);
    match typical {
        typical if divisor <= 1 && typical > 2 => 2 * typical,
        _ => divisor.max(1),
    }
}

/// Returns the distance between groups of frequent values: the median of those of neighbors that are 3 apart or more, if
/// these are at least three and a third of all, else 1. `None` if too few values are frequent to tell.
fn distance_of_groups(values: &[(u64, u64)]) -> Option<u64> {
    let total: u64 = values.iter().map(|&(_, count)| count).sum();
    let least = (total / 1000).max(5);
    let frequent: Vec<u64> = values.iter().filter(|v| v.1 >= least).map(|v| v.0).collect();
    if frequent.len() < 4 {
        return None;
    }
    let distances = frequent.iter().zip(&frequent[1..]).map(|(a, b)| b - a);
    let mut apart: Vec<u64> = distances.filter(|&distance| distance >= 3).collect();
    apart.sort_unstable();
    let is_typical = apart.len() >= 3 && 3 * apart.len() >= frequent.len() - 1;
    Some(if is_typical { apart[apart.len() / 2] } else { 1 })
}

fn at_rank(values: &[(u64, u64)], rank: u64) -> Option<u64> {
    let mut seen = 0;
    values.iter().find_map(|&(value, count)| {
        seen += count;
        (seen >= rank).then_some(value)
    })
}

/// Returns the middle of the longest run of the smallest share.
fn emptiest(shares: &[f64]) -> usize {
    let least = shares.iter().copied().fold(f64::INFINITY, f64::min);
    let (mut best, mut start) = (0..0, 0);
    for run in shares.chunk_by(|a, b| a == b) {
        if run[0] == least && run.len() > best.len() {
            best = start..start + run.len();
        }
        start += run.len();
    }
    usize::midpoint(best.start, best.end)
}

/// What two intervals hold beyond one, at one rate.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Excess {
    excess: f64,
    /// Bin after the last of the first interval.
    first_end: usize,
    /// First bin of the second interval.
    second_start: usize,
}

/// Computes the most that two disjoint intervals hold less what one holds, each bin charged `rate`.
fn excess(shares: &[f64], rate: f64) -> Excess {
    let nothing = (0.0, 0, 0);
    // The best so far that ends: in the one interval, after it, in the second one, after it. A state carries where
    // the first interval ended and the second began.
    let (mut one, mut gap, mut two, mut done) = ((f64::NEG_INFINITY, 0, 0), nothing, nothing, nothing);
    two.0 = f64::NEG_INFINITY;
    let mut best_one = 0.0_f64;
    let larger = |a: (f64, usize, usize), b: (f64, usize, usize)| if b.0 > a.0 { b } else { a };
    for (bin, share) in shares.iter().enumerate() {
        let gain = share - rate;
        two = larger(two, (gap.0, gap.1, bin));
        two.0 += gain;
        one.0 = one.0.max(0.0) + gain;
        best_one = best_one.max(one.0);
        gap = larger(gap, (one.0, bin + 1, bin + 1));
        done = larger(done, two);
    }
    Excess {
        excess: (done.0 - best_one).max(0.0),
        first_end: done.1,
        second_start: done.2,
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::{prop_assert, proptest};

    use super::*;
    use crate::Histogram;
    use crate::bootstrap::SplitMix64;

    /// A uniform number between 0 and 1.
    fn uniform(random: &mut SplitMix64) -> f64 {
        random.next_u64() as f64 / 2f64.powi(64)
    }

    fn normal(random: &mut SplitMix64) -> f64 {
        // Box and Muller.
        let (a, b) = (uniform(random).max(1e-12), uniform(random));
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }

    fn modes_of(n: usize, mut draw: impl FnMut() -> f64) -> Option<Modes> {
        let h: Histogram = (0..n).map(|_| draw().max(0.0) as u64).collect();
        let values: Vec<_> = h.iter().collect();
        two_modes(&values, step([&values[..]].into_iter()))
    }

    #[test]
    fn the_excess_mass_of_two_blocks() {
        // Two blocks of 60% and 40%, 10 bins each and 40 apart. At a rate of 0.008 a bin, both hold 1 - 20 * 0.008, the
        // larger alone 0.6 - 10 * 0.008, and one interval across the gap 1 - 60 * 0.008, which is the same 0.52.
        let mut shares = vec![0.0; 100];
        shares[10..20].fill(0.06);
        shares[60..70].fill(0.04);
        let found = excess(&shares, 0.008);
        assert!((found.excess - 0.32).abs() < 1e-9, "{found:?}");
        assert_eq!((found.first_end, found.second_start), (20, 60));
        // One block, at any rate: nothing.
        assert!(excess(&[0.1; 10], 0.05).excess < 1e-12);
    }

    #[test]
    fn what_has_one_peak_never_raises_an_alarm() {
        type Shape = (&'static str, fn(&mut SplitMix64) -> f64);
        let shapes: [Shape; 11] = [
            ("uniform", |r| 1000.0 + 300.0 * uniform(r)),
            ("normal", |r| 5000.0 + 40.0 * normal(r)),
            ("few values", |r| 7.0 + 0.6 * normal(r)),
            ("exponential", |r| 100.0 - 50.0 * uniform(r).max(1e-12).ln()),
            ("log-normal", |r| (5.0 + 0.8 * normal(r)).exp()),
            ("steps of 16", |r| ((300.0 + 30.0 * normal(r)) / 16.0).round() * 16.0),
            ("ticks of 10.03 ns", |r| {
                ((95.0 + 12.0 * normal(r)) / 10.03).floor() * 10.03
            }),
            ("ticks of 41.67 ns", |r| {
                ((500.0 + 60.0 * normal(r)) / 41.67).floor() * 41.67
            }),
            ("an interrupt in 50", |r| {
                if uniform(r) < 0.02 {
                    20_000.0 + 5000.0 * uniform(r)
                } else {
                    400.0 + 20.0 * normal(r)
                }
            }),
            ("a second mode of 5%", |r| {
                (if uniform(r) < 0.05 { 800.0 } else { 400.0 }) + 20.0 * normal(r)
            }),
            ("a shoulder", |r| {
                (if uniform(r) < 0.3 { 440.0 } else { 400.0 }) + 20.0 * normal(r)
            }),
        ];
        // 11 shapes, 120 seeded runs of 1000 and of 5000 samples each.
        for (name, shape) in shapes {
            for n in [1000, 5000] {
                let mut random = SplitMix64::new(n as u64);
                let alarms = (0..120)
                    .filter(|_| modes_of(n, || shape(&mut random)).is_some())
                    .count();
                assert_eq!(alarms, 0, "{name}, {n} samples");
            }
        }
    }

    #[test]
    fn two_modes_are_found_and_described() {
        let mut random = SplitMix64::new(8);
        for (share, high) in [(0.5, 500.0), (0.3, 500.0), (0.2, 600.0), (0.8, 1000.0)] {
            for n in [1000, 20_000] {
                let modes = modes_of(n, || {
                    let slow = uniform(&mut random) < share;
                    (if slow { high } else { 400.0 }) + 15.0 * normal(&mut random)
                });
                let modes = modes.unwrap_or_else(|| panic!("{share} at {high}, {n} samples"));
                assert!(
                    modes.low.abs_diff(400) < 8 && modes.high.abs_diff(high as u64) < 8,
                    "{modes:?}"
                );
                assert!((modes.upper_share - share).abs() < 0.05, "{modes:?}");
                assert!((400..high as u64).contains(&modes.split), "{modes:?}");
            }
        }
    }

    #[test]
    fn exact_counts_may_have_two_modes_too() {
        let modes = two_modes(&[(3, 700), (9, 300)], 1).unwrap();
        assert_eq!((modes.low, modes.high, modes.upper_share), (3, 9, 0.3));
        // If the counter advances by 6, these are neighbors; so are 3 and 4 if it advances by 1.
        assert_eq!(two_modes(&[(3, 700), (9, 300)], 6), None);
        assert_eq!(two_modes(&[(3, 700), (4, 300)], 1), None);
        assert_eq!(two_modes(&[(3, 699), (9, 300)], 1), None, "too few samples");
        assert_eq!(two_modes(&[(u64::MAX, 5000)], 1), None);
        assert_eq!(two_modes(&[(100_000, 3000), (100_500, 3000)], 1), None, "0.5% apart");
    }

    #[test]
    fn the_step_of_a_counter() {
        let of = |series: &[&[u64]]| {
            let series: Vec<Vec<(u64, u64)>> = series
                .iter()
                .map(|values| values.iter().map(|&v| (v, 100)).collect())
                .collect();
            step(series.iter().map(Vec::as_slice))
        };
        assert_eq!(of(&[&[96, 112, 128], &[400]]), 16);
        assert_eq!((of(&[&[5, 5]]), of(&[]), of(&[&[0, u64::MAX]])), (1, 1, u64::MAX));
        // Ticks of 10 counts, rounded down or up; most series decide, and one that is too short to tell does not.
        let ticks = [80, 81, 89, 90, 91, 100, 101, 110, 120, 121];
        assert_eq!(of(&[&ticks]), 18);
        assert_eq!(of(&[&ticks, &ticks, &[500, 1000, 1500, 2000, 2500], &[7]]), 18);
        // Nor do modes of one series hide its ticks.
        assert_eq!(of(&[&[80, 81, 90, 91, 100, 101, 700, 710, 720, 721]]), 20);
        assert_eq!(of(&[&[40, 41, 42, 43, 44], &[500, 1000, 1500, 2000, 2501]]), 1);
        // One gap is no step.
        assert_eq!(of(&[&[40, 41, 42, 43, 90, 91, 92, 93]]), 1);
    }

    proptest! {
        #[test]
        fn the_excess_mass_agrees_with_trying_all_intervals(counts in vec(0_u32..20, 1..14), rate in 0.0..0.3) {
            let total = f64::from(counts.iter().sum::<u32>().max(1));
            let shares: Vec<f64> = counts.iter().map(|&c| f64::from(c) / total).collect();
            let n = shares.len();
            let held = |from: usize, to: usize| shares[from..to].iter().map(|s| s - rate).sum::<f64>();
            let (mut one, mut two) = (0.0_f64, 0.0_f64);
            for (a, b) in (0..=n).flat_map(|a| (a..=n).map(move |b| (a, b))) {
                one = one.max(held(a, b));
                for (c, d) in (b..=n).flat_map(|c| (c..=n).map(move |d| (c, d))) {
                    two = two.max(held(a, b) + held(c, d));
                }
            }
            prop_assert!((excess(&shares, rate).excess - (two.max(one) - one)).abs() < 1e-9);
        }
    }
}
