// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ratios with their intervals, one below the other, and the noise floor behind each.

use plotters::element::{PathElement, Rectangle};
use plotters::style::Color;

use super::canvas::{Axis, Heading, Spot, Width, axes, draw, mark, on, text};
use super::rows::Rows;
use super::theme::Paint;
use crate::model::{Interval, Ratio};
use crate::number::{percent, ratio_interval};

/// Height of the interval of a row, with the room around it.
const BAR: u32 = 26;
/// Rows that have more room.
const FEW: usize = 4;
/// Largest end over smallest from which on the axis is logarithmic: 0.5 is as far from 1 as 2 is.
const FAR: f64 = 2.5;
/// The least and the largest ratio that has a place on the axis; what is beyond is drawn at its edge.
const ENDS: (f64, f64) = (1e-3, 1e3);

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
    /// The number of the sequence's color and marker.
    pub hue: usize,
}

impl Row {
    fn floor(&self) -> f64 {
        self.floor.unwrap_or(0.0).min(ENDS.1)
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
        .map(|end| end.clamp(ENDS.0, ENDS.1))
        .fold((1.0_f64, 1.0_f64), |(low, high), end| (low.min(end), high.max(end)));
    if high / low > FAR {
        return (low / 1.15, high * 1.15);
    }
    let room = ((high - low) * 0.06).max(1e-5);
    (low - room, high + room)
}

/// Returns whether an axis with these ends is logarithmic.
fn is_logarithmic((low, high): (f64, f64)) -> bool {
    high / low > FAR
}

/// Writes a ratio at an axis that spans so much, with as many decimals as tell its marks apart.
fn tick(value: f64, span: f64) -> String {
    let step = (span / 5.0).max(1e-9);
    let decimals = (-step.log10().floor()).clamp(1.0, 6.0) as usize;
    format!("{value:.decimals$}")
}

/// Returns round ratios between two ends.
fn marks((low, high): (f64, f64)) -> Vec<f64> {
    let steps: &[f64] = match high / low {
        wide if wide > 200.0 => &[1.0],
        wide if wide > 8.0 => &[1.0, 2.0, 5.0],
        _ => &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
    };
    let decades = -3..=3;
    let all = decades.flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade)));
    all.filter(|mark| (low..=high).contains(mark)).collect()
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

    /// Returns the noise floor that all rows share.
    fn common_floor(&self) -> Option<f64> {
        let first = self.rows.first()?.floor?;
        self.rows.iter().all(|row| row.floor == Some(first)).then_some(first)
    }

    pub(super) fn svg(&self, heading: Heading<'_>) -> String {
        let logarithmic = is_logarithmic(self.range);
        let coordinate = |ratio: f64| if logarithmic { ratio.log2() } else { ratio };
        let (low, high) = (coordinate(self.range.0), coordinate(self.range.1));
        // Few rows take the room that the plot beside them has.
        let bar = match heading.width {
            Width::Wide if self.rows.len() <= FEW => 2 * BAR,
            _ => BAR,
        };
        let mut layout = Rows::new(heading.width, bar);
        let mut indices = Vec::new();
        // Said once where it is the same for all.
        let common = self.common_floor();
        let bands = match common {
            Some(floor) => format!("grey: A/A noise floor, {}", percent(floor)),
            None if self.rows.iter().any(|row| row.floor.is_some()) => "grey: A/A noise floor of each".to_owned(),
            None => "no A/A noise floor".to_owned(),
        };
        layout.heading(&format!("{bands}; bars: 95% intervals"));
        for row in &self.rows {
            if !row.group.is_empty() {
                layout.heading(&row.group);
            }
            indices.push(layout.add(&row.title(), &ratio_interval(&row.ratio)));
        }
        let words = match logarithmic {
            true => format!("{} (log scale)", self.words),
            false => self.words.clone(),
        };
        draw(heading, layout.outer_height(), |area| {
            let span = self.range.1 - self.range.0;
            let write = |at: f64| match logarithmic {
                true => crate::number::short_ratio(at.exp2()),
                false => tick(at, span),
            };
            let x = Axis {
                range: low..high,
                words: &words,
                tick: &write,
                marks: match logarithmic {
                    true => marks(self.range).into_iter().map(f64::log2).collect(),
                    false => Vec::new(),
                },
            };
            let mut chart = axes(area, layout.left(), &x, &Axis::pixels(layout.height()))?;
            let at = |value: f64| coordinate(value.max(f64::MIN_POSITIVE)).clamp(low, high);
            let first = indices.first().map_or(0.0, |&index| layout.extent(index).0);
            let bottom_of_all = f64::from(layout.height());
            let extents = self.rows.iter().zip(&indices).map(|(row, &index)| {
                let floor = row.floor();
                (floor, layout.extent(index))
            });
            let extents: Vec<(f64, (f64, f64))> = match common {
                Some(floor) => vec![(floor, (first, bottom_of_all))],
                None => extents.collect(),
            };
            for (floor, (top, bottom)) in extents {
                let (left, right) = (at(1.0 / (1.0 + floor)), at(1.0 + floor));
                let band = Rectangle::new([(left, top), (right, bottom)], Paint::Band.color().mix(0.28).filled());
                chart.draw_series([band]).map_err(text)?;
                for edge in [left, right] {
                    let edge = PathElement::new(vec![(edge, top), (edge, bottom)], Paint::Band.color());
                    chart.draw_series([edge]).map_err(text)?;
                }
            }
            let one = vec![(at(1.0), first), (at(1.0), bottom_of_all)];
            chart
                .draw_series([PathElement::new(one, Paint::Ink.color())])
                .map_err(text)?;
            let mut spots = Vec::new();
            for (row, &index) in self.rows.iter().zip(&indices) {
                let (top, bottom) = layout.bar(index);
                let y = (top + bottom) / 2.0;
                let Interval { low: from, high: to } = row.ratio.interval;
                let mut lines = vec![vec![(at(from), y), (at(to), y)]];
                // Caps, so that the ends of an interval are seen on any ground.
                lines.extend([from, to].map(|end| vec![(at(end), y - 6.0), (at(end), y + 6.0)]));
                for line in lines {
                    let line = PathElement::new(line, Paint::Whisker(row.hue).color().stroke_width(3));
                    chart.draw_series([line]).map_err(text)?;
                }
                let here = (at(row.ratio.estimate), y);
                mark(area, on(area, &chart, here), row.hue, row.is_twin)?;
                spots.push(Spot {
                    at: chart.backend_coord(&here),
                    text: row.spot(),
                });
            }
            layout.write(area)?;
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
            hue: 1,
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

    #[test]
    fn an_axis_of_ratios_far_apart_is_logarithmic_and_one_of_close_ones_tells_its_marks_apart() {
        assert!(!is_logarithmic(range(&[row("", 1.1)])));
        let far = range(&[row("", 0.2), row("", 6.0)]);
        assert!(is_logarithmic(far));
        assert_eq!(marks(far), [0.1, 0.2, 0.5, 1.0, 2.0, 5.0]);
        assert_eq!(
            (tick(1.0, 0.0004), tick(0.98, 0.1)),
            ("1.00000".to_owned(), "0.98".to_owned())
        );
        assert!(range(&[row("", f64::INFINITY)]).1.is_finite());
    }
}
