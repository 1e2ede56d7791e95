// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a comparison keeps of the runs it reads: medians, not samples.

use std::path::PathBuf;

use report::model::{Comparison, Net, Part, Series, Summary};
use report::number::plural;
use results::manifest::Manifest;
use results::record::Event;

use super::select::Selection;
use crate::aggregate::aggregate;
use crate::error::{Error, one_line};
use stats::bootstrap::median_of_sorted;

/// One side.
#[derive(Debug, Clone)]
pub struct Side {
    /// What it is called.
    pub label: String,
    /// Its runs, as indices of [`Loaded::runs`]; at least one.
    pub runs: Vec<usize>,
    /// Names of its runs.
    pub names: Vec<String>,
    /// The sequence, if one was named.
    pub seq: Option<String>,
    /// The machine; those of all runs if they differ.
    pub machine: String,
    /// What its numbers are: [`results::manifest::HARDWARE_LABEL`] or what a simulator's numbers must say.
    pub timing: String,
}

/// A run, as far as it is compared.
#[derive(Debug, Clone)]
pub struct RunData {
    /// Its folder, made absolute, so that a run is known again.
    pub folder: PathBuf,
    /// Its name.
    pub name: String,
    /// Everything known about it but its numbers.
    pub manifest: Manifest,
    /// Why its numbers cannot be used without reservation.
    pub reservations: Vec<String>,
    /// The timed sequences, without the empty frame and without A/A twins.
    pub series: Vec<Measured>,
    /// The noise floor per PE and event, where there is one.
    pub floors: Vec<((u32, Event), f64)>,
    /// Every sequence beside the run's own baseline, without A/A twins.
    pub comparisons: Vec<Comparison>,
}

/// What was measured of one sequence.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Stable id.
    pub seq: String,
    /// Index of the PE.
    pub pe: u32,
    /// What was counted.
    pub event: Event,
    /// Median of the batch medians, frame included: what a busy spell of the machine moves least.
    pub level: f64,
    /// The median less that of the empty frame.
    pub net: Net,
    /// Median of the empty frame, if it was measured.
    pub frame: Option<f64>,
    /// Index and median of every whole batch, frame included.
    pub batches: Vec<(u32, f64)>,
}

/// All sides and the runs they share.
#[derive(Debug)]
pub struct Loaded {
    /// The sides.
    pub sides: Vec<Side>,
    /// The runs, each once.
    pub runs: Vec<RunData>,
    /// Whether a run of a folder of runs could not be read and was left out.
    pub left_out: bool,
}

impl RunData {
    /// Returns the noise floor of a PE and event.
    pub fn floor(&self, pe: u32, event: Event) -> Option<f64> {
        let found = self.floors.iter().find(|(source, _)| *source == (pe, event));
        found.map(|&(_, floor)| floor)
    }

    /// Returns what was measured of a sequence.
    pub fn measured(&self, seq: &str, pe: u32, event: Event) -> Option<&Measured> {
        let is = |m: &&Measured| m.seq == seq && (m.pe, m.event) == (pe, event);
        self.series.iter().find(is)
    }
}

impl Loaded {
    /// Returns the runs of a side.
    pub fn runs_of(&self, side: usize) -> impl Iterator<Item = &RunData> + Clone {
        self.sides[side].runs.iter().map(|&run| &self.runs[run])
    }
}

/// Reads the runs of all sides. A run of a folder of runs that cannot be used is left out and noted; one that was named
/// itself is an error.
pub fn load(selected: &[Selection], notes: &mut Vec<String>) -> Result<Loaded, Error> {
    let mut runs: Vec<RunData> = Vec::new();
    let mut sides = Vec::with_capacity(selected.len());
    let mut left_out = false;
    for selection in selected {
        let mut members = Vec::new();
        for folder in &selection.folders {
            let absolute = folder.canonicalize().unwrap_or_else(|_| folder.clone());
            if let Some(known) = runs.iter().position(|run| run.folder == absolute) {
                members.push(known);
                continue;
            }
            match aggregate(folder) {
                Ok(summary) if summary.series.is_empty() => {
                    let message = format!("{}: no timed sample in it", folder.display());
                    if !selection.is_collection {
                        return Err(Error::Usage(format!("{message}, so there is nothing to compare")));
                    }
                    notes.push(format!("{message}; left out"));
                }
                Ok(summary) => {
                    members.push(runs.len());
                    runs.push(data(absolute, summary));
                }
                Err(error) if selection.is_collection => {
                    left_out = true;
                    notes.push(format!("{}; left out", one_line(&error)));
                }
                Err(error) => return Err(error.into()),
            }
        }
        if members.is_empty() {
            return Err(Error::Usage(format!(
                "{}: none of its runs can be compared",
                selection.label
            )));
        }
        sides.push(side(selection, members, &runs));
    }
    for run in runs.iter().filter(|run| !run.reservations.is_empty()) {
        let reasons = run.reservations.join("; ");
        notes.push(format!(
            "{} is incomplete: {reasons}; what arrived whole is used",
            run.name
        ));
    }
    notes.dedup();
    Ok(Loaded { sides, runs, left_out })
}

