// SPDX-License-Identifier: MIT OR Apache-2.0
//! The rows of the tables. Text is `String` when read and may be borrowed when written.

use serde::{Deserialize, Serialize};

use crate::check::{Check, Outcomes, Role};
use crate::record::Event;
use crate::scenario::Scenario;
use crate::verdict::Class;

/// A row of one of the tables.
pub trait Row {
    /// Name of the file in the run folder.
    const FILE: &'static str;
    /// Names of the columns, in the order of the fields.
    const HEADER: &'static [&'static str];
}

/// One value of one batch, and how often it was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleRow<S = String> {
    /// Stable id of the sequence; the control of the empty frame has one too.
    pub seq: S,
    /// Index of the PE.
    pub pe: u32,
    /// The unit of the value.
    pub event: Event,
    /// Index of the batch.
    pub batch: u32,
    /// The raw count, overhead included.
    pub value: u64,
    /// How many samples had this value.
    pub count: u32,
    /// The conditions. (Version 1 has no such column: its samples are plain.)
    #[serde(default)]
    pub scenario: Scenario,
}

impl<S> Row for SampleRow<S> {
    const FILE: &'static str = "samples.csv";
    const HEADER: &'static [&'static str] = &["seq", "pe", "event", "batch", "value", "count", "scenario"];
}

/// The two clocks over one batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchRow {
    /// Index of the PE.
    pub pe: u32,
    /// Index of the batch.
    pub batch: u32,
    /// Cycles elapsed.
    pub cycles: u64,
    /// Ticks of the generic timer elapsed.
    pub ticks: u64,
    /// Samples taken meanwhile.
    pub samples: u64,
}

impl Row for BatchRow {
    const FILE: &'static str = "batches.csv";
    const HEADER: &'static [&'static str] = &["pe", "batch", "cycles", "ticks", "samples"];
}

/// What it took to take the samples of one batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverheadRow {
    /// Index of the batch.
    pub batch: u32,
    /// Samples.
    pub samples: u64,
    /// Ticks of the generic timer for the samples, counted and kept.
    pub timed: u64,
    /// Ticks for a loop over the same stubs that keeps nothing.
    pub bare: u64,
    /// Ticks for a loop over the sequences alone, without the frame.
    pub words: u64,
}

impl Row for OverheadRow {
    const FILE: &'static str = "overhead.csv";
    const HEADER: &'static [&'static str] = &["batch", "samples", "timed", "bare", "words"];
}

/// What the trials of one check saw on one PE.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LitmusRow<S = String> {
    /// The check.
    pub check: Check,
    /// Stable id of the sequence; `none` and `no_tlbi` for the bad controls.
    pub seq: S,
    /// The part the sequence played.
    pub role: Role,
    /// Index of the PE.
    pub pe: u32,
    /// Trials that used the old translation.
    pub stale: u32,
    /// Trials that used the new translation.
    pub new: u32,
    /// Trials that took the expected fault.
    pub fault: u32,
    /// Trials that did anything else.
    pub other: u32,
}

impl<S> Row for LitmusRow<S> {
    const FILE: &'static str = "litmus.csv";
    const HEADER: &'static [&'static str] = &["check", "seq", "role", "pe", "stale", "new", "fault", "other"];
}

impl<S> LitmusRow<S> {
    /// Returns the counts.
    pub const fn outcomes(&self) -> Outcomes {
        Outcomes {
            stale: self.stale,
            new: self.new,
            fault: self.fault,
            other: self.other,
        }
    }
}

/// The class of one check with one sequence, as the host decided it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictRow<S = String> {
    /// The check.
    pub check: Check,
    /// Stable id of the sequence.
    pub seq: S,
    /// The class.
    pub class: Class,
    /// Why, in a phrase.
    pub reason: S,
}

impl<S> Row for VerdictRow<S> {
    const FILE: &'static str = "verdicts.csv";
    const HEADER: &'static [&'static str] = &["check", "seq", "class", "reason"];
}

/// How long a phase of the boot path took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootRow<S = String> {
    /// Index of the PE.
    pub pe: u32,
    /// Name of the phase.
    pub phase: S,
    /// The unit of the count.
    pub event: Event,
    /// The duration.
    pub count: u64,
}

impl<S> Row for BootRow<S> {
    const FILE: &'static str = "boot.csv";
    const HEADER: &'static [&'static str] = &["pe", "phase", "event", "count"];
}

/// One thing the boot path proved about itself, or failed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofRow<S = String> {
    /// What was to be proven.
    pub name: S,
    /// Whether it holds.
    pub holds: bool,
    /// What was observed.
    pub detail: S,
}

impl<S> Row for ProofRow<S> {
    const FILE: &'static str = "proofs.csv";
    const HEADER: &'static [&'static str] = &["name", "holds", "detail"];
}
