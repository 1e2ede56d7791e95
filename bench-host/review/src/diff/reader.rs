// SPDX-License-Identifier: MIT OR Apache-2.0
//! From line to line through a text: files, hunks, and what is said about them.

use super::header::{HunkHeader, binary_path, git_paths, is_combined, is_commit, is_context, path_of};
use super::quote::depth;
use super::{FileDiff, Hunk, Line, Origin, Patch, Quoting, Shift};
use crate::extract::acts::hunk_acts;
use crate::extract::token::Language;
use crate::extract::words::speaks_of_maintenance;
use crate::foreign::is_source_path;
use crate::loss::{Loss, Remark};
use crate::mail::MAX_LINE;
use crate::subject::{Key, Subject};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Bytes of hunk text that are kept, over all files: more than any patch that a person reviews.
const MAX_KEPT: usize = 64 << 20;
/// Bytes of hunk text without maintenance that are kept, where the message, or another hunk of the file, speaks of it.
const MAX_OTHERS: usize = 256 << 10;
/// Most files with maintenance that are kept: what is compared with what grows with their square.
const MAX_FILES: usize = 2000;
/// Most hunks of a file that are left out and remembered as a shift of its lines.
const MAX_SHIFTS: usize = 4096;
/// Words without which a hunk has nothing to do with TLB maintenance, lowercase: what invalidates and orders, registers
/// that decide how addresses are translated, and instructions as numbers.
const MARKERS: [&str; 21] = [
    "tlb",
    "dsb",
    "isb",
    "barrier",
    "alle",
    "mb()",
    "flush",
    "ttbr",
    "tcr",
    "sctlr",
    "hcr(",
    "mair",
    "xd50",
    "inval",
    "break-before",
    "sys #",
    "sys\t#",
    "sys $",
    "sys\t$",
    "hcr_",
    "shootdown",
];

impl FileDiff {
    /// Remembers of a hunk that is left out by how much it shifts the lines behind it.
    fn skip(&mut self, counted: &Counted) {
        if counted.delta != 0 && self.shifts.len() < MAX_SHIFTS {
            self.shifts.push(Shift {
                old: counted.hunk.old_start,
                new: counted.hunk.new_start,
                delta: counted.delta,
            });
        }
    }
}

/// The diff that is being read.
struct Open {
    file: FileDiff,
    hunk: Option<Counted>,
    had_hunks: bool,
    /// `+++ path` named it, so that hunks are to come.
    named: bool,
    /// A loss says why there are none.
    explained: bool,
    /// Hunks without maintenance, which stand beside such with it or are what the message means: macros, stores to tables.
    beside: Vec<Counted>,
}

/// The hunk that is being read.
struct Counted {
    hunk: Hunk,
    old_left: u32,
    new_left: u32,
    /// Lines that it has more after than before, by its header.
    delta: i64,
    marked: bool,
    bytes: usize,
}

/// Takes lines and gives the patches of a text.
pub(super) struct Reader {
    quoting: Quoting,
    depth: Option<usize>,
    /// Those of the messages before.
    done: Vec<Patch>,
    /// What the subjects of those are known by, one for each.
    keys: Vec<Key>,
    patch: Patch,
    open: Option<Open>,
    subject: String,
    /// `commit HASH` as `git log` writes it, where the next line may say that it is one.
    commit: bool,
    /// The subject is the first indented line that comes.
    untitled: bool,
    /// Files that are kept, in all patches.
    files: usize,
    /// `--- path`, when the next line may be `+++ path`.
    before: Option<String>,
    number: usize,
    kept: usize,
    /// Bytes of the hunks that are kept though they do not mention maintenance.
    others: usize,
    /// The message, as far as it was read, speaks of maintenance; and how far that is.
    speaks: bool,
    heard: usize,
    /// Files were left out: the note about it was made.
    left_out: bool,
    seen: HashSet<u64>,
    /// The text is at its end.
    ending: bool,
}

