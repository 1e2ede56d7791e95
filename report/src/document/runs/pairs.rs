// SPDX-License-Identifier: MIT OR Apache-2.0
//! The comparisons of several runs, by what is compared.

use crate::model::{Comparison, Summary};

/// A comparison with the name of its run.
pub struct Found<'a> {
    /// The name.
    pub name: &'a str,
    /// The run.
    pub run: &'a Summary,
    /// The comparison.
    pub comparison: &'a Comparison,
}

/// Returns the comparisons of runs with one label, by pair of sequences in the order in which these come up.
pub fn pairs<'a>(runs: &'a [Summary], names: &'a [String], label: &str) -> Vec<(String, Vec<Found<'a>>)> {
    let mut pairs: Vec<(String, Vec<Found<'a>>)> = Vec::new();
    for (run, name) in runs.iter().zip(names).filter(|(run, _)| run.label() == label) {
        for comparison in &run.comparisons {
            let twin = if comparison.is_twin { " (A/A)" } else { "" };
            let pair = format!("{} / {}{twin}", comparison.seq, comparison.baseline);
            let found = Found { name, run, comparison };
            match pairs.iter_mut().find(|(known, _)| *known == pair) {
                Some((_, all)) => all.push(found),
                None => pairs.push((pair, vec![found])),
            }
        }
    }
    // What is under test comes first, the noise floor after it.
    pairs.sort_by_key(|(_, all)| all[0].comparison.is_twin);
    pairs
}

impl Found<'_> {
    /// Returns what tells it from the others of its pair.
    pub fn title(&self) -> String {
        self.run
            .naming()
            .name(self.name, self.comparison.pe, self.comparison.event)
    }
}