/// Refuses names of sequences that are in none of the runs they are to be in.
pub fn require(loaded: &Loaded, only: &[String]) -> Result<(), Error> {
    let timed = |runs: &mut dyn Iterator<Item = &RunData>| -> Vec<String> {
        let mut ids: Vec<String> = runs.flat_map(|run| &run.series).map(|m| m.seq.clone()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let check = |seq: &String, of: &str, known: Vec<String>| match known.contains(seq) {
        true => Ok(()),
        false => Err(Error::Usage(format!(
            "{seq} is not timed in {of}; its sequences: {}",
            known.join(", ")
        ))),
    };
    for (index, side) in loaded.sides.iter().enumerate() {
        let mut named = side.seq.iter();
        let label = side
            .label
            .strip_suffix(side.seq.as_deref().unwrap_or_default())
            .unwrap_or(&side.label);
        let label = label.trim_end_matches(':');
        named.try_for_each(|seq| check(seq, label, timed(&mut loaded.runs_of(index))))?;
    }
    only.iter()
        .try_for_each(|seq| check(seq, "any of the runs", timed(&mut loaded.runs.iter())))
}

fn side(selection: &Selection, members: Vec<usize>, runs: &[RunData]) -> Side {
    let every = |of: fn(&RunData) -> &str| {
        let mut all: Vec<&str> = members.iter().map(|&run| of(&runs[run])).collect();
        all.sort_unstable();
        all.dedup();
        all.join(" and ")
    };
    Side {
        label: selection.label.clone(),
        names: members.iter().map(|&run| runs[run].name.clone()).collect(),
        seq: selection.seq.clone(),
        machine: every(|run| &run.manifest.machine),
        timing: every(|run| &run.manifest.label),
        runs: members,
    }
}

fn data(folder: PathBuf, summary: Summary) -> RunData {
    let frame = |series: &Series| {
        let same = |other: &&Series| (other.pe, other.event) == (series.pe, series.event);
        let frame = summary.series.iter().filter(same).find(|s| s.part == Part::Empty);
        Some(frame?.stats?.median)
    };
    let tested = summary
        .series
        .iter()
        .filter(|s| !matches!(s.part, Part::Empty | Part::Twin(_)));
    let series = tested
        .filter_map(|series| {
            let stats = series.stats?;
            let mut medians: Vec<f64> = series.batches.iter().map(|&(_, median)| median).collect();
            medians.sort_by(f64::total_cmp);
            Some(Measured {
                seq: series.seq.clone(),
                pe: series.pe,
                event: series.event,
                level: median_of_sorted(&medians)?,
                net: stats.net,
                frame: frame(series),
                batches: series.batches.clone(),
            })
        })
        .collect();
    let twins = summary.comparisons.iter().filter(|comparison| comparison.is_twin);
    let floors = twins
        .filter_map(|twin| Some(((twin.pe, twin.event), twin.noise_floor?)))
        .collect();
    RunData {
        folder,
        name: summary.name,
        manifest: summary.manifest,
        reservations: summary.reservations,
        series,
        floors,
        comparisons: summary.comparisons.into_iter().filter(|c| !c.is_twin).collect(),
    }
}

impl Side {
    /// Returns the side in words: how many runs, of which machine.
    pub fn describe(&self) -> String {
        let runs = plural(self.runs.len() as u64, "run", "runs");
        format!("{} ({runs}, {}, {})", self.label, self.machine, self.timing)
    }
}
