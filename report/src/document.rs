// SPDX-License-Identifier: MIT OR Apache-2.0
//! The report as blocks, before anybody decides what it is written in.

mod beside;
mod break_even;
mod checks;
mod conditions;
mod details;
mod headline;
mod machine;
mod mutants;
mod plots;
mod runs;
mod timing;

use crate::command::broken;
use crate::matrix::Matrix;
use crate::model::Summary;
use crate::plot::Figure;
use crate::table::{Table, Tone};

pub use headline::{checks_line, finding, headline};
pub use runs::{check_classes, machine, main_ratio};

/// Columns of a command in a report: with its indent it fits a terminal.
const COMMAND: usize = 96;

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
    /// Lays out a summary.
    pub fn of(summary: &Summary) -> Self {
        let m = &summary.manifest;
        let section = |heading: &str, (brief, detail): (Vec<Block>, Vec<Block>)| Section {
            heading: heading.to_owned(),
            brief,
            detail,
        };
        let is_timed = m.plan.iterations > 0 && m.plan.sequences.iter().any(|sequence| sequence.timed);
        let sequences = timing::sequences(summary);
        // Mutants are listed with their edits; as sequences they are for those who read to the end.
        let sequences = match summary.mutants.is_empty() {
            true => (sequences, Vec::new()),
            false => (Vec::new(), sequences),
        };
        let timing = match is_timed || !summary.series.is_empty() {
            true => timing::blocks(summary),
            false => (Vec::new(), Vec::new()),
        };
        let mut sections = vec![
            section("", (headline::blocks(summary), Vec::new())),
            section("Break-even", break_even::blocks(summary)),
            section("Mutants", mutants::blocks(std::slice::from_ref(summary))),
            section("Sequences", sequences),
            section("Timing", timing),
            section("Conditions", conditions::blocks(summary)),
            section("Checks", checks::blocks(summary)),
            section("Boot", timing::boot(summary)),
            section("Machine", (Vec::new(), machine::blocks(summary))),
            section("Stream", (Vec::new(), machine::stream(summary))),
            section("Method", (Vec::new(), machine::method(summary))),
            section(
                "Reproduce",
                (vec![Block::Code(broken(&m.reproduce, COMMAND))], Vec::new()),
            ),
        ];
        let place = |sections: &[Section], heading: &str| sections.iter().position(|s| s.heading == heading);
        // What a run was made for comes first.
        if let (false, Some(at)) = (is_timed, place(&sections, "Sequences")) {
            let sequences = sections.remove(at);
            let after = place(&sections, "Checks").map_or(at, |checks| checks + 1);
            sections.insert(after, sequences);
        }
        Self {
            title: format!("TLB maintenance on {}", m.machine),
            subtitle: format!("{} · {} · {}", summary.name, m.started, m.label),
            sections: sections.into_iter().filter(|s| s.blocks().next().is_some()).collect(),
        }
    }

    /// Returns every plot of the document.
    pub fn figures(&self) -> impl Iterator<Item = &Figure> + '_ {
        let blocks = self.sections.iter().flat_map(Section::blocks);
        blocks.filter_map(|block| match block {
            Block::Figure(figure) => Some(figure),
            _ => None,
        })
    }
}
