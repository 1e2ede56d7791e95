// SPDX-License-Identifier: MIT OR Apache-2.0
//! The figures of a group, from its sorted counts.

use std::fmt;
use std::io;

use super::counts::Counts;
use super::sparse::Entry;

/// The median: with an even number of samples the mean of the middle two, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Median {
    twice: u128,
}

impl Median {
    /// Returns it as a floating-point number, exact below 2^52.
    pub fn as_f64(self) -> f64 {
        self.twice as f64 / 2.0
    }
}

impl fmt::Display for Median {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let half = if self.twice % 2 == 1 { ".5" } else { "" };
        f.pad(&format!("{}{half}", self.twice / 2))
    }
}

/// The figures of a group that has samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// Smallest value.
    pub min: u64,
    /// Median.
    pub median: Median,
    /// 90th percentile by nearest rank: the smallest value with at least that share of the samples at or below it.
    pub p90: u64,
    /// 99th percentile by nearest rank.
    pub p99: u64,
    /// Largest value.
    pub max: u64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Standard deviation of the sample (n - 1); `None` of a single one.
    pub stddev: Option<f64>,
}

/// The samples of a group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// How many.
    pub count: u64,
    /// Their figures; `None` of none.
    pub figures: Option<Figures>,
}

/// Summarizes groups `0..groups`.
pub fn summarize(counts: &mut Counts, groups: usize) -> io::Result<Vec<Summary>> {
    let mut all = vec![Accumulator::default(); groups];
    counts.each(|entry| all[entry.group as usize].total(entry))?;
    counts.each(|entry| all[entry.group as usize].place(entry))?;
    Ok(all.iter().map(Accumulator::summary).collect())
}

/// Sums and ranks of a group while its counts go by.
#[derive(Debug, Clone, Copy, Default)]
struct Accumulator {
    count: u64,
    sum: u128,
    seen: u64,
    min: u64,
    max: u64,
    low: u64,
    high: u64,
    p90: u64,
    p99: u64,
    deviations: Deviations,
}

impl Accumulator {
    fn total(&mut self, entry: Entry) {
        self.count += entry.count;
        self.sum += u128::from(entry.value) * u128::from(entry.count);
    }

    /// Takes the next value in rising order.
    fn place(&mut self, Entry { value, count, .. }: Entry) {
        let (before, n) = (self.seen, self.count);
        self.seen += count;
        let percentile = |p: u64| (u128::from(n) * u128::from(p)).div_ceil(100) as u64;
        for (rank, at) in [
            (1, &mut self.min),
            (n.div_ceil(2), &mut self.low),
            (n / 2 + 1, &mut self.high),
            (percentile(90), &mut self.p90),
            (percentile(99), &mut self.p99),
            (n, &mut self.max),
        ] {
            if before < rank && rank <= self.seen {
                *at = value;
            }
        }
        self.deviations.add(value, count, (self.sum / u128::from(n)) as u64);
    }

    fn summary(&self) -> Summary {
        let figures = (self.count > 0).then(|| Figures {
            min: self.min,
            median: Median {
                twice: u128::from(self.low) + u128::from(self.high),
            },
            p90: self.p90,
            p99: self.p99,
            max: self.max,
            mean: self.sum as f64 / self.count as f64,
            stddev: self.deviations.standard_deviation(self.count),
        });
        Summary {
            count: self.count,
            figures,
        }
    }
}

/// Sums of deviations from the mean rounded down, exact as long as they fit, so that nothing cancels.
#[derive(Debug, Clone, Copy, Default)]
struct Deviations {
    sum: i128,
    /// Sum of squares; `None` when it no longer fits.
    squares: Option<u128>,
    inexact: f64,
    any: bool,
}

impl Deviations {
    fn add(&mut self, value: u64, count: u64, center: u64) {
        if !self.any {
            (self.any, self.squares) = (true, Some(0));
        }
        let deviation = i128::from(value) - i128::from(center);
        self.sum += deviation * i128::from(count);
        let square = deviation.unsigned_abs().pow(2);
        self.inexact += square as f64 * count as f64;
        let added = square.checked_mul(count.into());
        self.squares = self
            .squares
            .zip(added)
            .and_then(|(squares, added)| squares.checked_add(added));
    }

    fn standard_deviation(&self, count: u64) -> Option<f64> {
        let n = u128::from(count);
        if n < 2 {
            return None;
        }
        // The center is less than one below the mean, so the sum of deviations is less than n and its square fits.
        let correction = self.sum.unsigned_abs().pow(2);
        let exact = self
            .squares
            .and_then(|squares| squares.checked_mul(n))
            .map(|scaled| (scaled - correction) as f64 / n as f64);
        let squares = exact.unwrap_or_else(|| self.inexact - correction as f64 / n as f64);
        Some((squares.max(0.0) / (n - 1) as f64).sqrt())
    }
}
