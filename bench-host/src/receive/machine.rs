// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sequences as the kernel reports them: proof of what ran, and the plan where only a log is left.

use std::collections::BTreeMap;

use results::manifest::Sequence;
use results::plan::MAX_WORDS;
use results::record::Words;
use sequences::{catalogue, lower};

use crate::plan::{AA_SUFFIX, RANGE_PAGES, words_text};

/// Sequences by id, in the order in which they were announced.
#[derive(Debug, Default)]
pub struct Sequences {
    order: Vec<String>,
    words: BTreeMap<String, (u32, Vec<u32>)>,
}

impl Sequences {
    /// A sequence of so many words was announced.
    pub fn announce(&mut self, id: &str, words: u32) {
        if self.words.insert(id.to_owned(), (words, Vec::new())).is_none() {
            self.order.push(id.to_owned());
        }
    }

    /// Some of its words came.
    pub fn words(&mut self, id: &str, offset: u32, words: &Words<'_>) {
        let Some((_, known)) = self.words.get_mut(id) else {
            return;
        };
        // After a lost line the offsets do not meet; then the words stay incomplete, and are seen to be.
        if known.len() == offset as usize && known.len() < MAX_WORDS {
            words.for_each(|word| known.push(word));
        }
    }

    /// Returns the words of a sequence, as many of them as came.
    pub fn words_of(&self, id: &str) -> impl Iterator<Item = u32> {
        self.words
            .get(id)
            .into_iter()
            .flat_map(|(_, words)| words.iter().copied())
    }

    /// Returns whether a sequence was announced.
    pub fn contains(&self, id: &str) -> bool {
        self.words.contains_key(id)
    }

    /// Returns how the sequences differ from those that were planned.
    pub fn differences(&self, planned: &[Sequence]) -> Vec<String> {
        let mut wrong = Vec::new();
        for sequence in planned {
            match self.words.get(&sequence.id) {
                None => wrong.push(format!("{}: the kernel did not report the sequence", sequence.id)),
                Some((_, words)) if words_text(words) != sequence.words => {
                    wrong.push(format!(
                        "{}: the words the kernel reported are not those of the plan",
                        sequence.id
                    ));
                }
                Some(_) => {}
            }
        }
        wrong
    }

    /// Describes the sequences for the manifest of a run whose plan is not known.
    pub fn describe(&self, timed: impl Fn(&str) -> bool, checked: impl Fn(&str) -> bool) -> Vec<Sequence> {
        let mut baseline = true;
        let describe = |id: &String| {
            let words = self
                .words
                .get(id)
                .map(|(_, words)| words.as_slice())
                .unwrap_or_default();
            let timed = timed(id);
            let original = id
                .strip_suffix(AA_SUFFIX)
                .filter(|original| self.words.get(*original).is_some_and(|(_, other)| other == words));
            Sequence {
                id: id.clone(),
                text: known_text(id, words).to_owned(),
                words: words_text(words),
                timed,
                checked: checked(id),
                checks: Vec::new(),
                baseline: timed && std::mem::take(&mut baseline),
                aa_of: original.map(str::to_owned),
                skipped: None,
            }
        };
        self.order.iter().map(describe).collect()
    }
}

/// Returns the text of a catalogue entry, if these are its words; empty if not.
fn known_text(id: &str, words: &[u32]) -> &'static str {
    let known = catalogue::find(id).ok().filter(|known| {
        let lowered = known
            .sequence()
            .ok()
            .and_then(|sequence| lower(&sequence, RANGE_PAGES.into()).ok());
        lowered.is_some_and(|lowered| lowered.words == words)
    });
    known.map_or("", |known| known.text)
}
