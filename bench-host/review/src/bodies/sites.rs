// SPDX-License-Identifier: MIT OR Apache-2.0
//! The other sites of a change: functions that it is in too, and of which nothing was shown.
//!
//! A flush that leaves one function and comes to another is in both. A helper that changes does so for those that call it,
//! and what a flush depends on may be a function that is new. Where only some of these are shown, a reader takes the rest for
//! unchanged. So each function in which a changed line speaks of maintenance is held against itself on the other side, and
//! shown with both unless it says the same in the same place, or only moves as a whole.

use super::{MAX_SAID, Renames, Sides, is_covered, pairs, renamed, says_something};
use crate::Unrecognised;
use crate::evaluate::Evaluated;
use crate::extract::names::is_long_barrier;
use crate::extract::publish::is_of_driver;
use crate::extract::text;
use crate::extract::words::{is_barrier, is_invalidation, speaks_of_flush};
use crate::listed::functions_at;
use crate::mention::Mention;
use crate::pair::Pair;
use crate::placed::{Both, Placed};
use crate::source::{Guarded, LoneBarrier, Touched};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Drops the lines of a list that sites show; an operation that nobody could read stays listed.
pub(crate) fn drop_sites(lines: &mut Vec<Unrecognised>, sites: &[Pair], seen: &[Vec<Seen>; 2]) {
    lines.retain(|one| {
        let mut seen = seen[usize::from(one.after)].iter();
        let is_seen = seen.any(|seen| seen.path == one.file && seen.line == one.line && seen.text == one.text);
        let shown = || sites.iter().any(|pair| pair.shows(one.after, &one.file, one.line));
        !is_seen || is_invalidation(&one.text) || !shown()
    });
}

/// Fewest letters of a name by which a helper is known: shorter ones are words.
const MIN_NAME: usize = 4;

/// A changed line that speaks of maintenance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its file.
    pub path: String,
    /// Its line.
    pub line: u32,
    /// What it says.
    pub text: String,
}

impl Seen {
    fn at(path: &str, line: u32, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            line,
            text: text.to_owned(),
        }
    }

    /// Returns the changed lines that speak of maintenance, but for those that are a barrier and nothing else.
    pub fn of(mentions: &Both<Mention>) -> [Vec<Self>; 2] {
        let one = |placed: &Placed<Mention>| Self::at(&placed.path, placed.found.line, &placed.found.text);
        let of_side = |side: &Vec<Placed<Mention>>| {
            // What a macro of barriers is for, its users say.
            let is_more = |placed: &&Placed<Mention>| {
                let text = &placed.found.text;
                !is_barrier(text) && !is_long_barrier(text) && (!text.starts_with("define") || speaks_of_flush(text))
            };
            side.iter().filter(is_more).map(one).collect()
        };
        [of_side(&mentions[0]), of_side(&mentions[1])]
    }

    /// Adds the calls of flushes that cannot be looked into; those on lines that are kept are in no list of what changes.
    pub fn add_calls(seen: &mut [Vec<Self>; 2], calls: &Both<Guarded>) {
        let one = |placed: &Placed<Guarded>| Self::at(&placed.path, placed.found.line, &placed.found.text);
        for (seen, side) in seen.iter_mut().zip(calls) {
            let known: HashSet<(String, u32)> = seen.iter().map(|one| (one.path.clone(), one.line)).collect();
            let is_new = |call: &Self| !known.contains(&(call.path.clone(), call.line));
            seen.extend(side.iter().map(one).filter(is_new));
        }
    }

    /// Adds the barriers that stand beside something of translation, and where `all` is set, those that may.
    pub fn add(seen: &mut [Vec<Self>; 2], barriers: &Both<LoneBarrier>, all: bool) {
        let one = |placed: &Placed<LoneBarrier>| Self::at(&placed.path, placed.found.line, &placed.found.text);
        for (seen, side) in seen.iter_mut().zip(barriers) {
            let counts = |lone: &&Placed<LoneBarrier>| {
                lone.found.beside.is_some() || all && is_barrier(&lone.found.text) && !is_of_driver(&lone.path)
            };
            seen.extend(side.iter().filter(counts).map(one));
        }
    }
}

/// A function, by file and name; on the side before by the name that it has after the patch.
type Place = (String, String);

/// What a function says of maintenance on changed lines, and below which line each stands.
type Sayings = BTreeMap<Place, Vec<(String, String)>>;

