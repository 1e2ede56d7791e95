// SPDX-License-Identifier: MIT OR Apache-2.0
//! What all panels share: size, heading, axes, and the spots that tell their value.

use std::fmt::Write;
use std::ops::Range;

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::coord::types::RangedCoordf64;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon, Text};
use plotters::prelude::SVGBackend;
use plotters::style::{Color, IntoFont, TextStyle};
use results::manifest::HARDWARE_LABEL;

use super::theme::{Paint, SERIES as OVERLAID, themed};
use crate::plain_text::escape;

/// How wide a panel is drawn. A page holds both, and shows the one that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// For a phone: names stand above what they name.
    Narrow,
    /// For half of a wide screen: names stand in a column at the left.
    Wide,
}

impl Width {
    /// Returns the width in the units of the panel's own coordinates, which are about the pixels of the screen.
    pub const fn units(self) -> u32 {
        match self {
            Self::Narrow => 380,
            Self::Wide => 640,
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Narrow => "narrow",
            Self::Wide => "wide",
        }
    }
}

/// Height of a line of text.
pub const LINE: u32 = 19;
/// Size of the text of rows and legends; the library writes it about a fifth smaller.
pub const TEXT: u32 = 16;
/// Size of titles.
const TITLE: u32 = 19;
/// Size of what is written at axes.
pub const SMALL: u32 = 14;
/// Height of the strip that says at a glance where counts are from.
const STRIP: u32 = 9;

/// The part of the drawing that a panel draws on.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// A chart with two plain axes.
pub type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Marked, Marked>>;
/// Drawing into a string does not fail; what could is passed on as text.
pub type Drawn<T> = Result<T, String>;

/// What stands above the drawing of a panel.
#[derive(Debug, Clone, Copy)]
pub struct Heading<'a> {
    /// What is shown.
    pub title: &'a str,
    /// The label of the numbers.
    pub label: &'a str,
    /// The series that have to be told apart.
    pub legend: &'a [Key],
    /// How wide the panel is.
    pub width: Width,
}

/// A series in a legend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The number of its color, dashes and marker.
    pub hue: usize,
    /// Its name.
    pub name: String,
}

/// A spot of a drawing that tells its value when pointed at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// Where, in pixels of the drawing.
    pub at: (i32, i32),
    /// What it tells.
    pub text: String,
}

/// Turns any error of the drawing library into text.
pub fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Returns the largest size, at most `size`, at which a line fits into so many pixels.
fn fitting(words: &str, size: u32, room: u32) -> u32 {
    // A character is about 0.6 of its size wide.
    let room = f64::from(room) / 0.6 / words.chars().count().max(1) as f64;
    size.min(room as u32).max(8)
}

/// Returns a text style.
pub fn style(size: u32, paint: Paint) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&paint.color())
}

/// Draws a panel: the heading, and `body` below it.
pub fn draw(heading: Heading<'_>, height: u32, body: impl FnOnce(&Area<'_>) -> Drawn<Vec<Spot>>) -> String {
    let (width, class) = (heading.width.units(), heading.width.class());
    let places = places(heading.legend, width);
    let lines = places.last().map_or(0, |place| place.1 + 1);
    let above = STRIP + 2 * LINE + LINE * lines + 8;
    let mut svg = String::new();
    let drawn = {
        let root = SVGBackend::with_string(&mut svg, (width, above + height)).into_drawing_area();
        let (top, bottom) = root.split_vertically(above);
        head(heading, &places, &top)
            .and_then(|()| body(&bottom))
            .and_then(|spots| root.present().map_err(text).map(|()| spots))
    };
    match drawn {
        Ok(spots) => {
            let svg = themed(&svg, &format!("{}; {}", heading.title, heading.label), class);
            with_spots(svg, &spots)
        }
        // A report with one picture missing is better than none, as long as it says so.
        Err(error) => themed(
            &format!(
                "<svg width=\"{width}\" height=\"{LINE}\" viewBox=\"0 0 {width} {LINE}\" \
                 xmlns=\"http://www.w3.org/2000/svg\"><text y=\"14\">not drawn: {}</text></svg>",
                escape(&error)
            ),
            heading.title,
            class,
        ),
    }
}

