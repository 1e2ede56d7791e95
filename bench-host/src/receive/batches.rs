// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether every sample of every batch arrived.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use results::plan::Batching;
use results::record::Event;
use results::scenario::Scenario;

/// What tells one series of samples from the others of its sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Index of the PE.
    pub pe: u32,
    /// What was counted.
    pub event: Event,
    /// The conditions.
    pub scenario: Scenario,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "on PE {}", self.pe)?;
        if self.event.number().is_some() {
            write!(f, ", {}", self.event.id())?;
        }
        if self.scenario != Scenario::PLAIN {
            write!(f, ", {}", self.scenario)?;
        }
        Ok(())
    }
}

/// Samples of one series.
#[derive(Debug, Default, Clone, Copy)]
struct Series {
    /// The batch that is arriving.
    batch: u32,
    /// Samples of it so far.
    count: u64,
    /// Samples in all.
    total: u64,
    /// Samples of the first batch: the size of all but the last.
    first: u64,
}

/// Follows the batches of all series. Memory does not grow with their number.
#[derive(Debug, Default)]
pub struct Batches {
    planned: Option<Batching>,
    series: BTreeMap<String, BTreeMap<Key, Series>>,
}

impl Batches {
    /// Expects what a plan asks for; `None` when the plan is not known.
    pub fn new(planned: Option<Batching>) -> Self {
        Self {
            planned,
            series: BTreeMap::new(),
        }
    }

    /// Takes samples of a batch. Returns what is wrong.
    pub fn add(&mut self, seq: &str, key: Key, batch: u32, count: u64) -> Option<String> {
        if !self.series.contains_key(seq) {
            self.series.insert(seq.to_owned(), BTreeMap::new());
        }
        let series = self.series.get_mut(seq)?.entry(key).or_default();
        let mut wrong = None;
        if batch < series.batch {
            return Some(format!("{seq} {key}: batch {batch} after batch {}", series.batch));
        }
        if batch > series.batch {
            wrong = series
                .close(self.planned, false)
                .map(|what| format!("{seq} {key}: {what}"));
            if wrong.is_none() && batch > series.batch + 1 {
                wrong = Some(format!("{seq} {key}: no samples of batch {}", series.batch + 1));
            }
            series.batch = batch;
            series.count = 0;
        }
        series.count += count;
        series.total += count;
        wrong
    }

    /// Returns everything that is missing at the end, where each of `timed` should be complete.
    pub fn finish<S: AsRef<str>>(&mut self, timed: impl IntoIterator<Item = (S, Key)>) -> Vec<String> {
        let mut wrong = Vec::new();
        for (seq, key) in timed {
            let seq = seq.as_ref();
            if !self.series.get(seq).is_some_and(|series| series.contains_key(&key)) {
                wrong.push(format!("{seq} {key}: no samples"));
            }
        }
        for (seq, all) in &mut self.series {
            for (key, series) in all {
                let last = series.close(self.planned, true);
                wrong.extend(last.map(|what| format!("{seq} {key}: {what}")));
            }
        }
        wrong
    }

    /// Returns whether any samples of a sequence came.
    pub fn contains(&self, seq: &str) -> bool {
        self.series.contains_key(seq)
    }

    /// Returns how many PEs were timed.
    pub fn pes(&self) -> u32 {
        self.keys().map(|key| key.pe + 1).max().unwrap_or(1)
    }

    /// Returns the scenarios of all series, the plain one first.
    pub fn scenarios(&self) -> BTreeSet<Scenario> {
        let scenarios = self.keys().map(|key| key.scenario);
        scenarios.chain([Scenario::PLAIN]).collect()
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        self.series.values().flat_map(BTreeMap::keys)
    }

    /// Returns the largest number of samples and the size of the first batch of any series: the plan, as it was run.
    pub fn observed(&self) -> Batching {
        let series = self.series.values().flat_map(BTreeMap::values);
        let clamp = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let largest = |f: fn(&Series) -> u64| series.clone().map(f).max().unwrap_or(0);
        let first = |s: &Series| if s.batch == 0 { s.count } else { s.first };
        Batching {
            iterations: clamp(largest(|s| s.total)),
            batch: clamp(largest(first)),
        }
    }
}

