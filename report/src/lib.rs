// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tables, plots and documents from aggregated measurements.
//!
//! [`model`] is plain data that somebody else fills in. [`document`] turns it into blocks (headings, tables, plots) once,
//! and [`terminal`], [`markdown`] and [`html`] only differ in how they write a block, so no output can say less than
//! another: in particular the label of a simulator is part of the block. Nothing here opens a device, reads a run or
//! computes a statistic.
#![forbid(unsafe_code)]

mod command;
pub mod data;
pub mod document;
pub mod html;
pub mod index;
pub mod mail;
pub mod markdown;
pub mod matrix;
pub mod model;
pub mod number;
pub mod plain_text;
pub mod plot;
pub mod registers;
pub mod table;
pub mod terminal;
pub mod wording;
mod write;

pub use document::FIXMAP_WITHOUT_ISB;
pub use write::{Paths, ReportError, replace, write_comparison, write_reports};
