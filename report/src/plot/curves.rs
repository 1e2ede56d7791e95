// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lines over two axes: distributions, and cost against something that varies.

use plotters::element::{PathElement, Polygon};
use plotters::series::{AreaSeries, LineSeries};
use plotters::style::Color;

use super::canvas::{Axis, Heading, Spot, Width, axes, draw, mark, on, text};
use super::theme::Paint;
use crate::model::Interval;
use crate::number::{count, percent, short_ratio};

/// Largest value over smallest from which on a linear axis shows too little of the small ones.
const FAR: f64 = 30.0;
/// How far dots of different lines at one value stand apart, as a fraction of the axis.
const ASIDE: f64 = 0.014;

/// Lines over two axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Curves {
    /// The horizontal axis.
    pub x: Scale,
    /// The vertical axis.
    pub y: Scale,
    /// The lines.
    pub curves: Vec<Curve>,
    /// What is behind the lines.
    pub band: Option<Band>,
}

/// What lies on both sides of a value without meaning anything: the noise floor of ratios, along the horizontal axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    /// The value: the line of no difference.
    pub middle: f64,
    /// Where, and both ends there; in rising order.
    pub ends: Vec<(f64, Interval)>,
}

/// An axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// What it measures, with the unit.
    pub words: String,
    /// How its marks are written, and where they are.
    pub ticks: Ticks,
}

/// The marks of an axis.
#[derive(Debug, Clone, PartialEq)]
pub enum Ticks {
    /// Counts, at round values.
    Count,
    /// Percentages with as many digits as it takes, at round values.
    Percent,
    /// Whole percentages, at round values.
    WholePercent,
    /// Ratios, at round values.
    Ratio,
    /// Ratios at powers of ten and, if there are few of these, at twice and five times them.
    RatioDecades,
    /// Counts at these values of an axis that is linear.
    At(Vec<u64>),
    /// Counts at these values of an axis that is logarithmic and has room for 0.
    LogAt(Vec<u64>),
    /// Counts at powers of ten and, if there are few of these, at twice and five times them.
    Decades,
}

/// A line.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// The number of its color, dashes and marker.
    pub hue: usize,
    /// Its points, from left to right.
    pub points: Vec<Point>,
    /// What it looks like.
    pub look: Look,
    /// Places that tell something when pointed at, in the units of the axes.
    pub spots: Vec<((f64, f64), String)>,
}

/// What a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// A line.
    Plain,
    /// A line with the area below it.
    Shaded,
    /// A line with a dot at each point.
    Dotted,
}

/// A point of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Where, in the units of the axes.
    pub at: (f64, f64),
    /// Its interval.
    pub whisker: Option<Interval>,
}

impl From<(f64, f64)> for Point {
    fn from(at: (f64, f64)) -> Self {
        Self { at, whisker: None }
    }
}

/// Returns the coordinate of a value on a logarithmic axis, which has one for 0 too.
pub fn log(value: u64) -> f64 {
    if value == 0 { -1.0 } else { (value as f64).log2() }
}

impl Scale {
    /// Returns an axis for these values: logarithmic if they reach far.
    pub fn of(values: &[u64], words: impl Into<String>) -> Self {
        let mut marks = values.to_vec();
        marks.sort_unstable();
        marks.dedup();
        let (first, last) = (marks.first().copied().unwrap_or(0), marks.last().copied().unwrap_or(1));
        let smallest = marks.iter().copied().find(|&value| value > 0).unwrap_or(1);
        let logarithmic = last / smallest > 16;
        // Labels of neighbors must not run into each other.
        let spread = |values: Vec<u64>, coordinate: &dyn Fn(u64) -> f64| {
            let apart = (coordinate(last) - coordinate(first)) / 9.0;
            let mut kept: Vec<u64> = Vec::new();
            for value in values {
                if kept
                    .last()
                    .is_none_or(|&before| coordinate(value) - coordinate(before) >= apart)
                {
                    kept.push(value);
                }
            }
            kept
        };
        let (low, high, ticks) = if logarithmic {
            (log(first), log(last), Ticks::LogAt(spread(marks, &log)))
        } else {
            let coordinate = |value: u64| value as f64;
            (first as f64, last as f64, Ticks::At(spread(marks, &coordinate)))
        };
        let room = ((high - low) * 0.04).max(0.1);
        Self {
            low: low - room,
            high: high + room,
            words: words.into(),
            ticks,
        }
    }

