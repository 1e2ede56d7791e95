// SPDX-License-Identifier: MIT OR Apache-2.0
//! The plots, as SVG that takes its colors from the page around it.
//!
//! A plot is one or more panels of one width, so that a wide screen can set them side by side and a phone below each
//! other. Every panel says what it shows, its unit, and the label of the run. A plot holds what it draws, already
//! reduced to that; it is drawn when somebody asks for a panel.

mod bars;
mod canvas;
mod curves;
mod distribution;
mod figure;
mod forest;
mod grid;
mod ratios;
mod rows;
mod strips;
mod theme;

pub use bars::{Bar, Bars, Segment};
pub use canvas::{Key, Width};
pub use curves::{Band, Curve, Curves, Look, Point, Scale, Ticks};
pub use distribution::{beyond, views as distribution};
pub use figure::{Body, Figure, Panel, View};
pub use forest::{Forest, Row};
pub use grid::{Grid, Share};
pub use ratios::panels as ratios;
pub use strips::{Strip, Strips};
pub use theme::{SERIES as OVERLAID, STYLE, standalone};
