// SPDX-License-Identifier: MIT OR Apache-2.0
//! What of a text could not be read, and what was guessed on the way.
//!
//! How a review ends depends on what was lost, so a loss is a value and never a sentence that somebody searches; and all
//! losses are counted, however few of them are kept to be shown.

use std::fmt;

/// Most notes of either kind that are kept to be shown.
const MOST_KEPT: usize = 32;

/// A part of a text that was not looked at, and that may change TLB maintenance.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// The header of a hunk is damaged, so that its lines are not known to be any.
    HunkHeader,
    /// A hunk of no known file.
    HunkWithoutFile,
    /// A file is named, and its hunks are missing.
    FileWithoutHunk {
        /// The file.
        path: String,
    },
    /// A hunk ends before all of its lines.
    HunkCutShort {
        /// The file; empty where it has no name.
        path: String,
        /// Lines before that are missing.
        before: u32,
        /// Lines after that are missing.
        after: u32,
    },
    /// A diff of a merge, against several parents.
    CombinedDiff,
    /// A diff in the form of `diff -c`.
    ContextDiff,
    /// A diff of a source file as if it were none.
    BinarySource {
        /// The file.
        path: String,
    },
    /// Hunks beyond the bytes that are kept.
    TooManyBytes {
        /// How many are, in MiB.
        mebibytes: usize,
    },
    /// Files beyond the number that is kept.
    TooManyFiles {
        /// How many are.
        most: usize,
    },
    /// The rest of a line, where it may be one of a diff.
    LongLine {
        /// Bytes of it that are kept.
        kept: usize,
    },
    /// A line of a base64 part that does not decode.
    Base64Line,
    /// The end of a base64 part.
    Base64End,
}

/// What a reader of the review should know, and that hides nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remark {
    /// A binary diff was left out.
    Binary {
        /// The file; empty where it has no name.
        path: String,
    },
    /// The rest of a line outside every diff was left out.
    LongLine {
        /// Bytes of it that are kept.
        kept: usize,
    },
    /// Quoted-printable text was no such text.
    NotQuotedPrintable,
    /// Text in a base64 part was not base64.
    NotBase64,
    /// Only quoted diffs were there.
    QuotedOnly,
    /// A range of commits without a change.
    NothingChanged,
    /// Patches of an older version of the series were left out.
    OlderVersions {
        /// The version that counts.
        version: u32,
        /// How many patches.
        patches: usize,
    },
    /// Patches of the series are not here.
    Missing {
        /// Their numbers.
        numbers: Vec<u32>,
        /// How many the series has.
        of: u32,
    },
    /// Several series, or patches that answer each other.
    NotStacked,
    /// A patch was not made on top of those before it.
    DoesNotApply {
        /// Its subject.
        subject: String,
    },
    /// Too many patches to show each all that those before it left.
    SeenApart {
        /// How many are not too many.
        most: usize,
    },
    /// Git could not tell the whole of a range.
    NoWhole {
        /// Why.
        reason: String,
    },
    /// The files at the commits of a range could not be read, or are not those of the diff.
    NoFiles {
        /// Why.
        reason: String,
    },
    /// Not all of the files around a change were read.
    FilesLeft {
        /// How many.
        left: usize,
    },
    /// Changes that were judged and not run.
    NotRun {
        /// How many.
        left: usize,
        /// How many are run at most.
        most: usize,
    },
}

/// A loss or a remark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Something was not looked at.
    Loss(Loss),
    /// Something is to be known.
    Remark(Remark),
}

/// A note with its place in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The line of the text; `None` where it is about no line in particular.
    pub line: Option<usize>,
    /// What it is.
    pub what: What,
}

/// All losses and remarks of a text, counted, and the first of either kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    kept: Vec<Note>,
    losses: usize,
    remarks: usize,
    /// A note says that a diff was there.
    of_diff: bool,
}

impl Loss {
    /// Returns whether it shows that the text holds a diff, or that what holds it is damaged.
    const fn is_of_diff(&self) -> bool {
        !matches!(self, Self::LongLine { .. } | Self::Base64End)
    }
}

impl Note {
    const fn is_loss(&self) -> bool {
        matches!(self.what, What::Loss(_))
    }
}

