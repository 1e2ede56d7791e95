// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the boot path proved, and what the checks saw.

use results::check::Outcomes;
use results::record::Event;
use results::verdict::{Class, Controls, Power};

/// How long a phase of the boot path took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootPhase {
    /// Index of the PE.
    pub pe: u32,
    /// Name of the phase.
    pub phase: String,
    /// What was counted.
    pub event: Event,
    /// The duration.
    pub count: u64,
}

/// One thing the boot path proved about itself, or failed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// What was to be proven.
    pub name: String,
    /// Whether it holds.
    pub holds: bool,
    /// What was observed.
    pub detail: String,
}

/// A check with its controls and every sequence it was made with.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckResult {
    /// Stable id.
    pub id: String,
    /// What changes and what follows.
    pub title: String,
    /// What a sufficient sequence must lead to: `new` or `fault`.
    pub expected: String,
    /// What was seen with no maintenance at all; `None` if not run.
    pub bad_control: Option<Outcomes>,
    /// What was seen with barriers and no TLBI; `None` if not run, as in runs before schema 3.
    pub no_tlbi: Option<Outcomes>,
    /// The known-good sequence and what was seen with it; `None` if not run.
    pub good_control: Option<(String, Outcomes)>,
    /// The sequences under test.
    pub rows: Vec<CheckRow>,
}

impl CheckResult {
    /// Returns which mistakes showed; `None` if no bad control was run.
    pub fn power(&self) -> Option<Power> {
        let controls = |nothing| Controls {
            nothing,
            no_tlbi: self.no_tlbi,
            good: Outcomes::default(),
        };
        self.bad_control.map(|nothing| controls(nothing).power())
    }
}

/// A check with one sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckRow {
    /// Stable id of the sequence.
    pub seq: String,
    /// What was seen, summed over the PEs.
    pub outcomes: Outcomes,
    /// The class.
    pub class: Class,
    /// Why.
    pub reason: String,
    /// For a pass: 95% upper bound of the rate of stale trials that is still compatible with having seen none.
    pub stale_rate_bound: Option<f64>,
}

/// What the architecture says about a sequence, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Stable id of the sequence.
    pub seq: String,
    /// Stable id of the check whose change it is judged for; `None` when for the boot path.
    pub check: Option<String>,
    /// `sufficient`, `insufficient: ...`, `stronger than needed: ...`.
    pub text: String,
}