/// Returns column in pixels and line of every key of a legend.
fn places(legend: &[Key], width: u32) -> Vec<(u32, u32)> {
    let mut places = Vec::new();
    let (mut x, mut line) = (6, 0);
    for key in legend {
        let long = 62 + 8 * key.name.chars().count() as u32;
        if x > 6 && x + long > width {
            (x, line) = (6, line + 1);
        }
        places.push((x, line));
        x += long;
    }
    places
}

/// Adds the spots on top of everything else. Browsers show a title by themselves, slowly; the page's script at once.
fn with_spots(svg: String, spots: &[Spot]) -> String {
    let Some(end) = svg.rfind("</svg>").filter(|_| !spots.is_empty()) else {
        return svg;
    };
    let mut out = String::with_capacity(svg.len() + 90 * spots.len());
    out.push_str(&svg[..end]);
    out.push_str("<g class=\"spots\">");
    for Spot { at: (x, y), text } in spots {
        // Writing to a string does not fail.
        let _ = write!(
            out,
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"9\"><title>{}</title></circle>",
            escape(text)
        );
    }
    out.push_str("</g>");
    out.push_str(&svg[end..]);
    out
}

fn head(heading: Heading<'_>, places: &[(u32, u32)], top: &Area<'_>) -> Drawn<()> {
    let width = heading.width.units() as i32;
    origin(heading.label, width, top)?;
    let put = |words: &str, at: (i32, i32), size, paint| {
        top.draw(&Text::new(words.to_owned(), at, style(size, paint)))
            .map_err(text)
    };
    let (strip, line) = (STRIP as i32, LINE as i32);
    let room = heading.width.units() - 8;
    put(
        heading.title,
        (4, strip + 4),
        fitting(heading.title, TITLE, room),
        Paint::Ink,
    )?;
    let paint = match heading.label {
        HARDWARE_LABEL => Paint::Hardware,
        _ => Paint::Simulator,
    };
    put(
        heading.label,
        (4, strip + 4 + line),
        fitting(heading.label, SMALL + 1, room),
        paint,
    )?;
    for (key, &(x, at)) in heading.legend.iter().zip(places) {
        let (x, y) = (x as i32, strip + line * (2 + at as i32) + 12);
        let stroke = Paint::Series(key.hue).color().stroke_width(3);
        top.draw(&PathElement::new(vec![(x, y), (x + 36, y)], stroke))
            .map_err(text)?;
        mark(top, (x + 18, y), key.hue, false)?;
        put(
            &key.name,
            (x + 44, y - 7),
            fitting(&key.name, TEXT, heading.width.units() - 56),
            Paint::Ink,
        )?;
    }
    Ok(())
}

/// Draws the strip at the top: solid over counts of a processor, a saw's teeth over all others, which grey print shows
/// too.
fn origin(label: &str, width: i32, top: &Area<'_>) -> Drawn<()> {
    let height = STRIP as i32 - 2;
    let (points, paint, thick) = match label {
        HARDWARE_LABEL => (vec![(0, height / 2), (width, height / 2)], Paint::Hardware, 7),
        _ => {
            let teeth = (0..=width / 12).map(|tooth| (tooth * 12, if tooth % 2 == 0 { height } else { 0 }));
            (teeth.collect(), Paint::Simulator, 2)
        }
    };
    top.draw(&PathElement::new(points, paint.color().stroke_width(thick)))
        .map_err(text)
}