impl Reader {
    pub(super) fn new(quoting: Quoting) -> Self {
        Self {
            quoting,
            depth: None,
            done: Vec::new(),
            keys: Vec::new(),
            patch: Patch::default(),
            open: None,
            subject: String::new(),
            commit: false,
            untitled: false,
            files: 0,
            before: None,
            number: 0,
            kept: 0,
            others: 0,
            speaks: false,
            heard: 0,
            left_out: false,
            seen: HashSet::new(),
            ending: false,
        }
    }

    /// Takes the start of a message: what comes now is another patch.
    pub(super) fn message(&mut self, subject: String, commit: &str) {
        self.end_patch();
        commit.clone_into(&mut self.patch.commit);
        // Replies quote a patch piece by piece.
        let same = match self.quoting {
            Quoting::Inside => {
                let key = Subject::parse(&subject).key();
                self.keys.iter().position(|done| *done == key)
            }
            Quoting::Outside => None,
        };
        match same {
            Some(at) => {
                self.keys.remove(at);
                self.patch = self.done.remove(at);
            }
            None => self.patch.subject.clone_from(&subject),
        }
        self.remember(&subject);
        self.subject = subject;
        self.depth = None;
        self.untitled = false;
    }

    /// Closes the patch of a message; one that has nothing in it is dropped, but for a cover letter.
    fn end_patch(&mut self) {
        self.end_file();
        let patch = std::mem::take(&mut self.patch);
        if patch.files_seen > 0 || !patch.notes.is_empty() || patch.quoted || Subject::parse(&patch.subject).is_cover()
        {
            self.keys.push(Subject::parse(&patch.subject).key());
            self.done.push(patch);
        }
    }

    /// Takes a line, quoted or not.
    pub(super) fn line(&mut self, line: &str) {
        self.number += 1;
        match self.quoting {
            Quoting::Outside => {
                let (quoted, rest) = depth(line);
                if quoted > 0 && !self.in_hunk() && (rest.starts_with("diff --git ") || rest.starts_with("@@ -")) {
                    self.patch.quoted = true;
                }
                self.text(line);
            }
            Quoting::Inside => {
                let (found, rest) = depth(line);
                if found == 0 {
                    return;
                }
                let starts = rest.starts_with("diff --git ") || rest.starts_with("--- a/") || rest.starts_with("@@ -");
                if starts && self.depth.is_none_or(|depth| found < depth || !self.in_hunk()) {
                    self.depth = Some(found);
                }
                if self.depth == Some(found) {
                    self.text(rest);
                }
            }
        }
    }

    fn in_hunk(&self) -> bool {
        let hunk = self.open.as_ref().and_then(|open| open.hunk.as_ref());
        hunk.is_some_and(|hunk| hunk.old_left + hunk.new_left > 0)
    }

    /// Takes a line whose quote marks are off.
    fn text(&mut self, line: &str) {
        if self.in_hunk() && self.hunk_line(line) {
            return;
        }
        if std::mem::replace(&mut self.commit, is_commit(line))
            && ["Author: ", "Merge: "].iter().any(|head| line.starts_with(head))
        {
            self.message(String::new(), "");
            self.untitled = true;
        } else if self.untitled && line.starts_with("    ") && !line.trim().is_empty() {
            self.untitled = false;
            self.subject = line.trim().to_owned();
            self.patch.subject.clone_from(&self.subject);
        }
        if line.starts_with("diff --git ") {
            self.end_file();
            let (old, new) = git_paths(line).unwrap_or_default();
            self.start(old, new);
        } else if let Some(rest) = line.strip_prefix("--- ") {
            self.before = Some(path_of(rest));
            return;
        } else if let (Some(rest), Some(old)) = (line.strip_prefix("+++ "), self.before.take()) {
            let new = path_of(rest);
            let fresh = self.open.as_ref().is_none_or(|open| open.had_hunks);
            if fresh {
                self.end_file();
                self.start(old, new);
            } else if let Some(open) = &mut self.open {
                (open.file.old_path, open.file.new_path) = (old, new);
            }
            if let Some(open) = &mut self.open {
                open.named = true;
            }
        } else if is_combined(line) {
            self.lose(Loss::CombinedDiff);
        } else if line.starts_with("@@ ") {
            self.hunk_header(line);
        } else if line.starts_with("Binary files ") && line.ends_with(" differ") || line == "GIT binary patch" {
            self.binary(line);
        } else if is_context(line) {
            self.lose(Loss::ContextDiff);
        } else if let Some(open) = &mut self.open {
            if let Some(path) = line.strip_prefix("rename from ") {
                open.file.old_path = path.trim().to_owned();
            } else if let Some(path) = line.strip_prefix("rename to ") {
                open.file.new_path = path.trim().to_owned();
            }
            if open.had_hunks {
                self.remember(line);
            }
        } else {
            self.remember(line);
        }
        self.before = None;
    }

