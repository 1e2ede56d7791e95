// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a package of this needs: a version that says what it is of, manual pages, completions.
#![allow(missing_docs)]

use std::fs;

use assert_cmd::cargo::cargo_bin_cmd;
use bench_host::kernel::Kernel;

#[test]
fn the_version_names_the_kernel_and_the_schema() {
    let output = cargo_bin_cmd!("bench-host").arg("--version").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    let kernel = Kernel::load(None).unwrap().sha256;
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], concat!("bench-host ", env!("CARGO_PKG_VERSION")));
    assert!(lines[1].starts_with("commit "));
    assert_eq!(lines[2], format!("kernel sha256 {kernel}"));
    assert_eq!(lines[3], format!("record schema {}", results::SCHEMA_VERSION));
    assert_eq!(
        lines[4],
        format!("plan schema {}", String::from_utf8_lossy(&results::plan::MAGIC))
    );
}

#[test]
fn every_command_has_a_manual_page_and_every_shell_its_completions() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = cargo_bin_cmd!("bench-host");
    let output = command.arg("man").arg(folder.path().join("out")).output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let read = |name: &str| fs::read_to_string(folder.path().join("out").join(name)).unwrap();
    for (page, word) in [
        ("bench-host.1", "review"),
        ("bench-host-run.1", "deterministic"),
        ("bench-host-check.1", "ktap"),
        ("bench-host.bash", "litmus"),
        ("_bench-host", "litmus"),
        ("bench-host.fish", "litmus"),
    ] {
        assert!(read(page).contains(word), "{page}");
    }
}
