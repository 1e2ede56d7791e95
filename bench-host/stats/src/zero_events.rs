// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be said of a rate when nothing was seen: zero events in many trials bound it from above.

/// Returns the 95% upper bound of a rate that was never seen in `n` independent trials: the exact form of the rule of
/// three, the rate `p` with `(1 - p)^n = 0.05`.
pub fn upper_bound(n: u64) -> f64 {
    if n == 0 {
        return 1.0;
    }
    // 1 - 0.05^(1/n) without losing digits when n is large.
    -(0.05_f64.ln() / n as f64).exp_m1()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_the_exact_rule_of_three() {
        // By hand: 1 - 0.05 for one trial, 1 - 0.05^0.1 for 10, 1 - 0.05^0.01 for 100, close to 3/n for many.
        assert!((upper_bound(1) - 0.95).abs() < 1e-12);
        assert!((upper_bound(10) - 0.2589).abs() < 5e-5);
        assert!((upper_bound(100) - 0.0295).abs() < 5e-5);
        assert!((upper_bound(1_000_000) * 1e6 - 2.9957).abs() < 1e-4);
        assert_eq!(upper_bound(0), 1.0);
    }
}
