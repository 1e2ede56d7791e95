// SPDX-License-Identifier: MIT OR Apache-2.0
//! The patches of a series: each judged by itself, on top of those before it, and all of them for where they end.
//!
//! A reviewer asks two questions. *Does every patch leave the tree right?* An insufficient sequence in the middle is there
//! for whoever bisects, even if a later patch mends it. And *where does it end?* So each patch is a [`Review`] of its own,
//! which sees what the patches before it left, and the whole is one more, of the diffs put together ([`mod@compose`]) or, for
//! commits, as git has it.

pub mod compose;

use crate::diff::{FileDiff, Patch};
use crate::evaluate::Evaluated;
use crate::extract::spelling::Spellings;
use crate::git::commit::{Commit, Commits};
use crate::git::objects::Objects;
use crate::loss::{Notes, Remark};
use crate::sight::Sight;
use crate::source::{Side, Unit};
use crate::subject::Subject;
use crate::tree::Tree;
use crate::{Outcome, Review, review_among};
use compose::{Mismatch, compose, left_by};
use sequences::judge::{Stated, Verdict};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::Hash;
use std::path::PathBuf;

/// Most patches with maintenance of which each sees the files of all before it: the work grows with their square.
const MAX_SEEN: usize = 64;
/// Bytes of messages that the end of a series takes hints from.
const MAX_MESSAGE: usize = 64 * 1024;

/// Patches in order.
#[derive(Debug, Clone, Default)]
pub struct Series {
    /// What the cover letter is called; empty without one.
    pub title: String,
    /// The patches, without the cover letter.
    pub patches: Vec<Patch>,
    /// They stand on top of each other; otherwise each stands alone.
    pub stacked: bool,
    /// All of them as one diff, where somebody knows it better than their sum.
    pub whole: Option<Patch>,
    /// What is to be known of the whole.
    pub notes: Notes,
    /// The repository that they are commits of.
    pub repository: Option<PathBuf>,
}

/// How a series ends.
#[derive(Debug, Clone)]
pub struct End {
    /// The review of all patches as one.
    pub review: Review,
    /// Which of its changes no patch shows by itself.
    pub fresh: Vec<usize>,
}

/// The evidence about a series; about one patch too, which is a series of one.
#[derive(Debug, Clone, Default)]
pub struct Reviewed {
    /// What the cover letter is called; empty without one.
    pub title: String,
    /// The patches.
    pub patches: Vec<Review>,
    /// Where they end; `None` for a single patch, or where they do not stand on top of each other.
    pub end: Option<End>,
    /// What is to be known of the whole.
    pub notes: Notes,
    /// Where they came from.
    pub source: String,
    /// The command that prints this again.
    pub command: String,
    /// The forms for people explain the rules that are cited.
    pub explain_rules: bool,
}

impl Series {
    /// Puts patches in order: by their numbers where they have them, the newest version where there are several.
    pub fn of(patches: Vec<Patch>) -> Self {
        let mut series = Self::default();
        let mut fresh: Vec<Patch> = Vec::new();
        let mut of_subject: HashMap<String, Vec<usize>> = HashMap::new();
        for patch in patches {
            let known = of_subject.entry(patch.subject.clone()).or_default();
            let again = known.iter().any(|&known| fresh[known].files == patch.files);
            // Given twice.
            if !again || patch.files_seen == 0 {
                known.push(fresh.len());
                fresh.push(patch);
            }
        }
        let newest = fresh
            .iter()
            .map(|patch| Subject::parse(&patch.subject))
            .filter(|subject| !subject.reply && subject.number.is_some())
            .map(|subject| subject.version)
            .max();
        let (mut covers, mut numbered, mut others) = (Vec::new(), Vec::new(), Vec::new());
        let mut older = 0;
        for patch in fresh {
            let subject = Subject::parse(&patch.subject);
            match subject.number.filter(|_| !subject.reply) {
                Some(_) if Some(subject.version) != newest => older += usize::from(!subject.is_cover()),
                Some((0, _)) => covers.push(patch),
                Some(number) => numbered.push((number, patch)),
                None => others.push(patch),
            }
        }
        if older > 0 {
            let version = newest.unwrap_or(1);
            series.notes.remark(
                None,
                Remark::OlderVersions {
                    version,
                    patches: older,
                },
            );
        }
        let numbers: BTreeSet<(u32, u32)> = numbered.iter().map(|(number, _)| *number).collect();
        let totals: BTreeSet<u32> = numbers.iter().map(|(_, of)| *of).collect();
        // A mailbox of several series has a number twice, or several totals.
        let one_series = numbers.len() == numbered.len() && totals.len() <= 1 && covers.len() <= 1;
        let answers = |patch: &Patch| Subject::parse(&patch.subject).reply;
        series.stacked = match numbered.is_empty() {
            true => !others.iter().any(answers),
            false => one_series && others.iter().all(answers),
        };
        if series.stacked && numbered.len() > 1 {
            numbered.sort_by_key(|(number, _)| *number);
            let of = totals.first().copied().unwrap_or(0);
            let missing: Vec<u32> = (1..=of.min(1000))
                .filter(|number| !numbers.contains(&(*number, of)))
                .collect();
            if !missing.is_empty() {
                series.notes.remark(None, Remark::Missing { numbers: missing, of });
            }
        }
        let mut said = String::new();
        for cover in covers {
            if one_series {
                Subject::parse(&cover.subject).title.clone_into(&mut series.title);
            }
            series.notes.append(cover.notes);
            said.push_str(&cover.message);
            // A diff below a cover letter is somebody's; none is the rule.
            if cover.files_seen > 0 {
                others.push(Patch {
                    notes: Notes::default(),
                    ..cover
                });
            }
        }
        series.patches = numbered.into_iter().map(|(_, patch)| patch).chain(others).collect();
        if one_series {
            for patch in &mut series.patches {
                patch.message.push_str(&said);
            }
        }
        if series.patches.len() > 1 && !series.stacked {
            series.notes.remark(None, Remark::NotStacked);
        }
        series
    }

