// SPDX-License-Identifier: MIT OR Apache-2.0
//! The two sides of a patch, and whole files, as text to extract from.
//!
//! A [`Unit`] is a file, or what a patch shows of it; [`Surroundings`] say what its calls may mean; an [`Extraction`] is
//! what was found in it.

mod extraction;
mod live;
mod part;
mod surroundings;
mod touched;

pub use extraction::{Extraction, Guarded, LoneBarrier};
pub use surroundings::Surroundings;
pub use touched::{Touched, touched};

use crate::diff::{FileDiff, Hunk, Origin};
use crate::extract::token::{Language, SourceLine};
use crate::foreign::is_source_path;

/// A piece of a file without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The function it starts in, as the diff program guessed it.
    pub section: String,
    /// Its lines.
    pub lines: Vec<SourceLine>,
}

/// A file, or what a patch shows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its path.
    pub path: String,
    /// The pieces.
    pub segments: Vec<Segment>,
}

/// Which side of a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Context and `-`.
    Before,
    /// Context and `+`.
    After,
}

impl Unit {
    /// Returns one side of a file's diff.
    pub fn side(file: &FileDiff, side: Side) -> Self {
        let segment = |hunk: &Hunk| {
            let (skip, start) = match side {
                Side::Before => (Origin::Added, hunk.old_start),
                Side::After => (Origin::Removed, hunk.new_start),
            };
            let lines = hunk.lines.iter().filter(|line| line.origin != skip);
            Segment {
                section: hunk.section.clone(),
                lines: (start..)
                    .zip(lines)
                    .map(|(number, line)| SourceLine {
                        number,
                        text: without_foreign_comment(file.path(), &line.text).to_owned(),
                        changed: line.origin != Origin::Context,
                    })
                    .collect(),
            }
        };
        let path = match side {
            Side::Before if !file.old_path.is_empty() => &file.old_path,
            _ => file.path(),
        };
        let mut segments: Vec<Segment> = Vec::new();
        for next in file.hunks.iter().map(segment) {
            // A macro that two hunks show the ends of is one macro.
            let goes_on = |line: Option<&SourceLine>| line.is_some_and(|line| line.text.trim_end().ends_with('\\'));
            match segments.last_mut() {
                Some(open) if goes_on(open.lines.last()) && goes_on(next.lines.first()) => {
                    open.lines.extend(next.lines);
                }
                _ => segments.push(next),
            }
        }
        Self {
            path: path.to_owned(),
            segments,
        }
    }

    /// Returns a whole file.
    pub fn whole(path: &str, text: &str) -> Self {
        let lines = (1..).zip(text.lines()).map(|(number, text)| SourceLine {
            number,
            text: without_foreign_comment(path, text.trim_end_matches('\r')).to_owned(),
            changed: false,
        });
        Self {
            path: path.to_owned(),
            segments: vec![Segment {
                section: String::new(),
                lines: lines.collect(),
            }],
        }
    }

    /// Returns the language, C where the name does not say.
    pub fn language(&self) -> Language {
        Language::of(&self.path).unwrap_or(Language::C)
    }

    /// Returns whether this may be source for AArch64: documents are not, nor are other architectures' folders.
    pub fn is_source(&self) -> bool {
        is_source_path(&self.path)
    }
}

/// Returns a line without its comment, in a language whose comments the readers do not know.
fn without_foreign_comment<'a>(path: &str, text: &'a str) -> &'a str {
    match path.rsplit_once('.') {
        Some((_, "py")) => text.split('#').next().unwrap_or_default(),
        _ => text,
    }
}
