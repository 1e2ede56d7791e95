// SPDX-License-Identifier: MIT OR Apache-2.0
//! The folder of a new run.

use std::path::{Path, PathBuf};

use chrono::Utc;
use results::manifest::Manifest;
use results::store::{Store, StoreError};

use crate::error::Error;

const RUNS: &str = "results/runs";
/// Runs of one machine in one second.
const MAX_SAME: u32 = 100;

/// Creates the folder: the one named, which must be new or empty, or one named by time and machine.
pub fn create(named: Option<&Path>, manifest: Manifest) -> Result<(PathBuf, Store), Error> {
    if let Some(folder) = named {
        return Ok((folder.to_owned(), Store::create(folder, manifest)?));
    }
    let time = Utc::now().format("%Y%m%dT%H%M%SZ");
    let base = format!("{RUNS}/{time}-{}", manifest.machine);
    for n in 1..MAX_SAME {
        let folder = PathBuf::from(if n == 1 { base.clone() } else { format!("{base}-{n}") });
        match Store::create(&folder, manifest.clone()) {
            Ok(store) => return Ok((folder, store)),
            Err(StoreError::Exists(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Exists(base.into()).into())
}
