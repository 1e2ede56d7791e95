// SPDX-License-Identifier: MIT OR Apache-2.0
//! Functions that a patch changes though no sequence of theirs is: the last net.
//!
//! A function that is named after the TLB may be given other addresses, a stride, a condition, and no instruction of it
//! changes. A message may speak of break-before-make, and what it means may be the order of stores that nobody can tell
//! from others. Both are shown with the lines that change, and left undecided.

mod sites;

pub(crate) use sites::drop_sites;
pub use sites::{Seen, unshown};

use crate::Unrecognised;
use crate::evaluate::{ENTRIES, Evaluated, SAID};
use crate::extract::acts::is_code_of_tables;
use crate::extract::names::{is_write, makes_operand};
use crate::extract::publish::is_of_driver;
use crate::extract::reduce::{Around, Found};
use crate::extract::text;
use crate::extract::words::{frees, is_about_tables, names_maintenance, writes_entry};
use crate::listed::{Places, Said};
use crate::pair::{Kind, Pair};
use crate::placed::Placed;
use crate::source::Touched;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Most lines that are shown of a function.
const MAX_LINES: usize = 8;
/// Most characters of each.
const MAX_TEXT: usize = 70;
/// Most new functions of a file that an old one is held against.
const MAX_ALIKE: usize = 200;
/// Most things that are said of a function that is not understood.
const MAX_DOUBTS: usize = 4;
/// Most functions that a message can be about.
const MAX_SAID: usize = 12;

/// What is asked of memory that is given back.
const ORDER: &str = "is what was cached of it invalidated first, on every PE?";

/// What the two sides change, by file.
pub type Sides = [Vec<Placed<Touched>>; 2];

/// What is known of a patch otherwise.
pub struct Known<'a> {
    /// The changes that were found.
    pub changes: &'a [Evaluated],
    /// Whether a line of a side (after?) of a file is accounted for: read as a part of a sequence, or listed.
    pub is_said: &'a dyn Fn(bool, &str, u32) -> bool,
    /// The macros that are read where they are used.
    pub expanded: &'a [HashSet<String>; 2],
    /// What functions are called after the patch.
    pub renames: &'a Renames,
    /// The functions, by file and name, that repeat an invalidation.
    pub repeating: &'a HashSet<(String, String)>,
    /// What is to be known of functions that hold something that is not understood, by file and name.
    pub doubtful: &'a HashMap<(String, String), Vec<String>>,
    /// The same of functions that are shown only where no change of theirs was found.
    pub fed: &'a HashMap<(String, String), Vec<String>>,
    /// The patch, or its message, is about maintenance: so may be entries that it writes otherwise elsewhere.
    pub is_about_maintenance: bool,
    /// The message is about translation tables.
    pub speaks_of_tables: bool,
}