impl Series {
    /// Checks the batch that ends here.
    fn close(&mut self, planned: Option<Batching>, last: bool) -> Option<String> {
        if self.batch == 0 {
            self.first = self.count;
        }
        let expected = match planned {
            Some(planned) => planned.samples(self.batch),
            None if last => self.count.min(self.first),
            None => self.first,
        };
        if self.count != expected {
            return Some(format!("batch {} has {} samples of {expected}", self.batch, self.count));
        }
        let batches = planned.map_or(0, Batching::batches);
        (last && self.batch + 1 < batches).then(|| format!("ends after batch {} of {batches}", self.batch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key {
        pe: 0,
        event: Event::Cycles,
        scenario: Scenario::PLAIN,
    };
    const PLANNED: Option<Batching> = Some(Batching {
        iterations: 5,
        batch: 2,
    });

    fn all(planned: Option<Batching>, samples: &[(u32, u64)]) -> Vec<String> {
        let mut batches = Batches::new(planned);
        let mut wrong: Vec<_> = samples
            .iter()
            .filter_map(|&(batch, count)| batches.add("a", KEY, batch, count))
            .collect();
        wrong.extend(batches.finish([("a", KEY)]));
        wrong
    }

    #[test]
    fn batches_as_planned_are_complete() {
        assert_eq!(all(PLANNED, &[(0, 1), (0, 1), (1, 2), (2, 1)]), [""; 0]);
        assert_eq!(all(None, &[(0, 2), (1, 2), (2, 1)]), [""; 0]);
    }

    #[test]
    fn whatever_is_missing_is_named() {
        assert_eq!(
            all(PLANNED, &[(0, 1), (1, 2), (2, 1)]),
            ["a on PE 0: batch 0 has 1 samples of 2"]
        );
        assert_eq!(all(PLANNED, &[(0, 2), (2, 1)]), ["a on PE 0: no samples of batch 1"]);
        assert_eq!(all(PLANNED, &[(0, 2), (1, 2)]), ["a on PE 0: ends after batch 1 of 3"]);
        assert_eq!(
            all(PLANNED, &[(0, 2), (1, 2), (2, 2)]),
            ["a on PE 0: batch 2 has 2 samples of 1"]
        );
        assert_eq!(all(PLANNED, &[]), ["a on PE 0: no samples"]);
        assert_eq!(
            all(None, &[(0, 2), (1, 1), (2, 2)]),
            ["a on PE 0: batch 1 has 1 samples of 2"]
        );
        assert!(all(PLANNED, &[(0, 2), (1, 2), (0, 2), (2, 1)])[0].contains("batch 0 after batch 1"));
    }

    #[test]
    fn series_of_a_sequence_are_kept_apart() {
        let mut batches = Batches::new(PLANNED);
        let live = Key {
            scenario: Scenario::PLAIN.with(results::scenario::Axis::Live, 64),
            ..KEY
        };
        let walks = Key {
            pe: 1,
            event: Event::DtlbWalk,
            ..live
        };
        for batch in 0..3 {
            let samples = if batch == 2 { 1 } else { 2 };
            assert_eq!(batches.add("a", KEY, batch, samples), None);
            assert_eq!(batches.add("a", live, batch, samples), None);
        }
        assert_eq!(
            batches.finish([("a", KEY), ("a", live), ("a", walks)]),
            ["a on PE 1, dtlb_walk, live_64: no samples"]
        );
    }

    #[test]
    fn the_plan_is_seen_in_what_arrived() {
        let mut batches = Batches::new(None);
        for (batch, count) in [(0, 2), (1, 2), (2, 1)] {
            assert_eq!(batches.add("a", KEY, batch, count), None);
        }
        assert_eq!(batches.finish([] as [(&str, Key); 0]), [""; 0]);
        assert_eq!(Some(batches.observed()), PLANNED);
    }
}
