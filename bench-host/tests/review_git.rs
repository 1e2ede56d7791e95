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

/// A pipe that nobody writes to in the place of any file that git reads: refused by name, or not looked at.
#[cfg(unix)]
fn pipes_are_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .current_dir(folder.path())
            .args(arguments)
            .output();
        assert!(output.unwrap().status.success(), "{program} {arguments:?}");
    };
    for name in [
        "commondir",
        "packed-refs",
        "shallow",
        "config",
        "HEAD",
        "refs/heads/two",
        "objects/info/alternates",
        "objects/pack/pack-0123456789012345678901234567890123456789.idx",
        "objects/00/00000000000000000000000000000000000000",
    ] {
        let repository = folder.path().join("r");
        run("git", &["init", "-q", "r"]);
        let pipe = repository.join(".git").join(name);
        fs::create_dir_all(pipe.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&pipe);
        run("mkfifo", &[&pipe.display().to_string()]);
        let mut command = assert_cmd::Command::cargo_bin("bench-host").unwrap();
        command.timeout(std::time::Duration::from_secs(60));
        let ended = command
            .arg("review")
            .arg("--git")
            .arg(&repository)
            .arg("one..two")
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(64), "{name}: {stderr}");
        assert!(
            ["commondir", "config", "HEAD"].contains(&name) || stderr.contains("no regular file"),
            "{name}: {stderr}"
        );
        fs::remove_dir_all(&repository).unwrap();
    }
}

fn main() -> ExitCode {
    let absent = || needs::no_program("git", "--version");
    needs::main([
        ("commits_are_reviewed", commits_are_reviewed as fn(), absent()),
        #[cfg(unix)]
        ("pipes_are_not_waited_for", pipes_are_not_waited_for as fn(), absent()),
    ])
}