    /// Returns an axis for these values that is linear however far they reach.
    pub fn linear(values: &[u64], words: impl Into<String>) -> Self {
        let (first, last) = (
            values.iter().min().copied().unwrap_or(0),
            values.iter().max().copied().unwrap_or(1),
        );
        let step = ((last - first) / 8).max(1);
        let marks = values.iter().copied().filter(|value| (value - first) % step == 0);
        let room = ((last - first) as f64 * 0.04).max(0.1);
        Self {
            low: first as f64 - room,
            high: last as f64 + room,
            words: words.into(),
            ticks: Ticks::At(marks.collect()),
        }
    }

    /// Returns the coordinate of a value.
    pub fn coordinate(&self, value: u64) -> f64 {
        match self.ticks {
            Ticks::LogAt(_) => log(value),
            _ => value as f64,
        }
    }

    /// Returns what it measures, and that it is logarithmic if it is.
    fn title(&self, width: Width) -> String {
        match self.ticks {
            Ticks::LogAt(_) | Ticks::Decades | Ticks::RatioDecades if width == Width::Narrow => {
                format!("{} (log)", self.words)
            }
            Ticks::LogAt(_) | Ticks::Decades | Ticks::RatioDecades => format!("{} (log scale)", self.words),
            _ => self.words.clone(),
        }
    }

    fn tick(&self, at: f64) -> String {
        match self.ticks {
            Ticks::Count | Ticks::At(_) => count(at),
            Ticks::Percent => percent(at),
            Ticks::WholePercent => format!("{:.0}%", at * 100.0),
            Ticks::Ratio => {
                let step = ((self.high - self.low) / 5.0).max(1e-9);
                let decimals = (-step.log10().floor()).clamp(1.0, 6.0) as usize;
                format!("{at:.decimals$}")
            }
            Ticks::LogAt(_) if at < 0.0 => "0".to_owned(),
            Ticks::LogAt(_) => count(at.exp2()),
            Ticks::Decades => count(10_f64.powf(at)),
            Ticks::RatioDecades => short_ratio(10_f64.powf(at)),
        }
    }

    fn marks(&self) -> Vec<f64> {
        match &self.ticks {
            Ticks::At(values) | Ticks::LogAt(values) => values.iter().map(|&value| self.coordinate(value)).collect(),
            Ticks::Decades | Ticks::RatioDecades => {
                let steps: &[f64] = if self.high - self.low > 2.5 {
                    &[1.0]
                } else {
                    &[1.0, 2.0, 5.0]
                };
                let decades = self.low.floor() as i32..=self.high.ceil() as i32;
                let marks = decades.flat_map(|decade| steps.iter().map(move |step| f64::from(decade) + step.log10()));
                marks.filter(|mark| (self.low..=self.high).contains(mark)).collect()
            }
            Ticks::Count | Ticks::Percent | Ticks::WholePercent | Ticks::Ratio => Vec::new(),
        }
    }
}

impl Band {
    /// Returns the noise floor around a ratio of 1, from what it is at these places.
    pub fn around_one(floors: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let ends = floors.into_iter().map(|(at, floor)| {
            let ends = Interval {
                low: 1.0 / (1.0 + floor),
                high: 1.0 + floor,
            };
            (at, ends)
        });
        Self {
            middle: 1.0,
            ends: ends.collect(),
        }
    }
}

impl Scale {
    /// Returns a vertical axis for ratios: with room for all of them, their intervals, 1 and the noise floor.
    pub fn of_ratios(curves: &[Curve], floor: Option<f64>, words: &str) -> Self {
        let points = curves.iter().flat_map(|curve| &curve.points);
        let ends = points.flat_map(|point| {
            let at = point.at.1;
            let whisker = point.whisker.unwrap_or(Interval { low: at, high: at });
            [whisker.low, whisker.high, at]
        });
        let floor = 1.0 + floor.unwrap_or(0.0);
        let (low, high) = ends
            .chain([floor, 1.0 / floor])
            .filter(|end| end.is_finite())
            .fold((1.0_f64, 1.0_f64), |(low, high), end| (low.min(end), high.max(end)));
        let room = ((high - low) * 0.08).max(1e-4);
        Self {
            low: low - room,
            high: high + room,
            words: words.to_owned(),
            ticks: Ticks::Ratio,
        }
    }
}