/// Returns the functions that are named after the TLB and that the patch changes, but for those in which a change was found.
pub fn named_bodies(sides: &Sides, known: &Known) -> Vec<Pair> {
    let plain = "what changes in it is no instruction: what they are given, and when they run, may not be as it was";
    let place = |placed: &Placed<Touched>| (placed.path.clone(), placed.found.name.clone());
    let doubts = |placed: &Placed<Touched>| {
        let fed = || {
            known
                .fed
                .get(&place(placed))
                .filter(|_| !is_covered(placed, known.changes))
        };
        known.doubtful.get(&place(placed)).or_else(fed)
    };
    let is_plain = |placed: &Placed<Touched>| !is_covered(placed, known.changes) && !placed.found.name.is_empty();
    let entries = entry_writers(sides, known, &is_plain);
    let freeing = freeing(sides, &|placed: &Placed<Touched>| !is_covered(placed, known.changes));
    let reason = |placed: &Placed<Touched>| match doubts(placed) {
        Some(texts) => texts.iter().take(MAX_DOUBTS).cloned().collect::<Vec<_>>().join("; "),
        None => match freeing.get(&place(placed)) {
            Some(freed) => format!("`{freed}` gives memory back, and a flush stands beside it: {ORDER}"),
            None if entries.contains(&place(placed)) && !names_maintenance(&placed.found.name) => ENTRIES.to_owned(),
            None => plain.to_owned(),
        },
    };
    let judged = known.changes.iter().any(|change| !change.is_passage);
    let fits = |after: bool, placed: &Placed<Touched>| {
        let name = &placed.found.name;
        // What makes an operand is followed into the sequences that it is for, where one is in sight.
        let elsewhere = known.expanded[usize::from(after)].contains(name) || makes_operand(name) && judged;
        let repeats = || {
            let place = (placed.path.clone(), name.clone());
            known.repeating.contains(&place) && placed.found.changes_repetition()
        };
        doubts(placed).is_some()
            || entries.contains(&place(placed))
            || freeing.contains_key(&place(placed))
            || repeats()
            || names_maintenance(name) && !elsewhere && !is_covered(placed, known.changes)
            || is_register_value(placed)
    };
    let counts = |after: bool, path: &str, (line, text): &(u32, String), name: &str| {
        !(known.is_said)(after, path, *line) && says_something(text, name)
    };
    let strip = |after: bool, list: &[Placed<Touched>]| -> Vec<Placed<Touched>> {
        let one = |placed: &Placed<Touched>| {
            let mut placed = placed.clone();
            let fits = fits(after, &placed);
            let by_entries_alone = doubts(&placed).is_none()
                && !freeing.contains_key(&place(&placed))
                && !names_maintenance(&placed.found.name);
            let Placed { path, found } = &mut placed;
            let name = found.name.clone();
            // What writes entries is shown by the lines that do.
            let only = by_entries_alone && entries.contains(&(path.clone(), name.clone()));
            let shown = |text: &str| !only || writes_entry_in(text, &name);
            found
                .lines
                .retain(|line| fits && counts(after, path, line, &name) && shown(&line.1));
            if !after {
                rename(found, known.renames);
            }
            placed
        };
        list.iter().map(one).collect()
    };
    let mut stripped = [strip(false, &sides[0]), strip(true, &sides[1])];
    drop_same(&mut stripped, false);
    pairs(&stripped, |_| true, reason)
}

/// Returns whether a line puts a table into an entry, by its words.
fn hooks_table(text: &str) -> bool {
    text::words(text).any(|word| {
        let lower = word.to_ascii_lowercase();
        let is_kind = lower.contains("type_table") || lower.contains("table_desc");
        lower.contains("table") && is_write(word) || lower.contains("populate") || is_kind && writes_entry(text)
    })
}

/// Returns the functions that write entries of tables on lines that change, in a patch that is about maintenance.
fn entry_writers(
    sides: &Sides,
    known: &Known,
    is_plain: &impl Fn(&Placed<Touched>) -> bool,
) -> HashSet<(String, String)> {
    let flushing: HashSet<&str> = sides
        .iter()
        .flatten()
        .filter(|placed| placed.found.flushes)
        .map(|placed| placed.path.as_str())
        .collect();
    // In code about tables, a flush in sight makes an entry that is written otherwise a part of maintenance; one elsewhere in
    // the file does where a table is hooked, which may take the place of a block that is in use.
    let is_about = |placed: &Placed<Touched>| {
        let hooks = || placed.found.lines.iter().any(|(_, text)| hooks_table(text));
        let elsewhere = || known.speaks_of_tables && flushing.contains(placed.path.as_str()) && hooks();
        known.is_about_maintenance || is_code_of_tables(&placed.path) && (placed.found.flushes || elsewhere())
    };
    // What stands in no function that is in sight is one that its hunk cuts.
    let is_own = |placed: &Placed<Touched>| {
        is_plain(placed) || placed.found.name.is_empty() && placed.found.flushes && !is_covered(placed, known.changes)
    };
    let writes = |placed: &&Placed<Touched>| {
        is_own(placed)
            && !is_of_driver(&placed.path)
            && is_about(placed)
            && placed
                .found
                .lines
                .iter()
                .any(|(_, text)| writes_entry_in(text, &placed.found.name))
    };
    let all = sides.iter().flatten().filter(writes);
    all.take(MAX_SAID)
        .map(|placed| (placed.path.clone(), placed.found.name.clone()))
        .collect()
}

