// SPDX-License-Identifier: MIT OR Apache-2.0
//! Mistakes made on purpose, and whether they were caught.

/// A sequence with one mistake, or what might be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// The kind of edit.
    pub kind: String,
    /// Stable id of the check it ran in.
    pub check: String,
    /// The sequence after the edit.
    pub sequence: String,
    /// What was edited.
    pub edit: String,
    /// What the judge says, in a word.
    pub judge: String,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// The run saw a stale translation.
    CaughtByRun,
    /// The judge says it is insufficient; this machine did not show it.
    CaughtByJudge,
    /// Neither decided against it.
    Survived,
    /// The judge says it is sufficient, and the run agrees: no mistake at all.
    Equivalent,
    /// The run saw a stale translation where the judge says there can be none: the machine or the judge is wrong.
    Disagreement,
    /// This machine cannot run it.
    Skipped,
}

impl Fate {
    /// Every fate, in the order of tables.
    pub const ALL: [Self; 6] = [
        Self::CaughtByRun,
        Self::CaughtByJudge,
        Self::Survived,
        Self::Equivalent,
        Self::Disagreement,
        Self::Skipped,
    ];

    /// Returns its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CaughtByRun => "caught by the run",
            Self::CaughtByJudge => "caught by the judge only",
            Self::Survived => "survived",
            Self::Equivalent => "no mistake",
            Self::Disagreement => "disagreement",
            Self::Skipped => "skipped",
        }
    }

    /// Returns the fate of this name. Runs stored before mutants were "caught" say "killed".
    pub fn from_name(name: &str) -> Option<Self> {
        let is = |fate: &Self| match name.strip_prefix("killed") {
            Some(rest) => fate.name().strip_prefix("caught") == Some(rest),
            None => fate.name() == name,
        };
        Self::ALL.into_iter().find(is)
    }

    /// Returns whether the mutant is a mistake as far as anybody knows, so that it counts in the score.
    pub const fn is_mistake(self) -> bool {
        matches!(self, Self::CaughtByRun | Self::CaughtByJudge | Self::Survived)
    }
}
