// SPDX-License-Identifier: MIT OR Apache-2.0
//! Unified diffs out of lines of text, tolerant of what mail does to them.
//!
//! A saved thread holds a patch several times: as posted, and in every reply, quoted. The unquoted one counts; only a
//! text that has none is read again without its quote marks ([`Quoting`]). A file's diff that comes twice is kept once.

mod header;
mod quote;
mod reader;

pub use quote::Quoting;

use crate::loss::Notes;
use crate::mail::{Lines, Text};
use reader::Reader;
use std::io::{self, BufRead};

/// Which sides of a diff a line is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Both.
    Context,
    /// Before only, `-`.
    Removed,
    /// After only, `+`.
    Added,
}

/// A line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Line {
    /// Which sides it is on.
    pub origin: Origin,
    /// Its text without the mark.
    pub text: String,
}

/// A hunk.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hunk {
    /// First line before.
    pub old_start: u32,
    /// First line after.
    pub new_start: u32,
    /// The text behind the second `@@`: where in the file this is, by the diff program's guess.
    pub section: String,
    /// The lines.
    pub lines: Vec<Line>,
}

/// A hunk that was left out moves the lines behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shift {
    /// Its first line before.
    pub old: u32,
    /// Its first line after.
    pub new: u32,
    /// Lines that it has more after than before.
    pub delta: i64,
}

/// The diff of one file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileDiff {
    /// Its path before; empty where it was created.
    pub old_path: String,
    /// Its path after; empty where it was deleted.
    pub new_path: String,
    /// The subject of the mail it came in; empty without one.
    pub subject: String,
    /// The hunks that may have to do with TLB maintenance.
    pub hunks: Vec<Hunk>,
    /// The others, as far as they move lines.
    pub shifts: Vec<Shift>,
}

impl FileDiff {
    /// Returns the path a reader looks for: the new one, or that of a deleted file.
    pub fn path(&self) -> &str {
        if self.new_path.is_empty() {
            &self.old_path
        } else {
            &self.new_path
        }
    }
}

/// What a message, or a text without any, holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch {
    /// Diffs with hunks to look at, in order.
    pub files: Vec<FileDiff>,
    /// Diffs of source without such hunks, whose lines or names move.
    pub quiet: Vec<FileDiff>,
    /// Hunks of source for AArch64 that do not mention maintenance, where the message before them does; bounded.
    pub others: Vec<FileDiff>,
    /// Hunks of such source in files without a word of maintenance, where they act on translations; bounded.
    pub acting: Vec<FileDiff>,
    /// The files the text changes, those without maintenance included.
    pub files_seen: usize,
    /// The first file that is source for AArch64 by its name, with maintenance or without; empty where there is none.
    pub first_source: String,
    /// Its subject; empty without one.
    pub subject: String,
    /// The commit that it says it is; empty where it says none. Nothing but its word: what is read by it has to fit.
    pub commit: String,
    /// What was said about the patch outside its hunks, shortened: commit messages hint at the context.
    pub message: String,
    /// What could not be read, or was left out.
    pub notes: Notes,
    /// Quoted diffs were seen.
    pub(crate) quoted: bool,
}

/// Reads every diff of a text: a patch for each message that has one, at least one patch.
pub fn read(input: impl BufRead, quoting: Quoting) -> io::Result<Vec<Patch>> {
    let mut lines = Lines::new(input);
    let mut reader = Reader::new(quoting);
    while let Some(text) = lines.next_text()? {
        match text {
            Text::Message(subject) => reader.message(subject, lines.commit()),
            Text::Cut => reader.cut(),
            Text::Line(line) => reader.line(&line),
        }
    }
    let mut patches = reader.finish();
    if let Some(last) = patches.last_mut() {
        last.notes.append(lines.notes().clone());
    }
    Ok(patches)
}

