// SPDX-License-Identifier: MIT OR Apache-2.0
//! Helpers of headers that a patch changes: what that means is said by those who use them, in files that it does not show.

use crate::diff::Patch;
use crate::extract::text::words;
use crate::foreign::is_source_path;
use crate::source::{Side, Unit, touched};
use std::collections::BTreeSet;

/// Most helpers whose users are looked for.
const MAX_HELPERS: usize = 8;

/// Returns the macros and functions of headers, and of modules of Rust, in which a patch changes an instruction of maintenance.
pub fn changed(patch: &Patch) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in patch
        .files
        .iter()
        .filter(|file| is_shared(file.path()) && is_source_path(file.path()))
    {
        for side in [Side::Before, Side::After] {
            for found in touched(&Unit::side(file, side)) {
                let orders = |(_, text): &(u32, String)| words(text).any(is_operation);
                if !found.name.is_empty() && found.lines.iter().any(orders) && names.len() < MAX_HELPERS {
                    names.insert(found.name);
                }
            }
        }
    }
    names
}

/// Returns whether a text uses one of the helpers, by its words.
pub fn are_used(names: &BTreeSet<String>, text: &str) -> bool {
    names.iter().any(|name| {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        text.match_indices(name.as_str())
            .any(|(at, _)| !text[..at].ends_with(is_part) && !text[at + name.len()..].starts_with(is_part))
    })
}

/// Returns whether a file is one that others include, by its name.
fn is_shared(path: &str) -> bool {
    const ENDINGS: [&str; 12] = [
        "h", "hh", "hpp", "hxx", "h++", "inc", "inl", "ipp", "tcc", "mac", "macro", "rs",
    ];
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    ENDINGS.contains(&ending.to_ascii_lowercase().as_str())
}

/// Returns whether a word is an instruction of maintenance, as projects write it: `__tlbi`, `DSB`.
fn is_operation(word: &str) -> bool {
    let lower = word.trim_matches('_').to_ascii_lowercase();
    lower.starts_with("tlbi") || matches!(lower.as_str(), "dsb" | "isb")
}