    /// Takes notice that the line that follows is not whole.
    pub(super) fn cut(&mut self) {
        // Outside hunks a long line is no part of a diff: what stands there is short.
        if self.in_hunk() {
            self.patch.notes.lose(None, Loss::LongLine { kept: MAX_LINE });
        } else {
            self.patch.notes.remark(None, Remark::LongLine { kept: MAX_LINE });
        }
    }

    /// Takes notice of a diff that is not text.
    fn binary(&mut self, line: &str) {
        let open = self.open.as_ref().filter(|open| !open.had_hunks);
        let path = match open {
            Some(open) => open.file.path().to_owned(),
            // `diff -r` names the files in this line only.
            None => binary_path(line),
        };
        if Language::of(&path).is_some() {
            self.lose(Loss::BinarySource { path });
        } else {
            self.patch.notes.remark(Some(self.number), Remark::Binary { path });
        }
    }

    /// Keeps what was said outside the hunks, for hints about the context; bounded.
    fn remember(&mut self, line: &str) {
        const MAX_MESSAGE: usize = 16 * 1024;
        if self.patch.message.len() + line.len() < MAX_MESSAGE && depth(line).0 == 0 {
            self.patch.message.push_str(line);
            self.patch.message.push('\n');
        }
    }

    fn start(&mut self, old_path: String, new_path: String) {
        if !self.speaks && self.heard < self.patch.message.len() {
            self.heard = self.patch.message.len();
            self.speaks = speaks_of_maintenance(&self.patch.message).is_some();
        }
        self.open = Some(Open {
            file: FileDiff {
                old_path,
                new_path,
                subject: self.subject.clone(),
                hunks: Vec::new(),
                shifts: Vec::new(),
            },
            hunk: None,
            had_hunks: false,
            named: false,
            explained: false,
            beside: Vec::new(),
        });
    }

    fn hunk_header(&mut self, line: &str) {
        let Some(HunkHeader { old, new, section }) = HunkHeader::parse(line) else {
            self.lose(Loss::HunkHeader);
            return;
        };
        self.end_hunk();
        if self.open.is_none() {
            self.lose(Loss::HunkWithoutFile);
            return;
        }
        let open = self.open.as_mut().expect("just seen");
        open.had_hunks = true;
        open.hunk = Some(Counted {
            marked: is_marked(&section),
            hunk: Hunk {
                old_start: old.0,
                new_start: new.0,
                section,
                lines: Vec::new(),
            },
            old_left: old.1,
            new_left: new.1,
            delta: i64::from(new.1) - i64::from(old.1),
            bytes: 0,
        });
    }

