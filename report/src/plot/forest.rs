// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ratios with their intervals, one below the other, and the noise floor behind each.

use plotters::element::{Circle, PathElement, Rectangle};
use plotters::style::Color;

use super::canvas::{Axis, Heading, Spot, axes, draw, text};
use super::rows::Rows;
use super::theme::Paint;
use crate::model::{Interval, Ratio};
use crate::number::{percent, ratio, ratio_interval};

/// Height of the interval of a row, with the room around it.
const BAR: u32 = 22;
/// Ratios beyond this are drawn at the edge; their number is in the text.
const MOST: f64 = 4.0;

/// Ratios in one panel, at most.
const MOST_ROWS: usize = 14;

/// Ratios with their intervals.
#[derive(Debug, Clone, PartialEq)]
pub struct Forest {
    /// What is divided by what.
    pub words: String,
    /// The ratios, from top to bottom.
    pub rows: Vec<Row>,
    /// Both ends of the axis.
    pub range: (f64, f64),
}

/// One ratio.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What the rows from here on have in common; empty where that is the same as before.
    pub group: String,
    /// What sets this row apart.
    pub name: String,
    /// The ratio and its interval.
    pub ratio: Ratio,
    /// The noise floor it is held against, as a fraction.
    pub floor: Option<f64>,
    /// Whether both sides are the same sequence.
    pub is_twin: bool,
}

impl Row {
    fn floor(&self) -> f64 {
        self.floor.unwrap_or(0.0).min(MOST - 1.0)
    }

    fn title(&self) -> String {
        format!("{}{}", self.name, if self.is_twin { " (A/A)" } else { "" })
    }

    /// Returns everything the row says.
    fn spot(&self) -> String {
        let floor = self
            .floor
            .map_or(String::new(), |floor| format!(", noise floor {}", percent(floor)));
        let (ratio, batches) = (ratio_interval(&self.ratio), self.ratio.batches);
        format!("{}: {ratio}{floor}, {batches} batches", self.title())
    }
}

/// Returns an axis that holds every ratio with its interval and its noise floor.
fn range(rows: &[Row]) -> (f64, f64) {
    let ends = rows.iter().flat_map(|row| {
        let Interval { low, high } = row.ratio.interval;
        let floor = 1.0 + row.floor();
        [low, high, row.ratio.estimate, 1.0 / floor, floor]
    });
    let (low, high) = ends
        .filter(|end| end.is_finite())
        .fold((1.0_f64, 1.0_f64), |(low, high), end| {
            (low.min(end), high.max(end.min(MOST)))
        });
    let room = ((high - low) * 0.06).max(0.01);
    ((low - room).max(0.0), high + room)
}

impl Forest {
    /// Puts ratios on one axis, in as many parts as it takes for none to be longer than a screen. There is none without
    /// ratios.
    pub fn parts(words: &str, rows: &[Row]) -> Vec<Self> {
        let range = range(rows);
        // Equal parts, so that the panels end at about one height.
        let parts = rows.len().div_ceil(MOST_ROWS).max(1);
        let each = rows.len().div_ceil(parts).max(1);
        // A group that goes on in the next part is named there again.
        let group = |end: usize| rows[..end].iter().rev().find(|row| !row.group.is_empty());
        let part = |(index, part): (usize, &[Row])| {
            let mut part = part.to_vec();
            if let (true, Some(before)) = (part[0].group.is_empty(), group(index * each)) {
                part[0].group.clone_from(&before.group);
            }
            Self {
                words: words.to_owned(),
                rows: part,
                range,
            }
        };
        rows.chunks(each).enumerate().map(part).collect()
    }

    pub(super) fn svg(&self, heading: Heading<'_>) -> String {
        let (low, high) = self.range;
        let mut layout = Rows::new(BAR);
        let mut indices = Vec::new();
        for row in &self.rows {
            if !row.group.is_empty() {
                layout.heading(&row.group);
            }
            indices.push(layout.add(&row.title(), &ratio_interval(&row.ratio)));
        }
        draw(heading, layout.outer_height(), |area| {
            let x = Axis {
                range: low..high,
                words: &self.words,
                tick: &ratio,
                marks: Vec::new(),
            };
            let mut chart = axes(area, &x, &Axis::pixels(layout.height()))?;
            for (row, &index) in self.rows.iter().zip(&indices) {
                let (top, bottom) = layout.extent(index);
                let floor = 1.0 + row.floor();
                let band = [(1.0 / floor, top), (floor, bottom)];
                let band = Rectangle::new(band, Paint::Band.color().mix(0.28).filled());
                chart.draw_series([band]).map_err(text)?;
            }
            let one = vec![(1.0, 0.0), (1.0, f64::from(layout.height()))];
            chart
                .draw_series([PathElement::new(one, Paint::Ink.color())])
                .map_err(text)?;
            let mut spots = Vec::new();
            for (row, &index) in self.rows.iter().zip(&indices) {
                let (top, bottom) = layout.bar(index);
                let y = (top + bottom) / 2.0;
                let at = |value: f64| value.clamp(low, high);
                let Interval { low: from, high: to } = row.ratio.interval;
                let bar = vec![(at(from), y), (at(to), y)];
                let series = usize::from(row.is_twin);
                let bar = PathElement::new(bar, Paint::Whisker(series).color().stroke_width(3));
                chart.draw_series([bar]).map_err(text)?;
                let here = (at(row.ratio.estimate), y);
                let dot = Circle::new(here, 5, Paint::Series(series).color().filled());
                chart.draw_series([dot]).map_err(text)?;
                spots.push(Spot {
                    at: chart.backend_coord(&here),
                    text: row.spot(),
                });
            }
            layout.write(&mut chart, low)?;
            Ok(spots)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(group: &str, estimate: f64) -> Row {
        let interval = Interval {
            low: estimate - 0.1,
            high: estimate + 0.1,
        };
        Row {
            group: group.to_owned(),
            name: "m".to_owned(),
            ratio: Ratio {
                estimate,
                interval,
                batches: 10,
            },
            floor: None,
            is_twin: false,
        }
    }

    #[test]
    fn many_ratios_take_several_parts_on_one_axis() {
        let mut rows = vec![row("", 1.0); MOST_ROWS + 5];
        rows[0] = row("old / new", 0.5);
        let forests = Forest::parts("w", &rows);
        assert_eq!(forests.iter().map(|f| f.rows.len()).collect::<Vec<_>>(), [10, 9]);
        assert_eq!(forests[0].range, forests[1].range);
        assert!(forests[0].range.0 < 0.4 && forests[0].range.1 > 1.1);
        assert_eq!(forests[1].rows[0].group, "old / new");
        assert_eq!(Forest::parts("w", &rows[..MOST_ROWS]).len(), 1);
        assert_eq!(Forest::parts("w", &[]), []);
    }
}