/// Returns the functions that are sites of what was found, and that no change shows.
pub fn unshown(sides: &Sides, seen: &[Vec<Seen>; 2], changes: &[Evaluated], renames: &Renames) -> Vec<Pair> {
    let place = |placed: &Placed<Touched>| (placed.path.clone(), renamed(&placed.found.name, renames));
    let is_free = |placed: &Placed<Touched>| !placed.found.name.is_empty() && !is_covered(placed, changes);
    let mut free: HashSet<Place> = sides.iter().flatten().map(place).collect();
    for placed in sides.iter().flatten().filter(|placed| !is_free(placed)) {
        free.remove(&place(placed));
    }
    let said = said_otherwise(sides, seen, renames).into_iter().map(|(place, text)| {
        let reason = format!("`{text}` is not where it was: what it does here, and what did before, is not judged");
        (place, reason)
    });
    let acting = acting(sides, seen, changes, renames);
    let using = callers(sides, &acting, renames).into_iter().map(|(place, name)| {
        let reason = format!("it uses `{name}`, which the patch changes too, and does so otherwise than before");
        (place, reason)
    });
    let deciding = helpers(sides, changes, renames).into_iter().map(|(place, name)| {
        let reason = format!("`{name}` depends on it where it flushes: is the answer it gives right there?");
        (place, reason)
    });
    let mut reasons: BTreeMap<Place, String> = BTreeMap::new();
    // What comes first says more.
    for (place, reason) in said.chain(using).chain(deciding) {
        if free.contains(&place) && (reasons.len() < MAX_SAID || reasons.contains_key(&place)) {
            reasons.entry(place).or_insert(reason);
        }
    }
    let only = |side: &Vec<Placed<Touched>>| -> Vec<Placed<Touched>> {
        let one = |placed: &Placed<Touched>| {
            let mut placed = placed.clone();
            placed.found.name = renamed(&placed.found.name, renames);
            let name = placed.found.name.clone();
            placed.found.lines.retain(|(_, text)| says_something(text, &name));
            placed
        };
        side.iter()
            .filter(|placed| reasons.contains_key(&place(placed)))
            .map(one)
            .collect()
    };
    let reason = |placed: &Placed<Touched>| {
        let place = (placed.path.clone(), placed.found.name.clone());
        reasons.get(&place).cloned().unwrap_or_default()
    };
    pairs(&[only(&sides[0]), only(&sides[1])], |_| true, reason)
}

/// Returns the functions that say something else of maintenance than before, or elsewhere, and what.
fn said_otherwise(sides: &Sides, seen: &[Vec<Seen>; 2], renames: &Renames) -> Vec<(Place, String)> {
    let sayings = [0, 1].map(|side| sayings(&sides[side], &seen[side], renames));
    let texts = |all: &[(String, String)]| -> Vec<String> {
        let mut texts: Vec<String> = all.iter().map(|(text, _)| text.clone()).collect();
        texts.sort();
        texts
    };
    // What leaves a function as a whole, and comes to one of that name, or where the same is around it, only moves.
    let alone = |side: usize| -> Vec<(&Place, Vec<String>)> {
        let other = &sayings[1 - side];
        let all = sayings[side].iter().filter(|(place, _)| !other.contains_key(*place));
        all.map(|(place, own)| (place, texts(own))).collect()
    };
    let bodies = [0, 1].map(|side| bodies(&sides[side], renames));
    let (gone, come) = (alone(0), alone(1));
    let mut moved: HashSet<(usize, Place)> = HashSet::new();
    for (from, own) in &gone {
        let same = |(to, other): &&(&Place, Vec<String>)| {
            own == other && (from.1 == to.1 || bodies[0].get(*from) == bodies[1].get(*to))
        };
        if let Some((to, _)) = come.iter().find(same) {
            moved.insert((0, (*from).clone()));
            moved.insert((1, (*to).clone()));
        }
    }
    let mut out = Vec::new();
    for (side, own) in sayings.iter().enumerate() {
        for (place, own) in own
            .iter()
            .filter(|(place, _)| !moved.contains(&(side, (*place).clone())))
        {
            let other = sayings[1 - side].get(place);
            let is_new = |one: &&(String, String)| other.is_none_or(|other| !other.contains(one));
            let fewer = || other.is_some_and(|other| other.len() < own.len());
            if let Some((text, _)) = own.iter().find(is_new).or_else(|| own.first().filter(|_| fewer())) {
                out.push((place.clone(), text.clone()));
            }
        }
    }
    out
}

/// Returns what each function says of maintenance.
fn sayings(side: &[Placed<Touched>], seen: &[Seen], renames: &Renames) -> Sayings {
    let lines = functions_at(side);
    let mut out = Sayings::new();
    for one in seen {
        let Some(placed) = lines.get(&(one.path.as_str(), one.line)) else {
            continue;
        };
        let above = placed.found.above.get(&one.line).map_or("", String::as_str);
        let place = (placed.path.clone(), renamed(&placed.found.name, renames));
        out.entry(place)
            .or_default()
            .push((renamed(&one.text, renames), renamed(above, renames)));
    }
    out
}