    /// Takes a line of the open hunk; returns false if the hunk ended before it was complete.
    fn hunk_line(&mut self, line: &str) -> bool {
        let full = self.kept > MAX_KEPT;
        let quoting = self.quoting;
        let Some(counted) = self.open.as_mut().and_then(|open| open.hunk.as_mut()) else {
            return false;
        };
        let mut characters = line.chars();
        let (origin, text) = match characters.next() {
            Some('+') if counted.new_left > 0 => (Origin::Added, characters.as_str()),
            Some('-') if counted.old_left > 0 => (Origin::Removed, characters.as_str()),
            Some(' ') => (Origin::Context, characters.as_str()),
            Some('\\') => return true,
            // Mail programs strip the blank of an empty context line, and turn others into no-break ones.
            None => (Origin::Context, ""),
            Some('\u{a0}' | '\t') => (
                Origin::Context,
                if line.starts_with('\t') {
                    line
                } else {
                    characters.as_str()
                },
            ),
            // A reply's own words between quoted lines.
            _ if quoting == Quoting::Inside && !line.starts_with("diff ") && !line.starts_with("@@ ") => return true,
            _ => {
                self.damaged();
                return false;
            }
        };
        counted.old_left -= u32::from(origin != Origin::Added && counted.old_left > 0);
        counted.new_left -= u32::from(origin != Origin::Removed && counted.new_left > 0);
        counted.marked = counted.marked || is_marked(text) || origin != Origin::Context && writes_entry(text);
        counted.bytes += text.len();
        if full {
            return true;
        }
        self.kept += text.len();
        counted.hunk.lines.push(Line {
            origin,
            text: text.to_owned(),
        });
        true
    }

    fn damaged(&mut self) {
        let Some(open) = &self.open else { return };
        let Some(hunk) = &open.hunk else { return };
        let (path, old, new) = (open.file.path().to_owned(), hunk.old_left, hunk.new_left);
        // Pages and mail programs drop an empty line at the end of a text.
        if (old, new) == (1, 1) && self.ending {
            return self.end_hunk();
        }
        self.lose(Loss::HunkCutShort {
            path,
            before: old,
            after: new,
        });
        self.end_hunk();
    }

    fn end_hunk(&mut self) {
        let Some(open) = &mut self.open else { return };
        let Some(counted) = open.hunk.take() else { return };
        if counted.marked && self.kept <= MAX_KEPT {
            open.file.hunks.push(counted.hunk);
        } else {
            // What was dropped no longer counts against what is kept.
            self.kept = self.kept.saturating_sub(counted.bytes);
            let room = self.others + counted.bytes <= MAX_OTHERS;
            if counted.marked {
                open.file.skip(&counted);
                self.lose(Loss::TooManyBytes {
                    mebibytes: MAX_KEPT >> 20,
                });
            } else if room && is_source_path(open.file.path()) {
                self.others += counted.bytes;
                open.beside.push(counted);
            } else {
                open.file.skip(&counted);
            }
        }
    }

    /// Decides about the hunks of a file that hold no maintenance themselves.
    fn end_beside(&mut self) {
        let Some(open) = &mut self.open else { return };
        let beside = std::mem::take(&mut open.beside);
        if !open.file.hunks.is_empty() {
            open.file.hunks.extend(beside.into_iter().map(|counted| counted.hunk));
            open.file.hunks.sort_by_key(|hunk| (hunk.old_start, hunk.new_start));
            return;
        }
        for counted in &beside {
            open.file.skip(counted);
        }
        let is_acting = || {
            let changed = |line: &&Line| line.origin != Origin::Context;
            let lines = beside.iter().flat_map(|counted| &counted.hunk.lines).filter(changed);
            hunk_acts(open.file.path(), lines.map(|line| line.text.as_str()))
        };
        if !beside.is_empty() && (self.speaks || is_acting()) {
            let kept = match self.speaks {
                true => &mut self.patch.others,
                false => &mut self.patch.acting,
            };
            kept.push(FileDiff {
                old_path: open.file.old_path.clone(),
                new_path: open.file.new_path.clone(),
                subject: String::new(),
                hunks: beside.into_iter().map(|counted| counted.hunk).collect(),
                shifts: Vec::new(),
            });
        } else {
            let bytes: usize = beside.iter().map(|counted| counted.bytes).sum();
            self.others = self.others.saturating_sub(bytes);
        }
    }

