// SPDX-License-Identifier: MIT OR Apache-2.0
//! Something together with the file it was found in.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

/// Something of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Placed<T> {
    /// The file; of a renamed one, the new name on both sides.
    pub path: String,
    /// What was found in it.
    pub found: T,
}

impl<T> Placed<T> {
    /// Returns a function that places things in a file.
    pub fn in_file(path: &str) -> impl Fn(T) -> Self {
        move |found| Self {
            path: path.to_owned(),
            found,
        }
    }
}

/// What the side before and the side after have of something.
pub(crate) type Both<T> = [Vec<Placed<T>>; 2];

/// The lines of a side that are accounted for, by file.
pub(crate) type ReadLines = HashMap<String, BTreeSet<u32>>;

/// Returns what each side has and the other has not, or not as often: what only moves is on both.
pub(crate) fn on_one_side<T, K: Eq + Hash>(sides: Both<T>, key: impl Fn(&T) -> K) -> Both<T> {
    let count = |side: &[Placed<T>]| {
        let mut counts: HashMap<K, usize> = HashMap::new();
        for placed in side {
            *counts.entry(key(&placed.found)).or_default() += 1;
        }
        counts
    };
    let [mut before, mut after] = [count(&sides[0]), count(&sides[1])];
    let left = |mut side: Vec<Placed<T>>, others: &mut HashMap<K, usize>| {
        side.retain(|placed| match others.get_mut(&key(&placed.found)) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        });
        side
    };
    let [old, new] = sides;
    [left(old, &mut after), left(new, &mut before)]
}
