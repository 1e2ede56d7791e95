// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counting the rows of `samples.csv`.

mod plain;

use report::number::grouped;
use results::manifest::Manifest;
use results::plan::Batching;
use results::record::Event;
use results::scenario::Scenario;
use results::store::{Row, Run, SampleRow};

use super::AggregateError;
use stats::Histogram;
use stats::batch::{Batch, Fold};

/// The samples of one sequence, scenario, PE and event.
#[derive(Debug, Clone)]
pub struct Collected {
    /// Stable id of the sequence.
    pub seq: String,
    /// Index of the PE.
    pub pe: u32,
    /// What was counted.
    pub event: Event,
    /// The conditions.
    pub scenario: Scenario,
    /// All samples of whole batches.
    pub whole: Histogram,
    /// Index and median of every whole batch.
    pub batches: Vec<(u32, f64)>,
    /// Batches left out.
    pub short_batches: u64,
    fold: Fold,
}

impl Collected {
    fn new(row: &SampleRow<&str>) -> Self {
        Self {
            seq: row.seq.to_owned(),
            pe: row.pe,
            event: row.event,
            scenario: row.scenario,
            whole: Histogram::new(),
            batches: Vec::new(),
            short_batches: 0,
            fold: Fold::default(),
        }
    }

    fn is_of(&self, row: &SampleRow<&str>) -> bool {
        (self.pe, self.event, self.scenario) == (row.pe, row.event, row.scenario) && self.seq == row.seq
    }

    /// Counts a row, or returns the later batch that came before it.
    fn add(&mut self, row: &SampleRow<&str>, required: Batching) -> Result<(), u32> {
        let Self {
            fold,
            whole,
            batches,
            short_batches,
            ..
        } = self;
        let ended = |batch: Batch<'_>| take(batch, required, whole, batches, short_batches);
        fold.add(row.batch, row.value, row.count.into(), ended)
    }

    fn close(&mut self, required: Batching) {
        let Self {
            fold,
            whole,
            batches,
            short_batches,
            ..
        } = self;
        fold.end(|batch| take(batch, required, whole, batches, short_batches));
    }
}

/// Takes a batch, if it is whole.
fn take(
    batch: Batch<'_>,
    required: Batching,
    whole: &mut Histogram,
    batches: &mut Vec<(u32, f64)>,
    short_batches: &mut u64,
) {
    match batch.median {
        Some(median) if required.is_whole(batch.number, batch.samples) => {
            batches.push((batch.number, median));
            batch.pairs.iter().for_each(|&(value, count)| whole.add(value, count));
        }
        _ => *short_batches += 1,
    }
}

/// The series of a run so far.
#[derive(Debug)]
struct Collector {
    all: Vec<Collected>,
    /// The series of the last row.
    last: usize,
    required: Batching,
    /// Samples in all rows.
    samples: u64,
}

impl Collector {
    fn new(required: Batching) -> Self {
        Self {
            all: Vec::new(),
            last: 0,
            required,
            samples: 0,
        }
    }

    /// Counts a row, or returns the later batch of its series that came before it.
    fn add(&mut self, row: &SampleRow<&str>) -> Result<(), u32> {
        // Rows come in runs of one series; there are few series, so looking for another one may take its time.
        if !self.all.get(self.last).is_some_and(|series| series.is_of(row)) {
            self.last = self.all.iter().position(|series| series.is_of(row)).unwrap_or_else(|| {
                self.all.push(Collected::new(row));
                self.all.len() - 1
            });
        }
        self.samples += u64::from(row.count);
        self.all[self.last].add(row, self.required)
    }

    fn finish(mut self) -> Self {
        self.all.iter_mut().for_each(|series| series.close(self.required));
        self
    }
}

/// Says that the table of a complete run holds other samples than the run received: that it was cut or edited since.
pub fn altered(manifest: &Manifest, stored: u64) -> Option<String> {
    let received = manifest.stream.samples;
    (manifest.is_complete() && stored != received).then(|| {
        format!(
            "{} holds {} samples, but the run received {}: rows were lost or added since",
            SampleRow::<String>::FILE,
            grouped(stored),
            grouped(received)
        )
    })
}

/// Returns what the batches of a run must have to count: in a stream that lost nothing there is nothing to leave out.
pub fn required(manifest: &Manifest, is_altered: bool) -> Batching {
    if manifest.is_complete() && !is_altered {
        Batching::NOTHING
    } else {
        manifest.plan.batching()
    }
}

/// Reads all samples of a run, in the order in which its series begin. The second value says what is wrong with them,
/// if the manifest does not.
pub fn read(run: &Run) -> Result<(Vec<Collected>, Option<String>), AggregateError> {
    let collected = read_with(run, required(&run.manifest, false))?;
    let altered = altered(&run.manifest, collected.samples);
    if altered.is_none() {
        return Ok((collected.all, None));
    }
    Ok((read_with(run, required(&run.manifest, true))?.all, altered))
}

fn read_with(run: &Run, required: Batching) -> Result<Collector, AggregateError> {
    let mut collector = Collector::new(required);
    let path = run.folder().join(SampleRow::<String>::FILE);
    if plain::rows(&path, |row| collector.add(row).is_ok()) {
        Ok(collector.finish())
    } else {
        read_any(run, required)
    }
}

/// Reads the samples with the general reader, which names what is wrong.
fn read_any(run: &Run, required: Batching) -> Result<Collector, AggregateError> {
    let mut collector = Collector::new(required);
    for (index, row) in run.samples()?.enumerate() {
        let row = row?;
        let borrowed = SampleRow {
            seq: row.seq.as_str(),
            pe: row.pe,
            event: row.event,
            batch: row.batch,
            value: row.value,
            count: row.count,
            scenario: row.scenario,
        };
        collector.add(&borrowed).map_err(|after| AggregateError::Order {
            path: run.folder().join(SampleRow::<String>::FILE),
            line: index as u64 + 2,
            batch: row.batch,
            seq: row.seq.clone(),
            after,
        })?;
    }
    Ok(collector.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(batch: u32, value: u64, count: u32) -> SampleRow<&'static str> {
        SampleRow {
            seq: "old",
            pe: 0,
            event: Event::Cycles,
            batch,
            value,
            count,
            scenario: Scenario::PLAIN,
        }
    }

    fn collect(rows: &[SampleRow<&str>], required: Batching) -> Collected {
        let mut series = Collected::new(&rows[0]);
        rows.iter().for_each(|row| series.add(row, required).unwrap());
        series.close(required);
        series
    }

    #[test]
    fn a_batch_that_lost_samples_is_left_out_whole() {
        let required = Batching {
            batch: 10,
            iterations: 25,
        };
        let rows = [row(0, 7, 4), row(0, 8, 6), row(1, 7, 9), row(2, 9, 5)];
        let series = collect(&rows, required);
        assert_eq!(series.short_batches, 1);
        // The last batch of a plan may be shorter than the others.
        assert_eq!(series.batches.iter().map(|b| b.0).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(series.whole.iter().collect::<Vec<_>>(), [(7, 4), (8, 6), (9, 5)]);
    }

    #[test]
    fn a_batch_that_comes_again_is_refused() {
        let required = Batching {
            batch: 0,
            iterations: 0,
        };
        let mut series = Collected::new(&row(3, 1, 1));
        series.add(&row(3, 1, 1), required).unwrap();
        assert_eq!(series.add(&row(2, 1, 1), required), Err(3));
    }
}
