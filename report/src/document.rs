// SPDX-License-Identifier: MIT OR Apache-2.0
//! The report as blocks, before anybody decides what it is written in.

mod checks;
mod headline;
mod machine;
mod timing;

use crate::model::Summary;
use crate::plot::Figure;
use crate::table::{Table, Tone};

pub use headline::{finding, headline};
pub(crate) use timing::first_finding;

/// A whole report.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its title.
    pub title: String,
    /// Where the numbers are from, in one line.
    pub subtitle: String,
    /// Its sections.
    pub sections: Vec<Section>,
}

/// A section under a heading.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// The heading; empty for the first one.
    pub heading: String,
    /// Whether the short form for the terminal has it too.
    pub brief: bool,
    /// Its blocks.
    pub blocks: Vec<Block>,
}

/// A piece of a report.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// Something to be seen before anything else.
    Banner {
        /// How it is meant.
        tone: Tone,
        /// What it says.
        title: String,
        /// The particulars.
        lines: Vec<String>,
    },
    /// The result in one sentence.
    Lead(String),
    /// Running text.
    Paragraph(String),
    /// Items.
    List(Vec<String>),
    /// A table.
    Table(Table),
    /// A plot; written only where pictures can be.
    Figure(Figure),
    /// Text to be taken as it is.
    Code(String),
}

impl Document {
    /// Lays out a summary.
    pub fn of(summary: &Summary) -> Self {
        let m = &summary.manifest;
        let section = |heading: &str, brief, blocks: Vec<Block>| Section {
            heading: heading.to_owned(),
            brief,
            blocks,
        };
        let sections = vec![
            section("", true, headline::blocks(summary)),
            section("Sequences", true, timing::sequences(summary)),
            section("Timing", true, timing::blocks(summary)),
            section("Checks", true, checks::blocks(summary)),
            section("Boot", true, timing::boot(summary)),
            section("Machine", false, machine::blocks(summary)),
            section("Stream", false, machine::stream(summary)),
            section("Method", false, machine::method(summary)),
            section("Reproduce", true, vec![Block::Code(m.reproduce.clone())]),
        ];
        Self {
            title: format!("TLB maintenance on {}", m.machine),
            subtitle: format!("{} · {} · {}", summary.name, m.started, m.label),
            sections: sections.into_iter().filter(|s| !s.blocks.is_empty()).collect(),
        }
    }

    /// Returns every plot of the document.
    pub fn figures(&self) -> impl Iterator<Item = &Figure> + '_ {
        self.sections
            .iter()
            .flat_map(|s| &s.blocks)
            .filter_map(|block| match block {
                Block::Figure(figure) => Some(figure),
                _ => None,
            })
    }
}
