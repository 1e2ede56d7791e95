// SPDX-License-Identifier: MIT OR Apache-2.0
//! Two diffs of one file, the second on top of the first, as one.
//!
//! Neither shows the whole file. What counts is where they meet: in the lines of the file *between* them, numbered as the
//! first leaves it and the second finds it. Where both show such a line and do not agree, the second was not made on top of
//! the first, and there is no such diff.

use crate::diff::{FileDiff, Hunk, Line, Origin, Shift};
use std::collections::{BTreeMap, BTreeSet};

/// The two diffs are not of one file, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mismatch;

/// A diff by the lines of the file that is common to both: that after the first, or that before the second.
#[derive(Default)]
struct Side<'a> {
    /// Lines that it shows: the text, and whether the diff makes it (of the first) or takes it away (of the second).
    lines: BTreeMap<u32, (&'a str, bool)>,
    /// Lines that are only on its other side, by the common line that they stand before.
    others: BTreeMap<u32, Vec<&'a str>>,
    /// The section of the hunk that starts at a line.
    sections: BTreeMap<u32, &'a str>,
    /// By how many lines the other side is longer, from a common line on.
    longer: Vec<(u32, i64)>,
}

impl<'a> Side<'a> {
    /// Orders a diff by the lines it has on one side, those with `mine`.
    fn of(file: &'a FileDiff, mine: Origin) -> Self {
        let mut side = Self::default();
        for hunk in &file.hunks {
            let (start, other) = match mine {
                Origin::Added => (hunk.new_start, Origin::Removed),
                _ => (hunk.old_start, Origin::Added),
            };
            // `@@ -5,3 +4,0 @@`: the line before, where a side has none.
            let none = hunk.lines.iter().all(|line| line.origin == other);
            let mut at = start.saturating_add(u32::from(none));
            side.sections.insert(at, &hunk.section);
            for line in &hunk.lines {
                if line.origin == other {
                    side.others.entry(at).or_default().push(&line.text);
                    side.longer.push((at, 1));
                } else {
                    side.lines.insert(at, (&line.text, line.origin == mine));
                    if line.origin == mine {
                        side.longer.push((at.saturating_add(1), -1));
                    }
                    at = at.saturating_add(1);
                }
            }
        }
        side.longer.extend(file.shifts.iter().map(|shift| match mine {
            Origin::Added => (shift.new, -shift.delta),
            _ => (shift.old, shift.delta),
        }));
        side.longer.sort_by_key(|(at, _)| *at);
        side
    }

    /// Returns the number that a common line has on the other side.
    fn elsewhere(&self, line: u32) -> u32 {
        let before = self.longer.iter().take_while(|(at, _)| *at <= line);
        let sum: i64 = before.map(|(_, more)| more).sum();
        u32::try_from(i64::from(line).saturating_add(sum)).unwrap_or(1)
    }
}

