// SPDX-License-Identifier: MIT OR Apache-2.0
//! What stops a command, sorted by whose turn it is to do something about it.

use std::io;
use std::path::PathBuf;

use report::ReportError;
use results::store::StoreError;

use crate::aggregate::AggregateError;
use crate::exit::Exit;
use crate::export::ExportError;
use crate::input::InputError;
use crate::rows::RowsError;

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
    /// A console cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// Results cannot be stored or read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A run cannot be aggregated.
    #[error(transparent)]
    Aggregate(#[from] AggregateError),
    /// Raw rows cannot be aggregated.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// A run cannot be exported.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// A report cannot be written.
    #[error(transparent)]
    Report(#[from] ReportError),
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
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Input(InputError::Log { source, .. }) if is_absent(source) => Exit::Usage,
            Self::Setup(_) | Self::Input(_) => Exit::Setup,
            Self::Rows(error) if error.is_usage() => Exit::Usage,
            Self::Rows(_) => Exit::Store,
            Self::Store(_) | Self::Aggregate(_) | Self::Export(_) | Self::Report(_) | Self::Output { .. } => {
                Exit::Store
            }
        }
    }
}

/// Returns whether something that was to be read is not there.
fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

/// Returns an error on one line: that of a manifest shows where in it.
pub fn one_line(error: &impl ToString) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}
