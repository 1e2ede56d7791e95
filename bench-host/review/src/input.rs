// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where patches come from: files, standard input, a range of git commits.

use crate::diff::{self, Patch, Quoting};
use crate::git::{self, GitError};
use crate::loss::Remark;
use crate::series::Series;
use crate::subject::Subject;
use flate2::bufread::MultiGzDecoder;
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

    /// Reads the patches, one for each message: unquoted diffs, or quoted ones where there are no others.
    pub fn read(&self) -> Result<Vec<Patch>, InputError> {
        let mut file = self.open()?;
        let failed = |error| InputError::File {
            path: self.name(),
            error,
        };
        let mut patches = diff::read(BufReader::with_capacity(1 << 16, &file), Quoting::Outside).map_err(failed)?;
        if patches.iter().all(|patch| patch.files_seen == 0) && patches.iter().any(Patch::is_quoted_only) {
            file.seek(SeekFrom::Start(0)).map_err(failed)?;
            let mut inside = diff::read(BufReader::new(&file), Quoting::Inside).map_err(failed)?;
            if let [only] = inside.as_mut_slice() {
                only.notes.remark(None, Remark::QuotedOnly);
                if only.message.is_empty() {
                    only.message = patches
                        .iter_mut()
                        .map(|patch| std::mem::take(&mut patch.message))
                        .collect();
                }
            } else if let Some(first) = inside.first_mut() {
                first.notes.remark(None, Remark::QuotedOnly);
            }
            patches = inside;
        }
        let without = |patch: &Patch| patch.files_seen == 0 && !patch.notes.is_of_diff();
        if patches.iter().all(without) {
            if matches!(self, Self::Git { .. }) {
                patches.truncate(1);
                for patch in &mut patches {
                    patch.notes.remark(None, Remark::NothingChanged);
                }
                return Ok(patches);
            }
            // A cover letter among the files of its series.
            if patches.iter().any(|patch| Subject::parse(&patch.subject).is_cover()) {
                return Ok(patches);
            }
            return Err(self.no_diff(&patches));
        }
        Ok(patches)
    }

    fn no_diff(&self, patches: &[Patch]) -> InputError {
        InputError::NoDiff {
            name: self.name(),
            notes: patches.iter().flat_map(|patch| patch.notes.lines(usize::MAX)).collect(),
        }
    }

    /// Reads the patches of all sources as one series.
    pub fn read_series(sources: &[Self]) -> Result<Series, InputError> {
        if let [source @ Self::Git { repository, range }] = sources {
            let mut series = Series::in_order(source.read()?);
            series.repository = Some(repository.clone());
            if series.patches.len() > 1 {
                let whole = git::whole(repository, range).map_err(|error| error.to_string());
                match whole.and_then(|file| file.map(|file| source.whole(file, &series)).transpose()) {
                    Ok(whole) => series.whole = whole,
                    Err(reason) => series.notes.remark(None, Remark::NoWhole { reason }),
                }
            }
            return Ok(series);
        }
        let mut patches = Vec::new();
        for source in sources {
            patches.extend(source.read()?);
        }
        let series = Series::of(patches);
        match sources.first() {
            // A cover letter alone.
            Some(first) if series.is_without_diff() => Err(first.no_diff(&series.patches)),
            _ => Ok(series),
        }
    }

    /// Reads the one diff of a range, which has the messages of all its patches.
    fn whole(&self, file: File, series: &Series) -> Result<Patch, String> {
        let read =
            diff::read(BufReader::new(file), Quoting::Outside).map_err(|error| format!("{}: {error}", self.name()))?;
        let message = series.patches.iter().map(|patch| patch.message.as_str()).collect();
        let whole = read.into_iter().next().unwrap_or_default();
        Ok(Patch { message, ..whole })
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
                unpack(file).and_then(narrow).map_err(failed)
            }
            Self::Stdin => spool(io::stdin().lock())
                .and_then(unpack)
                .and_then(narrow)
                .map_err(failed),
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

/// Returns what gzip packed, as archives of mailing lists hand it out, unpacked, and anything else as it is.
fn unpack(mut file: File) -> io::Result<File> {
    let mut mark = Vec::new();
    (&file).take(2).read_to_end(&mut mark)?;
    file.seek(SeekFrom::Start(0))?;
    if mark != [0x1f, 0x8b] {
        return Ok(file);
    }
    let unpacked = spool(MultiGzDecoder::new(BufReader::new(file)));
    unpacked.map_err(|error| io::Error::new(error.kind(), format!("gzip: {error}")))
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
