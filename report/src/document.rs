// SPDX-License-Identifier: MIT OR Apache-2.0
//! The report as blocks, before anybody decides what it is written in.

mod baseline_ratio;
mod block;
mod break_even;
mod checks;
mod conditions;
mod conformance;
mod details;
mod digest;
mod headline;
mod machine;
mod matrices;
mod mutants;
mod plots;
mod runs;
mod timing;

use results::verdict::Class;

use crate::command::{self, broken};
use crate::model::Summary;

pub use block::{Block, Document, Section};
pub use conformance::{Checked, boots, csv as checks_csv};
pub use headline::{FIXMAP_WITHOUT_ISB, checks_line, finding, headline};
pub use machine::machine;
pub use runs::{check_classes, main_ratio};

impl Document {
    /// Lays out a summary.
    pub fn of(summary: &Summary) -> Self {
        let m = &summary.manifest;
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
        let checks = match is_timed && summary.checks.is_empty() {
            true => (Vec::new(), Vec::new()),
            false => checks::blocks(summary),
        };
        let failed = checks::classes(summary).any(|class| class == Class::Fail);
        let proven = summary.proofs.iter().all(|proof| proof.holds);
        let mut sections = vec![
            Section::open("", (headline::blocks(summary), timing::result(summary))),
            Section::open("", (headline::notes(summary), Vec::new())),
            Section::open("Break-even", break_even::blocks(summary)).first(break_even::pictures(summary)),
            Section::open("Mutants", mutants::blocks(std::slice::from_ref(summary)))
                .first(mutants::pictures(std::slice::from_ref(summary))),
            Section::folded("Sequences", digest::sequences(summary), sequences),
            Section::folded("Timing", digest::timing(summary), timing),
            Section::folded("Conditions", digest::conditions(summary), conditions::blocks(summary))
                .open_if(!summary.sweeps.is_empty()),
            Section::folded("Checks", digest::checks(summary), checks)
                .first(checks::pictures(summary))
                .open_if(failed || !is_timed),
            Section::folded("Boot", digest::boot(summary), timing::boot(summary)).open_if(!proven),
            Section::folded("Machine", machine::machine(m), (Vec::new(), machine::blocks(summary))),
            Section::folded(
                "Stream",
                digest::stream(summary),
                (Vec::new(), machine::stream(summary)),
            )
            .open_if(m.stream.lost_lines + m.stream.damaged > 0),
            Section::folded(
                "Method",
                "how the numbers came about",
                (Vec::new(), machine::method(summary)),
            ),
            Section::open(
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
        if let (false, Some(at)) = (summary.sweeps.is_empty(), position(&sections, "Conditions")) {
            let conditions = sections.remove(at);
            let before = position(&sections, "Sequences").unwrap_or(at);
            sections.insert(before.min(at), conditions);
        }
        Self {
            title: headline::title(summary),
            subtitle: format!(
                "TLB maintenance on {} · {} · {} · {}",
                m.machine, summary.name, m.started, m.label
            ),
            label: Some(m.label.clone()),
            sections: sections.into_iter().filter(|s| s.blocks().next().is_some()).collect(),
        }
    }

    /// Lays out several runs beside each other. `unreadable` says which others should be there and why they are not;
    /// `report` gives the address of the report of a run.
    pub fn of_runs(runs: &[Summary], unreadable: &[String], report: impl Fn(&Summary) -> String) -> Self {
        runs::document(runs, unreadable, report)
    }
}
