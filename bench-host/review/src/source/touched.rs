// SPDX-License-Identifier: MIT OR Apache-2.0
//! The functions and macros that a patch changes, whatever it does to them.

use crate::extract::acts::acts;
use crate::extract::layout::Layout;
use crate::extract::text::folded;
use crate::extract::token::Language;
use crate::extract::words::speaks_of_flush;
use crate::extract::{asm, text};
use crate::source::Unit;
use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

/// A function or macro, and what a patch changes in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// Its name; empty where the changed lines stand in none.
    pub name: String,
    /// Its changed lines, comments left out, with white space folded.
    pub lines: Vec<(u32, String)>,
    /// The words in the heads of its repetitions.
    pub repeats: BTreeSet<String>,
    /// A line of it in sight, changed or not, has to do with the flush of a TLB.
    pub flushes: bool,
    /// Stands for all of its lines in sight, in their order, white space folded: it is the same where only that changes.
    pub order: u64,
    /// What stands above each of its changed lines, of what the patch leaves alone: where in the function it is.
    pub above: HashMap<u32, String>,
    /// A line of it in sight, changed or not, acts on translations.
    pub acts: bool,
    /// What is called, or branched to, on its lines in sight, changed or not, by any path.
    pub called: BTreeSet<String>,
}

/// Returns the functions and macros that are in sight on one side of a patch, in the order of the text, with the lines
/// that are on this side only; none for what the patch leaves alone.
pub fn touched(unit: &Unit) -> Vec<Touched> {
    let mut out: Vec<Touched> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut at = |name: &str, out: &mut Vec<Touched>| {
        *known.entry(name.to_owned()).or_insert_with(|| {
            out.push(Touched {
                name: name.to_owned(),
                lines: Vec::new(),
                repeats: BTreeSet::new(),
                flushes: false,
                order: 0,
                above: HashMap::new(),
                acts: false,
                called: BTreeSet::new(),
            });
            out.len() - 1
        })
    };
    for segment in &unit.segments {
        let semicolon = asm::is_armasm(&unit.path);
        let layout = Layout::of(&segment.lines, &segment.section, unit.language(), semicolon);
        // What stands in no function is on both sides.
        for name in layout.names().chain([""]) {
            at(name, &mut out);
        }
        for line in segment.lines.iter().filter(|line| is_repetition(&line.text)) {
            let index = at(layout.name(line.number), &mut out);
            out[index].repeats.extend(names(&line.text).map(str::to_owned));
        }
        for line in segment.lines.iter().filter(|line| speaks_of_flush(&line.text)) {
            if layout.counts(line.number) {
                let index = at(layout.name(line.number), &mut out);
                out[index].flushes = true;
            }
        }
        let (mut kept, mut above) = (0_usize, (String::new(), String::new()));
        for line in segment.lines.iter().filter(|line| layout.counts(line.number)) {
            let name = layout.name(line.number);
            let index = at(name, &mut out);
            let text = folded(&line.text);
            out[index].acts |= acts(&text).is_some();
            let calls = match unit.language() {
                Language::Assembly => branched(&text),
                _ => called(&text).map(str::to_owned).collect(),
            };
            out[index].called.extend(calls);
            let mut hasher = DefaultHasher::new();
            (out[index].order, &text).hash(&mut hasher);
            out[index].order = hasher.finish();
            if line.changed {
                if above.0 == name {
                    out[index].above.insert(line.number, above.1.clone());
                }
                out[index].lines.push((line.number, text));
            } else if line.text.contains(|c: char| c.is_alphanumeric()) {
                // How many lines are kept above it tells those apart that look alike.
                kept = if above.0 == name { kept + 1 } else { 1 };
                above = (name.to_owned(), format!("{kept} {text}"));
            }
        }
    }
    out
}

impl Touched {
    /// Returns whether a changed line says how often something is repeated: it is the head of a repetition, or sets what such
    /// a head has.
    pub fn changes_repetition(&self) -> bool {
        self.lines.iter().any(|(_, text)| {
            let set = text.split_once('=').filter(|(_, right)| !right.starts_with('='));
            let left = set.and_then(|(left, _)| names(left).last());
            is_repetition(text) || left.is_some_and(|name| self.repeats.contains(name))
        })
    }
}

/// Returns the names before parentheses in a line.
fn called(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('(').filter_map(|(at, _)| {
        text::words(&text[..at])
            .last()
            .filter(|word| text[..at].ends_with(*word))
    })
}

/// Returns what a line of assembly may branch to: the last word of one whose mnemonic starts as those of branches do.
fn branched(text: &str) -> Vec<String> {
    let mut words = text::words(text);
    let first = words.next().unwrap_or_default().to_ascii_lowercase();
    let is_branch = ["b", "cb", "tb", "ret"].iter().any(|start| first.starts_with(start));
    words
        .last()
        .filter(|_| is_branch)
        .map(str::to_owned)
        .into_iter()
        .collect()
}

/// Returns whether a line is the head of a repetition.
fn is_repetition(text: &str) -> bool {
    let text = text.trim_start_matches(['}', ' ', '\t']);
    let word = names(text).next().unwrap_or_default();
    matches!(word, "for" | "while") && text.starts_with(word)
}

/// Returns the names in a text, and no numbers.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text::words(text).filter(|word| word.starts_with(|c: char| c.is_alphabetic() || c == '_'))
}
