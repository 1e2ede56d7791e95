// SPDX-License-Identifier: MIT OR Apache-2.0
//! Correction of p-values for the number of comparisons made.
//!
//! Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979): keeps
//! the chance of any false alarm among all comparisons at the level, whatever their dependence (all sequences of a run
//! share one baseline), and finds no less than Bonferroni's correction.

/// The chance of any false alarm among the comparisons made together.
pub const LEVEL: f64 = 0.05;

/// Returns the p-values, corrected, in the same order.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut corrected = vec![0.0; p.len()];
    let mut least = 0.0_f64;
    for (step, &at) in order.iter().enumerate() {
        least = least.max(p[at] * (p.len() - step) as f64).min(1.0);
        corrected[at] = least;
    }
    corrected
}

/// Returns how many paired batches it takes for one of so many comparisons to be found at all: all signs alike have
/// the p-value `2^(1 - n)`, which must be at most [`LEVEL`] when multiplied by their number.
pub fn batches_needed(comparisons: usize) -> usize {
    let mut n = super::bootstrap::MIN_BATCHES;
    while comparisons as f64 * 0.5_f64.powi(n as i32 - 1) > LEVEL {
        n += 1;
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corrected_as_published() {
        // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") is 0.03 0.06 0.06 0.02.
        let found = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (found, expected) in found.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-12, "{found}");
        }
        assert_eq!(holm(&[]), [0.0; 0]);
        assert_eq!(holm(&[0.2]), [0.2]);
        assert_eq!(holm(&[0.5, 0.9, 0.8]), [1.0, 1.0, 1.0]);
    }

    #[test]
    fn more_comparisons_need_more_batches() {
        // 2/64 is at most 0.05; two comparisons need 2/128 each, and so on.
        assert_eq!([0, 1, 2, 3, 4, 49].map(batches_needed), [6, 6, 7, 7, 8, 11]);
    }
}
