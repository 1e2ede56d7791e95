// SPDX-License-Identifier: MIT OR Apache-2.0
//! Histogram and cumulative distribution of a few series on one axis.

use plotters::series::{AreaSeries, LineSeries};
use plotters::style::Color;

use super::canvas::{Axis, Panel, WIDTH, axes, text};
use super::theme::Paint;
use crate::model::{Series, Summary};
use crate::number::{count, percent};

/// Bins of a histogram, at most.
const BINS: u64 = 80;
/// Points of a cumulative distribution, at most: one per pixel.
const POINTS: usize = WIDTH as usize;

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
}

fn total(series: &Series) -> f64 {
    series.distribution.iter().map(|&(_, n)| n).sum::<u64>() as f64
}

fn shown<'a>(summary: &'a Summary, indices: &[usize]) -> Vec<&'a Series> {
    indices.iter().filter_map(|&at| summary.series.get(at)).collect()
}

/// Returns how many samples lie outside the axis.
pub fn beyond(summary: &Summary, indices: &[usize]) -> u64 {
    let shown = shown(summary, indices);
    let Some(window) = Window::of(&shown) else { return 0 };
    let outside = shown
        .iter()
        .flat_map(|s| &s.distribution)
        .filter(|&&(value, _)| !window.holds(value));
    outside.map(|&(_, n)| n).sum()
}

/// Draws histogram and cumulative distribution.
pub fn panels(summary: &Summary, indices: &[usize]) -> Vec<String> {
    let shown = shown(summary, indices);
    let legend: Vec<String> = shown.iter().map(|s| summary.naming().of(s)).collect();
    let Some(window) = Window::of(&shown) else {
        return Vec::new();
    };
    let event = shown[0].event.id();
    let panel = |title| Panel {
        title,
        label: summary.label(),
        legend: &legend,
        height: 260,
    };
    let x_words = format!("raw {event} per sample");
    let x = Axis {
        range: window.axis(),
        words: &x_words,
        tick: &count,
    };
    let outlines: Vec<_> = shown.iter().map(|s| window.outline(s)).collect();
    let tallest = outlines
        .iter()
        .flatten()
        .map(|point| point.1)
        .fold(0.0, f64::max)
        .max(1e-9);
    let y_words = match window.bin {
        1 => "share of samples".to_owned(),
        bin => format!("share per {} {event}", count(bin as f64)),
    };
    let y = Axis {
        range: 0.0..tallest * 1.05,
        words: &y_words,
        tick: &percent,
    };
    let histogram = panel("Histogram").draw(|area| {
        let mut chart = axes(area, &x, &y)?;
        for (index, points) in outlines.iter().enumerate() {
            let color = Paint::Series(index).color();
            let shade = AreaSeries::new(points.iter().copied(), 0.0, color.mix(0.14));
            chart.draw_series(shade).map_err(text)?;
            let line = LineSeries::new(points.iter().copied(), color.stroke_width(2));
            chart.draw_series(line).map_err(text)?;
        }
        Ok(())
    });
    let y = Axis {
        range: 0.0..1.02,
        words: "share at or below",
        tick: &|share| format!("{:.0}%", share * 100.0),
    };
    let ecdf = panel("Share of samples at or below").draw(|area| {
        let mut chart = axes(area, &x, &y)?;
        for (index, series) in shown.iter().enumerate() {
            let stroke = Paint::Series(index).color().stroke_width(2);
            let line = LineSeries::new(window.cumulative(series), stroke);
            chart.draw_series(line).map_err(text)?;
        }
        Ok(())
    });
    vec![histogram, ecdf]
}