/// Returns whether a line writes an entry, and is not the head of the function it stands in.
fn writes_entry_in(text: &str, function: &str) -> bool {
    (function.is_empty() || !text.contains(function)) && writes_entry(text)
}

/// Returns the functions that give frames or tables back on a line that changes, with a flush beside it, and what they call
/// for that: what is given back before its flush is used through the TLB by somebody else.
fn freeing(sides: &Sides, is_plain: &impl Fn(&Placed<Touched>) -> bool) -> HashMap<(String, String), String> {
    let mut out = HashMap::new();
    for placed in sides
        .iter()
        .flatten()
        .filter(|placed| placed.found.flushes && is_plain(placed))
    {
        let mut lines = placed.found.lines.iter();
        if let Some(name) = lines
            .find_map(|(_, text)| frees(text))
            .filter(|name| *name != placed.found.name)
        {
            let place = (placed.path.clone(), placed.found.name.clone());
            out.entry(place).or_insert_with(|| name.to_owned());
        }
    }
    out
}

/// Functions that have another name after the patch, by the one before.
pub type Renames = HashMap<String, String>;

/// Returns what functions are called after a patch whose definitions it only renames.
pub fn renames([before, after]: &Sides) -> Renames {
    let names =
        |side: &[Placed<Touched>]| -> HashSet<String> { side.iter().map(|placed| placed.found.name.clone()).collect() };
    let (old_names, new_names) = (names(before), names(after));
    let text = |placed: &Placed<Touched>| -> Vec<String> {
        let own = HashMap::from([(placed.found.name.clone(), "\0".to_owned())]);
        placed.found.lines.iter().map(|(_, text)| renamed(text, &own)).collect()
    };
    // By file, in the order of the text: of several that look alike, the first becomes the first.
    let mut new: HashMap<&str, Vec<(&str, Vec<String>)>> = HashMap::new();
    for placed in after.iter().filter(|placed| is_definition(placed, &old_names)) {
        let own = new.entry(&placed.path).or_default();
        own.push((&placed.found.name, text(placed)));
    }
    let mut out = Renames::new();
    for old in before.iter().filter(|old| is_definition(old, &new_names)) {
        let Some(own) = new.get_mut(old.path.as_str()) else {
            continue;
        };
        let old_text = text(old);
        if let Some(at) = own.iter().take(MAX_ALIKE).position(|(_, text)| *text == old_text) {
            let (name, _) = own.remove(at);
            out.insert(old.found.name.clone(), name.to_owned());
        }
    }
    out
}

/// Returns whether a function is on this side only, and its head is.
fn is_definition(placed: &Placed<Touched>, others: &HashSet<String>) -> bool {
    let Touched { name, lines, .. } = &placed.found;
    !name.is_empty() && !others.contains(name) && lines.iter().any(|(_, text)| text.contains(name.as_str()))
}

/// Puts new names for old ones in a text.
pub fn renamed(text: &str, renames: &Renames) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(is_part) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        out.push_str(renames.get(&rest[..end]).map_or(&rest[..end], String::as_str));
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

pub(crate) fn rename(touched: &mut Touched, renames: &Renames) {
    if renames.is_empty() {
        return;
    }
    touched.name = renamed(&touched.name, renames);
    for (_, text) in &mut touched.lines {
        *text = renamed(text, renames);
    }
}

/// Drops the lines of functions that both sides have alike; where the order counts, those that stand in the same one.
pub(crate) fn drop_same([before, after]: &mut Sides, order_counts: bool) {
    let mut old = by_place(before);
    for new in after {
        if let Some(at) = old.remove(&(new.path.clone(), new.found.name.clone()))
            && texts(&before[at]) == texts(new)
            && (!order_counts || before[at].found.order == new.found.order)
        {
            before[at].found.lines.clear();
            new.found.lines.clear();
        }
    }
}

