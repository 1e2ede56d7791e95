// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line, as somebody in a folder calls it.

use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::cargo_bin;

/// Runs it in a folder and returns its exit code, and what it printed on either stream.
pub fn bench_host(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(cargo_bin!("bench-host"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}
