// SPDX-License-Identifier: MIT OR Apache-2.0
//! The samples of a run, batch by batch: how many, and their sum.
//!
//! Tools for benchmarks take a sample to be the mean of many iterations, measured together. A batch is just that: its
//! samples were taken close together, and batches of different sequences took turns.

use std::collections::BTreeMap;

use results::plan::EMPTY_FRAME;
use results::record::Event;
use results::scenario::Scenario;
use results::store::{Row, Run, SampleRow, StoreError};

use super::ExportError;
use crate::aggregate::samples;
use stats::batch::{self, Fold};

/// What samples belong together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    /// Index of the PE.
    pub pe: u32,
    /// What was counted.
    pub event: Event,
    /// Place of the sequence in the plan; the empty frame comes first, unknown ones last.
    place: usize,
    /// Stable id of the sequence.
    pub seq: String,
    /// The conditions.
    pub scenario: Scenario,
}

/// The samples of a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Batch {
    /// How many there are.
    pub count: u64,
    /// The sum of the raw counts.
    pub sum: u128,
    /// Their median, interpolated within its unit as everywhere for batches ([`batch::grouped_median`]).
    pub median: f64,
}

impl Batch {
    /// Sums up a batch; `None` without samples.
    fn of(batch: &batch::Batch<'_>) -> Option<(u32, Self)> {
        let sum = |&(value, count): &(u64, u64)| u128::from(value) * u128::from(count);
        let summed = Self {
            count: batch.samples,
            sum: batch.pairs.iter().map(sum).sum(),
            median: batch.median?,
        };
        Some((batch.number, summed))
    }

    /// Returns the mean.
    pub fn mean(self) -> f64 {
        self.sum as f64 / self.count as f64
    }
}

/// The batches of all series of a run.
#[derive(Debug)]
pub struct Means {
    /// By series, in the order of the batches.
    pub series: BTreeMap<Series, Vec<Batch>>,
    /// Batches left out because they lost samples.
    pub short: u64,
    /// What is wrong with the table of a run that says it is complete.
    altered: Option<String>,
}

/// A series being read.
#[derive(Debug, Default)]
struct Reading {
    batches: Vec<(u32, Batch)>,
    fold: Fold,
}

impl Reading {
    /// Counts a value, or returns the later batch that came before its own.
    fn add(&mut self, batch: u32, value: u64, count: u32) -> Result<(), u32> {
        let Self { batches, fold } = self;
        fold.add(batch, value, count.into(), |batch| batches.extend(Batch::of(&batch)))
    }

    fn close(&mut self) {
        let Self { batches, fold } = self;
        fold.end(|batch| batches.extend(Batch::of(&batch)));
    }
}

/// Reads the samples of a run. Memory grows with the number of batches, not of samples.
pub fn read(run: &Run) -> Result<Means, ExportError> {
    let mut all: BTreeMap<Series, Reading> = BTreeMap::new();
    let place = |seq: &str| {
        let planned = run.manifest.plan.sequences.iter().position(|planned| planned.id == seq);
        planned.map_or(if seq == EMPTY_FRAME { 0 } else { usize::MAX }, |place| place + 1)
    };
    let mut stored = 0;
    for (index, row) in run.samples()?.enumerate() {
        let row = row?;
        stored += u64::from(row.count);
        let series = Series {
            pe: row.pe,
            event: row.event,
            place: place(&row.seq),
            seq: row.seq,
            scenario: row.scenario,
        };
        let added = all.entry(series).or_default().add(row.batch, row.value, row.count);
        added.map_err(|after| StoreError::Row {
            path: run.folder().join(SampleRow::<String>::FILE),
            line: index as u64 + 2,
            field: Some("batch".to_owned()),
            message: format!("batch {} after batch {after}", row.batch),
        })?;
    }
    let mut means = Means {
        series: BTreeMap::new(),
        short: 0,
        altered: samples::altered(&run.manifest, stored),
    };
    let required = samples::required(&run.manifest, means.altered.is_some());
    for (series, mut reading) in all {
        reading.close();
        let all = reading.batches.len();
        let whole: Vec<Batch> = reading
            .batches
            .into_iter()
            .filter(|(number, batch)| required.is_whole(*number, batch.count))
            .map(|(_, batch)| batch)
            .collect();
        means.short += (all - whole.len()) as u64;
        if !whole.is_empty() {
            means.series.insert(series, whole);
        }
    }
    if means.series.is_empty() {
        return Err(ExportError::NoSamples(run.folder().to_owned()));
    }
    Ok(means)
}

impl Means {
    /// Returns what is to be said about samples that are not there.
    pub fn notes(&self) -> Vec<String> {
        let short = match self.short {
            0 => None,
            1 => Some("1 batch that lost samples was left out".to_owned()),
            many => Some(format!("{many} batches that lost samples were left out")),
        };
        self.altered.iter().cloned().chain(short).collect()
    }
}