/// Returns where each function is in a list.
pub(crate) fn by_place(side: &[Placed<Touched>]) -> HashMap<(String, String), usize> {
    let key = |placed: &Placed<Touched>| (placed.path.clone(), placed.found.name.clone());
    side.iter().enumerate().map(|(at, placed)| (key(placed), at)).collect()
}

/// Returns whether a constant is one for a translation register, and its value changes: `#define HCR_GUEST (HCR_VM | HCR_FB)`.
fn is_register_value(placed: &Placed<Touched>) -> bool {
    let Touched { name, lines, .. } = &placed.found;
    let constant = name.len() > 4 && !name.chars().any(char::is_lowercase);
    let starts = ["HCR_", "SCTLR_", "TCR_", "VTCR_", "TTBR", "MAIR_"];
    constant
        && starts.iter().any(|start| name.starts_with(start))
        && lines
            .iter()
            .any(|(_, text)| text.starts_with('#') && text.contains(name.as_str()))
}

/// Returns whether a line is more than braces and the head of its function.
pub(crate) fn says_something(text: &str, name: &str) -> bool {
    const NOTHING: [&str; 6] = ["do", "while", "else", "0", "return", "break"];
    let mut words = text::words(text);
    if words.clone().all(|word| NOTHING.contains(&word)) {
        return false;
    }
    let is_head = words.any(|word| word == name);
    // The body of a macro may stand on the line of its head.
    let body = text.strip_prefix('#').and_then(|rest| {
        let rest = rest.split_once(name)?.1;
        let list = rest.starts_with('(').then(|| rest.split_once(')'));
        Some(list.flatten().map_or(rest, |(_, body)| body))
    });
    let has_body = body.is_some_and(|body| body.contains(|c: char| c.is_alphanumeric()));
    !is_head || has_body
}

/// Returns the functions that lines stand in of which only the message says what they are for.
pub(crate) fn meant_bodies(
    sides: &Sides,
    meant: &[Unrecognised],
    places: &[Places; 2],
    renames: &Renames,
) -> Vec<Pair> {
    let mut about = Said::new();
    for one in meant {
        if let Some(name) = places[usize::from(one.after)].get(&(one.file.as_str(), one.line)) {
            for name in HashSet::from([(*name).to_owned(), renamed(name, renames)]) {
                about
                    .entry((one.file.clone(), name))
                    .or_default()
                    .push(one.text.clone());
            }
        }
    }
    let said = |placed: &Placed<Touched>| about.get(&(placed.path.clone(), placed.found.name.clone()));
    let mut own = [sides[0].clone(), sides[1].clone()];
    for (side, after) in own.iter_mut().zip([false, true]) {
        for placed in side {
            let (is_about, name) = (said(placed).is_some(), placed.found.name.clone());
            placed
                .found
                .lines
                .retain(|(_, text)| is_about && says_something(text, &name));
            if !after {
                rename(&mut placed.found, renames);
            }
        }
    }
    drop_same(&mut own, false);
    pairs(
        &own,
        |_| true,
        |placed| {
            let texts = said(placed).map(|texts| texts.iter().take(MAX_DOUBTS).cloned().collect::<Vec<_>>());
            texts.unwrap_or_default().join("; ")
        },
    )
}

/// Returns the functions that a message, which says this, may be about.
pub fn said_bodies(sides: &Sides, saying: &str) -> Vec<Pair> {
    let reason = format!("{SAID} \"{saying}\": what is invalidated, and what for, is not in sight");
    let about = |placed: &Placed<Touched>| {
        let mut texts = placed.found.lines.iter().map(|(_, text)| text.as_str());
        is_about_tables(&placed.found.name) || texts.any(is_about_tables)
    };
    let reason = |_: &Placed<Touched>| reason.clone();
    let mut all = pairs(sides, about, reason);
    if all.is_empty() {
        all = pairs(sides, |_| true, reason);
    }
    all.truncate(MAX_SAID);
    all
}