impl Notes {
    /// Adds a loss.
    pub fn lose(&mut self, line: Option<usize>, loss: Loss) {
        self.of_diff |= loss.is_of_diff();
        self.add(Note {
            line,
            what: What::Loss(loss),
        });
    }

    /// Adds a remark.
    pub fn remark(&mut self, line: Option<usize>, remark: Remark) {
        self.of_diff |= matches!(remark, Remark::Binary { .. });
        self.add(Note {
            line,
            what: What::Remark(remark),
        });
    }

    fn add(&mut self, note: Note) {
        // What is about no line is said once.
        if note.line.is_none() && self.kept.contains(&note) {
            return;
        }
        let is_loss = note.is_loss();
        *(if is_loss { &mut self.losses } else { &mut self.remarks }) += 1;
        let alike = self.kept.iter().filter(|kept| kept.is_loss() == is_loss);
        if alike.count() < MOST_KEPT {
            self.kept.push(note);
        }
    }

    /// Adds those of another text.
    pub fn append(&mut self, other: Self) {
        let kept = |wanted: bool| other.kept.iter().filter(|note| note.is_loss() == wanted).count();
        self.losses += other.losses - kept(true);
        self.remarks += other.remarks - kept(false);
        self.of_diff |= other.of_diff;
        other.kept.into_iter().for_each(|note| self.add(note));
    }

    /// Returns how many parts of the text were not looked at.
    pub const fn losses(&self) -> usize {
        self.losses
    }

    /// Returns the losses that are kept to be shown.
    pub fn kept_losses(&self) -> impl Iterator<Item = (Option<usize>, &Loss)> {
        self.kept.iter().filter_map(|note| match &note.what {
            What::Loss(loss) => Some((note.line, loss)),
            What::Remark(_) => None,
        })
    }

    /// Returns the remarks that are kept to be shown.
    pub fn kept_remarks(&self) -> impl Iterator<Item = (Option<usize>, &Remark)> {
        self.kept.iter().filter_map(|note| match &note.what {
            What::Remark(remark) => Some((note.line, remark)),
            What::Loss(_) => None,
        })
    }

    /// Returns whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.losses + self.remarks == 0
    }

    /// Returns whether they show that a diff was there, be it one that was left out.
    pub const fn is_of_diff(&self) -> bool {
        self.of_diff
    }

    /// Returns at most so many in words, in the order of the text, losses rather than remarks; and how many are left out.
    pub fn lines(&self, most: usize) -> Vec<String> {
        let losses = self.kept.iter().filter(|note| note.is_loss()).count().min(most);
        let mut left = [losses, most - losses];
        let mut lines: Vec<String> = Vec::new();
        for note in &self.kept {
            let left = &mut left[usize::from(!note.is_loss())];
            if *left > 0 {
                *left -= 1;
                lines.push(note.to_string());
            }
        }
        match self.losses + self.remarks - lines.len() {
            0 => {}
            more => lines.push(format!("and {more} more like these")),
        }
        lines
    }
}

