// SPDX-License-Identifier: MIT OR Apache-2.0
//! Small courses over the batches, one below the other and on one scale: what drifts, and what drifts together.

use plotters::element::PathElement;
use plotters::style::Color;

use super::canvas::{Axis, Heading, Spot, Width, axes, draw, text};
use super::rows::Rows;
use super::theme::Paint;
use crate::number::{count, percent};

/// Height of a course with the room around it.
const BAR: u32 = 46;
/// Points of a course, at most: one for every two pixels.
const POINTS: usize = Width::Narrow.units() as usize / 2;
/// Least and most that a course spans above and below its median, as a fraction of it.
const SPAN: (f64, f64) = (0.02, 1.0);

/// Courses over the batches.
#[derive(Debug, Clone, PartialEq)]
pub struct Strips {
    /// How far each reaches above and below its median, as a fraction of it.
    pub span: f64,
    /// The courses, from top to bottom.
    pub strips: Vec<Strip>,
}

/// One course.
#[derive(Debug, Clone, PartialEq)]
pub struct Strip {
    /// Whose it is.
    pub name: String,
    /// The number of the color of a sequence; `None` for what is no sequence.
    pub hue: Option<usize>,
    /// Its change from the first third to the last, as a fraction; `None` if too few batches.
    pub drift: Option<f64>,
    /// Median over the batches.
    pub median: f64,
    /// Batch, and what was measured as a fraction of the median.
    pub points: Vec<(f64, f64)>,
}

impl Strip {
    /// Returns the course of batch medians; `None` with fewer than two batches, or where the median is 0.
    pub fn of(name: String, hue: Option<usize>, drift: Option<f64>, batches: &[(u32, f64)]) -> Option<Self> {
        let mut sorted: Vec<f64> = batches.iter().map(|&(_, median)| median).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let median = *sorted.get(sorted.len() / 2)?;
        if batches.len() < 2 || median <= 0.0 {
            return None;
        }
        // Neighbors that would share their pixels become their mean.
        let points = batches.chunks(batches.len().div_ceil(POINTS)).map(|some| {
            let mean = |value: fn(&(u32, f64)) -> f64| some.iter().map(value).sum::<f64>() / some.len() as f64;
            (mean(|&(batch, _)| batch.into()), mean(|&(_, here)| here) / median)
        });
        Some(Self {
            name,
            hue,
            drift,
            median,
            points: points.collect(),
        })
    }
}

impl Strips {
    /// Puts courses on one scale: wide enough for nearly all points.
    pub fn new(strips: Vec<Strip>) -> Self {
        let points = strips.iter().flat_map(|strip| &strip.points);
        let mut distances: Vec<f64> = points.map(|(_, value)| (value - 1.0).abs()).collect();
        distances.sort_unstable_by(f64::total_cmp);
        let most = distances.get(distances.len() * 98 / 100).copied().unwrap_or(0.0);
        Self {
            span: (most * 1.1).clamp(SPAN.0, SPAN.1),
            strips,
        }
    }

    pub(super) fn svg(&self, heading: Heading<'_>) -> String {
        let mut layout = Rows::new(heading.width, BAR);
        let number = |strip: &Strip| match strip.drift {
            Some(drift) => format!(
                "{} ({}{})",
                count(strip.median),
                if drift > 0.0 { "+" } else { "" },
                percent(drift)
            ),
            None => count(strip.median),
        };
        let indices: Vec<usize> = self
            .strips
            .iter()
            .map(|strip| layout.add(&strip.name, &number(strip)))
            .collect();
        let batches = self.strips.iter().flat_map(|strip| &strip.points);
        let last = batches.map(|point| point.0).fold(1.0, f64::max);
        draw(heading, layout.outer_height(), |area| {
            let x = Axis {
                range: 0.0..last,
                words: "batch",
                tick: &count,
                marks: Vec::new(),
            };
            let mut chart = axes(area, layout.left(), &x, &Axis::pixels(layout.height()))?;
            let mut spots = Vec::new();
            for (strip, &index) in self.strips.iter().zip(&indices) {
                let (top, bottom) = layout.bar(index);
                let (middle, half) = ((top + bottom) / 2.0, (bottom - top) / 2.0);
                let y = |value: f64| middle - ((value - 1.0) / self.span).clamp(-1.0, 1.0) * half;
                let median_line = vec![(0.0, middle), (last, middle)];
                let median_line = PathElement::new(median_line, Paint::Muted.color());
                chart.draw_series([median_line]).map_err(text)?;
                let course = strip.points.iter().map(|&(batch, value)| (batch, y(value)));
                let course = PathElement::new(
                    course.collect::<Vec<_>>(),
                    strip.hue.map_or(Paint::Plain, Paint::Whisker).color().stroke_width(2),
                );
                chart.draw_series([course]).map_err(text)?;
                for end in [strip.points.first(), strip.points.last()].into_iter().flatten() {
                    spots.push(Spot {
                        at: chart.backend_coord(&(end.0, y(end.1))),
                        text: format!(
                            "{}, batch {}: {}",
                            strip.name,
                            end.0.round(),
                            count(end.1 * strip.median)
                        ),
                    });
                }
            }
            layout.write(area)?;
            Ok(spots)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_is_relative_to_its_median_and_thinned_to_what_can_be_seen() {
        let batches: Vec<(u32, f64)> = (0..1000).map(|batch| (batch, 100.0 + f64::from(batch % 3))).collect();
        let strip = Strip::of("a".to_owned(), None, None, &batches).unwrap();
        assert_eq!((strip.median, strip.points.len()), (101.0, 167));
        assert!(strip.points.iter().all(|(_, value)| (0.98..1.02).contains(value)));
        assert_eq!(Strips::new(vec![strip]).span, 0.02);
        assert_eq!(Strip::of(String::new(), None, None, &[(0, 5.0)]), None);
        assert_eq!(Strip::of(String::new(), None, None, &[(0, 0.0), (1, 0.0)]), None);
    }

    #[test]
    fn the_scale_leaves_out_a_lone_spike() {
        let mut batches: Vec<(u32, f64)> = (0..100).map(|batch| (batch, 100.0 + f64::from(batch % 11))).collect();
        batches[50].1 = 900.0;
        let strip = Strip::of(String::new(), None, None, &batches).unwrap();
        let span = Strips::new(vec![strip]).span;
        assert!((0.02..0.1).contains(&span), "{span}");
    }
}