impl Patch {
    /// Returns whether only quoted diffs were there: read again with [`Quoting::Inside`].
    pub fn is_quoted_only(&self) -> bool {
        self.files_seen == 0 && self.quoted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::{Loss, Remark};

    const DIFF: &str =
        "--- a/x.S\n+++ b/x.S\n@@ -3,3 +3,3 @@ flush:\n \tdsb ish\n-\ttlbi alle2\n+\ttlbi alle2is\n \tisb\n";

    fn patch(text: &str) -> Patch {
        let mut patches = read(text.as_bytes(), Quoting::Outside).unwrap();
        assert_eq!(patches.len(), 1, "{patches:#?}");
        patches.remove(0)
    }

    #[test]
    fn a_diff_is_read() {
        let patch = patch(DIFF);
        let file = &patch.files[0];
        assert_eq!((file.path(), file.hunks[0].section.as_str()), ("x.S", "flush:"));
        assert_eq!((file.hunks[0].old_start, file.hunks[0].lines.len()), (3, 4));
        assert_eq!(file.hunks[0].lines[1].origin, Origin::Removed);
        assert!(patch.notes.is_empty());
    }

    #[test]
    fn the_same_diff_counts_once() {
        assert_eq!(patch(&DIFF.repeat(3)).files.len(), 1);
    }

    #[test]
    fn quotes_are_read_only_when_asked() {
        let quoted: String = DIFF.lines().map(|line| format!("> {line}\n")).collect();
        let reply = quoted.replace("> -\ttlbi", "Why?\n\n> -\ttlbi");
        let outside = patch(&reply);
        assert!(outside.files.is_empty() && outside.is_quoted_only());
        let inside = read(reply.as_bytes(), Quoting::Inside).unwrap();
        assert_eq!(inside[0].files, patch(DIFF).files);
    }

    #[test]
    fn truncated_hunks_are_named() {
        // One empty line at the very end may be missing; a mail cut in the middle of a hunk has lost more.
        assert!(patch(&DIFF[..DIFF.len() - 5]).notes.is_empty());
        let cut = patch(&DIFF[..DIFF.len() - 6 - "+\ttlbi alle2is\n".len()]);
        assert_eq!(cut.files.len(), 1);
        let lost = Loss::HunkCutShort {
            path: "x.S".into(),
            before: 1,
            after: 2,
        };
        assert_eq!(cut.notes.kept_losses().collect::<Vec<_>>(), [(Some(5), &lost)]);
    }

    #[test]
    fn binary_and_combined_diffs_are_named() {
        let patch =
            patch("diff --git a/l.bin b/l.bin\nBinary files a/l.bin and b/l.bin differ\n@@@ -1,2 -1,2 +1,3 @@@\n");
        let path = "l.bin".to_owned();
        assert_eq!(
            patch.notes.kept_remarks().collect::<Vec<_>>(),
            [(Some(2), &Remark::Binary { path })]
        );
        assert_eq!(
            patch.notes.kept_losses().collect::<Vec<_>>(),
            [(Some(3), &Loss::CombinedDiff)]
        );
        assert!(patch.files.is_empty());
    }

    fn losses(text: &str) -> Vec<Loss> {
        patch(text).notes.kept_losses().map(|(_, loss)| loss.clone()).collect()
    }

    #[test]
    fn a_name_is_no_loss_and_source_called_binary_is_one() {
        let binary = |path: &str| format!("{DIFF}Binary files a/{path} and b/{path} differ\n");
        assert_eq!(losses(&binary("docs/truncated.png")), []);
        let path = "kvm/tlb.S".to_owned();
        // Without `diff --git`, as `diff -r` writes it, the line is not about the file before it.
        assert_eq!(losses(&binary(&path)), [Loss::BinarySource { path }]);
    }

    #[test]
    fn a_file_without_a_hunk_is_one_that_was_lost() {
        let named = "--- a/x.S\n+++ b/x.S\n";
        let path = "x.S".to_owned();
        assert_eq!(losses(named), [Loss::FileWithoutHunk { path }]);
        // Said once, by the better reason.
        assert_eq!(losses(&format!("{named}@@ -1,5 @@\n-\tdsb ish\n")), [Loss::HunkHeader]);
        assert_eq!(losses("diff --git a/x.S b/x.S\nold mode 100644\nnew mode 100755\n"), []);
    }

    #[test]
    fn a_long_line_is_lost_inside_a_hunk_only() {
        let long = "x".repeat(2 * crate::mail::MAX_LINE);
        assert_eq!(losses(&format!("{long}\n{DIFF}")), []);
        let inside = DIFF.replace("\tdsb ish", &format!("\tdsb ish // {long}"));
        assert!(matches!(losses(&inside).as_slice(), [Loss::LongLine { .. }]));
    }

    #[test]
    fn removed_lines_that_look_like_a_header_stay_lines() {
        let text = "--- a/x.S\n+++ b/x.S\n@@ -1,2 +1,1 @@\n--- a tlbi comment\n dsb\n";
        assert_eq!(patch(text).files[0].hunks[0].lines[0].text, "-- a tlbi comment");
    }

    #[test]
    fn created_and_deleted_files_have_one_path() {
        let text = DIFF.replace("--- a/x.S", "--- /dev/null");
        assert_eq!(
            (patch(&text).files[0].old_path.as_str(), patch(&text).files[0].path()),
            ("", "x.S")
        );
    }

    #[test]
    fn hunks_without_maintenance_are_not_kept() {
        let text = "--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-a\n+b\n";
        let patch = patch(text);
        assert_eq!((patch.files.len(), patch.files_seen), (0, 1));
    }
}