/// Returns the first diff and then the second as one.
pub fn compose(first: &FileDiff, second: &FileDiff) -> Result<FileDiff, Mismatch> {
    let (old, new) = (Side::of(first, Origin::Added), Side::of(second, Origin::Removed));
    let meet = |(at, (text, _)): (&u32, &(&str, bool))| new.lines.get(at).is_none_or(|(other, _)| same(text, other));
    if !old.lines.iter().all(meet) {
        return Err(Mismatch);
    }
    let all: BTreeSet<u32> = [&old, &new]
        .into_iter()
        .flat_map(|side| side.lines.keys().chain(side.others.keys()))
        .copied()
        .collect();
    let mut hunks: Vec<Hunk> = Vec::new();
    let mut last = None;
    for at in all {
        if last.is_none_or(|last: u32| at > last.saturating_add(1)) {
            let section = new.sections.get(&at).or_else(|| old.sections.get(&at));
            let before_it = |side: &Side<'_>| {
                let others = side.others.get(&at).map_or(0, Vec::len);
                side.elsewhere(at).saturating_sub(u32::try_from(others).unwrap_or(0))
            };
            hunks.push(Hunk {
                old_start: before_it(&old),
                new_start: before_it(&new),
                section: section.map_or(String::new(), |section| (*section).to_owned()),
                lines: Vec::new(),
            });
        }
        last = Some(at);
        let Some(hunk) = hunks.last_mut() else { continue };
        let mut push = |origin, text: &str| {
            hunk.lines.push(Line {
                origin,
                text: text.to_owned(),
            });
        };
        for (side, origin) in [(&old, Origin::Removed), (&new, Origin::Added)] {
            side.others
                .get(&at)
                .into_iter()
                .flatten()
                .for_each(|text| push(origin, text));
        }
        let (made, taken) = (old.lines.get(&at), new.lines.get(&at));
        let Some((text, _)) = made.or(taken) else { continue };
        match (
            made.is_some_and(|(_, made)| *made),
            taken.is_some_and(|(_, taken)| *taken),
        ) {
            (false, false) => push(Origin::Context, text),
            (true, false) => push(Origin::Added, text),
            (false, true) => push(Origin::Removed, text),
            // Nobody sees it who looks at both ends.
            (true, true) => {}
        }
    }
    hunks.retain(|hunk| !hunk.lines.is_empty());
    Ok(FileDiff {
        old_path: first.old_path.clone(),
        new_path: second.new_path.clone(),
        subject: second.subject.clone(),
        hunks,
        shifts: shifts(first, second, &old, &new),
    })
}

/// Returns the hunks that were left out of either.
fn shifts(first: &FileDiff, second: &FileDiff, old: &Side<'_>, new: &Side<'_>) -> Vec<Shift> {
    let through = |shift: &Shift| Shift {
        new: new.elsewhere(shift.new),
        ..*shift
    };
    let from = |shift: &Shift| Shift {
        old: old.elsewhere(shift.old),
        ..*shift
    };
    let mut all: Vec<Shift> = first.shifts.iter().map(through).collect();
    all.extend(second.shifts.iter().map(from));
    all
}

/// Returns whether two lines are one, whatever a mail program did to the blanks at its end.
fn same(a: &str, b: &str) -> bool {
    a.trim_end() == b.trim_end()
}

