// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a run did about a mutant, in the words of a reader: a mistake that is caught is good news, so none of them are
//! those of checks.

use results::verdict::{Class, Power};

use crate::matrix::Mark;
use crate::model::{CheckResult, CheckRow, Fate, Mutant, Summary};
use crate::table::Tone;

/// The kinds of mutants whose TLBI misses the entry.
const ABOUT_TLBI: [&str; 4] = ["narrow_scope", "wrong_regime", "wrong_operand", "last_level"];

/// What a run did about a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is a mistake, and the run saw a stale translation.
    Caught,
    /// It is a mistake, and the run did not show it although the check has power: not observable on this machine.
    NotCaught,
    /// It is a mistake, and the check showed nothing on this machine, not even without any maintenance.
    NoPower,
    /// It is sufficient as it is, so there is nothing to catch.
    NoMistake,
    /// The run saw a stale translation where the judge says there can be none.
    Disagreement,
    /// It was not run.
    NotRun,
}

impl Outcome {
    /// Every outcome, in the order of tables.
    pub const ALL: [Self; 6] = [
        Self::Caught,
        Self::NotCaught,
        Self::NoPower,
        Self::NoMistake,
        Self::Disagreement,
        Self::NotRun,
    ];

    /// Returns what a run did about one of its mutants.
    pub fn of(run: &Summary, mutant: &Mutant) -> Self {
        let check = run.checks.iter().find(|check| check.id == mutant.check);
        let has_power = |check: &CheckResult| match check.power() {
            None | Some(Power::Nothing) => false,
            // What only barriers do shows, and the mistake is another one.
            Some(Power::Barriers) => !ABOUT_TLBI.contains(&mutant.kind.as_str()),
            Some(Power::Invalidation | Power::Unknown) => true,
        };
        // The judge decides on mutants that cannot be run here too.
        let planned = &run.manifest.plan.sequences;
        let is_skipped = |row: &CheckRow| {
            let is_it = |id: &str| planned.iter().any(|s| s.id == id && s.text == mutant.sequence);
            row.class == Class::Skipped && is_it(&row.seq)
        };
        match mutant.fate {
            Fate::CaughtByRun => Self::Caught,
            Fate::Disagreement => Self::Disagreement,
            Fate::Skipped => Self::NotRun,
            _ if check.is_some_and(|check| check.rows.iter().any(is_skipped)) => Self::NotRun,
            Fate::Equivalent => Self::NoMistake,
            Fate::CaughtByJudge | Fate::Survived if check.is_some_and(has_power) => Self::NotCaught,
            Fate::CaughtByJudge | Fate::Survived => Self::NoPower,
        }
    }

    /// Returns what a run did about the mutant that a row of a check is about; `None` if that is no mutant.
    pub fn of_row(run: &Summary, check: &CheckResult, row: &CheckRow) -> Option<Self> {
        // Nearly no run has mutants, and a check has hundreds of rows.
        if run.mutants.is_empty() {
            return None;
        }
        let sequence = run.manifest.plan.sequences.iter().find(|s| s.id == row.seq)?;
        let is_it = |mutant: &&Mutant| mutant.check == check.id && mutant.sequence == sequence.text;
        run.mutants.iter().find(is_it).map(|mutant| Self::of(run, mutant))
    }

    /// Returns it as it is shown.
    pub const fn words(self) -> (&'static str, Tone) {
        match self {
            Self::Caught => ("caught", Tone::Good),
            Self::NotCaught => ("not caught", Tone::Care),
            Self::NoPower => ("no power", Tone::Care),
            Self::NoMistake => ("no mistake", Tone::Plain),
            Self::Disagreement => ("DISAGREEMENT", Tone::Bad),
            Self::NotRun => ("not run", Tone::Plain),
        }
    }

    /// Returns it as a sign that is told from the others, and from those of checks, without color.
    pub fn mark(self) -> Mark {
        let (words, tone) = self.words();
        let sign = match self {
            Self::Caught => "\u{25cf}",
            Self::NotCaught => "\u{25cb}",
            Self::NoPower => "?",
            Self::NoMistake => "=",
            Self::Disagreement => "!",
            Self::NotRun => "\u{2013}",
        };
        Mark {
            sign: sign.to_owned(),
            tone,
            words: words.to_owned(),
        }
    }
}
