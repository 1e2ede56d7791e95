// SPDX-License-Identifier: MIT OR Apache-2.0
//! A comparison for programs.

use review::output::json::schema_of;
use schemars::{JsonSchema, Schema};
use serde::Serialize;

use crate::compare::gate::Gate;
use crate::compare::{Compared, Outcome, Row, Side};

/// Version of the JSON object; a field may be added without a new one.
const VERSION: u32 = 1;

/// What `bench-host compare --format json` prints.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "bench-host compare, version 1")]
struct Object<'a> {
    version: u32,
    sides: Vec<SideObject<'a>>,
    baseline: usize,
    comparisons: Vec<Entry<'a>>,
    own: Vec<WithinEntry<'a>>,
    corrected_for: usize,
    notes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<GateObject<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct SideObject<'a> {
    label: &'a str,
    runs: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<&'a str>,
    machine: &'a str,
    timing: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct GateObject<'a> {
    fail_above: f64,
    exit_code: u8,
    messages: &'a [String],
}

/// One comparison; in CSV a row, with the same names as columns.
#[derive(Serialize, JsonSchema)]
struct Entry<'a> {
    side: &'a str,
    baseline: &'a str,
    seq: &'a str,
    baseline_seq: &'a str,
    pe: u32,
    event: &'a str,
    basis: &'a str,
    baseline_median: Option<f64>,
    median: Option<f64>,
    ratio: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    unit: &'a str,
    baseline_units: Option<usize>,
    units: Option<usize>,
    noise_floor: Option<f64>,
    p: Option<f64>,
    finding: &'a str,
    words: String,
    gate: Option<&'a str>,
    timing: &'a str,
}

/// A sequence of one side beside the baseline of its own runs.
#[derive(Serialize, JsonSchema)]
struct WithinEntry<'a> {
    side: &'a str,
    seq: &'a str,
    baseline_seq: &'a str,
    pe: u32,
    event: &'a str,
    ratio: f64,
    low: f64,
    high: f64,
    runs: usize,
}

/// Returns the schema of the JSON object.
pub fn schema() -> Schema {
    schema_of::<Object<'static>>()
}

fn within_runs(compared: &Compared) -> impl Iterator<Item = WithinEntry<'_>> {
    compared.within_runs.iter().flat_map(|within| {
        let sides = compared.sides.iter().zip(&within.sides);
        sides.filter_map(|(side, found)| {
            let found = found.as_ref()?;
            Some(WithinEntry {
                side: &side.label,
                seq: &within.seq,
                baseline_seq: &within.baseline,
                pe: within.pe,
                event: within.event.id(),
                ratio: found.ratio,
                low: found.ends.0,
                high: found.ends.1,
                runs: found.runs,
            })
        })
    })
}

fn entries<'a>(compared: &'a Compared, gate: Option<&'a Gate>) -> impl Iterator<Item = Entry<'a>> {
    compared.rows.iter().enumerate().map(move |(index, row)| {
        let outcome = gate.and_then(|gate| gate.outcomes.get(index));
        entry(compared, row, outcome)
    })
}

fn entry<'a>(compared: &'a Compared, row: &'a Row, outcome: Option<&Outcome>) -> Entry<'a> {
    let (side, baseline) = (&compared.sides[row.side], &compared.sides[compared.baseline]);
    let interval = row.numbers.and_then(|n| n.interval);
    Entry {
        side: &side.label,
        baseline: &baseline.label,
        seq: &row.seq,
        baseline_seq: &row.baseline_seq,
        pe: row.pe,
        event: row.event.id(),
        basis: if row.is_net { "net" } else { "raw" },
        baseline_median: row.baseline_value,
        median: row.value,
        ratio: row.numbers.map(|n| n.ratio),
        low: interval.map(|interval| interval.low),
        high: interval.map(|interval| interval.high),
        unit: row.unit.id(),
        baseline_units: row.numbers.map(|n| n.baseline_units),
        units: row.numbers.map(|n| n.units),
        noise_floor: row.noise_floor,
        p: row.numbers.map(|n| n.p),
        finding: row.finding.id(),
        words: row.words(),
        gate: outcome.map(|outcome| match outcome {
            Outcome::Within => "within",
            Outcome::Above => "above",
            Outcome::Undecided => "undecided",
        }),
        timing: &side.timing,
    }
}

fn side_object(side: &Side) -> SideObject<'_> {
    SideObject {
        label: &side.label,
        runs: &side.names,
        sequence: side.seq.as_deref(),
        machine: &side.machine,
        timing: &side.timing,
    }
}

/// Writes one JSON object.
pub fn json(compared: &Compared, gate: Option<&Gate>) -> Result<String, serde_json::Error> {
    let object = Object {
        version: VERSION,
        sides: compared.sides.iter().map(side_object).collect(),
        baseline: compared.baseline,
        comparisons: entries(compared, gate).collect(),
        own: within_runs(compared).collect(),
        corrected_for: compared.family,
        notes: &compared.notes,
        gate: gate.map(|gate| GateObject {
            fail_above: gate.threshold.fraction(),
            exit_code: gate.exit.code(),
            messages: &gate.messages,
        }),
    };
    Ok(serde_json::to_string_pretty(&object)? + "\n")
}

/// Writes CSV, the header first. Numbers that are not known are empty.
pub fn csv(compared: &Compared, gate: Option<&Gate>) -> Result<String, csv::Error> {
    let mut rows = csv::Writer::from_writer(Vec::new());
    for entry in entries(compared, gate) {
        rows.serialize(entry)?;
    }
    let bytes = rows
        .into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))?;
    // Nothing but text was written.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
