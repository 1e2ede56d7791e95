// SPDX-License-Identifier: MIT OR Apache-2.0
//! Plots and the panels they are made of.

use super::bars::Bars;
use super::canvas::{Heading, Key, Width};
use super::curves::Curves;
use super::forest::Forest;
use super::grid::Grid;
use super::strips::Strips;

/// A plot of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// A name that is unique in the report, `[a-z0-9_]+`.
    pub id: String,
    /// What it shows, in words and with the label of its numbers.
    pub caption: String,
    /// The file with its data, one of [`crate::data`].
    pub data: &'static str,
    /// The PE it is about, if it is about one.
    pub pe: Option<u32>,
    /// The ways to see it, the preferred one first; at least one.
    pub views: Vec<View>,
}

/// One way to see a plot.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Its name, e.g. `net`; empty for the only one.
    pub name: &'static str,
    /// Its panels.
    pub panels: Vec<Panel>,
}

/// One drawing.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// What tells its file from those of the other panels of the plot; empty for the only one.
    pub suffix: String,
    /// What it shows.
    pub title: String,
    /// The label of its numbers.
    pub label: String,
    /// The series that have to be told apart.
    pub legend: Vec<Key>,
    /// What is drawn.
    pub body: Body,
}

/// What a panel draws.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Lines over two axes.
    Curves(Curves),
    /// Ratios with their intervals, one below the other.
    Forest(Forest),
    /// Bars made of segments.
    Bars(Bars),
    /// Shares in cells.
    Grid(Grid),
    /// Small courses over the batches, one below the other.
    Strips(Strips),
}

impl Figure {
    /// Creates a plot that can be seen in one way.
    pub fn new(id: impl Into<String>, caption: String, data: &'static str, panels: Vec<Panel>) -> Self {
        Self {
            id: id.into(),
            caption,
            data,
            pe: None,
            views: vec![View { name: "", panels }],
        }
    }

    /// Returns every panel with the name of its file.
    pub fn files(&self) -> impl Iterator<Item = (String, &Panel)> + '_ {
        self.views.iter().flat_map(move |view| {
            view.panels.iter().map(move |panel| {
                let parts = [self.id.as_str(), view.name, panel.suffix.as_str()];
                let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
                (format!("{}.svg", parts.join("_")), panel)
            })
        })
    }
}

impl Panel {
    /// Draws the panel: one `svg` element, to be styled by [`super::STYLE`].
    pub fn svg(&self, width: Width) -> String {
        let heading = Heading {
            title: &self.title,
            label: &self.label,
            legend: &self.legend,
            width,
        };
        match &self.body {
            Body::Curves(curves) => curves.svg(heading),
            Body::Forest(forest) => forest.svg(heading),
            Body::Bars(bars) => bars.svg(heading),
            Body::Grid(grid) => grid.svg(heading),
            Body::Strips(strips) => strips.svg(heading),
        }
    }
}
