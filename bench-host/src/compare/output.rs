// SPDX-License-Identifier: MIT OR Apache-2.0
//! A comparison as text, Markdown, JSON or CSV. All say the same, the label and the notes in each.

mod data;
mod table;

pub use data::{csv, json, schema};
pub use table::{markdown, text};

/// What a comparison is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// Plain text for a terminal or a mail
    #[default]
    Text,
    /// GitHub's Markdown
    Markdown,
    /// One object
    Json,
    /// One row per comparison
    Csv,
}
