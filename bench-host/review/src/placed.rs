// SPDX-License-Identifier: MIT OR Apache-2.0
//! Something together with the file it was found in.

use std::collections::{BTreeSet, HashMap};

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
