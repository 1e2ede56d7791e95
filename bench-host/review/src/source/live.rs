// SPDX-License-Identifier: MIT OR Apache-2.0
//! Entries that get another address while they are valid, in functions that flush nothing.
//!
//! A block that is split, a page that moves: where the code itself asks whether the entry is valid and then writes
//! another address or table into it, without making it invalid and flushing first, two translations of one address may be
//! in use at once (Arm ARM, break-before-make). Nothing there is maintenance, so nothing else looks at it. Only stores that
//! the patch changes are asked about; permissions alone may be changed so.

use crate::extract::condition::Decided;
use crate::extract::event::{Event, Kind};
use crate::extract::names::{has_entry_word, looks_like_maintenance};
use crate::extract::path::Path;
use crate::extract::{Doubt, Function, Unread};

/// Returns the stores that the patch changes and that replace a valid entry without a break.
pub(super) fn replaced(function: &Function, paths: &[Path]) -> Vec<Unread> {
    let mut all: Vec<Unread> = Vec::new();
    for path in paths {
        let flushes = path.events.iter().any(|event| match &event.kind {
            Kind::Tlbi(..) | Kind::Barrier(_) => true,
            Kind::Call(name) => looks_like_maintenance(name) || name.contains("complete"),
            _ => false,
        });
        let stores = |event: &&Event| matches!(event.kind, Kind::Store(_)) && event.changed;
        if flushes || !path.events.iter().any(|event| stores(&event)) {
            continue;
        }
        let mut decided = Decided::default();
        for condition in &path.conditions {
            decided.decide(condition, true);
        }
        let valid: Vec<&str> = decided
            .atoms()
            .filter_map(|(atom, holds)| says_valid(atom, holds).then_some(atom))
            .collect();
        for (at, event) in path.events.iter().enumerate().filter(|(_, event)| stores(event)) {
            let Kind::Store(stored) = &event.kind else { continue };
            let broken = path.events[..at].iter().any(
                |earlier| matches!(&earlier.kind, Kind::Store(first) if first.invalid && first.target == stored.target),
            );
            if stored.invalid || !stored.moves || broken || all.iter().any(|known| known.line == event.line) {
                continue;
            }
            if let Some(by) = valid.iter().find(|atom| is_of(atom, &stored.target)) {
                let text = format!(
                    "`{}` is valid by `{by}`, and gets another address: nothing makes it invalid and flushes it first",
                    stored.target
                );
                all.push(Unread {
                    function: function.name.clone(),
                    ..Unread::new(event.line, text, true, Doubt::Call)
                });
            }
        }
    }
    all
}

/// Returns whether a condition that holds, or does not, says that an entry is valid.
fn says_valid(atom: &str, holds: bool) -> bool {
    let Some((name, rest)) = atom.split_once('(') else {
        return false;
    };
    let lower = name.trim().to_ascii_lowercase();
    let has = |words: &[&str]| lower.split('_').any(|part| words.contains(&part));
    // Of an entry, by the name or by what is asked.
    if !has_entry_word(&lower) && !has_entry_word(rest) {
        return false;
    }
    match holds {
        true => has(&["valid", "present", "leaf", "sect", "block", "huge"]) && !has(&["not", "no", "invalid"]),
        false => has(&["none", "invalid"]),
    }
}

/// Returns whether a condition asks about the entry that is stored to: by its name, or by that of what was read from it.
fn is_of(atom: &str, target: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let inside = atom.split_once('(').map_or("", |(_, inside)| inside);
    let entry = target.trim_matches(|c| !is_name(c));
    let read = entry.trim_end_matches('p');
    !read.is_empty()
        && inside
            .split(|c: char| !is_name(c))
            .any(|word| word == entry || word == read)
}
