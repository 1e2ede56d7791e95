// SPDX-License-Identifier: MIT OR Apache-2.0
//! The report as blocks, before anybody decides what it is written in.

mod baseline_ratio;
mod block;
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

use crate::command::{self, broken};
use crate::model::Summary;

pub use block::{Block, Document, Section};
pub use headline::{FIXMAP_WITHOUT_ISB, checks_line, finding, headline};
pub use machine::machine;
pub use runs::{check_classes, main_ratio};

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
                (vec![Block::Code(broken(&m.reproduce, command::WIDTH))], Vec::new()),
            ),
        ];
        let position = |sections: &[Section], heading: &str| sections.iter().position(|s| s.heading == heading);
        // What a run was made for comes first.
        if let (false, Some(at)) = (is_timed, position(&sections, "Sequences")) {
            let sequences = sections.remove(at);
            let after = position(&sections, "Checks").map_or(at, |checks| checks + 1);
            sections.insert(after, sequences);
        }
        Self {
            title: format!("TLB maintenance on {}", m.machine),
            subtitle: format!("{} · {} · {}", summary.name, m.started, m.label),
            sections: sections.into_iter().filter(|s| s.blocks().next().is_some()).collect(),
        }
    }

    /// Lays out several runs beside each other. `unreadable` says which others should be there and why they are not;
    /// `report` gives the address of the report of a run.
    pub fn of_runs(runs: &[Summary], unreadable: &[String], report: impl Fn(&Summary) -> String) -> Self {
        runs::document(runs, unreadable, report)
    }
}
