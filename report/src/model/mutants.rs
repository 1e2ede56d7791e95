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
    KilledByRun,
    /// The judge says it is insufficient; this machine did not show it.
    KilledByJudge,
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
        Self::KilledByRun,
        Self::KilledByJudge,
        Self::Survived,
        Self::Equivalent,
        Self::Disagreement,
        Self::Skipped,
    ];

    /// Returns its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::KilledByRun => "killed by the run",
            Self::KilledByJudge => "killed by the judge only",
            Self::Survived => "survived",
            Self::Equivalent => "no mistake",
            Self::Disagreement => "disagreement",
            Self::Skipped => "skipped",
        }
    }

    /// Returns whether the mutant is a mistake as far as anybody knows, so that it counts in the score.
    pub const fn is_mistake(self) -> bool {
        matches!(self, Self::KilledByRun | Self::KilledByJudge | Self::Survived)
    }
}
