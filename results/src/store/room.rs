// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether there is room for a run: it is not begun where it could not go on, and what it sets aside must not be what fills
//! the disk.

use std::path::Path;

use super::StoreError;

/// Space set aside at the start, so that the last manifest of a run fits on a disk the run has filled.
pub const RESERVE: usize = 64 * 1024;
/// Free bytes with which a run begins: as much again as it sets aside.
const LEAST: u64 = 2 * RESERVE as u64;

/// Refuses a folder on a file system without room for a run of so many files.
pub fn check(folder: &Path, files: usize) -> Result<(), StoreError> {
    let Some(free) = free(folder) else { return Ok(()) };
    let refused = |what, left, least| {
        let folder = folder.to_owned();
        Err(StoreError::NoRoom {
            folder,
            what,
            left,
            least,
        })
    };
    if free.bytes < LEAST {
        return refused("bytes", free.bytes, LEAST);
    }
    // With the space set aside, the folder, and a table that few runs have.
    let files = files as u64 + 3;
    match free.files {
        Some(left) if left < files => refused("files", left, files),
        _ => Ok(()),
    }
}

/// What a file system has left.
struct Free {
    bytes: u64,
    /// Some have no limit.
    files: Option<u64>,
}

/// Returns what is left where a folder is, or will be; `None` where nobody knows.
#[cfg(unix)]
fn free(folder: &Path) -> Option<Free> {
    let is_there = |path: &&Path| path.exists();
    let at = folder
        .ancestors()
        .filter(|path| !path.as_os_str().is_empty())
        .find(is_there);
    let found = rustix::fs::statvfs(at.unwrap_or(Path::new("."))).ok()?;
    let knows = found.f_blocks > 0;
    knows.then(|| Free {
        bytes: found.f_bavail.saturating_mul(found.f_frsize),
        files: (found.f_files > 0).then_some(found.f_favail),
    })
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<Free> {
    None
}
