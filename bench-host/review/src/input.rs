// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where patches come from: files, standard input, a range of git commits.

use crate::diff::{self, Patch, Quoting};
use crate::git::{self, GitError};
use crate::loss::Remark;
use results::file::too_large;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

/// Most that is taken from a pipe or a device.
const MAX_SPOOLED: u64 = 1 << 30;

/// A place a patch comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Standard input, `-`.
    Stdin,
    /// The commits of a range, e.g. `origin/main..topic`.
    Git {
        /// The repository.
        repository: PathBuf,
        /// The range.
        range: String,
    },
}

/// Why a patch could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// A file cannot be read.
    #[error("cannot read {path}: {error}")]
    File {
        /// The file.
        path: String,
        /// The system's reason.
        error: io::Error,
    },
    /// Git cannot be started.
    #[error("cannot run git: {0}; install it, or give the patch as a file")]
    NoGit(io::Error),
    /// Git refused.
    #[error("git could not list {range} in {repository}: {message}")]
    Git {
        /// The repository.
        repository: String,
        /// The range.
        range: String,
        /// What git said.
        message: String,
    },
    /// The range is not one.
    #[error("`{0}` is not a range of commits: write A..B, for example main..topic")]
    Range(String),
    /// The text holds no diff.
    #[error(
        "no unified diff in {name}: give the output of `git format-patch`, `git diff` or `diff -u`, or a saved mail{}",
        list(notes)
    )]
    NoDiff {
        /// The source.
        name: String,
        /// What was in it instead.
        notes: Vec<String>,
    },
}

fn list(notes: &[String]) -> String {
    notes.iter().map(|note| format!("; {note}")).collect()
}

impl Source {
    /// Returns the source an argument names.
    pub fn from_argument(argument: &str) -> Self {
        match argument {
            "-" => Self::Stdin,
            path => Self::File(path.into()),
        }
    }

    /// Returns the name for messages.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stdin => "standard input".into(),
            Self::Git { repository, range } => format!("{range} of {}", repository.display()),
        }
    }

    /// Reads the patch: unquoted diffs, or quoted ones where there are no others.
    pub fn read(&self) -> Result<Patch, InputError> {
        let mut file = self.open()?;
        let failed = |error| InputError::File {
            path: self.name(),
            error,
        };
        let patch = diff::read(BufReader::with_capacity(1 << 16, &file), Quoting::Outside).map_err(failed)?;
        let mut patch = if patch.is_quoted_only() {
            file.seek(SeekFrom::Start(0)).map_err(failed)?;
            let mut inside = diff::read(BufReader::new(&file), Quoting::Inside).map_err(failed)?;
            inside.notes.remark(None, Remark::QuotedOnly);
            if inside.message.is_empty() {
                inside.message = patch.message;
            }
            inside
        } else {
            patch
        };
        if patch.files_seen == 0 && !patch.notes.is_of_diff() {
            if matches!(self, Self::Git { .. }) {
                patch.notes.remark(None, Remark::NothingChanged);
                return Ok(patch);
            }
            return Err(InputError::NoDiff {
                name: self.name(),
                notes: patch.notes.lines(usize::MAX),
            });
        }
        Ok(patch)
    }

    /// Opens the source as something that can be read twice.
    fn open(&self) -> Result<File, InputError> {
        let failed = |error| InputError::File {
            path: self.name(),
            error,
        };
        match self {
            Self::File(path) => {
                let file = File::open(path).map_err(failed)?;
                let meta = file.metadata().map_err(failed)?;
                if meta.is_dir() {
                    return Err(failed(io::Error::other(
                        "it is a folder; `bench-host scan` reads those",
                    )));
                }
                // A pipe or a device cannot be read twice.
                let file = if meta.is_file() {
                    file
                } else {
                    spool(file).map_err(failed)?
                };
                narrow(file).map_err(failed)
            }
            Self::Stdin => spool(io::stdin().lock()).and_then(narrow).map_err(failed),
            Self::Git { repository, range } => git::patches(repository, range).map_err(|error| match error {
                GitError::NotRun(error) => InputError::NoGit(error),
                GitError::Range => InputError::Range(range.clone()),
                GitError::Refused(message) => InputError::Git {
                    repository: repository.display().to_string(),
                    range: range.clone(),
                    message,
                },
            }),
        }
    }
}

fn spool(mut from: impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    if io::copy(&mut from.by_ref().take(MAX_SPOOLED + 1), &mut file)? > MAX_SPOOLED {
        return Err(too_large(MAX_SPOOLED));
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

/// Returns UTF-16, as some shells redirect it, as UTF-8, and anything else as it is.
fn narrow(mut file: File) -> io::Result<File> {
    let mut mark = Vec::new();
    (&file).take(2).read_to_end(&mut mark)?;
    file.seek(SeekFrom::Start(0))?;
    let encoding = match mark.as_slice() {
        [0xff, 0xfe] => encoding_rs::UTF_16LE,
        [0xfe, 0xff] => encoding_rs::UTF_16BE,
        _ => return Ok(file),
    };
    let mut decoder = encoding.new_decoder_with_bom_removal();
    let mut out = tempfile::tempfile()?;
    let mut bytes = vec![0; 1 << 16];
    let mut text = String::with_capacity(1 << 18);
    loop {
        let read = file.read(&mut bytes)?;
        text.clear();
        // Three bytes of UTF-8 at most come of two, so the text always fits.
        let _ = decoder.decode_to_string(&bytes[..read], &mut text, read == 0);
        out.write_all(text.as_bytes())?;
        if read == 0 {
            break;
        }
    }
    out.seek(SeekFrom::Start(0))?;
    Ok(out)
}
