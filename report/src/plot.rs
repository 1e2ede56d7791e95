// SPDX-License-Identifier: MIT OR Apache-2.0
//! The plots, as SVG that takes its colors from the page around it.
//!
//! A plot is one or more panels of one width, so that a wide screen can set them side by side and a phone below each
//! other. Every panel says what it shows, its unit, and the label of the run.

mod canvas;
mod distribution;
mod rows;
mod theme;

use crate::document::first_finding;
use crate::model::Summary;
use crate::number::grouped;

pub use theme::{SERIES as OVERLAID, STYLE, standalone};

/// A plot of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Figure {
    /// Histogram and cumulative distribution of a few series.
    Distribution {
        /// Number of the plot, from 1.
        number: usize,
        /// Indices into [`Summary::series`], at most [`OVERLAID`].
        series: Vec<usize>,
    },
    /// Ratios to the baseline with their intervals and the noise floor.
    Ratios,
    /// The phases of the boot path.
    Boot,
}

impl Figure {
    /// Returns a name that is unique in the report, `[a-z0-9_]+`.
    pub fn id(&self) -> String {
        match self {
            Self::Distribution { number, .. } => format!("distribution_{number}"),
            Self::Ratios => "ratios".to_owned(),
            Self::Boot => "boot".to_owned(),
        }
    }

    /// Returns the name of the file with its data, one of [`crate::data::files`].
    pub const fn data(&self) -> &'static str {
        match self {
            Self::Distribution { .. } => "distribution.csv",
            Self::Ratios => "ratios.csv",
            Self::Boot => "boot.csv",
        }
    }

    /// Returns the file names of its panels.
    pub fn files(&self) -> Vec<String> {
        match self {
            Self::Distribution { .. } => ["histogram", "ecdf"]
                .map(|panel| format!("{}_{panel}.svg", self.id()))
                .into(),
            Self::Ratios | Self::Boot => vec![format!("{}.svg", self.id())],
        }
    }

    /// Returns what the plot shows, in words and with the label of the run.
    pub fn caption(&self, summary: &Summary) -> String {
        let what = match self {
            Self::Distribution { series, .. } => {
                let names: Vec<String> = series
                    .iter()
                    .filter_map(|&at| summary.series.get(at))
                    .map(|series| summary.naming().of(series))
                    .collect();
                let beyond = distribution::beyond(summary, series);
                let beyond = match beyond {
                    0 => String::new(),
                    n => format!(" {} samples lie outside the axis.", grouped(n)),
                };
                format!(
                    "Distribution of raw samples of {}: histogram and share at or below.{beyond}",
                    names.join(", ")
                )
            }
            Self::Ratios => {
                let finding = first_finding(summary).map_or(String::new(), |text| format!(" {text}."));
                format!("Ratio to the baseline; bars are 95% intervals, the band is the A/A noise floor.{finding}")
            }
            Self::Boot => "Duration of each phase of the boot path.".to_owned(),
        };
        format!("{what} {}.", summary.label())
    }

    /// Draws the panels; one `svg` element each, to be styled by [`STYLE`].
    pub fn panels(&self, summary: &Summary) -> Vec<String> {
        match self {
            Self::Distribution { series, .. } => distribution::panels(summary, series),
            Self::Ratios => vec![rows::ratios(summary)],
            Self::Boot => vec![rows::boot(summary)],
        }
    }
}
