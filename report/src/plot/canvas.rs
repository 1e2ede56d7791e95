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
use plotters::element::{PathElement, Text};
use plotters::prelude::SVGBackend;
use plotters::style::{Color, IntoFont, TextStyle};

use super::theme::{Paint, themed};
use crate::plain_text::escape;

/// Width of a panel, in the units of its own coordinates: a phone shows them nearly one to one.
pub const WIDTH: u32 = 420;
/// Height of a line of text.
pub const LINE: u32 = 19;

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
    /// Names of the series, in the order of their colors.
    pub legend: &'a [String],
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

/// Returns the largest size, at most `size`, at which a line fits beside the key of a legend.
fn fitting(words: &str, size: u32) -> u32 {
    // A character is about 0.6 of its size wide.
    let room = f64::from(WIDTH - 56) / 0.6 / words.chars().count().max(1) as f64;
    size.min(room as u32).max(8)
}

/// Returns a text style.
pub fn style(size: u32, paint: Paint) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&paint.color())
}

/// Draws a panel: the heading, and `body` below it.
pub fn draw(heading: Heading<'_>, height: u32, body: impl FnOnce(&Area<'_>) -> Drawn<Vec<Spot>>) -> String {
    let above = 2 * LINE + LINE * heading.legend.len() as u32 + 8;
    let mut svg = String::new();
    let drawn = {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, above + height)).into_drawing_area();
        let (top, bottom) = root.split_vertically(above);
        head(heading, &top)
            .and_then(|()| body(&bottom))
            .and_then(|spots| root.present().map_err(text).map(|()| spots))
    };
    match drawn {
        Ok(spots) => {
            let svg = themed(&svg, &format!("{}; {}", heading.title, heading.label));
            with_spots(svg, &spots)
        }
        // A report with one picture missing is better than none, as long as it says so.
        Err(error) => themed(
            &format!(
                "<svg width=\"{WIDTH}\" height=\"{LINE}\" viewBox=\"0 0 {WIDTH} {LINE}\" \
                 xmlns=\"http://www.w3.org/2000/svg\"><text y=\"14\">not drawn: {}</text></svg>",
                escape(&error)
            ),
            heading.title,
        ),
    }
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

fn head(heading: Heading<'_>, top: &Area<'_>) -> Drawn<()> {
    let put = |words: &str, at: (i32, i32), size, paint| {
        top.draw(&Text::new(words.to_owned(), at, style(size, paint)))
            .map_err(text)
    };
    put(heading.title, (4, 4), fitting(heading.title, 16), Paint::Ink)?;
    put(
        heading.label,
        (4, 4 + LINE as i32),
        fitting(heading.label, 13),
        Paint::Muted,
    )?;
    for (index, name) in heading.legend.iter().enumerate() {
        let y = (LINE * (2 + index as u32) + 12) as i32;
        let stroke = Paint::Series(index).color().stroke_width(3);
        top.draw(&PathElement::new(vec![(6, y), (42, y)], stroke))
            .map_err(text)?;
        put(name, (50, y - 7), fitting(name, 14), Paint::Ink)?;
    }
    Ok(())
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

/// Draws axes with a grid, and returns the chart.
pub fn axes<'a, 'b>(area: &'a Area<'b>, x: &Axis<'_>, y: &Axis<'_>) -> Drawn<Chart<'a, 'b>> {
    let bare = y.words.is_empty();
    let marked = |axis: &Axis<'_>| Marked {
        axis: axis.range.clone().into(),
        marks: axis.marks.clone(),
    };
    let mut chart = ChartBuilder::on(area)
        .margin(4)
        .margin_right(22)
        .x_label_area_size(44)
        .y_label_area_size(if bare { 10 } else { 58 })
        .build_cartesian_2d(marked(x), marked(y))
        .map_err(text)?;
    let (x_tick, y_tick) = (|value: &f64| (x.tick)(*value), |value: &f64| (y.tick)(*value));
    let small = || style(13, Paint::Muted);
    let mut mesh = chart.configure_mesh();
    mesh.light_line_style(Paint::Grid.color().mix(0.0))
        .bold_line_style(Paint::Grid.color())
        .axis_style(Paint::Muted.color())
        .x_labels(5)
        .y_labels(6)
        .x_desc(x.words)
        .axis_desc_style(style(14, Paint::Muted))
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
