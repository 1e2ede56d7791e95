// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bars made of numbered segments, such as the phases of a boot path, one bar for each boot.
//!
//! Segments are told apart by their numbers and the gaps between them, not by color, so that grey print shows as much.

use plotters::element::{Rectangle, Text};
use plotters::style::Color;

use super::canvas::{Axis, Heading, LINE, SMALL, Spot, axes, draw, style, text};
use super::rows::Rows;
use super::theme::Paint;
use crate::number::{count, grouped, percent};

/// Height of a bar with the room around it and the numbers of its segments.
const BAR: u32 = 26 + LINE;
/// Share of the axis that a segment needs to have its number written.
const NUMBERED: f64 = 0.035;

/// Bars made of segments.
#[derive(Debug, Clone, PartialEq)]
pub struct Bars {
    /// What is counted.
    pub words: String,
    /// The bars, from top to bottom.
    pub bars: Vec<Bar>,
    /// Whether every segment is written out below the bars, with its own number; only for a single bar.
    pub listed: bool,
}

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// What it is of.
    pub name: String,
    /// Its segments, from left to right.
    pub segments: Vec<Segment>,
}

/// One segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its number, the same for what has the same name.
    pub number: usize,
    /// Its name.
    pub name: String,
    /// How long it is.
    pub count: u64,
}

impl Bar {
    fn total(&self) -> u64 {
        let counts = self.segments.iter().map(|segment| segment.count);
        counts.fold(0, u64::saturating_add)
    }

    fn share(&self, segment: &Segment) -> f64 {
        segment.count as f64 / self.total().max(1) as f64
    }
}

impl Bars {
    pub(super) fn svg(&self, heading: Heading<'_>) -> String {
        let longest = self.bars.iter().map(Bar::total).max().unwrap_or(0).max(1) as f64;
        let mut layout = Rows::new(heading.width, BAR);
        let indices: Vec<usize> = self
            .bars
            .iter()
            .map(|bar| layout.add(&bar.name, &grouped(bar.total())))
            .collect();
        for (bar, segment) in self.keys() {
            let mut words = format!("{} {}", segment.number, segment.name);
            if self.listed {
                let (count, share) = (grouped(segment.count), percent(bar.share(segment)));
                words.push_str(&format!(": {count} ({share})"));
            }
            layout.heading(&words);
        }
        draw(heading, layout.outer_height(), |area| {
            let x = Axis {
                range: 0.0..longest * 1.02,
                words: &self.words,
                tick: &count,
                marks: Vec::new(),
            };
            let mut chart = axes(area, layout.left(), &x, &Axis::pixels(layout.height()))?;
            let mut spots = Vec::new();
            for (bar, &index) in self.bars.iter().zip(&indices) {
                let (top, bottom) = layout.bar(index);
                let bottom = bottom - f64::from(LINE);
                // A gap of a pixel or so, where there is room for one.
                let gap = longest / 350.0;
                let mut from = 0.0;
                for segment in &bar.segments {
                    let to = from + segment.count as f64;
                    let end = if to - from > 2.0 * gap { to - gap } else { to };
                    let shade = if segment.number.is_multiple_of(2) { 0.55 } else { 1.0 };
                    let fill = Paint::Plain.color().mix(shade).filled();
                    let rectangle = Rectangle::new([(from, top), (end, bottom)], fill);
                    chart.draw_series([rectangle]).map_err(text)?;
                    let middle = (from + to) / 2.0;
                    if (to - from) / longest > NUMBERED {
                        let at = (middle - longest / 120.0, bottom + 2.0);
                        let number = Text::new(segment.number.to_string(), at, style(SMALL, Paint::Ink));
                        chart.draw_series([number]).map_err(text)?;
                    }
                    let (count, share) = (grouped(segment.count), percent(bar.share(segment)));
                    spots.push(Spot {
                        at: chart.backend_coord(&(middle, (top + bottom) / 2.0)),
                        text: format!("{}: {count} ({share})", segment.name),
                    });
                    from = to;
                }
            }
            layout.write(area)?;
            Ok(spots)
        })
    }

    /// Returns one segment for each number, with the bar it is from.
    fn keys(&self) -> Vec<(&Bar, &Segment)> {
        let mut keys: Vec<(&Bar, &Segment)> = Vec::new();
        for bar in &self.bars {
            for segment in &bar.segments {
                if !keys.iter().any(|(_, known)| known.number == segment.number) {
                    keys.push((bar, segment));
                }
            }
        }
        keys.sort_by_key(|(_, segment)| segment.number);
        keys
    }
}
