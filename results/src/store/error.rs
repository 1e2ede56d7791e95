// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can go wrong with a run folder.

use std::io;
use std::path::{Path, PathBuf};

/// Why a run cannot be stored or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The folder for a new run holds something already.
    #[error("{} is not empty: a run is never added to or overwritten; name another folder", .0.display())]
    Exists(PathBuf),
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, e.g. `write`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no room for a run.
    #[error("{} has {left} {what} free, a run begins with at least {least}", folder.display())]
    NoRoom {
        /// Where it was to be.
        folder: PathBuf,
        /// What there is too little of.
        what: &'static str,
        /// How much is left.
        left: u64,
        /// How much there should be.
        least: u64,
    },
    /// The folder has no manifest.
    #[error("{} is no run folder: it has no run.toml", .0.display())]
    NotARun(PathBuf),
    /// The manifest is malformed.
    #[error("{}: {message}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// Where and what, by the TOML parser.
        message: String,
    },
    /// The run was written by a newer version.
    #[error("{} has schema {found}; this bench-host reads up to {}: update it", path.display(), crate::SCHEMA_VERSION)]
    NewerSchema {
        /// The manifest.
        path: PathBuf,
        /// Its schema version.
        found: u32,
    },
    /// A row is malformed.
    #[error("{} line {line}{}: {message}", path.display(), column(.field.as_deref()))]
    Row {
        /// The table.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The name of the column, if it is about one.
        field: Option<String>,
        /// What is wrong.
        message: String,
    },
}

impl StoreError {
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }

    /// Returns whether there was no space left.
    pub fn is_full(&self) -> bool {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        match self {
            Self::Io { source, .. } => full.contains(&source.kind()),
            Self::NoRoom { .. } => true,
            _ => false,
        }
    }
}

fn column(field: Option<&str>) -> String {
    field.map(|name| format!(", field {name}")).unwrap_or_default()
}
