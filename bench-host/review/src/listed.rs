// SPDX-License-Identifier: MIT OR Apache-2.0
//! What looks like maintenance and was not understood: what of it is a change, and how it is listed.

use crate::Unrecognised;
use crate::diff::Patch;
use crate::extract::words::is_invalidation;
use crate::extract::words::speaks_of_maintenance;
use crate::extract::{Doubt, Unread};
use crate::mention::{Mention, unaccounted};
use crate::pair::Pair;
use crate::placed::{Both, Placed, ReadLines};
use crate::source::Touched;
use std::collections::{HashMap, HashSet};

/// What is said of functions, by file and name.
pub(crate) type Said = HashMap<(String, String), Vec<String>>;

/// The function or macro that each changed line stands in, by file and line.
pub(crate) type Places<'a> = HashMap<(&'a str, u32), &'a str>;

/// What of a patch was not understood.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    /// The lines.
    pub(crate) lines: Vec<Unrecognised>,
    /// What is to be said of the functions that they stand in.
    pub(crate) doubtful: Said,
}

impl Listed {
    /// Lists what was not understood of the two sides.
    pub(crate) fn of(unread: Both<Unread>, places: &[Places; 2]) -> Self {
        let mut all = Self::default();
        for ((list, after), places) in unread.into_iter().zip([false, true]).zip(places) {
            for Placed { path, found } in list.into_iter().filter(|unread| unread.found.changed) {
                // Shown with both sides of its function, where that is known.
                let is_listed =
                    found.doubt == Doubt::Limit || found.doubt == Doubt::Spelling && is_invalidation(&found.text);
                if let Some(name) = places.get(&(path.as_str(), found.line)).filter(|_| !is_listed) {
                    let texts = all.doubtful.entry((path.clone(), (*name).to_owned())).or_default();
                    let text = format!("`{}` is not understood", found.text);
                    if !texts.contains(&text) {
                        texts.push(text);
                    }
                }
                all.lines.push(Unrecognised {
                    file: path,
                    line: found.line,
                    text: found.text,
                    after,
                });
            }
        }
        all.lines.dedup();
        all
    }

    /// Returns whether a line of a side is accounted for: listed with no function to show it in, or read.
    pub(crate) fn accounts_for(
        &self,
        (after, path, line): (bool, &str, u32),
        places: &[Places; 2],
        read: &[ReadLines; 2],
    ) -> bool {
        let mut lines = self.lines.iter();
        match lines.find(|one| one.file == path && one.line == line && one.after == after) {
            Some(one) => {
                let name = places[usize::from(after)].get(&(path, line));
                !name.is_some_and(|name| self.doubtful.contains_key(&(one.file.clone(), (*name).to_owned())))
            }
            None => is_read(read, after, path, line),
        }
    }

    /// Drops the lines that a pair of functions shows.
    pub(crate) fn drop_shown(&mut self, pairs: &[Pair]) {
        self.lines.retain(|one| !pairs.iter().any(|pair| shows(pair, one)));
    }
}

/// Returns what was not understood and is a change: not what is kept, nor what is read where it is used; what the words of
/// changed lines speak of and nothing accounts for; and the calls that stand under another condition.
pub(crate) fn changed(
    [mut before, mut after]: Both<Unread>,
    mentions: Both<Mention>,
    guarded: Vec<Placed<Unread>>,
    read: &[ReadLines; 2],
    used_after: &HashSet<String>,
) -> Both<Unread> {
    drop_kept_calls(&mut before, &mut after);
    // The body of a macro that is read where the other side uses it.
    before.retain(|unread| !(unread.found.template && used_after.contains(&unread.found.function)));
    let [mentions_before, mentions_after] = mentions;
    let [lost_before, lost_after] = unaccounted(mentions_before, mentions_after, |after, path, line| {
        is_read(read, after, path, line)
    });
    before.extend(lost_before);
    after.extend(lost_after);
    let known: HashSet<(String, u32)> = after.iter().map(|one| (one.path.clone(), one.found.line)).collect();
    let fresh = |new: &Placed<Unread>| !known.contains(&(new.path.clone(), new.found.line));
    after.extend(guarded.into_iter().filter(fresh));
    [before, after]
}

fn is_read(read: &[ReadLines; 2], after: bool, path: &str, line: u32) -> bool {
    read[usize::from(after)]
        .get(path)
        .is_some_and(|lines| lines.contains(&line))
}

/// Returns whether a pair of functions shows a line that was not understood.
fn shows(pair: &Pair, unread: &Unrecognised) -> bool {
    pair.shows(unread.after, &unread.file, unread.line)
}

/// Returns the function or macro that each changed line stands in, by file and line.
pub(crate) fn functions_at(side: &[Placed<Touched>]) -> HashMap<(&str, u32), &Placed<Touched>> {
    let named = side.iter().filter(|placed| !placed.found.name.is_empty());
    let lines = |placed| {
        let Placed { path, found }: &Placed<Touched> = placed;
        found
            .lines
            .iter()
            .map(move |(line, _)| ((path.as_str(), *line), placed))
    };
    named.flat_map(lines).collect()
}

/// Returns the name of the function or macro that each changed line stands in, by file and line.
pub(crate) fn line_places(side: &[Placed<Touched>]) -> Places<'_> {
    let all = functions_at(side).into_iter();
    all.map(|(place, placed)| (place, placed.found.name.as_str())).collect()
}

/// Returns the word of a message that speaks of maintenance, where nothing of that was found in its patch: whether there is
/// none, or it is not understood, is not known.
pub(crate) fn unmet(patch: &Patch) -> Option<Unrecognised> {
    let saying = speaks_of_maintenance(&patch.message)?;
    if patch.first_source.is_empty() {
        return None;
    }
    Some(Unrecognised {
        file: patch.first_source.clone(),
        line: 0,
        text: format!("the message says \"{saying}\": which of these changes is meant?"),
        after: true,
    })
}

/// Drops calls that the patch keeps in their function, as where it only changes how a line is written.
fn drop_kept_calls(before: &mut Vec<Placed<Unread>>, after: &mut Vec<Placed<Unread>>) {
    before.retain(|Placed { path, found: old }| {
        let same = |Placed {
                        path: other,
                        found: new,
                    }: &Placed<Unread>| {
            other == path
                && new.changed
                && old.changed
                && new.function == old.function
                && new.text == old.text
                && new.under == old.under
        };
        // The body of a macro that nobody in sight uses, and that only stands elsewhere now.
        let moved = |Placed { found: new, .. }: &Placed<Unread>| {
            let of_macro = old.text.contains(['?', '\\']);
            of_macro && old.changed && new.changed && new.doubt == old.doubt && new.text == old.text
        };
        let kept = match old.doubt {
            Doubt::Call => after.iter().position(same),
            Doubt::Spelling => after.iter().position(moved),
            Doubt::Limit => None,
        };
        if let Some(at) = kept {
            after.remove(at);
        }
        kept.is_none()
    });
}