/// Draws the marker of a series around a place of an area, in pixels. A hollow one is that of a copy.
pub fn mark(area: &Area<'_>, (x, y): (i32, i32), hue: usize, hollow: bool) -> Drawn<()> {
    let around = |offsets: &[(i32, i32)]| offsets.iter().map(|(dx, dy)| (x + dx, y + dy)).collect::<Vec<_>>();
    let color = Paint::Series(hue).color();
    let shape = match hue % OVERLAID {
        0 => {
            area.draw(&Circle::new((x, y), 5, color.filled())).map_err(text)?;
            if hollow {
                area.draw(&Circle::new((x, y), 3, Paint::Page.color().filled()))
                    .map_err(text)?;
            }
            return Ok(());
        }
        1 => around(&[(-4, -4), (5, -4), (5, 5), (-4, 5)]),
        2 => around(&[(0, -6), (6, 5), (-6, 5)]),
        _ => around(&[(0, -6), (6, 0), (0, 6), (-6, 0)]),
    };
    area.draw(&Polygon::new(shape, color.filled())).map_err(text)?;
    if hollow {
        area.draw(&Circle::new((x, y), 2, Paint::Page.color().filled()))
            .map_err(text)?;
    }
    Ok(())
}

/// Returns where a point of a chart is on the area that the chart is on.
pub fn on(area: &Area<'_>, chart: &Chart<'_, '_>, at: (f64, f64)) -> (i32, i32) {
    let ((x, y), (left, top)) = (chart.backend_coord(&at), area.get_base_pixel());
    (x - left, y - top)
}

/// An axis.
pub struct Axis<'a> {
    /// What it spans.
    pub range: Range<f64>,
    /// What it measures, with the unit; empty for an axis that is not drawn.
    pub words: &'a str,
    /// How a value on it is written.
    pub tick: &'a dyn Fn(f64) -> String,
    /// Where it has marks; empty for round numbers.
    pub marks: Vec<f64>,
}

impl Axis<'_> {
    /// The vertical axis of rows that name themselves: pixels from the top.
    pub fn pixels(height: u32) -> Self {
        Self {
            range: f64::from(height)..0.0,
            words: "",
            tick: &|_| String::new(),
            marks: Vec::new(),
        }
    }
}

/// Height that [`axes`] takes below a chart, with the margin above it.
pub const AXIS: u32 = 52;

/// A plain axis with marks at places of our own.
pub struct Marked {
    axis: RangedCoordf64,
    marks: Vec<f64>,
}

impl Ranged for Marked {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        self.axis.map(value, limit)
    }

    fn key_points<H: KeyPointHint>(&self, hint: H) -> Vec<f64> {
        match self.marks.is_empty() {
            true => self.axis.key_points(hint),
            false => self.marks.clone(),
        }
    }

    fn range(&self) -> Range<f64> {
        self.axis.range()
    }
}

/// Draws axes with a grid, and returns the chart. So many pixels at its left stay free.
pub fn axes<'a, 'b>(area: &'a Area<'b>, left: u32, x: &Axis<'_>, y: &Axis<'_>) -> Drawn<Chart<'a, 'b>> {
    let bare = y.words.is_empty();
    let marked = |axis: &Axis<'_>| Marked {
        axis: axis.range.clone().into(),
        marks: axis.marks.clone(),
    };
    let mut chart = ChartBuilder::on(area)
        .margin(4)
        .margin_right(22)
        .margin_left(4 + left)
        .x_label_area_size(44)
        .y_label_area_size(if bare { 10 } else { 72 })
        .build_cartesian_2d(marked(x), marked(y))
        .map_err(text)?;
    let (x_tick, y_tick) = (|value: &f64| (x.tick)(*value), |value: &f64| (y.tick)(*value));
    let small = || style(SMALL, Paint::Muted);
    let mut mesh = chart.configure_mesh();
    mesh.light_line_style(Paint::Grid.color().mix(0.0))
        .bold_line_style(Paint::Grid.color())
        .axis_style(Paint::Muted.color())
        .x_labels(5)
        .y_labels(6)
        .x_desc(x.words)
        .axis_desc_style(style(SMALL + 1, Paint::Muted))
        .x_label_style(small())
        .y_label_style(small())
        .x_label_formatter(&x_tick)
        .y_label_formatter(&y_tick);
    if bare {
        mesh.disable_y_mesh().disable_y_axis().draw()
    } else {
        mesh.y_desc(y.words).draw()
    }
    .map_err(text)?;
    Ok(chart)
}
