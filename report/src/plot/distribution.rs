// SPDX-License-Identifier: MIT OR Apache-2.0
//! Histogram and cumulative distribution of a few series on one axis.

use super::canvas::{Key, Width};
use super::curves::{Curve, Curves, Look, Point, Scale, Ticks};
use super::figure::{Body, Panel, View};
use crate::model::{Series, Summary};
use crate::number::count;

/// Bins of a histogram, at most.
const BINS: u64 = 80;
/// Points of a cumulative distribution, at most: one per pixel.
const POINTS: usize = Width::Wide.units() as usize;

/// The stretch of values that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    low: u64,
    high: u64,
    /// Values per bin.
    bin: u64,
}

impl Window {
    /// From the lowest 1st to the highest 99th percentile: tails of one sample in thousands would leave no room.
    fn of(shown: &[&Series]) -> Option<Self> {
        let low = shown.iter().filter_map(|s| s.stats).map(|s| s.p1).min()?;
        let high = shown.iter().filter_map(|s| s.stats).map(|s| s.p99).max()?;
        // Some room on both sides; a single value gets an axis too.
        let room = ((high - low) / 20).max(2);
        let (low, high) = (low.saturating_sub(room), high.saturating_add(room));
        let bin = (high - low + 1).div_ceil(BINS);
        Some(Self { low, high, bin })
    }

    fn holds(self, value: u64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    fn axis(self) -> std::ops::Range<f64> {
        self.low as f64 - 0.5..self.high as f64 + 0.5
    }

    /// Returns the outline of the histogram: share of all samples per bin, in steps. A bin is centered on its values.
    fn outline(self, series: &Series) -> Vec<(f64, f64)> {
        let bins = (self.high - self.low) / self.bin + 1;
        let mut counts = vec![0_u64; bins as usize];
        for &(value, n) in series.distribution.iter().filter(|&&(value, _)| self.holds(value)) {
            counts[((value - self.low) / self.bin) as usize] += n;
        }
        let total = total(series);
        let edge = |index: u64| ((self.low + index * self.bin) as f64 - 0.5).min(self.high as f64 + 0.5);
        let mut points = vec![(edge(0), 0.0)];
        for (index, &n) in (0..).zip(&counts) {
            let share = n as f64 / total;
            points.extend([(edge(index), share), (edge(index + 1), share)]);
        }
        points.push((edge(bins), 0.0));
        points
    }

    /// Returns the cumulative distribution, in steps.
    fn cumulative(self, series: &Series) -> Vec<(f64, f64)> {
        let total = total(series);
        let below: u64 = series
            .distribution
            .iter()
            .filter(|&&(value, _)| value < self.low)
            .map(|&(_, n)| n)
            .sum();
        let mut seen = below;
        let mut last = self.axis().start;
        let mut points = vec![(last, seen as f64 / total)];
        let step = (self.axis().end - last) / POINTS as f64;
        for &(value, n) in series.distribution.iter().filter(|&&(value, _)| self.holds(value)) {
            let before = seen as f64 / total;
            seen += n;
            let here = (value as f64, seen as f64 / total);
            // Steps closer than a pixel become one line.
            if here.0 - last >= step {
                points.push((here.0, before));
                last = here.0;
                points.push(here);
            } else if let Some(point) = points.last_mut() {
                point.1 = here.1;
            }
        }
        points.push((self.axis().end, seen as f64 / total));
        points
    }

    /// Returns the quantiles of the tables, as points of the cumulative distribution that tell their value.
    fn quantiles(self, series: &Series, name: &str) -> Vec<((f64, f64), String)> {
        let Some(s) = series.stats else { return Vec::new() };
        let quantiles = [
            ("p1", s.p1 as f64, 0.01),
            ("p10", s.p10 as f64, 0.1),
            ("median", s.median, 0.5),
            ("p90", s.p90 as f64, 0.9),
            ("p99", s.p99 as f64, 0.99),
        ];
        let seen = |(_, value, _): &(&str, f64, f64)| (self.axis().start..=self.axis().end).contains(value);
        let spot = |(word, value, share)| ((value, share), format!("{name}: {word} {}", count(value)));
        quantiles.into_iter().filter(seen).map(spot).collect()
    }
}

fn total(series: &Series) -> f64 {
    series.distribution.iter().map(|&(_, n)| n).sum::<u64>() as f64
}

/// Returns how many samples lie outside the axis.
pub fn beyond(shown: &[&Series]) -> u64 {
    let Some(window) = Window::of(shown) else { return 0 };
    let outside = shown
        .iter()
        .flat_map(|s| &s.distribution)
        .filter(|&&(value, _)| !window.holds(value));
    outside.map(|&(_, n)| n).sum()
}

/// Returns histogram and cumulative distribution of a few series that were counted alike.
pub fn views(shown: &[&Series], summary: &Summary) -> Vec<View> {
    let Some(window) = Window::of(shown) else {
        return Vec::new();
    };
    let event = shown[0].event.id();
    let naming = summary.naming();
    let hue = |series: &&Series| summary.hue(&series.seq);
    let key = |series: &&Series| Key {
        hue: hue(series),
        name: naming.of(series),
    };
    let view = |name: &'static str, title: &str, curves| View {
        name,
        panels: vec![Panel {
            suffix: String::new(),
            title: title.to_owned(),
            label: summary.label().to_owned(),
            legend: shown.iter().map(key).collect(),
            body: Body::Curves(curves),
        }],
    };
    let x = Scale {
        low: window.axis().start,
        high: window.axis().end,
        words: format!("raw {event} per sample"),
        ticks: Ticks::Count,
    };
    let outlines: Vec<_> = shown.iter().map(|s| window.outline(s)).collect();
    let points = outlines.iter().flatten();
    let tallest = points.map(|point| point.1).fold(0.0, f64::max).max(1e-9);
    let histogram = Curves {
        x: x.clone(),
        y: Scale {
            low: 0.0,
            high: tallest * 1.05,
            words: match window.bin {
                1 => "share of samples".to_owned(),
                bin => format!("share per {} {event}", count(bin as f64)),
            },
            ticks: Ticks::Percent,
        },
        band: None,
        curves: outlines
            .into_iter()
            .zip(shown)
            .map(|(points, series)| Curve {
                hue: hue(series),
                points: points.into_iter().map(Point::from).collect(),
                look: Look::Shaded,
                spots: Vec::new(),
            })
            .collect(),
    };
    let ecdf = Curves {
        x,
        y: Scale {
            low: 0.0,
            high: 1.02,
            words: "share at or below".to_owned(),
            ticks: Ticks::WholePercent,
        },
        band: None,
        curves: shown
            .iter()
            .map(|series| Curve {
                hue: hue(series),
                points: window.cumulative(series).into_iter().map(Point::from).collect(),
                look: Look::Plain,
                spots: window.quantiles(series, &naming.of(series)),
            })
            .collect(),
    };
    vec![
        view("histogram", "Distribution of samples", histogram),
        view("cumulative", "Share of samples at or below", ecdf),
    ]
}
