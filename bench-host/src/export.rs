// SPDX-License-Identifier: MIT OR Apache-2.0
//! Samples of stored runs in the formats of other tools.
//!
//! All of them get raw counts, the overhead of the frame included; the empty frame is exported like a sequence, so that
//! it can be subtracted there. Nothing is ever overwritten.

pub mod benchstat;
pub mod criterion;
mod means;
#[cfg(feature = "parquet")]
pub mod parquet;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use results::manifest::{HARDWARE_LABEL, Manifest};
use results::record::Event;
use results::store::StoreError;

/// Why a run cannot be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The run cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What would be written is there already.
    #[error("{} exists already, and nothing is overwritten: name another folder with --out{also}", path.display())]
    Exists {
        /// The file or folder.
        path: PathBuf,
        /// What else would help.
        also: &'static str,
    },
    /// There is nothing to export.
    #[error("{} has no samples to export: nothing was timed in it", .0.display())]
    NoSamples(PathBuf),
    /// The operating system refused.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exported {
    /// The files, or the folders that hold them.
    pub paths: Vec<PathBuf>,
    /// What the user should know about the data.
    pub notes: Vec<String>,
}

/// Returns the name of what was counted, with its origin unless a processor counted it: `cycles`, `sim-cycles`,
/// `icount-cycles` where it counted instructions instead of time, `guest-cycles` under a hypervisor, `unstated-cycles`. Tools that know nothing of labels
/// keep counts of different origin apart by it.
fn unit(event: Event, manifest: &Manifest) -> String {
    let origin = match () {
        () if manifest.simulator && manifest.plan.deterministic => "icount-",
        () if manifest.simulator => "sim-",
        () if manifest.label == HARDWARE_LABEL => "",
        () if manifest.origin() == HARDWARE_LABEL => "guest-",
        () => "unstated-",
    };
    format!("{origin}{}", event.id())
}

/// Returns the name of a run's folder.
fn run_name(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    folder
        .file_name()
        .map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn create_dir(path: &Path) -> Result<(), ExportError> {
    fs::create_dir_all(path).map_err(|source| ExportError::Write {
        path: path.to_owned(),
        source,
    })
}