    fn end_file(&mut self) {
        if self.in_hunk() {
            self.damaged();
        }
        self.end_hunk();
        self.end_beside();
        self.before = None;
        let Some(open) = self.open.take() else { return };
        if !open.had_hunks {
            // A reply quotes what it is about, and no more.
            if open.named && !open.explained && self.quoting == Quoting::Outside {
                let path = open.file.path().to_owned();
                self.lose(Loss::FileWithoutHunk { path });
            }
            return;
        }
        self.patch.files_seen += 1;
        if self.patch.first_source.is_empty() && is_source_path(open.file.path()) {
            open.file.path().clone_into(&mut self.patch.first_source);
        }
        if self.files >= MAX_FILES && !open.file.hunks.is_empty() {
            if !self.left_out {
                self.left_out = true;
                self.lose(Loss::TooManyFiles { most: MAX_FILES });
            }
            return;
        }
        if open.file.hunks.is_empty() {
            let moved = open.file.old_path != open.file.new_path || !open.file.shifts.is_empty();
            if moved && is_source_path(open.file.path()) && self.patch.quiet.len() < MAX_FILES {
                self.patch.quiet.push(open.file);
            }
            return;
        }
        // A mail that comes twice counts once; a commit that does again what an earlier one did is another.
        let mut hasher = DefaultHasher::new();
        let base = Subject::parse(&self.subject).key();
        (base, &open.file.old_path, &open.file.new_path, &open.file.hunks).hash(&mut hasher);
        if !self.seen.insert(hasher.finish()) {
            return;
        }
        // In quotes the same diff comes again and again, each time more damaged by wrapping: the first counts.
        let known = self.patch.files.iter().any(|file| file.path() == open.file.path());
        if self.quoting == Quoting::Inside && known {
            return;
        }
        self.files += 1;
        self.patch.files.push(open.file);
    }

    /// Returns what was read; never nothing.
    pub(super) fn finish(mut self) -> Vec<Patch> {
        self.ending = true;
        self.end_patch();
        if self.done.is_empty() {
            self.done.push(Patch::default());
        }
        self.done
    }

    fn lose(&mut self, loss: Loss) {
        if let Some(open) = &mut self.open {
            open.explained = true;
        }
        self.patch.notes.lose(Some(self.number), loss);
    }
}

/// Returns whether a line writes a translation table entry, by the names that kernels have for it.
fn writes_entry(text: &str) -> bool {
    let mut names = text.match_indices("set_p").map(|(at, _)| &text[at + "set_p".len()..]);
    names.any(|rest| ["te", "md", "ud", "gd", "4d"].iter().any(|end| rest.starts_with(end)))
}

/// Returns whether a line has a word that counts, in any case. It is asked of every line of every patch.
fn is_marked(text: &str) -> bool {
    let bytes = text.as_bytes();
    let starts = |at: usize, marker: &str| {
        bytes
            .get(at..at + marker.len())
            .is_some_and(|part| part.eq_ignore_ascii_case(marker.as_bytes()))
    };
    // The first two letters of every marker: few places of a line are looked at twice.
    bytes.windows(2).enumerate().any(|(at, pair)| {
        let may = matches!(
            (pair[0] | 0x20, pair[1] | 0x20),
            (b't', b'l' | b't' | b'c')
                | (b'd' | b'i', b's')
                | (b'i', b'n')
                | (b'b', b'a' | b'r')
                | (b'a' | b'f', b'l')
                | (b'm', b'b' | b'a')
                | (b's', b'c' | b'y' | b'h')
                | (b'h', b'c')
                | (b'x', _)
        );
        may && MARKERS.iter().any(|marker| starts(at, marker))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_marker_is_found_anywhere_in_a_line_and_in_any_case() {
        for marker in MARKERS {
            for line in [
                marker.to_owned(),
                format!("+  x{}", marker.to_uppercase()),
                format!("-{marker}y"),
            ] {
                assert!(is_marked(&line), "{line}");
            }
        }
        assert!(!is_marked("+\tint t, l, b;") && !is_marked("tl") && !is_marked(""));
    }
}
