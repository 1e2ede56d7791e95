// SPDX-License-Identifier: MIT OR Apache-2.0
//! Functions that act on translations, in a patch in which nothing else was found: the net under all others.
//!
//! A patch may change who needs an invalidation without a word of one: an entry is written otherwise, pages are unmapped by
//! another call, a table is given back, a way through a mapping primitive goes elsewhere. "No TLB maintenance is changed"
//! would be said though it is not known, so both sides are shown, and the question is who invalidates.

use crate::bodies::{Renames, Sides, by_place, drop_same, pairs, rename, says_something, texts};
use crate::evaluate::TABLES;
use crate::extract::acts::{Acts, acts, does_something, is_elsewhere, is_near_tables, makes_entries, named_after_acts};
use crate::extract::publish::is_of_driver;
use crate::extract::tables::changes_translation;
use crate::pair::Pair;
use crate::placed::Placed;
use crate::source::Touched;
use std::collections::{HashMap, HashSet};

/// Most functions that are shown.
const MOST: usize = 12;

/// Returns the functions that act on translations and whose steps differ.
pub(crate) fn acting_bodies(sides: &Sides, renames: &Renames) -> Vec<Pair> {
    let place = |placed: &Placed<Touched>| (placed.path.clone(), renamed_place(placed, renames));
    let acting: HashSet<(String, String)> = sides
        .iter()
        .flatten()
        .filter(|placed| is_acting(placed))
        .map(place)
        .collect();
    if acting.is_empty() {
        return Vec::new();
    }
    let mut own = sides.clone();
    for (side, after) in own.iter_mut().zip([false, true]) {
        for placed in side {
            let (is_acting, name) = (acting.contains(&place(placed)), placed.found.name.clone());
            let lines = &mut placed.found.lines;
            lines.retain(|(_, text)| is_acting && says_something(text, &name) && does_something(text));
            if !after {
                rename(&mut placed.found, renames);
            }
        }
    }
    // Where names change too, the order of the lines cannot be told by them.
    drop_same(&mut own, renames.is_empty());
    drop_alike(&mut own);
    let mut all = pairs(&own, |_| true, |_| TABLES.to_owned());
    all.truncate(MOST);
    all
}

fn renamed_place(placed: &Placed<Touched>, renames: &Renames) -> String {
    let name = &placed.found.name;
    renames.get(name).unwrap_or(name).clone()
}

/// Returns whether a function acts on translations on a line that changes; in code about tables also where its other lines,
/// or its name, do.
fn is_acting(placed: &Placed<Touched>) -> bool {
    let Placed { path, found } = placed;
    if found.lines.is_empty() || is_of_driver(path) || is_elsewhere(path) {
        return false;
    }
    let of_tables = is_near_tables(path);
    let needed = match of_tables {
        true => Acts::InTableCode,
        false => Acts::Anywhere,
    };
    let counts = |text: &str| says_something(text, &found.name) && does_something(text);
    let mut lines = found.lines.iter().map(|(_, text)| text.as_str());
    let changed =
        lines.any(|text| counts(text) && (acts(text).is_some_and(|own| own >= needed) || changes_translation(text)));
    let whole = of_tables
        && !found.name.is_empty()
        && (found.acts || named_after_acts(&found.name) || makes_entries(&found.name));
    changed || whole && found.lines.iter().any(|(_, text)| counts(text))
}

/// Drops the lines of functions that both sides have alike but for white space, the ends of lines, and names of their own.
/// Lines that are the very same stand in another order.
fn drop_alike([before, after]: &mut Sides) {
    let mut old = by_place(before);
    for new in after {
        if let Some(at) = old.remove(&(new.path.clone(), new.found.name.clone()))
            && texts(&before[at]) != texts(new)
            && alike(&before[at].found, &new.found)
        {
            before[at].found.lines.clear();
            new.found.lines.clear();
        }
    }
}

/// Returns whether lines say the same, with other names for variables.
fn alike(old: &Touched, new: &Touched) -> bool {
    let whole = |touched: &Touched| -> String { touched.lines.iter().map(|(_, text)| format!("{text}\n")).collect() };
    let (old, new) = (whole(old), whole(new));
    let (left, right) = (pieces(&old), pieces(&new));
    let (words_left, words_right): (HashSet<&str>, HashSet<&str>) =
        (left.iter().copied().collect(), right.iter().copied().collect());
    // A name that the other side has too is no other name for the same.
    let is_own = |word: &str, others: &HashSet<&str>| {
        word.starts_with(|c: char| c.is_lowercase() || c == '_') && !others.contains(word) && !named_after_acts(word)
    };
    let mut names: HashMap<&str, &str> = HashMap::new();
    let mut back: HashMap<&str, &str> = HashMap::new();
    left.len() == right.len()
        && left.iter().zip(&right).all(|(old, new)| {
            let fits = *names.entry(old).or_insert(new) == *new && *back.entry(new).or_insert(old) == *old;
            old == new || fits && is_own(old, &words_right) && is_own(new, &words_left)
        })
}

/// Returns the words and signs of a text, without what only says of which type or how visible something is.
fn pieces(text: &str) -> Vec<&str> {
    const TYPES: [&str; 10] = [
        "pub", "const", "static", "inline", "unsafe", "crate", "mut", "volatile", "unsigned", "struct",
    ];
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = match is_part(first) {
            true => rest.find(|c| !is_part(c)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        let piece = &rest[..end];
        let is_last_comma = piece == "," && rest[end..].trim_start().starts_with([')', '}', ']']);
        if !first.is_whitespace() && !TYPES.contains(&piece) && !is_last_comma {
            out.push(piece);
        }
        rest = &rest[end..];
    }
    out
}
