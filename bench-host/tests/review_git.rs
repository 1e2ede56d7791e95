// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host review --git`, where there is git.
#![allow(missing_docs)]

#[path = "support/needs.rs"]
mod needs;

use std::fs;
use std::process::{Command, ExitCode};

fn bench_host(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_bench-host"))
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn commits_are_reviewed() {
    let repository = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| {
        let done = Command::new("git")
            .current_dir(repository.path())
            .args([
                "-c",
                "user.name=A",
                "-c",
                "user.email=a@example.org",
                "-c",
                "init.defaultBranch=main",
            ])
            .args(arguments)
            .output();
        done.is_ok_and(|output| output.status.success())
    };
    assert!(git(&["init", "-q"]));
    let source = "f:\n\tdsb ishst\n\ttlbi alle2is\n\tdsb ish\n\tisb\n\tret\n";
    fs::write(repository.path().join("f.S"), source).unwrap();
    assert!(git(&["add", "."]) && git(&["commit", "-qm", "one"]) && git(&["tag", "one"]));
    fs::write(repository.path().join("f.S"), source.replace("dsb ish\n", "dsb nsh\n")).unwrap();
    assert!(git(&["commit", "-qam", "two"]));
    let (code, out, _) = bench_host(&["review", "--git", &repository.path().display().to_string(), "one..HEAD"]);
    assert!(code == Some(1) && out.contains("changed: f.S:2 f"), "{out}");
}

fn main() -> ExitCode {
    needs::main([(
        "commits_are_reviewed",
        commits_are_reviewed as fn(),
        needs::no_program("git", "--version"),
    )])
}
