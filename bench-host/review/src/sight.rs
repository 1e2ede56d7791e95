// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be seen beyond a patch: the rest of the files that it changes, and what its calls may mean.
//!
//! A [`Tree`](crate::tree::Tree) is one state of the sources, and says the same for both sides; a
//! [`Commit`](crate::git::commit::Commit) knows each side as it was.

use crate::diff::{FileDiff, Patch};
use crate::source::{Side, Surroundings, Unit};
use std::collections::BTreeSet;

/// What can be seen beyond a patch.
pub trait Sight {
    /// Returns a side of a file's diff with the rest of the file around it, where that is known.
    fn whole(&self, file: &FileDiff, side: Side) -> Option<Unit>;

    /// Returns the files that use one of the helpers which a patch changes, and which it leaves alone.
    fn users(&self, helpers: &BTreeSet<String>, patch: &Patch) -> Vec<Unit>;

    /// Returns the macros and functions that a side may use.
    fn surroundings(&self, side: Side) -> Surroundings;
}
