// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a report is made of, before anybody decides what it is written in.

use crate::matrix::Matrix;
use crate::plot::Figure;
use crate::table::{Table, Tone};

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
    /// What the short form for the terminal has too.
    pub brief: Vec<Block>,
    /// What only the whole report has.
    pub detail: Vec<Block>,
}

impl Section {
    /// Returns all blocks.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> + '_ {
        self.brief.iter().chain(&self.detail)
    }
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
    /// A matrix of signs.
    Matrix(Matrix),
    /// A plot; written only where pictures can be.
    Figure(Figure),
    /// Text to be taken as it is.
    Code(String),
}

impl Document {
    /// Returns every plot of the document.
    pub fn figures(&self) -> impl Iterator<Item = &Figure> + '_ {
        let blocks = self.sections.iter().flat_map(Section::blocks);
        blocks.filter_map(|block| match block {
            Block::Figure(figure) => Some(figure),
            _ => None,
        })
    }
}