/// Returns what the changed lines of a function say.
pub(crate) fn texts(placed: &Placed<Touched>) -> Vec<&str> {
    placed.found.lines.iter().map(|(_, text)| text.as_str()).collect()
}

/// Returns whether a change was found in a function, or where it stands in place of its calls.
fn is_covered(placed: &Placed<Touched>, changes: &[Evaluated]) -> bool {
    let name = &placed.found.name;
    let sides = changes
        .iter()
        .flat_map(|change| change.before.iter().chain(&change.after));
    sides
        .into_iter()
        .any(|side| side.file == placed.path && side.function == *name || side.via.contains(name))
}

pub(crate) fn pairs(
    [before, after]: &Sides,
    fits: impl Fn(&Placed<Touched>) -> bool,
    reason: impl Fn(&Placed<Touched>) -> String,
) -> Vec<Pair> {
    let found = |placed: &Placed<Touched>| Placed::in_file(&placed.path)(found(&placed.found, &reason(placed)));
    let is_changed = |placed: &Placed<Touched>| !placed.found.lines.is_empty() && fits(placed);
    // The same lines in a function of that name elsewhere: it moves.
    let moving = |side: &[Placed<Touched>]| -> HashMap<String, Vec<usize>> {
        let mut all: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, placed) in side.iter().enumerate().filter(|(_, placed)| is_changed(placed)) {
            all.entry(placed.found.name.clone()).or_default().push(at);
        }
        all
    };
    let moves = |placed: &Placed<Touched>, side: &[Placed<Touched>], index: &HashMap<String, Vec<usize>>| {
        let others = index.get(&placed.found.name).into_iter().flatten();
        let mut others = others.map(|&at| &side[at]);
        !placed.found.lines.is_empty() && others.any(|other| other.path != placed.path && texts(other) == texts(placed))
    };
    let (from, to) = (moving(before), moving(after));
    let mut old = by_place(before);
    let mut out = Vec::new();
    for new in after {
        let before_it = old
            .remove(&(new.path.clone(), new.found.name.clone()))
            .map(|at| &before[at]);
        let changed = is_changed(new) || before_it.is_some_and(is_changed);
        // A constant that is new changes no register.
        let fresh = before_it.is_none_or(|old| old.found.lines.is_empty());
        if !changed
            || moves(new, before, &from)
            || fresh && is_register_value(new) && !names_maintenance(&new.found.name)
        {
            continue;
        }
        out.push(Pair {
            kind: if before_it.is_some() {
                Kind::Changed
            } else {
                Kind::Added
            },
            before: before_it.map(found),
            after: Some(found(new)),
        });
    }
    let mut gone: Vec<usize> = old.into_values().collect();
    gone.sort_unstable();
    for old in gone.into_iter().map(|at| &before[at]) {
        // One that goes changes none either: where it was used, another one stands.
        let constant = is_register_value(old) && !names_maintenance(&old.found.name);
        if is_changed(old) && !constant && !moves(old, after, &to) {
            out.push(Pair {
                kind: Kind::Removed,
                before: Some(found(old)),
                after: None,
            });
        }
    }
    out
}

fn found(touched: &Touched, reason: &str) -> Found {
    let short = |(_, text): &(u32, String)| text::cut(text, MAX_TEXT);
    let mut steps: Vec<String> = touched.lines.iter().take(MAX_LINES).map(short).collect();
    if touched.lines.len() > MAX_LINES {
        steps.push(format!("and {} lines more", touched.lines.len() - MAX_LINES));
    }
    Found {
        function: touched.name.clone(),
        line: touched.lines.first().map_or(0, |(line, _)| *line),
        lines: touched.lines.iter().map(|(line, _)| *line).collect::<BTreeSet<u32>>(),
        sequence: std::iter::empty().collect(),
        changed: true,
        primary: true,
        conditions: Vec::new(),
        around: Around {
            steps,
            reason: Some(reason.to_owned()),
            ..Around::default()
        },
        fragment: false,
        open_start: false,
        open_end: false,
        via: std::collections::BTreeSet::new(),
    }
}