    /// Takes patches in the order of a history, whatever numbers their subjects carry.
    pub fn in_order(patches: Vec<Patch>) -> Self {
        Self {
            patches,
            stacked: true,
            ..Self::default()
        }
    }

    /// Returns whether no patch has a diff, and nothing was lost that may have been one.
    pub fn is_without_diff(&self) -> bool {
        let without = |patch: &Patch| patch.files_seen == 0 && !patch.notes.is_of_diff();
        self.patches.iter().all(without) && !self.notes.is_of_diff()
    }
}

/// Reviews the patches of a series, and where it ends.
pub fn review_series(series: Series, spellings: &Spellings, stated: &Stated, tree: Option<&Tree>) -> Reviewed {
    let Series {
        title,
        patches,
        stacked,
        whole,
        mut notes,
        repository,
    } = series;
    let tree = tree.map(|tree| tree as &dyn Sight);
    // A tree that is given is what somebody wants to be seen.
    let mut commits = match (repository, tree) {
        (Some(repository), None) => Objects::open(&repository)
            .map(|objects| Commits::new(objects, spellings))
            .map_err(|error| {
                let reason = error.to_string();
                notes.remark(None, Remark::NoFiles { reason });
            })
            .ok(),
        _ => None,
    };
    if patches.len() < 2 || !stacked {
        let alone = |mut patch: Patch| {
            let (before, after) = ends(&patch, &patch);
            let seen = around(&mut commits, &mut patch, &before, &after);
            let sight = seen.as_ref().map(|seen| seen as &dyn Sight).or(tree);
            review_among(patch, &[], spellings, stated, sight)
        };
        let mut reviews: Vec<Review> = patches.into_iter().map(alone).collect();
        if let [only] = reviews.as_mut_slice() {
            only.notes.append(std::mem::take(&mut notes));
        }
        return Reviewed {
            title,
            patches: reviews,
            notes,
            ..Reviewed::default()
        };
    }
    let with_hunks = patches.iter().filter(|patch| !patch.files.is_empty()).count();
    if with_hunks > MAX_SEEN {
        notes.remark(None, Remark::SeenApart { most: MAX_SEEN });
    }
    let mut stack = Stack::default();
    let mut reviews = Vec::new();
    let range = patches
        .first()
        .zip(patches.last())
        .map(|(first, last)| ends(first, last));
    for mut patch in patches {
        let (before, after) = ends(&patch, &patch);
        if let Some(seen) = around(&mut commits, &mut patch, &before, &after) {
            reviews.push(review_among(patch.clone(), &[], spellings, stated, Some(&seen)));
            stack.take(patch);
            continue;
        }
        let is_reply = Subject::parse(&patch.subject).reply;
        let seen = if is_reply || patch.files.is_empty() {
            patch.clone()
        } else {
            stack.on_top(&patch)
        };
        let around = match with_hunks <= MAX_SEEN && !patch.files.is_empty() {
            true => stack.units_beside(&patch),
            false => Vec::new(),
        };
        reviews.push(review_among(seen, &around, spellings, stated, tree));
        // What somebody proposes in a reply is no part of the series.
        if !is_reply {
            stack.take(patch);
        }
    }
    if whole.is_none()
        && let Some(subject) = &stack.broken
    {
        let subject = subject.clone();
        notes.remark(None, Remark::DoesNotApply { subject });
    }
    let end = whole.or_else(|| stack.whole()).map(|mut whole| {
        let seen = range.and_then(|(before, after)| around(&mut commits, &mut whole, &before, &after));
        let sight = seen.as_ref().map(|seen| seen as &dyn Sight).or(tree);
        let mut review = review_among(whole, &[], spellings, stated, sight);
        review.subject.clear();
        let said: HashSet<_> = reviews.iter().flat_map(|patch| &patch.changes).map(known_by).collect();
        let fresh = (0..review.changes.len())
            .filter(|&index| !said.contains(&known_by(&review.changes[index])))
            .collect();
        End { review, fresh }
    });
    Reviewed {
        title,
        patches: reviews,
        end,
        notes,
        ..Reviewed::default()
    }
}

