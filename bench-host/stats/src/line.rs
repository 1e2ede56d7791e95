// SPDX-License-Identifier: MIT OR Apache-2.0
//! A straight line through a few points.

/// Returns slope and intercept of the least-squares line, or `None` unless two points differ in x.
pub fn least_squares(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let n = points.len() as f64;
    let mean = |f: fn(&(f64, f64)) -> f64| points.iter().map(f).sum::<f64>() / n;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    // Around the means, so that nothing large is subtracted from anything large.
    let across: f64 = points.iter().map(|p| (p.0 - x) * (p.0 - x)).sum();
    let along: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    (across > 0.0).then(|| {
        let slope = along / across;
        (slope, y - slope * x)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_line() {
        // Anscombe, "Graphs in Statistical Analysis" (1973), first set: y = 3.00 + 0.500 x.
        let x = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0];
        let y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];
        let points: Vec<_> = x.into_iter().zip(y).collect();
        let (slope, intercept) = least_squares(&points).unwrap();
        assert!((slope - 0.500_090_9).abs() < 1e-6 && (intercept - 3.000_090_9).abs() < 1e-6);
    }

    #[test]
    fn two_points_are_a_line_and_one_is_none() {
        assert_eq!(least_squares(&[(1.0, 7.0), (2.0, 11.0)]), Some((4.0, 3.0)));
        assert_eq!(least_squares(&[(1.0, 7.0)]), None);
        assert_eq!(least_squares(&[(1.0, 7.0), (1.0, 9.0)]), None);
        assert_eq!(least_squares(&[]), None);
    }
}
