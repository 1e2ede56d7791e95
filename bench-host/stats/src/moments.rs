// SPDX-License-Identifier: MIT OR Apache-2.0
//! Mean-like statistics of a histogram: standard deviation and trimmed mean.
//!
//! They are shown because readers expect them; nothing is decided by them. One interrupt moves a standard deviation by
//! more than a barrier does, which is why the ratios rest on medians.

use super::Histogram;

/// Share trimmed from each end, as numerator and denominator: R's `mean(x, trim = 0.1)`.
pub const TRIM: (u64, u64) = (1, 10);

/// Returns the standard deviation of the sample (denominator `n - 1`), or `None` with fewer than two samples.
///
/// Two passes with the correction of Chan, Golub and LeVeque, "Algorithms for computing the sample variance" (1983), so
/// that large values that differ little keep their digits; the deviations are taken from a whole number, exactly.
pub fn standard_deviation(h: &Histogram) -> Option<f64> {
    if h.count() < 2 {
        return None;
    }
    let center = h.mean()?.round();
    // Exact below 2^53 and within a rounding of it above, like the mean itself.
    let center_whole = center as u64;
    let (mut squares, mut rest) = (0.0, 0.0);
    for (value, count) in h.iter() {
        let deviation = if value >= center_whole {
            (value - center_whole) as f64
        } else {
            -((center_whole - value) as f64)
        };
        squares += deviation * deviation * count as f64;
        rest += deviation * count as f64;
    }
    let n = h.count() as f64;
    Some(((squares - rest * rest / n).max(0.0) / (n - 1.0)).sqrt())
}

/// Returns the mean of what is left when a tenth of the samples, rounded down, is cut from each end.
pub fn trimmed_mean(h: &Histogram) -> Option<f64> {
    let cut = (u128::from(h.count()) * u128::from(TRIM.0) / u128::from(TRIM.1)) as u64;
    let (first, last) = (cut, h.count() - cut);
    let (mut seen, mut sum) = (0_u64, 0_u128);
    for (value, count) in h.iter() {
        // The samples of this value have the ranks from `seen` to `seen + count`; those kept, from `first` to `last`.
        let kept = (seen + count).min(last).saturating_sub(seen.max(first));
        sum += u128::from(value) * u128::from(kept);
        seen += count;
    }
    (last > first).then(|| sum as f64 / (last - first) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = u64>) -> Histogram {
        values.into_iter().collect()
    }

    /// Compares with a certified value of NIST's Statistical Reference Datasets (StRD, univariate), which are exact to
    /// 15 digits for the data as given; `scale` makes whole numbers of them.
    fn certified(h: &Histogram, scale: f64, mean: f64, deviation: f64) {
        assert!((h.mean().unwrap() / scale / mean - 1.0).abs() < 1e-14);
        let found = standard_deviation(h).unwrap() / scale;
        assert!((found / deviation - 1.0).abs() < 1e-13, "{found} is not {deviation}");
    }

    #[test]
    fn nist_numerical_accuracy_datasets() {
        // NumAcc1: three values. NumAcc2 to 4: 1001 values, one in the middle and 500 on each side of it.
        certified(&of([10_000_001, 10_000_003, 10_000_002]), 1.0, 10_000_002.0, 1.0);
        for (center, mean) in [(12, 1.2), (10_000_002, 1_000_000.2), (100_000_002, 10_000_000.2)] {
            let mut h = of([center]);
            h.add(center - 1, 500);
            h.add(center + 1, 500);
            certified(&h, 10.0, mean, 0.1);
        }
    }

    #[test]
    fn nist_michelson_speed_of_light() {
        // StRD "Michelso": 100 measurements in 1879, in km/s less 299,000.
        let speeds = [
            850, 740, 900, 1070, 930, 850, 950, 980, 980, 880, 1000, 980, 930, 650, 760, 810, 1000, 1000, 960, 960,
            960, 940, 960, 940, 880, 800, 850, 880, 900, 840, 830, 790, 810, 880, 880, 830, 800, 790, 760, 800, 880,
            880, 880, 860, 720, 720, 620, 860, 970, 950, 880, 910, 850, 870, 840, 840, 850, 840, 840, 840, 890, 810,
            810, 820, 800, 770, 760, 740, 750, 760, 910, 920, 890, 860, 880, 720, 840, 850, 850, 780, 890, 840, 780,
            810, 760, 810, 790, 810, 820, 850, 870, 870, 810, 740, 810, 940, 950, 800, 810, 870,
        ];
        certified(
            &of(speeds.map(|speed| 299_000 + speed)),
            1000.0,
            299.852_4,
            0.079_010_547_819_051_8,
        );
    }

    #[test]
    fn trimmed_mean_as_documented_by_r() {
        // ?mean: x <- c(0:10, 50); mean(x) 8.75, mean(x, trim = 0.10) 5.50.
        let h = of((0..=10).chain([50]));
        assert_eq!((h.mean(), trimmed_mean(&h)), (Some(8.75), Some(5.5)));
    }

    #[test]
    fn trimming_cuts_through_values() {
        // 20 samples: two go from each end.
        let mut h = Histogram::new();
        h.add(1, 5);
        h.add(2, 10);
        h.add(1000, 5);
        assert_eq!(trimmed_mean(&h), Some((3.0 + 20.0 + 3000.0) / 16.0));
        assert_eq!(trimmed_mean(&of([7])), Some(7.0));
    }

    #[test]
    fn few_and_equal_samples() {
        assert_eq!((standard_deviation(&of([])), trimmed_mean(&of([]))), (None, None));
        assert_eq!(standard_deviation(&of([5])), None);
        assert_eq!(standard_deviation(&of([u64::MAX; 3])), Some(0.0));
    }
}