impl Curves {
    /// Makes the vertical axis of ratios logarithmic, if they are far apart: 0.5 is as far from 1 as 2 is.
    #[must_use]
    pub fn logarithmic_ratios(mut self) -> Self {
        const FAR: f64 = 2.5;
        let points = || {
            self.curves
                .iter()
                .flat_map(|curve| &curve.points)
                .map(|point| point.at.1)
        };
        let (low, high) = (points().fold(1.0, f64::min), points().fold(1.0, f64::max));
        if low <= 0.0 || high / low < FAR {
            return self;
        }
        let ends = (low / 1.3, high * 1.3);
        let coordinate = |value: f64| value.clamp(ends.0, ends.1).log10();
        let of = |Interval { low, high }| Interval {
            low: coordinate(low),
            high: coordinate(high),
        };
        for curve in &mut self.curves {
            for point in &mut curve.points {
                point.at.1 = coordinate(point.at.1);
                point.whisker = point.whisker.map(of);
            }
            for (at, _) in &mut curve.spots {
                at.1 = coordinate(at.1);
            }
        }
        if let Some(band) = &mut self.band {
            band.middle = coordinate(band.middle);
            band.ends.iter_mut().for_each(|(_, ends)| *ends = of(*ends));
        }
        (self.y.low, self.y.high, self.y.ticks) = (ends.0.log10(), ends.1.log10(), Ticks::RatioDecades);
        self
    }

    /// Makes the vertical axis logarithmic, if all is above 0 and some of it is far above the rest.
    #[must_use]
    pub fn logarithmic(mut self) -> Self {
        let points = || {
            self.curves
                .iter()
                .flat_map(|curve| &curve.points)
                .map(|point| point.at.1)
        };
        let (low, high) = (points().fold(f64::INFINITY, f64::min), points().fold(0.0, f64::max));
        if low <= 0.0 || high / low < FAR {
            return self;
        }
        let coordinate = |value: f64| value.max(low / 2.0).log10();
        for curve in &mut self.curves {
            for point in &mut curve.points {
                point.at.1 = coordinate(point.at.1);
                point.whisker = point.whisker.map(|Interval { low, high }| Interval {
                    low: coordinate(low),
                    high: coordinate(high),
                });
            }
            for (at, _) in &mut curve.spots {
                at.1 = coordinate(at.1);
            }
        }
        (self.y.low, self.y.high, self.y.ticks) = (coordinate(low) - 0.1, coordinate(high) + 0.15, Ticks::Decades);
        self
    }

    /// Returns the height below the heading.
    const fn height(width: Width) -> u32 {
        match width {
            Width::Narrow => 250,
            Width::Wide => 310,
        }
    }

