// SPDX-License-Identifier: MIT OR Apache-2.0
//! Plots of one row per thing: its name and number as text, and below that its bar. No name is ever cut or overlaps.

use plotters::element::{Circle, PathElement, Rectangle, Text};
use plotters::style::Color;

use super::canvas::{Axis, Chart, Drawn, LINE, Panel, axes, style, text};
use super::theme::Paint;
use crate::model::{Comparison, Interval, Ratio, Summary};
use crate::number::{count, grouped, ratio, ratio_interval};

/// Height of the bar of a row, with the room around it.
const BAR: u32 = 22;
/// Characters of a line of text: a panel's width at the size it is written in.
const CHARACTERS: usize = 50;
/// Height of the axis below the rows.
const AXIS: u32 = 60;
/// Ratios beyond this are drawn at the edge; their number is in the text.
const MOST: f64 = 4.0;

/// Lines of text above the bar of each row, as many for all of them.
struct Rows {
    texts: Vec<Vec<String>>,
    lines: usize,
}

impl Rows {
    /// Takes names and their numbers; a number that does not fit beside its name goes below it.
    fn of(texts: impl Iterator<Item = (String, String)>) -> Self {
        let wrap = |(name, number): (String, String)| {
            let line = format!("{name}: {number}");
            if line.chars().count() <= CHARACTERS {
                return vec![line];
            }
            let mut lines: Vec<String> = textwrap::wrap(&name, CHARACTERS)
                .iter()
                .map(|line| line.to_string())
                .collect();
            lines.push(number);
            lines
        };
        let texts: Vec<Vec<String>> = texts.map(wrap).collect();
        let lines = texts.iter().map(Vec::len).max().unwrap_or(1);
        Self { texts, lines }
    }

    /// Returns the height of a row in pixels.
    fn row(&self) -> u32 {
        LINE * self.lines as u32 + BAR
    }

    fn height(&self) -> u32 {
        self.row() * self.texts.len() as u32 + AXIS
    }

    /// Returns the place this many pixels below the top of a row.
    fn y(&self, index: usize, pixels: u32) -> f64 {
        index as f64 + f64::from(pixels) / f64::from(self.row())
    }

    /// Returns the top and the bottom of the bar of a row.
    fn bar(&self, index: usize) -> (f64, f64) {
        let top = LINE * self.lines as u32 + 2;
        (self.y(index, top), self.y(index, top + BAR - 9))
    }

    /// Writes the text of every row, from `x` on.
    fn write(&self, chart: &mut Chart<'_, '_>, x: f64) -> Drawn {
        for (index, lines) in self.texts.iter().enumerate() {
            for (line, words) in (0..).zip(lines) {
                let words = Text::new(
                    words.clone(),
                    (x, self.y(index, line * LINE + 3)),
                    style(14, Paint::Ink),
                );
                chart.draw_series([words]).map_err(text)?;
            }
        }
        Ok(())
    }
}

/// Draws the ratios to the baseline.
pub fn ratios(summary: &Summary) -> String {
    let rows: Vec<(&Comparison, Ratio)> = summary
        .comparisons
        .iter()
        .filter_map(|c| Some((c, c.net.or(c.raw)?)))
        .collect();
    let floor = |c: &Comparison| c.noise_floor.unwrap_or(0.0).min(MOST - 1.0);
    let ends = rows.iter().flat_map(|(c, ratio)| {
        let Interval { low, high } = ratio.interval;
        [low, high, ratio.estimate, 1.0 / (1.0 + floor(c)), 1.0 + floor(c)]
    });
    let (low, high) = ends.fold((1.0_f64, 1.0_f64), |(low, high), end| {
        (low.min(end), high.max(end.min(MOST)))
    });
    let room = ((high - low) * 0.06).max(0.01);
    let (low, high) = ((low - room).max(0.0), high + room);
    let texts = Rows::of(rows.iter().map(|(c, ratio)| {
        let twin = if c.is_twin { " (A/A)" } else { "" };
        let name = summary.naming().of_comparison(c);
        (format!("{name}{twin}"), ratio_interval(ratio))
    }));
    let panel = Panel {
        title: "Ratio to the baseline: left of 1 is faster",
        label: summary.label(),
        legend: &[],
        height: texts.height(),
    };
    panel.draw(|area| {
        let depth = rows.len() as f64;
        let x = Axis {
            range: low..high,
            words: "ratio, 95% interval; band: A/A noise floor",
            tick: &ratio,
        };
        let mut chart = axes(area, &x, &Axis::rows(rows.len()))?;
        for (index, (c, _)) in rows.iter().enumerate() {
            let top = index as f64;
            let band = [(1.0 / (1.0 + floor(c)), top), (1.0 + floor(c), top + 1.0)];
            let band = Rectangle::new(band, Paint::Band.color().mix(0.28).filled());
            chart.draw_series([band]).map_err(text)?;
        }
        let one = PathElement::new(vec![(1.0, 0.0), (1.0, depth)], Paint::Ink.color());
        chart.draw_series([one]).map_err(text)?;
        for (index, (c, ratio)) in rows.iter().enumerate() {
            let (top, bottom) = texts.bar(index);
            let y = (top + bottom) / 2.0;
            let at = |value: f64| value.clamp(low, high);
            let Interval { low: from, high: to } = ratio.interval;
            let color = Paint::Series(usize::from(c.is_twin)).color();
            let bar = PathElement::new(vec![(at(from), y), (at(to), y)], color.stroke_width(3));
            chart.draw_series([bar]).map_err(text)?;
            let dot = Circle::new((at(ratio.estimate), y), 5, color.filled());
            chart.draw_series([dot]).map_err(text)?;
        }
        texts.write(&mut chart, low)
    })
}

/// Draws the phases of the boot path that were counted as the first one was.
pub fn boot(summary: &Summary) -> String {
    let Some(first) = summary.boot.first() else {
        return String::new();
    };
    let rows: Vec<_> = summary.boot.iter().filter(|phase| phase.event == first.event).collect();
    let one_pe = rows.iter().all(|phase| phase.pe == first.pe);
    let longest = rows.iter().map(|phase| phase.count).max().unwrap_or(0).max(1) as f64;
    let texts = Rows::of(rows.iter().map(|phase| {
        let pe = if one_pe {
            String::new()
        } else {
            format!("PE {}: ", phase.pe)
        };
        (format!("{pe}{}", phase.phase), grouped(phase.count))
    }));
    let panel = Panel {
        title: "Boot phases, in order",
        label: summary.label(),
        legend: &[],
        height: texts.height(),
    };
    panel.draw(|area| {
        let words = format!("{} per phase", first.event.id());
        let x = Axis {
            range: 0.0..longest * 1.02,
            words: &words,
            tick: &count,
        };
        let mut chart = axes(area, &x, &Axis::rows(rows.len()))?;
        for (index, phase) in rows.iter().enumerate() {
            let (top, bottom) = texts.bar(index);
            let bar = Rectangle::new(
                [(0.0, top), (phase.count as f64, bottom)],
                Paint::Series(0).color().filled(),
            );
            chart.draw_series([bar]).map_err(text)?;
        }
        texts.write(&mut chart, 0.0)
    })
}
