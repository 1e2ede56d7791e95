// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which program has a device open, where the system says so.

use std::fs;
use std::path::Path;

/// Returns the program, other than this one, that has the device open; `None` too where that cannot be seen, as in the
/// processes of another user.
pub fn of(device: &Path) -> Option<String> {
    let device = device.canonicalize().ok()?;
    let processes = fs::read_dir("/proc").ok()?;
    processes.filter_map(Result::ok).find_map(|process| {
        let number: u32 = process.file_name().to_str()?.parse().ok()?;
        if number == std::process::id() {
            return None;
        }
        let mut files = fs::read_dir(process.path().join("fd")).ok()?.filter_map(Result::ok);
        files.find(|file| fs::read_link(file.path()).is_ok_and(|target| target == device))?;
        let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
        Some(format!("{} (process {number})", name.trim()))
    })
}
