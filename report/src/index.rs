// SPDX-License-Identifier: MIT OR Apache-2.0
//! A page over many runs: their machines, a row each, then the runs, a row each; what cannot be read is a row too.

mod machines;
mod trends;

use results::manifest::HARDWARE_LABEL;

use crate::document::{Block, Document, Section, check_classes, machine, main_ratio};
use crate::model::Summary;
use crate::number::{percent, plural};
use crate::table::{Cell, Table, Tone};

pub use trends::DATA;

/// Returns the data of the trends.
pub fn data(entries: &[Entry]) -> String {
    let readable: Vec<&Summary> = entries.iter().filter_map(|entry| entry.run.as_ref().ok()).collect();
    trends::csv(&readable)
}

/// A run as the index knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Path of its folder, seen from the folder of all runs: its name.
    pub name: String,
    /// Address of its report, seen from the page; empty if there is none.
    pub link: String,
    /// The run, or why it cannot be read.
    pub run: Result<Summary, String>,
}

/// Lays out the index: newest run first, unreadable ones at the end.
pub fn document(entries: &[Entry]) -> Document {
    let started = |entry: &Entry| {
        entry
            .run
            .as_ref()
            .map(|run| run.manifest.started.clone())
            .unwrap_or_default()
    };
    let mut order: Vec<&Entry> = entries.iter().collect();
    order.sort_by(|a, b| (started(b), &b.name).cmp(&(started(a), &a.name)));
    let columns = [
        "run",
        "started (UTC)",
        "machine",
        "counts",
        "first comparison",
        ">ratio",
        "finding",
        "checks",
        "status",
    ];
    let mut table = Table::new("Runs, the newest first", &columns);
    for entry in order {
        let name = Cell::from(entry.name.as_str()).linked(entry.link.as_str());
        match &entry.run {
            Ok(run) => table.row(row(name, run)),
            Err(why) => {
                let dashes = ["-"; 7].map(Cell::from);
                let why = Cell::toned(format!("unreadable: {why}"), Tone::Bad);
                table.row([name].into_iter().chain(dashes).chain([why]));
            }
        }
    }
    let readable: Vec<&Summary> = entries.iter().filter_map(|entry| entry.run.as_ref().ok()).collect();
    let simulated = readable.iter().filter(|run| run.label() != HARDWARE_LABEL).count();
    let mut brief = Vec::new();
    if simulated > 0 {
        brief.push(Block::Banner {
            tone: Tone::Care,
            title: format!(
                "{} of {} without hardware timing",
                simulated,
                plural(readable.len() as u64, "run", "runs")
            ),
            lines: vec![
                "Their counts say nothing about how long a sequence takes on hardware; their checks do test what the \
                 simulator models. The column \"counts\" says which."
                    .to_owned(),
            ],
        });
    }
    if entries.is_empty() {
        brief.push(Block::Paragraph("There are no runs here yet.".to_owned()));
    } else {
        brief.push(Block::Table(machines::table(readable.iter().map(|run| &run.manifest))));
    }
    let mut runs = Vec::new();
    if !entries.is_empty() {
        runs.push(Block::Table(table));
    }
    let unreadable = (entries.len() - readable.len()) as u64;
    let unreadable = match unreadable {
        0 => String::new(),
        n => format!(", {n} of them unreadable"),
    };
    Document {
        title: "TLB maintenance: stored runs".to_owned(),
        subtitle: format!("{}{unreadable}", plural(entries.len() as u64, "run", "runs")),
        label: None,
        sections: [
            Section::open("", (brief, Vec::new())),
            Section::open("Trends", (trends::blocks(&readable), Vec::new())),
            Section::open("", (runs, Vec::new())),
        ]
        .into_iter()
        .filter(|section| section.blocks().next().is_some())
        .collect(),
    }
}

fn row(name: Cell, run: &Summary) -> Vec<Cell> {
    let m = &run.manifest;
    let tone = if m.is_complete() { Tone::Plain } else { Tone::Bad };
    let counts = if run.label() == HARDWARE_LABEL {
        Tone::Good
    } else {
        Tone::Care
    };
    let floor = run.comparisons.iter().find(|c| !c.is_twin).and_then(|c| c.noise_floor);
    // To the minute; the report has the rest.
    let started: String = m
        .started
        .replace('T', " ")
        .chars()
        .take("2026-11-22 18:40".len())
        .collect();
    let [pair, ratio, mut finding] = main_ratio(run);
    if let Some(floor) = floor {
        finding.text.push_str(&format!(" (noise floor {})", percent(floor)));
    }
    let start = [
        name,
        started.into(),
        machine(m).into(),
        Cell::toned(run.label(), counts),
    ];
    let end = [
        pair,
        ratio,
        finding,
        check_classes(run),
        Cell::toned(m.status.to_string(), tone),
    ];
    start.into_iter().chain(end).collect()
}
