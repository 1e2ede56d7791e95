// SPDX-License-Identifier: MIT OR Apache-2.0
//! Stored runs beside each other.
//!
//! A side is a run, all runs of a folder, or one sequence of either. What may be concluded depends on what the sides
//! are: two sequences of one run are paired by batch, as in the run's own report; two sequences of several runs are
//! paired by run; several runs on each side are compared run by run, with whatever makes boots differ in the interval;
//! and of one run on each side only the noise within them is known, which is said beside every number. A simulator is
//! never compared with a processor. What cannot be compared is a row that says why.
//!
//! `docs/statistics.md` has the whole of it.

mod comparable;
pub mod gate;
mod load;
pub mod output;
mod row;
mod rows;
pub mod select;
mod within_run;

pub use gate::{Gate, Outcome, Threshold};
pub use load::{Loaded, Side};
pub use row::{Finding, Numbers, Row, Unit};
pub use within_run::{WithinRatio, WithinRun};

use crate::error::Error;
use stats::bootstrap::SplitMix64;

/// Runs compared.
#[derive(Debug, Clone)]
pub struct Compared {
    /// The sides, in the order of the arguments.
    pub sides: Vec<Side>,
    /// Which of them the others are compared with.
    pub baseline: usize,
    /// Every sequence of every other side, beside the baseline.
    pub rows: Vec<Row>,
    /// Comparisons whose p-values were corrected together.
    pub family: usize,
    /// What a reader should know, one sentence each.
    pub notes: Vec<String>,
    /// Every sequence beside the baseline of its own run.
    pub within_runs: Vec<WithinRun>,
    /// Whether a run on any side is incomplete, or could not be read and was left out.
    pub incomplete: bool,
}

/// Compares the selected sides with the one of index `baseline`.
pub fn compare(selected: select::Selected, baseline: usize) -> Result<Compared, Error> {
    let mut notes = selected.notes;
    let loaded = load::load(&selected.sides, &mut notes)?;
    load::require(&loaded, &selected.only)?;
    let (rows, family) = rows::rows(&loaded, baseline, &selected.only);
    notes.extend(comparable::notes(&loaded, baseline));
    notes.extend(rows::partial(&loaded, &rows));
    Ok(Compared {
        within_runs: within_run::within_runs(&loaded, &selected.only),
        incomplete: loaded.left_out || loaded.runs.iter().any(|run| !run.reservations.is_empty()),
        sides: loaded.sides,
        baseline,
        rows,
        family,
        notes,
    })
}

/// Returns the generator of an interval: the same comparison draws the same numbers on every machine.
fn random(name: &str) -> SplitMix64 {
    SplitMix64::named(0x746c_6264, name)
}

impl Compared {
    /// Returns what a row must be named with: the PE and the event, where there is more than one.
    pub fn naming(&self) -> report::model::Naming {
        let differ = |same: fn(&Row, &Row) -> bool| self.rows.iter().any(|row| !same(row, &self.rows[0]));
        report::model::Naming {
            pe: differ(|a, b| a.pe == b.pe),
            event: differ(|a, b| a.event == b.event),
        }
    }
}