    pub(super) fn svg(&self, heading: Heading<'_>) -> String {
        let (x_tick, y_tick) = (|at: f64| self.x.tick(at), |at: f64| self.y.tick(at));
        let axis = |scale: &'_ Scale| scale.low..scale.high;
        let (x_words, y_words) = (self.x.title(heading.width), self.y.title(heading.width));
        draw(heading, Self::height(heading.width), |area| {
            let x = Axis {
                range: axis(&self.x),
                words: &x_words,
                tick: &x_tick,
                marks: self.x.marks(),
            };
            let y = Axis {
                range: axis(&self.y),
                words: &y_words,
                tick: &y_tick,
                marks: self.y.marks(),
            };
            let mut chart = axes(area, 0, &x, &y)?;
            if let Some(band) = &self.band {
                let clamp = |value: f64| value.clamp(self.y.low, self.y.high);
                let (Some(first), Some(last)) = (band.ends.first(), band.ends.last()) else {
                    return Err("a band without ends".to_owned());
                };
                // In steps: between two conditions nothing was measured.
                let mut all = vec![(self.x.low, first.1)];
                for pair in band.ends.windows(2) {
                    let middle = (pair[0].0 + pair[1].0) / 2.0;
                    all.extend([(middle, pair[0].1), (middle, pair[1].1)]);
                }
                all.push((self.x.high, last.1));
                let mut outline: Vec<(f64, f64)> = all.iter().map(|&(x, ends)| (x, clamp(ends.high))).collect();
                outline.extend(all.iter().rev().map(|&(x, ends)| (x, clamp(ends.low))));
                let area = Polygon::new(outline, Paint::Band.color().mix(0.28).filled());
                chart.draw_series([area]).map_err(text)?;
                let middle = vec![(self.x.low, band.middle), (self.x.high, band.middle)];
                let middle = PathElement::new(middle, Paint::Ink.color());
                chart.draw_series([middle]).map_err(text)?;
            }
            let mut spots = Vec::new();
            for (index, curve) in self.curves.iter().enumerate() {
                let color = Paint::Series(curve.hue).color();
                // What several lines have at one value stands beside each other, each on its own line.
                let middle = (self.curves.len() as f64 - 1.0) / 2.0;
                let aside = match curve.look {
                    Look::Dotted => (index as f64 - middle) * (self.x.high - self.x.low) * ASIDE,
                    Look::Plain | Look::Shaded => 0.0,
                };
                let line = || curve.points.iter().map(|point| (point.at.0 + aside, point.at.1));
                if curve.look == Look::Shaded {
                    let shade = AreaSeries::new(line(), 0.0, color.mix(0.14));
                    chart.draw_series(shade).map_err(text)?;
                }
                let line = LineSeries::new(line(), color.stroke_width(2));
                chart.draw_series(line).map_err(text)?;
                for point in &curve.points {
                    let (across, up) = (point.at.0 + aside, point.at.1);
                    if let Some(Interval { low, high }) = point.whisker {
                        let at = |value: f64| value.clamp(self.y.low, self.y.high);
                        let whisker = vec![(across, at(low)), (across, at(high))];
                        let whisker = PathElement::new(whisker, Paint::Whisker(curve.hue).color().stroke_width(2));
                        chart.draw_series([whisker]).map_err(text)?;
                    }
                    if curve.look == Look::Dotted {
                        mark(area, on(area, &chart, (across, up)), curve.hue, false)?;
                    }
                }
                spots.extend(curve.spots.iter().map(|(at, text)| Spot {
                    at: chart.backend_coord(&(at.0 + aside, at.1)),
                    text: text.clone(),
                }));
            }
            Ok(spots)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_is_logarithmic_only_where_values_reach_far() {
        let pages = Scale::of(&[1, 2, 4, 8, 16, 32, 64, 128, 256, 512], "pages");
        assert_eq!(pages.ticks, Ticks::LogAt(vec![1, 2, 4, 8, 16, 32, 64, 128, 256, 512]));
        assert_eq!((pages.coordinate(1), pages.coordinate(512)), (0.0, 9.0));
        assert_eq!(pages.tick(pages.coordinate(64)), "64");
        let entries = Scale::of(&[0, 16, 1024], "entries");
        assert_eq!(entries.tick(entries.coordinate(0)), "0");
        assert!(entries.low < entries.coordinate(0) && entries.high > entries.coordinate(1024));
        let pes = Scale::of(&[3, 1, 2, 0, 1], "PEs");
        assert_eq!(
            (pes.ticks.clone(), pes.coordinate(3)),
            (Ticks::At(vec![0, 1, 2, 3]), 3.0)
        );
    }

    #[test]
    fn values_far_apart_are_drawn_on_decades() {
        let curves = |values: &[f64]| {
            let points = values.iter().map(|&value| Point::from((0.0, value)));
            let scale = Scale {
                low: 0.0,
                high: 1.0,
                words: String::new(),
                ticks: Ticks::Count,
            };
            Curves {
                x: scale.clone(),
                y: scale,
                band: None,
                curves: vec![Curve {
                    hue: 0,
                    points: points.collect(),
                    look: Look::Dotted,
                    spots: Vec::new(),
                }],
            }
        };
        let far = curves(&[10.0, 100_000.0]).logarithmic();
        assert_eq!(far.curves[0].points[1].at.1, 5.0);
        assert_eq!(far.y.marks(), [1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(far.y.tick(5.0), "100,000");
        assert_eq!(curves(&[10.0, 100.0]).logarithmic(), curves(&[10.0, 100.0]));
        assert_eq!(curves(&[0.0, 100.0]).logarithmic(), curves(&[0.0, 100.0]));
    }

    #[test]
    fn labels_of_an_axis_keep_their_distance() {
        let Ticks::At(kept) = Scale::of(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], "").ticks else {
            panic!()
        };
        assert_eq!(kept, [1, 3, 5, 7, 9, 11, 13, 15]);
    }
}
