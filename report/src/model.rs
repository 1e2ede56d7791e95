// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a report shows: plain data, already aggregated.

mod break_even;
mod checks;
mod comparison;
mod conditions;
mod mutants;
mod series;

use results::manifest::{Gap, Manifest};
use results::record::Event;

pub use self::break_even::{BreakEven, Way, WayPoint};
pub use self::checks::{BootPhase, CheckResult, CheckRow, Judgement, Proof};
pub use self::comparison::{Comparison, Finding, Ratio, Shift, Tests};
pub use self::conditions::{BaselineRatio, Clock, EventCount, LineFit, NotCounted, Refill, Sweep, SweepPoint};
pub use self::mutants::{Fate, Mutant};
pub use self::series::{Interval, Modes, Net, Part, Series, Statistics};
use crate::plot::OVERLAID;
use crate::wording::Wording;

/// One run, aggregated.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Name of the run: that of its folder.
    pub name: String,
    /// Everything that is known about it but its numbers.
    pub manifest: Manifest,
    /// Why its numbers cannot be used without reservation, one sentence each; empty for a complete run.
    pub reservations: Vec<String>,
    /// The timed sequences and the empty frame, per PE and event, in the order of the plan.
    pub series: Vec<Series>,
    /// Every timed sequence beside the baseline, per PE and event, in the order of the plan.
    pub comparisons: Vec<Comparison>,
    /// The phases of the boot path, in the order in which they happened.
    pub boot: Vec<BootPhase>,
    /// What the boot path proved about itself.
    pub proofs: Vec<Proof>,
    /// The checks, in the order in which they were made.
    pub checks: Vec<CheckResult>,
    /// What the architecture says about the sequences.
    pub judgements: Vec<Judgement>,
    /// What a reader should know before believing a number, one sentence each.
    pub warnings: Vec<String>,
    /// How the cost depends on the conditions it was measured under; empty unless the plan has scenarios.
    pub sweeps: Vec<Sweep>,
    /// The cost of a flush beside the cost of what it makes the code after it do again.
    pub refills: Vec<Refill>,
    /// What the PMU's event counters counted; `cycles` and `cntvct` are in `series`.
    pub events: Vec<EventCount>,
    /// The events asked for that were not counted, with the reason. Nothing is known about them: they are not 0.
    pub not_counted: Vec<NotCounted>,
    /// The clock behind the cycles, per PE.
    pub clocks: Vec<Clock>,
    /// Cost by number of pages, for each way to invalidate them; empty unless the run was made for it.
    pub break_even: Vec<BreakEven>,
    /// Sequences with one mistake each, and what became of them; empty unless the run was made for it.
    pub mutants: Vec<Mutant>,
}

impl Summary {
    /// Returns what every table and plot of numbers must say.
    pub fn label(&self) -> &str {
        &self.manifest.label
    }

    /// Returns what findings are called.
    pub fn wording(&self) -> Wording {
        Wording::of(self.label())
    }

    /// Returns the gaps in the stream that are listed.
    pub fn gaps(&self) -> &[Gap] {
        &self.manifest.stream.lost
    }

    /// Returns the number of a sequence's color and marker: 0 for the baseline and its twin, and for every other the same
    /// number in every plot of the run. Neighbors in the plan have different ones.
    pub fn hue(&self, seq: &str) -> usize {
        let all = || {
            let timed = self.series.iter().map(|s| (s.seq.as_str(), &s.part));
            timed.chain(self.sweeps.iter().map(|s| (s.seq.as_str(), &s.part)))
        };
        let part = all().find(|(known, _)| *known == seq).map(|(_, part)| part);
        if let Some(Part::Baseline | Part::Twin(_)) = part {
            return 0;
        }
        let mut others: Vec<&str> = Vec::new();
        for (known, _) in all().filter(|(_, part)| **part == Part::Test) {
            if !others.contains(&known) {
                others.push(known);
            }
        }
        let at = others.iter().position(|known| *known == seq).unwrap_or(0);
        1 + at % (OVERLAID - 1)
    }

    /// Returns what a sequence must be named with for its numbers to be told from others of the same sequence.
    pub fn naming(&self) -> Naming {
        let neighbors = || self.series.iter().zip(self.series.iter().skip(1));
        Naming {
            pe: neighbors().any(|(a, b)| a.pe != b.pe),
            event: neighbors().any(|(a, b)| a.event != b.event),
        }
    }
}

/// What a sequence is named with beside its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Naming {
    /// The PE: there are several.
    pub pe: bool,
    /// The event: there are several.
    pub event: bool,
}

impl Naming {
    /// Returns ` on PE N` where several PEs have to be told apart.
    pub fn on_pe(&self, pe: u32) -> String {
        if self.pe { format!(" on PE {pe}") } else { String::new() }
    }

    /// Returns the name of a sequence on a PE, counted by an event.
    pub fn name(self, seq: &str, pe: u32, event: Event) -> String {
        match (self.pe, self.event) {
            (false, false) => seq.to_owned(),
            (true, false) => format!("{seq} (PE {pe})"),
            (false, true) => format!("{seq} ({})", event.id()),
            (true, true) => format!("{seq} (PE {pe}, {})", event.id()),
        }
    }

    /// Returns the name of a series.
    pub fn of(self, series: &Series) -> String {
        self.name(&series.seq, series.pe, series.event)
    }

    /// Returns the name of the sequence of a comparison.
    pub fn of_comparison(self, comparison: &Comparison) -> String {
        self.name(&comparison.seq, comparison.pe, comparison.event)
    }
}
