// SPDX-License-Identifier: MIT OR Apache-2.0
//! The median of one batch, and what a series of them says about the run.

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

#[cfg(test)]
mod tests {
    use super::*;

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