/// Returns what a diff leaves, as a diff that changes nothing.
pub fn left_by(file: &FileDiff) -> FileDiff {
    let hunk = |hunk: &Hunk| Hunk {
        old_start: hunk.new_start,
        lines: hunk
            .lines
            .iter()
            .filter(|line| line.origin != Origin::Removed)
            .map(|line| Line {
                origin: Origin::Context,
                ..line.clone()
            })
            .collect(),
        ..hunk.clone()
    };
    FileDiff {
        old_path: file.new_path.clone(),
        hunks: file
            .hunks
            .iter()
            .map(hunk)
            .filter(|hunk| !hunk.lines.is_empty())
            .collect(),
        shifts: Vec::new(),
        ..file.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::{Quoting, read};

    fn file(hunks: &str) -> FileDiff {
        named("x.S", hunks)
    }

    fn named(path: &str, hunks: &str) -> FileDiff {
        let text = format!("--- a/{path}\n+++ b/{path}\n{hunks}");
        read(text.as_bytes(), Quoting::Outside)
            .unwrap()
            .remove(0)
            .files
            .remove(0)
    }

    /// Writes hunks as a diff does.
    fn show(file: &FileDiff) -> String {
        let line = |line: &Line| {
            let mark = match line.origin {
                Origin::Context => ' ',
                Origin::Added => '+',
                Origin::Removed => '-',
            };
            format!("{mark}{}\n", line.text)
        };
        let hunk = |hunk: &Hunk| {
            let lines: String = hunk.lines.iter().map(line).collect();
            format!("@@ {} {}\n{lines}", hunk.old_start, hunk.new_start)
        };
        file.hunks.iter().map(hunk).collect()
    }

    #[test]
    fn what_comes_and_goes_is_seen_at_neither_end() {
        let first = file("@@ -10,2 +10,3 @@\n dsb ish\n+tlbi alle2\n isb\n");
        let second = file("@@ -9,5 +9,4 @@\n mov\n dsb ish\n-tlbi alle2\n isb\n ret\n");
        let both = compose(&first, &second).unwrap();
        assert_eq!(show(&both), "@@ 9 9\n mov\n dsb ish\n isb\n ret\n");
    }

    #[test]
    fn a_line_that_changes_twice_changes_once() {
        let first = file("@@ -10,2 +10,2 @@\n dsb ish\n-tlbi alle2\n+tlbi alle2is\n");
        let second = file("@@ -10,3 +10,3 @@\n dsb ish\n-tlbi alle2is\n+tlbi vae2is\n isb\n");
        let both = compose(&first, &second).unwrap();
        assert_eq!(show(&both), "@@ 10 10\n dsb ish\n-tlbi alle2\n+tlbi vae2is\n isb\n");
    }

    #[test]
    fn places_that_do_not_meet_stay_apart_and_move() {
        let first = file("@@ -10,1 +10,3 @@\n dsb ish\n+tlbi alle2\n+isb\n");
        let second = file("@@ -4,1 +4,2 @@\n a\n+isb\n@@ -50,1 +51,2 @@\n b\n+dsb sy\n");
        let both = compose(&first, &second).unwrap();
        assert_eq!(
            show(&both),
            "@@ 4 4\n a\n+isb\n@@ 10 11\n dsb ish\n+tlbi alle2\n+isb\n@@ 48 51\n b\n+dsb sy\n"
        );
    }

    #[test]
    fn hunks_that_are_not_kept_move_lines_too() {
        // Three lines more in front, none of which has to do with maintenance, in what is no source by its name.
        let named = |hunks| named("x.conf", hunks);
        let first = named("@@ -1,1 +1,4 @@\n a\n+x\n+y\n+z\n@@ -10,1 +13,2 @@\n dsb ish\n+isb\n");
        assert_eq!((first.hunks.len(), first.shifts.len()), (1, 1));
        let second = named("@@ -13,2 +13,3 @@\n dsb ish\n isb\n+tlbi alle2\n@@ -40,1 +41,2 @@\n b\n+dsb sy\n");
        let both = compose(&first, &second).unwrap();
        assert_eq!(
            show(&both),
            "@@ 10 13\n dsb ish\n+isb\n+tlbi alle2\n@@ 36 41\n b\n+dsb sy\n"
        );
    }

    #[test]
    fn a_second_that_was_made_on_something_else_is_refused() {
        let first = file("@@ -10,1 +10,2 @@\n dsb ish\n+tlbi alle2\n");
        let second = file("@@ -10,2 +10,2 @@\n dsb ish\n-tlbi alle1\n+tlbi alle2is\n");
        assert_eq!(compose(&first, &second), Err(Mismatch));
    }

    #[test]
    fn hunks_without_context_have_their_place() {
        let first = file("@@ -10,2 +9,0 @@\n-dsb ish\n-isb\n");
        let second = file("@@ -10,1 +10,1 @@\n-tlbi alle2\n+tlbi alle2is\n");
        let both = compose(&first, &second).unwrap();
        assert_eq!(show(&both), "@@ 10 10\n-dsb ish\n-isb\n-tlbi alle2\n+tlbi alle2is\n");
    }

    #[test]
    fn what_is_left_changes_nothing() {
        let first = file("@@ -10,2 +12,2 @@\n dsb ish\n-tlbi alle2\n+tlbi alle2is\n");
        assert_eq!(show(&left_by(&first)), "@@ 12 12\n dsb ish\n tlbi alle2is\n");
    }
}