/// Returns what changes in each function, but for its own name.
fn bodies(side: &[Placed<Touched>], renames: &Renames) -> HashMap<Place, Vec<String>> {
    let mut out = HashMap::new();
    for placed in side {
        let name = renamed(&placed.found.name, renames);
        let lines = placed.found.lines.iter().map(|(_, text)| renamed(text, renames));
        let body = lines.filter(|text| says_something(text, &name)).collect();
        out.insert((placed.path.clone(), name), body);
    }
    out
}

/// Returns the names of functions that are shown, and not judged, and that act on translation themselves: what they do is done
/// where they are called. One that is judged is put in place of its calls where it matters.
fn acting(sides: &Sides, seen: &[Vec<Seen>; 2], changes: &[Evaluated], renames: &Renames) -> BTreeSet<String> {
    let said: BTreeSet<String> = [0, 1]
        .into_iter()
        .flat_map(|side| sayings(&sides[side], &seen[side], renames))
        .map(|((_, name), _)| name)
        .collect();
    let passages = changes.iter().filter(|change| change.is_passage);
    let shown = passages.flat_map(|change| change.before.iter().chain(&change.after));
    let acts = shown.filter(|side| !side.sequence.items.is_empty() || said.contains(&renamed(&side.function, renames)));
    let names = acts.map(|side| renamed(&side.function, renames));
    let is_general = |name: &String| matches!(name.as_str(), "main" | "init" | "_start" | "start" | "write" | "read");
    names
        .filter(|name| name.len() >= MIN_NAME && !is_general(name))
        .collect()
}

/// Returns the functions whose uses of one of these change, and the name of that.
fn callers(sides: &Sides, names: &BTreeSet<String>, renames: &Renames) -> Vec<(Place, String)> {
    let uses = |side: &[Placed<Touched>]| -> BTreeMap<(Place, String), Vec<(String, String)>> {
        let mut out: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for placed in side {
            let own = renamed(&placed.found.name, renames);
            for (line, text) in &placed.found.lines {
                let text = renamed(text, renames);
                let used = text::words(&text).find(|word| names.contains(*word) && **word != *own);
                let Some(used) = used.filter(|used| is_use(&text, used)) else {
                    continue;
                };
                let above = placed.found.above.get(line).cloned().unwrap_or_default();
                let key = ((placed.path.clone(), own.clone()), used.to_owned());
                out.entry(key).or_default().push((text, above));
            }
        }
        out
    };
    let (before, after) = (uses(&sides[0]), uses(&sides[1]));
    let all: BTreeSet<&(Place, String)> = before.keys().chain(after.keys()).collect();
    let differs = all.into_iter().filter(|key| before.get(*key) != after.get(*key));
    differs.cloned().collect()
}

/// Returns whether a line uses a function or macro of this name, and does not declare or define one.
fn is_use(text: &str, name: &str) -> bool {
    let Some((left, right)) = text.split_once(name) else {
        return false;
    };
    let right = right.trim_start_matches('!').trim_start();
    let called = right.starts_with('(') || right.starts_with("::<");
    let last = left.split_whitespace().last().unwrap_or_default();
    let jumped = matches!(last, "b" | "bl");
    // A macro of the assembler stands first, and its arguments behind it.
    let expanded =
        left.trim().is_empty() && !right.is_empty() && !right.starts_with([':', '=', '.', '-', ';', ',', '[']);
    let declared = [
        "fn", "func", "define", "void", "int", "bool", "inline", "macro", ".macro", "long",
    ]
    .contains(&last);
    (called || jumped || expanded) && !declared
}

/// Returns the functions that change, and that a function which flushes, and is shown, asks in a condition that changes.
fn helpers(sides: &Sides, changes: &[Evaluated], renames: &Renames) -> Vec<(Place, String)> {
    let mut out = Vec::new();
    for side in sides {
        let mut asked: HashMap<String, String> = HashMap::new();
        let flushing = side
            .iter()
            .filter(|placed| placed.found.flushes && is_covered(placed, changes));
        for placed in flushing {
            for (_, text) in &placed.found.lines {
                let is_condition = text::words(text).any(|word| matches!(word, "if" | "while" | "match" | "switch"));
                for word in text::words(text).filter(|word| is_condition && word.len() >= MIN_NAME) {
                    if *word != *placed.found.name && is_use(text, word) && !word.starts_with(char::is_uppercase) {
                        asked
                            .entry(word.to_owned())
                            .or_insert_with(|| placed.found.name.clone());
                    }
                }
            }
        }
        for placed in side.iter().filter(|placed| !placed.found.lines.is_empty()) {
            let name = renamed(&placed.found.name, renames);
            if let Some(user) = asked.get(&placed.found.name).filter(|_| is_use_of_code(placed)) {
                out.push(((placed.path.clone(), name), user.clone()));
            }
        }
    }
    out
}

/// Returns whether what changes in a function is more than its head.
fn is_use_of_code(placed: &Placed<Touched>) -> bool {
    let name = &placed.found.name;
    placed.found.lines.iter().any(|(_, text)| says_something(text, name))
}
