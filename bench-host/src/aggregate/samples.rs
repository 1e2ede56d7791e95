// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counting the rows of `samples.csv`.

use results::manifest::Manifest;
use results::record::Event;
use results::store::{Row, Run, SampleRow};

use super::AggregateError;
use crate::stats::{Histogram, batch::grouped_median};

/// The samples of one sequence, PE and event.
#[derive(Debug, Clone)]
pub struct Collected {
    /// Stable id of the sequence.
    pub seq: String,
    /// Index of the PE.
    pub pe: u32,
    /// What was counted.
    pub event: Event,
    /// All samples of whole batches.
    pub whole: Histogram,
    /// Index and median of every whole batch.
    pub batches: Vec<(u32, f64)>,
    /// Batches left out.
    pub short_batches: u64,
    open: Option<u32>,
    pairs: Vec<(u64, u64)>,
}

/// How many samples a batch must have to count.
///
/// Values travel sorted, so a batch that lost a line has lost its small values or its large ones, and its median would
/// be biased. In a stream that lost nothing there is nothing to leave out.
#[derive(Debug, Clone, Copy)]
struct Required {
    batch: u64,
    iterations: u64,
}

impl Required {
    fn of(manifest: &Manifest) -> Self {
        let batch = if manifest.is_complete() { 0 } else { manifest.plan.batch };
        Self {
            batch: batch.into(),
            iterations: manifest.plan.iterations.into(),
        }
    }

    fn samples(self, batch: u32) -> u64 {
        let rest = self.iterations.saturating_sub(u64::from(batch) * self.batch);
        self.batch.min(rest)
    }
}

impl Collected {
    fn new(row: &SampleRow) -> Self {
        Self {
            seq: row.seq.clone(),
            pe: row.pe,
            event: row.event,
            whole: Histogram::new(),
            batches: Vec::new(),
            short_batches: 0,
            open: None,
            pairs: Vec::new(),
        }
    }

    fn is_of(&self, row: &SampleRow) -> bool {
        self.pe == row.pe && self.event == row.event && self.seq == row.seq
    }

    /// Counts a row, or returns the later batch that came before it.
    fn add(&mut self, row: &SampleRow, required: Required) -> Result<(), u32> {
        match self.open {
            Some(open) if open == row.batch => {}
            Some(open) if open > row.batch => return Err(open),
            _ => {
                self.close(required);
                self.open = Some(row.batch);
            }
        }
        self.pairs.push((row.value, row.count.into()));
        Ok(())
    }

    fn close(&mut self, required: Required) {
        let Some(batch) = self.open.take() else { return };
        let samples: u64 = self.pairs.iter().map(|&(_, count)| count).sum();
        match grouped_median(&mut self.pairs) {
            Some(median) if samples >= required.samples(batch) => {
                self.batches.push((batch, median));
                self.pairs
                    .iter()
                    .for_each(|&(value, count)| self.whole.add(value, count));
            }
            _ => self.short_batches += 1,
        }
        self.pairs.clear();
    }
}

/// Reads all samples of a run, in the order in which its series begin.
pub fn read(run: &Run) -> Result<Vec<Collected>, AggregateError> {
    let required = Required::of(&run.manifest);
    let mut all: Vec<Collected> = Vec::new();
    let mut last = 0;
    for (index, row) in run.samples()?.enumerate() {
        let row = row?;
        // Rows come in runs of one series; there are few series, so looking for another one may take its time.
        if !all.get(last).is_some_and(|series| series.is_of(&row)) {
            last = all.iter().position(|series| series.is_of(&row)).unwrap_or_else(|| {
                all.push(Collected::new(&row));
                all.len() - 1
            });
        }
        all[last].add(&row, required).map_err(|after| AggregateError::Order {
            path: run.folder().join(SampleRow::<String>::FILE),
            line: index as u64 + 2,
            batch: row.batch,
            seq: row.seq,
            after,
        })?;
    }
    all.iter_mut().for_each(|series| series.close(required));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(batch: u32, value: u64, count: u32) -> SampleRow {
        SampleRow {
            seq: "old".to_owned(),
            pe: 0,
            event: Event::Cycles,
            batch,
            value,
            count,
        }
    }

    fn collect(rows: &[SampleRow], required: Required) -> Collected {
        let mut series = Collected::new(&rows[0]);
        rows.iter().for_each(|row| series.add(row, required).unwrap());
        series.close(required);
        series
    }

    #[test]
    fn a_batch_that_lost_samples_is_left_out_whole() {
        let required = Required {
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
        let required = Required {
            batch: 0,
            iterations: 0,
        };
        let mut series = Collected::new(&row(3, 1, 1));
        series.add(&row(3, 1, 1), required).unwrap();
        assert_eq!(series.add(&row(2, 1, 1), required), Err(3));
    }
}
