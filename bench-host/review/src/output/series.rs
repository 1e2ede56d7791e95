// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is said of a series as a whole, in any form.

use crate::evaluate::verdict_id;
use crate::output::headline;
use crate::series::{End, Reviewed};
use crate::subject::Subject;
use crate::{Outcome, Review};
use sequences::judge::Verdict;

/// Returns a number of patches in words.
pub(super) fn patches(count: usize) -> String {
    match count {
        1 => "1 patch".to_owned(),
        count => format!("{count} patches"),
    }
}

/// Returns the name of a patch: its number of how many, and its title.
pub(super) fn label(reviewed: &Reviewed, index: usize) -> String {
    let subject = Subject::parse(&reviewed.patches[index].subject);
    let title = match subject.title {
        "" => "(without a subject)",
        title => title,
    };
    if subject.reply {
        return format!("In a reply to: {title}");
    }
    let (number, of) = position(reviewed, index);
    format!("Patch {number} of {of}: {title}")
}

/// Returns the number of a patch and of how many: as its subject says, or as it stands.
pub(super) fn position(reviewed: &Reviewed, index: usize) -> (usize, usize) {
    let subject = Subject::parse(&reviewed.patches[index].subject);
    match subject.number {
        Some((number, of)) => (number as usize, of as usize),
        None => (index + 1, reviewed.patches.len()),
    }
}

/// Returns whether nothing is to be said of a patch.
pub(super) fn is_quiet(review: &Review) -> bool {
    review.changes.is_empty()
        && review.unrecognised.is_empty()
        && review.barriers.is_empty()
        && review.notes.is_empty()
        && review.outcome() == Outcome::Fine
}

/// Returns the headline of a patch, and whether a later one mends what it leaves insufficient.
pub(super) fn patch_headline(reviewed: &Reviewed, patch: &Review) -> String {
    let mended = match reviewed.is_mended(patch) {
        _ if patch.outcome() != Outcome::Insufficient => "",
        Some(true) => " Mended by the end of the series, but a bisection can land here.",
        Some(false) => " So it is at the end of the series.",
        None => "",
    };
    format!("{}{mended}", headline(patch))
}

/// Returns what is said of where a series ends.
pub(super) fn end_headline(reviewed: &Reviewed, end: &End) -> String {
    let all = patches(reviewed.patches.len());
    let verdict = headline(&end.review);
    if end.fresh.is_empty() {
        format!("All {all} together: each change is as its patch says. {verdict}")
    } else {
        format!("All {all} together, where several change the same: {verdict}")
    }
}

/// Returns a series in one sentence.
pub(super) fn series_headline(reviewed: &Reviewed) -> String {
    let count = reviewed.patches.len();
    let loud = reviewed.patches.iter().filter(|patch| !is_quiet(patch)).count();
    let what = match (loud, reviewed.end.is_some()) {
        (0, true) => format!("Series of {}: no TLB maintenance is changed.", patches(count)),
        (0, false) => format!("{}: no TLB maintenance is changed.", capital(&patches(count))),
        (_, true) => format!("Series of {}, {loud} with TLB maintenance.", patches(count)),
        (_, false) => format!("{}, {loud} with TLB maintenance.", capital(&patches(count))),
    };
    let bad: Vec<usize> = (0..count)
        .filter(|&index| reviewed.patches[index].outcome() == Outcome::Insufficient)
        .collect();
    let end = reviewed.end.as_ref().map(|end| end.review.outcome());
    let verdict = if bad.is_empty() {
        match (reviewed.outcome(), end) {
            (Outcome::Insufficient, _) => "At its end: INSUFFICIENT, in the context below.".to_owned(),
            (Outcome::Undecided, _) => "Not everything could be decided.".to_owned(),
            (Outcome::Fine, _) if loud == 0 => return what,
            (Outcome::Fine, Some(_)) => {
                "After each, and at the end: nothing insufficient, in the contexts below.".to_owned()
            }
            (Outcome::Fine, None) => "After each: nothing insufficient, in the contexts below.".to_owned(),
        }
    } else {
        let numbers: Vec<String> = bad
            .iter()
            .map(|&index| position(reviewed, index).0.to_string())
            .collect();
        let noun = if numbers.len() == 1 { "patch" } else { "patches" };
        let list = numbers.join(", ");
        let end = match end {
            Some(Outcome::Insufficient) => ", and at the end",
            Some(Outcome::Undecided) => "; of the end not everything could be decided",
            Some(Outcome::Fine) => "; at the end nothing insufficient",
            None => "",
        };
        format!("INSUFFICIENT after {noun} {list}{end}.")
    };
    format!("{what} {verdict}")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

impl End {
    /// Returns the review of what no patch shows by itself.
    pub(super) fn shown(&self) -> Review {
        let all = || self.fresh.iter().copied();
        Review {
            changes: all().map(|index| self.review.changes[index].clone()).collect(),
            timing: all().map(|index| self.review.timing[index].clone()).collect(),
            trials: all().map(|index| self.review.trials[index].clone()).collect(),
            ..Review::default()
        }
    }
}

/// Returns the worst verdict of a patch's side after, as the identifier that files carry.
pub(super) fn outcome_id(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Fine => verdict_id(Verdict::Sufficient),
        Outcome::Undecided => verdict_id(Verdict::Unknown),
        Outcome::Insufficient => verdict_id(Verdict::Insufficient),
    }
}
