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
    /// The label of all its numbers; `None` where they have several, and every table and plot says its own.
    pub label: Option<String>,
    /// Its sections.
    pub sections: Vec<Section>,
}

/// A section under a heading.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// The heading; empty for what is read before anything is unfolded.
    pub heading: String,
    /// What is in it, in a few words beside the heading.
    pub digest: String,
    /// Whether a page shows it unfolded from the beginning.
    pub open: bool,
    /// What a page begins it with, and the short form for the terminal has no room for.
    pub first: Vec<Block>,
    /// What the short form for the terminal has too.
    pub brief: Vec<Block>,
    /// What only the whole report has.
    pub detail: Vec<Block>,
}

impl Section {
    /// Creates a section that a page folds.
    pub fn folded(heading: &str, digest: impl Into<String>, (brief, detail): (Vec<Block>, Vec<Block>)) -> Self {
        Self {
            heading: heading.to_owned(),
            digest: digest.into(),
            open: false,
            first: Vec::new(),
            brief,
            detail,
        }
    }

    /// Creates a section that a page shows.
    pub fn open(heading: &str, blocks: (Vec<Block>, Vec<Block>)) -> Self {
        Self {
            open: true,
            ..Self::folded(heading, "", blocks)
        }
    }

    /// Sets what a page begins it with.
    #[must_use]
    pub fn first(mut self, blocks: Vec<Block>) -> Self {
        self.first = blocks;
        self
    }

    /// Unfolds it if there is a reason to.
    #[must_use]
    pub fn open_if(mut self, reason: bool) -> Self {
        self.open |= reason;
        self
    }
    /// Returns all blocks.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> + '_ {
        self.first.iter().chain(&self.brief).chain(&self.detail)
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
    /// Matrices with one key, beside each other where there is room; only the first has the link to the data.
    Matrices(Vec<Matrix>),
    /// A plot; written only where pictures can be.
    Figure(Figure),
    /// Plots beside each other where there is room.
    Beside(Vec<Figure>),
    /// Text to be taken as it is.
    Code(String),
}

impl Document {
    /// Returns every plot of the document.
    pub fn figures(&self) -> impl Iterator<Item = &Figure> + '_ {
        let blocks = self.sections.iter().flat_map(Section::blocks);
        blocks.flat_map(|block| match block {
            Block::Figure(figure) => std::slice::from_ref(figure),
            Block::Beside(figures) => figures,
            _ => &[],
        })
    }
}
