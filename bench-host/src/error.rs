// SPDX-License-Identifier: MIT OR Apache-2.0
//! What stops a command, sorted by whose turn it is to do something about it.

use std::io;
use std::path::PathBuf;

use results::store::StoreError;

use crate::exit::Exit;

/// Why a command could not do what was asked. The message says what, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The command line is wrong.
    #[error("{0}")]
    Usage(String),
    /// Something outside is missing or unfit.
    #[error("{0}")]
    Setup(String),
    /// Results cannot be stored or read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file that was asked for cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Output {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Error {
    /// Returns the exit code for it.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Setup(_) => Exit::Setup,
            Self::Store(_) | Self::Output { .. } => Exit::Store,
        }
    }
}
