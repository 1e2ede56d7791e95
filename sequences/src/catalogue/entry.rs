// SPDX-License-Identifier: MIT OR Apache-2.0
//! One line of the catalogue.

use crate::parse::ParseError;
use crate::sequence::Sequence;
use core::fmt::{self, Display, Formatter};

/// Whether a project still does this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Era {
    /// In the version surveyed, of 2023 or later for most projects.
    Current,
    /// In an earlier version; changed or removed since.
    Historical,
}

impl Era {
    /// Returns `current` or `historical`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Historical => "historical",
        }
    }
}

impl Display for Era {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One sequence of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The stable key, `[a-z0-9_]+`: in every output, and never used for anything else.
    pub id: &'a str,
    /// The project, e.g. `xen`.
    pub project: &'a str,
    /// A commit, a release, or the time before a commit (`c^`).
    pub version: &'a str,
    /// The file in the project.
    pub file: &'a str,
    /// The function or macro, with what distinguishes this entry from others of the same function.
    pub function: &'a str,
    /// What the project uses it for.
    pub purpose: &'a str,
    /// The translation regimes of the operations: `EL1&0`, `EL2`, `EL2&0`, `EL3`, `stage2`, `GPT` (granule protection
    /// tables), several joined by `+`. `EL1&0+stage2` is both stages of one regime.
    pub regime: &'a str,
    /// The PEs that the operations apply to: `local`, `inner`, `outer`, several joined by `+`; `none` without any.
    pub scope: &'a str,
    /// Whether the project still does this.
    pub era: Era,
    /// The sequence, in canonical text.
    pub text: &'a str,
    /// The steps in full, where `text` leaves some out or is one of several alternatives; otherwise empty.
    pub original: &'a str,
    /// What to know before judging or measuring `text` on its own; often empty.
    pub context: &'a str,
    /// The repository; `(re-read)` after it if the source was read a second time for this catalogue.
    pub source: &'a str,
}

impl Entry<'_> {
    /// Returns the sequence.
    ///
    /// # Errors
    ///
    /// Does not fail for an entry of [`catalogue`](super::catalogue()): a test parses them all.
    pub fn sequence(&self) -> Result<Sequence, ParseError> {
        self.text.parse()
    }
}
