// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the two sides of a patch hold, before anything is held against anything else.

use crate::bodies::{Renames, Sides, renamed};
use crate::diff::{FileDiff, Patch};
use crate::extract::Unread;
use crate::extract::reduce::Found;
use crate::extract::spelling::Spellings;
use crate::helpers;
use crate::listed::Said;
use crate::mention::Mention;
use crate::placed::{Both, Placed, ReadLines};
use crate::sight::Sight;
use crate::source::{Extraction, Guarded, LoneBarrier, Side, Surroundings, Unit, touched};
use std::collections::HashSet;

/// What the two sides of a patch hold.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// Sequences.
    pub(crate) found: Both<Found>,
    /// Barriers that publish new mappings.
    pub(crate) published: Both<Found>,
    /// Barriers and writes of registers where nothing is invalidated.
    pub(crate) passages: Both<Found>,
    /// Barriers that belong to no sequence.
    pub(crate) barriers: Both<LoneBarrier>,
    /// Calls that could not be looked into, and their conditions.
    pub(crate) guarded: Both<Guarded>,
    /// What was not understood.
    pub(crate) unread: Both<Unread>,
    /// What changed lines speak of by their words.
    pub(crate) mentions: Both<Mention>,
    /// Lines that are accounted for.
    pub(crate) read: [ReadLines; 2],
    /// Macros that are read where they are used.
    pub(crate) expanded: [HashSet<String>; 2],
    /// What is to be known of functions of which no instruction changes.
    pub(crate) fed: Said,
    /// The functions that change.
    pub(crate) bodies: Sides,
    /// Those of files without a word of maintenance that act on translations.
    pub(crate) acting: Sides,
}

impl Gathered {
    /// Reads both sides of a patch, among files that it does not change and with what can be seen beyond it.
    pub(crate) fn of(patch: &Patch, around: &[Unit], spellings: &Spellings, sight: Option<&dyn Sight>) -> Self {
        let mut all = Self::default();
        let users = sight.map_or_else(Vec::new, |sight| sight.users(&helpers::changed(patch), patch));
        for (index, side) in [Side::Before, Side::After].into_iter().enumerate() {
            let mut units = units(patch, side, sight);
            units.extend(users.iter().cloned());
            let mut surroundings = sight.map_or_else(Surroundings::default, |sight| sight.surroundings(side));
            let code = units.iter().chain(around).filter(|unit| unit.is_source());
            let code: Vec<Unit> = code.cloned().collect();
            surroundings.add(&code, spellings);
            all.expanded[index].clone_from(&surroundings.expanded);
            for unit in &units {
                all.take(index, patch, unit, surroundings.extract(unit, spellings));
            }
            // What else it changes is only looked at as a whole.
            for file in &patch.others {
                let found = touched(&Unit::side(file, side));
                all.bodies[index].extend(found.into_iter().map(Placed::in_file(file.path())));
            }
            for file in &patch.acting {
                let found = touched(&Unit::side(file, side));
                all.acting[index].extend(found.into_iter().map(Placed::in_file(file.path())));
            }
        }
        all.account_for_passages();
        all
    }

    /// Takes what one side of a file holds.
    fn take(&mut self, index: usize, patch: &Patch, unit: &Unit, extraction: Extraction) {
        // Both sides of a renamed file go by its new name.
        let renamed = patch.files.iter().find(|file| file.old_path == unit.path);
        let path = renamed.map_or(unit.path.as_str(), |file| file.path());
        if unit.is_source() && !extraction.is_aarch32 {
            self.bodies[index].extend(touched(unit).into_iter().map(Placed::in_file(path)));
        }
        for (function, doubt) in extraction.doubts {
            self.fed.entry((path.to_owned(), function)).or_default().push(doubt);
        }
        self.mentions[index].extend(extraction.mentions.into_iter().map(Placed::in_file(path)));
        self.read[index]
            .entry(path.to_owned())
            .or_default()
            .extend(extraction.read);
        self.found[index].extend(extraction.found.into_iter().map(Placed::in_file(path)));
        self.published[index].extend(extraction.published.into_iter().map(Placed::in_file(path)));
        self.guarded[index].extend(extraction.guarded.into_iter().map(Placed::in_file(path)));
        self.passages[index].extend(extraction.passages.into_iter().map(Placed::in_file(path)));
        self.unread[index].extend(extraction.unread.into_iter().map(Placed::in_file(path)));
        self.barriers[index].extend(extraction.barriers.into_iter().map(Placed::in_file(path)));
    }

    /// What stands in a passage is accounted for, and a barrier there stands not alone.
    fn account_for_passages(&mut self) {
        for (index, side) in self.passages.iter().enumerate() {
            for placed in side {
                let lines = &placed.found.lines;
                self.read[index].entry(placed.path.clone()).or_default().extend(lines);
                self.barriers[index].retain(|lone| lone.path != placed.path || !lines.contains(&lone.found.line));
            }
        }
    }

    /// Puts new names of functions for old ones in what the side before holds: what is only called otherwise is no change.
    pub(crate) fn rename_before(&mut self, renames: &Renames) {
        if renames.is_empty() {
            return;
        }
        for passage in &mut self.passages[0] {
            rename_passage(&mut passage.found, renames);
        }
        for unread in &mut self.unread[0] {
            unread.found.text = renamed(&unread.found.text, renames);
            unread.found.function = renamed(&unread.found.function, renames);
        }
        for mention in &mut self.mentions[0] {
            mention.found.text = renamed(&mention.found.text, renames);
        }
    }

    /// Returns the functions, by file and name, that repeat an invalidation on both sides.
    pub(crate) fn repeating(&self) -> HashSet<(String, String)> {
        let [before, after] = [&self.found[0], &self.found[1]].map(|side| -> HashSet<(String, String)> {
            let repeats = |placed: &&Placed<Found>| {
                let mut items = placed.found.sequence.items.iter();
                items.any(|item| matches!(item, sequences::Item::ForPage(_)))
            };
            let place = |placed: &Placed<Found>| (placed.path.clone(), placed.found.function.clone());
            side.iter().filter(repeats).map(place).collect()
        });
        after.intersection(&before).cloned().collect()
    }

    /// Returns the helpers of each side that are put in place of their calls.
    pub(crate) fn called(&self) -> [HashSet<String>; 2] {
        [&self.found[0], &self.found[1]].map(|side| {
            let names = side.iter().flat_map(|placed| &placed.found.via);
            names.map(|name| name.to_string()).collect()
        })
    }
}

/// Returns one side of the files that a patch changes, whole where they can be seen.
fn units(patch: &Patch, side: Side, sight: Option<&dyn Sight>) -> Vec<Unit> {
    let is_there = |file: &&FileDiff| match side {
        Side::Before => !file.old_path.is_empty(),
        Side::After => !file.new_path.is_empty(),
    };
    let unit = |file: &FileDiff| {
        let whole = sight.and_then(|sight| sight.whole(file, side));
        whole.unwrap_or_else(|| Unit::side(file, side))
    };
    patch.files.iter().filter(is_there).map(unit).collect()
}

/// Puts new names of functions for old ones in a passage: what is only called otherwise is no change.
fn rename_passage(found: &mut Found, renames: &Renames) {
    found.function = renamed(&found.function, renames);
    for text in found.around.steps.iter_mut().chain(&mut found.around.calls) {
        *text = renamed(text, renames);
    }
}
