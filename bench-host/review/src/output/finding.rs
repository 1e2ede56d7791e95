// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a review has to say of places, one by one: the form that editors, code scanning and CI take.

use crate::evaluate::{Ground, SideVerdict};
use crate::evidence::Trials;
use crate::series::Reviewed;
use crate::{Outcome, Review, Unrecognised};
use results::verdict::Class;
use sequences::judge::Verdict;

/// What a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A stale translation can be used.
    Insufficient,
    /// A weaker sequence is enough.
    StrongerThanNeeded,
    /// It is not decided.
    Undecided,
    /// A check saw a stale translation.
    Stale,
    /// It was not understood.
    Unrecognised,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 5] = [
        Self::Insufficient,
        Self::StrongerThanNeeded,
        Self::Undecided,
        Self::Stale,
        Self::Unrecognised,
    ];

    /// Returns the identifier, which stays.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Insufficient => "tlb-insufficient",
            Self::StrongerThanNeeded => "tlb-stronger-than-needed",
            Self::Undecided => "tlb-undecided",
            Self::Stale => "tlb-stale",
            Self::Unrecognised => "tlb-unrecognised",
        }
    }

    /// Returns what it means, in a line.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Insufficient => "A stale translation can be used after this sequence",
            Self::StrongerThanNeeded => "A weaker sequence is enough",
            Self::Undecided => "It is not decided whether this sequence is enough",
            Self::Stale => "A check saw a stale translation after this sequence",
            Self::Unrecognised => "This looks like TLB maintenance and was not understood",
        }
    }

    /// Returns what a reader can do about it.
    pub const fn help(self) -> &'static str {
        match self {
            Self::Insufficient => {
                "The architecture permits that a translation from before the change is used after this sequence. The message \
                 says which rule is not met, and which sequence is enough. `bench-host judge 'SEQUENCE'` shows a way to \
                 the stale access; `--regime`, `--observers` and the like state a context that the text does not show."
            }
            Self::StrongerThanNeeded => {
                "Nothing is wrong. A weaker sequence gives the same guarantee in the context that was assumed."
            }
            Self::Undecided => {
                "What decides is not in the text that was read. The message says what: state it (`bench-host review --help`, \
                 Context), or give the source tree with `--tree`."
            }
            Self::Stale => {
                "A check ran this sequence on the machine named in the message and saw a stale translation. `bench-host \
                 check` repeats it."
            }
            Self::Unrecognised => {
                "The text speaks of TLB maintenance in a way that is not understood, so nothing is said of it. A file of \
                 spellings (`--spellings`) tells what a name stands for."
            }
        }
    }

    /// Returns how much it weighs.
    pub const fn level(self) -> Level {
        match self {
            Self::Insufficient | Self::Stale => Level::Error,
            Self::Undecided | Self::Unrecognised => Level::Warning,
            Self::StrongerThanNeeded => Level::Note,
        }
    }
}

/// How much a finding weighs, in the words that compilers and SARIF share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// It is wrong.
    Error,
    /// It may be.
    Warning,
    /// It is not.
    Note,
}

impl Level {
    /// Returns the word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub rule: Rule,
    /// How much it weighs.
    pub level: Level,
    /// The message.
    pub text: String,
    /// The file.
    pub file: String,
    /// Its first line; 0 where it is about the file.
    pub line: u32,
    /// Its last line.
    pub last_line: u32,
    /// What stays when lines move: function and sequence, or the text.
    pub what: String,
}

/// Returns what is found of a verdict; nothing for a sequence that is enough, and no stronger.
pub fn of_side(side: &SideVerdict) -> Option<Finding> {
    let rule = match side.verdict {
        Verdict::Sufficient => return None,
        Verdict::Insufficient => Rule::Insufficient,
        Verdict::StrongerThanNeeded => Rule::StrongerThanNeeded,
        Verdict::Unknown => Rule::Undecided,
    };
    let ground = |ground: &Ground| match ground.citation.as_str() {
        "" => ground.text.clone(),
        citation => format!("{} [{citation}]", ground.text),
    };
    let reasons: Vec<_> = side.reasons.iter().take(4).map(ground).collect();
    let mut text = format!("`{}`: {}", side.text(), reasons.join("; "));
    if let Some(weakest) = &side.weakest {
        text.push_str(&format!("; enough: `{weakest}`"));
    }
    Some(at_side(rule, text, side))
}

/// Returns what a machine saw of the side after, if it failed there and no known bug explains it.
fn of_trials(side: &SideVerdict, trials: &Trials) -> Option<Finding> {
    if !trials.is_failure() {
        return None;
    }
    let failed = trials
        .seen
        .iter()
        .filter(|seen| seen.after == Some(Class::Fail) && seen.known.is_none());
    let checks: Vec<_> = failed.map(|seen| seen.check.id()).collect();
    let (sequence, machine) = (&side.sequence, &trials.machine);
    let mut text = format!("`{sequence}` fails on {machine} in {}", checks.join(", "));
    if let Some(story) = trials.story.as_ref().filter(|story| story.after) {
        text.push_str(&format!("; {}: {}", story.heading(), story.events.join("; ")));
    }
    Some(at_side(Rule::Stale, text, side))
}

fn at_side(rule: Rule, text: String, side: &SideVerdict) -> Finding {
    Finding {
        rule,
        level: rule.level(),
        text,
        file: side.file.clone(),
        line: side.line,
        last_line: side.last_line,
        what: format!("{}: {}", side.function, side.text()),
    }
}

/// Returns what is found of a text that was not understood.
pub fn of_unread(file: &str, line: u32, text: &str) -> Finding {
    Finding {
        rule: Rule::Unrecognised,
        level: Rule::Unrecognised.level(),
        text: text.to_owned(),
        file: file.to_owned(),
        line,
        last_line: line,
        what: text.to_owned(),
    }
}

/// Returns what is found of the side after of a patch.
fn of_review(review: &Review) -> Vec<Finding> {
    let sides = review.changes.iter().filter_map(|change| change.after.as_ref());
    let seen = review.changes.iter().zip(&review.trials).flat_map(|(change, trials)| {
        let side = change.after.as_ref();
        trials.iter().filter_map(move |trials| of_trials(side?, trials))
    });
    let unread = |unread: &Unrecognised| of_unread(&unread.file, unread.line, &unread.text);
    let unread = review.unrecognised.iter().filter(|unread| unread.after).map(unread);
    sides.filter_map(of_side).chain(seen).chain(unread).collect()
}

/// Returns what is found of a series: of where it ends, whose lines are those of the tree in front of the reader; and of
/// a patch whose fault a later one mends, as a note. Where the end is not known, of each patch.
pub fn of_series(reviewed: &Reviewed) -> Vec<Finding> {
    let Some(end) = &reviewed.end else {
        return reviewed.patches.iter().flat_map(of_review).collect();
    };
    let mut all = of_review(&end.review);
    for patch in &reviewed.patches {
        if patch.outcome() != Outcome::Insufficient || reviewed.is_mended(patch) != Some(true) {
            continue;
        }
        let errors = of_review(patch)
            .into_iter()
            .filter(|finding| finding.level == Level::Error);
        all.extend(errors.map(|finding| Finding {
            level: Level::Note,
            text: format!("after \"{}\", mended by a later patch: {}", patch.subject, finding.text),
            ..finding
        }));
    }
    all
}