fn named(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!(" ({path})")
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HunkHeader => f.write_str("a hunk header that is not `@@ -line,count +line,count @@` was left out"),
            Self::HunkWithoutFile => f.write_str("a hunk without a file name was left out"),
            Self::FileWithoutHunk { path } => write!(f, "no hunk follows the names of a file{}", named(path)),
            Self::HunkCutShort { path, before, after } => write!(
                f,
                "a hunk is cut short{}: {before} lines before and {after} after are missing",
                named(path)
            ),
            Self::CombinedDiff => {
                f.write_str("a combined diff of a merge was left out: give the diff against one parent")
            }
            Self::ContextDiff => f.write_str("a context diff was left out: make it with `diff -u`"),
            Self::BinarySource { path } => {
                write!(
                    f,
                    "a binary diff of source was left out{}: make it with `--text`",
                    named(path)
                )
            }
            Self::TooManyBytes { mebibytes } => write!(
                f,
                "more than {mebibytes} MiB of hunks mention maintenance: the rest was left out"
            ),
            Self::TooManyFiles { most } => write!(
                f,
                "more than {most} files mention maintenance: the patch is cut short here, give it in parts"
            ),
            Self::LongLine { kept } => write!(f, "a line longer than {kept} bytes was cut"),
            Self::Base64Line => f.write_str("a base64 line that does not decode was left out"),
            Self::Base64End => f.write_str("a base64 part ends in the middle: the mail is truncated"),
        }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Binary { path } => write!(f, "a binary diff was left out{}", named(path)),
            Self::LongLine { kept } => write!(f, "a line longer than {kept} bytes was cut"),
            Self::NotQuotedPrintable => f.write_str("quoted-printable text that does not decode was kept as it is"),
            Self::NotBase64 => f.write_str("text in a base64 part that is not base64 was kept as it is"),
            Self::QuotedOnly => f.write_str("only quoted diffs were found: read without their quote marks"),
            Self::NothingChanged => f.write_str("the range changes nothing"),
            Self::OlderVersions { version, patches } => write!(
                f,
                "{patches} {} of older versions left out: v{version} counts",
                if *patches == 1 { "patch" } else { "patches" }
            ),
            Self::Missing { numbers, of } => {
                let list: Vec<String> = numbers.iter().take(12).map(u32::to_string).collect();
                let more = if numbers.len() > list.len() { ", ..." } else { "" };
                write!(f, "not here: patch {}{more} of {of}", list.join(", "))
            }
            Self::NotStacked => {
                f.write_str("not one series: each patch is judged alone, and where they end is not known")
            }
            Self::DoesNotApply { subject } => write!(
                f,
                "`{subject}` was not made on top of the patches before it: where the series ends is not known"
            ),
            Self::SeenApart { most } => write!(
                f,
                "more than {most} patches with maintenance: each is read with the files it changes, and no others"
            ),
            Self::NoWhole { reason } => write!(f, "git could not show the range as one diff: {reason}"),
            Self::NoFiles { reason } => write!(f, "the files at the commit were not read, only its diff: {reason}"),
            Self::FilesLeft { left } => write!(
                f,
                "{left} more files beside the change, or included by it, were not read: what they define is not in sight"
            ),
            Self::NotRun { left, most } => {
                write!(f, "{left} further changes were not run: --run stops after {most}")
            }
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        match &self.what {
            What::Loss(loss) => loss.fmt(f),
            What::Remark(remark) => remark.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(number: usize) -> Remark {
        Remark::Binary {
            path: format!("i{number}.png"),
        }
    }

    #[test]
    fn a_loss_is_counted_and_shown_behind_any_number_of_remarks() {
        let mut notes = Notes::default();
        (1..=40).for_each(|number| notes.remark(Some(number), image(number)));
        assert_eq!(notes.losses(), 0);
        notes.lose(Some(41), Loss::ContextDiff);
        assert_eq!(notes.losses(), 1);
        for most in [1, 8, usize::MAX] {
            let lines = notes.lines(most);
            let loss = lines
                .iter()
                .position(|line| line.starts_with("line 41: a context diff"));
            assert_eq!(loss, Some(lines.len() - 2), "{lines:?}");
        }
        assert_eq!(notes.lines(usize::MAX).last().unwrap(), "and 8 more like these");
        assert_eq!(notes.lines(8).last().unwrap(), "and 33 more like these");
    }

    #[test]
    fn all_losses_are_counted_however_few_are_kept() {
        let mut notes = Notes::default();
        (0..100).for_each(|line| notes.lose(Some(line), Loss::HunkHeader));
        assert_eq!((notes.losses(), notes.kept_losses().count()), (100, MOST_KEPT));
        let mut more = Notes::default();
        more.remark(None, Remark::QuotedOnly);
        more.append(notes.clone());
        more.append(notes);
        assert_eq!((more.losses(), more.kept_losses().count()), (200, MOST_KEPT));
        assert_eq!(more.lines(2).last().unwrap(), "and 199 more like these");
    }

    #[test]
    fn what_is_about_no_line_is_said_once() {
        let mut notes = Notes::default();
        notes.lose(None, Loss::Base64Line);
        notes.lose(None, Loss::Base64Line);
        let again = notes.clone();
        notes.append(again);
        assert_eq!(notes.lines(8), ["a base64 line that does not decode was left out"]);
    }
}