/// Returns the names of the commits before the first and after the last of patches.
fn ends(first: &Patch, last: &Patch) -> (String, String) {
    (format!("{}^", first.commit), last.commit.clone())
}

/// Returns what can be seen around a patch between two commits. That it cannot is said with the patch.
fn around(commits: &mut Option<Commits<'_>>, patch: &mut Patch, before: &str, after: &str) -> Option<Commit> {
    if after.is_empty() || patch.files.is_empty() {
        return None;
    }
    let reason = match commits.as_mut()?.around(patch, before, after) {
        Ok(Ok(seen)) => {
            if seen.left > 0 {
                patch.notes.remark(None, Remark::FilesLeft { left: seen.left });
            }
            return Some(seen);
        }
        Ok(Err(reason)) => reason.to_owned(),
        Err(error) => {
            *commits = None;
            error.to_string()
        }
    };
    patch.notes.remark(None, Remark::NoFiles { reason });
    None
}

/// Returns what a change is known by, wherever its lines are.
fn known_by(change: &Evaluated) -> impl Eq + Hash + use<> {
    let side = |side: &Option<crate::evaluate::SideVerdict>| {
        side.as_ref().map(|side| {
            let (file, function) = (side.file.clone(), side.function.clone());
            (file, function, side.text(), side.verdict)
        })
    };
    (side(&change.before), side(&change.after))
}

/// The diffs of patches on top of each other.
#[derive(Default)]
struct Stack {
    /// By the path after.
    files: BTreeMap<String, FileDiff>,
    message: String,
    seen: usize,
    first_source: String,
    /// The subject of the first patch that does not fit on those before it.
    broken: Option<String>,
}

impl Stack {
    /// Returns a patch whose files show what those before it showed too.
    fn on_top(&self, patch: &Patch) -> Patch {
        let richer = |file: &FileDiff| {
            let under = self.files.get(&file.old_path).map(left_by);
            under
                .and_then(|under| compose(&under, file).ok())
                .unwrap_or_else(|| file.clone())
        };
        Patch {
            files: patch.files.iter().map(richer).collect(),
            ..patch.clone()
        }
    }

    /// Returns what the patches so far left of files that this one does not change.
    fn units_beside(&self, patch: &Patch) -> Vec<Unit> {
        let touched: BTreeSet<&str> = patch.files.iter().map(|file| file.old_path.as_str()).collect();
        let beside = self.files.iter().filter(|(path, _)| !touched.contains(path.as_str()));
        beside.map(|(_, file)| Unit::side(file, Side::After)).collect()
    }

    /// Puts a patch on top.
    fn take(&mut self, patch: Patch) {
        let room = MAX_MESSAGE.saturating_sub(self.message.len());
        self.message.extend(patch.message.chars().take(room));
        self.seen += patch.files_seen;
        if self.first_source.is_empty() {
            self.first_source.clone_from(&patch.first_source);
        }
        for file in patch.files.into_iter().chain(patch.quiet) {
            let both = match self.files.remove(&file.old_path) {
                Some(under) => compose(&under, &file),
                None => Ok(file),
            };
            match both {
                Ok(file) => {
                    self.files.insert(file.path().to_owned(), file);
                }
                Err(Mismatch) => {
                    self.broken.get_or_insert_with(|| patch.subject.clone());
                }
            }
        }
    }

    /// Returns all as one patch; `None` where one of them does not fit.
    fn whole(&self) -> Option<Patch> {
        self.broken.is_none().then(|| Patch {
            files: self
                .files
                .values()
                .filter(|file| !file.hunks.is_empty())
                .cloned()
                .collect(),
            files_seen: self.seen,
            first_source: self.first_source.clone(),
            message: self.message.clone(),
            ..Patch::default()
        })
    }
}

impl From<Review> for Reviewed {
    /// A single patch is a series of one.
    fn from(patch: Review) -> Self {
        Self {
            source: patch.source.clone(),
            command: patch.command.clone(),
            explain_rules: patch.explain_rules,
            patches: vec![patch],
            ..Self::default()
        }
    }
}

impl Reviewed {
    /// Returns how the review ends: as its worst patch, or its end.
    pub fn outcome(&self) -> Outcome {
        let all = self
            .patches
            .iter()
            .chain(self.end.iter().map(|end| &end.review))
            .map(Review::outcome);
        let worst = all.max().unwrap_or(Outcome::Fine);
        match worst {
            Outcome::Fine if self.notes.losses() > 0 => Outcome::Undecided,
            worst => worst,
        }
    }

    /// Returns the patches, and the end where there is one.
    pub fn reviews_mut(&mut self) -> impl Iterator<Item = &mut Review> {
        self.patches
            .iter_mut()
            .chain(self.end.iter_mut().map(|end| &mut end.review))
    }

    /// Returns the only patch.
    pub fn single(&self) -> Option<&Review> {
        match self.patches.as_slice() {
            [only] if self.end.is_none() => Some(only),
            _ => None,
        }
    }

    /// Returns the evidence of all patches as if they were one: for forms that know no series.
    pub fn as_one(&self) -> Cow<'_, Review> {
        if let Some(only) = self.single() {
            return Cow::Borrowed(only);
        }
        let mut one = Review {
            source: self.source.clone(),
            subject: self.title.clone(),
            notes: self.notes.clone(),
            command: self.command.clone(),
            explain_rules: self.explain_rules,
            ..Review::default()
        };
        for patch in self.patches.iter().cloned() {
            if one.subject.is_empty() {
                one.subject = patch.subject;
            }
            one.files += patch.files;
            one.changes.extend(patch.changes);
            one.timing.extend(patch.timing);
            one.trials.extend(patch.trials);
            one.unrecognised.extend(patch.unrecognised);
            one.barriers.extend(patch.barriers);
            one.open_barriers += patch.open_barriers;
            one.notes.append(patch.notes);
        }
        Cow::Owned(one)
    }

    /// Returns whether what a patch leaves insufficient is so no more at the end; `None` where the end is not known.
    pub fn is_mended(&self, patch: &Review) -> Option<bool> {
        let end = &self.end.as_ref()?.review;
        let bad = |review: &Review| -> BTreeSet<(String, String)> {
            let sides = review.changes.iter().filter_map(|change| change.after.as_ref());
            sides
                .filter(|side| side.verdict == Verdict::Insufficient)
                .map(|side| (side.file.clone(), side.function.clone()))
                .collect()
        };
        Some(bad(patch).is_disjoint(&bad(end)) && !end.trials.iter().flatten().any(|trials| trials.is_failure()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(subject: &str) -> Patch {
        Patch {
            subject: subject.into(),
            files_seen: 1,
            first_source: subject.into(),
            ..Patch::default()
        }
    }

    fn order(subjects: &[&str]) -> (bool, Vec<String>, Vec<String>) {
        let series = Series::of(subjects.iter().map(|subject| patch(subject)).collect());
        let names = series.patches.into_iter().map(|patch| patch.subject).collect();
        (series.stacked, names, series.notes.lines(9))
    }

    #[test]
    fn patches_go_by_their_numbers() {
        let (stacked, names, notes) = order(&["[PATCH 2/2] b", "[PATCH 1/2] a"]);
        assert!(stacked && notes.is_empty(), "{notes:?}");
        assert_eq!(names, ["[PATCH 1/2] a", "[PATCH 2/2] b"]);
        let (stacked, names, notes) = order(&["one", "two"]);
        assert!(stacked && notes.is_empty() && names == ["one", "two"]);
    }

    #[test]
    fn the_newest_version_counts_and_the_others_are_named() {
        let all = ["[PATCH 1/2] a", "[PATCH 2/2] b", "[PATCH v2 1/2] a", "[PATCH v2 2/2] b"];
        let (stacked, names, notes) = order(&all);
        assert!(stacked && names == all[2..], "{names:?}");
        assert_eq!(notes.len(), 1);
        assert!(notes[0].contains("2 patches") && notes[0].contains("v2"), "{notes:?}");
    }

    #[test]
    fn missing_patches_are_named_and_several_series_do_not_stack() {
        let (stacked, _, notes) = order(&["[PATCH 1/4] a", "[PATCH 4/4] d"]);
        assert!(stacked && notes[0].contains("2, 3 of 4"), "{notes:?}");
        let (stacked, _, notes) = order(&["[PATCH 1/2] a", "[PATCH 2/2] b", "[PATCH 1/2] c"]);
        assert!(!stacked && notes.len() == 1, "{notes:?}");
        // A patch alone is not said to lack others.
        assert_eq!(order(&["[PATCH 2/7] a"]).2, [""; 0]);
    }
}
