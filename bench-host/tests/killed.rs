// SPDX-License-Identifier: MIT OR Apache-2.0
//! SIGKILL at a hundred seeded points of a run: what is stored can be read and says that it is partial, no QEMU and no image
//! is left behind, and nothing is clobbered.
#![cfg(target_os = "linux")]
#![allow(missing_docs)]

#[path = "support/fake.rs"]
#[allow(dead_code, reason = "shared; each test binary uses a part of it")]
mod fake;

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use fake::{Fake, good};
use results::manifest::Status;
use results::store::Run;
use stats::bootstrap::SplitMix64;

const POINTS: u64 = 100;
/// Until when after its start a run is killed; the last ones come to their end.
const LATEST_MS: u64 = 400;
/// How long what is killed may take to be gone, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_run_that_is_killed_anywhere_leaves_a_partial_run_and_nothing_else() {
    let (_, lines) = good();
    // A script that does not become the program that it runs: that one is a child of a child.
    let body = "sh -c 'echo $$ > inner; while read -r line; do printf \"%s\\n\" \"$line\"; sleep 0.001; done < stream; sleep 0.05'\n:";
    let fake = Fake::new(lines.concat().as_bytes(), body);
    let temporary = fake.path("tmp");
    fs::create_dir(&temporary).unwrap();
    let random = &mut SplitMix64::new(17);
    let (mut partial, mut complete, mut unmade) = (0, 0, 0);
    for point in 0..POINTS {
        let out = fake.path(&format!("run-{point}"));
        for name in ["pid", "inner"] {
            let _ = fs::remove_file(fake.path(name));
        }
        let start = |quiet: &str| {
            let mut command = Command::new(assert_cmd::cargo::cargo_bin!("bench-host"));
            command
                .args(["run", quiet])
                .args(fake::SMALL)
                .arg("--qemu")
                .arg(fake.path("qemu"));
            command.arg("--out").arg(&out).env("TMPDIR", &temporary);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().unwrap()
        };
        let mut child = start("--quiet");
        thread::sleep(Duration::from_micros(random.below(LATEST_MS * 1000)));
        child.kill().unwrap();
        let ended = child.wait().unwrap();

        let begun = Instant::now();
        while ["pid", "inner"].iter().any(|name| is_running(&fake, name)) {
            assert!(begun.elapsed() < PATIENCE, "point {point}: QEMU runs on");
            thread::sleep(Duration::from_millis(2));
        }
        let left: Vec<_> = fs::read_dir(&temporary).unwrap().collect();
        assert!(left.is_empty(), "point {point}: {left:?}");
        if !out.join("run.toml").exists() {
            unmade += 1;
            continue;
        }
        let run = Run::open(&out).unwrap_or_else(|error| panic!("point {point}: {error}"));
        // A row that was cut is no error of a run that did not end.
        for rows in [
            run.samples().map(|rows| rows.filter(|row| row.is_err()).count()),
            run.litmus().map(|rows| rows.filter(|row| row.is_err()).count()),
            run.boot().map(|rows| rows.filter(|row| row.is_err()).count()),
        ] {
            assert_eq!(rows.unwrap_or_default(), 0, "point {point}");
        }
        match run.manifest.status {
            Status::Complete => complete += 1,
            status => {
                assert_eq!(status, Status::Running, "point {point}");
                assert!(ended.code().is_none(), "point {point}");
                partial += 1;
            }
        }
        // A new run does not add to it.
        if point % 10 == 0 {
            let before = fs::read(out.join("run.toml")).unwrap();
            assert_eq!(start("--quiet").wait().unwrap().code(), Some(5), "point {point}");
            assert_eq!(fs::read(out.join("run.toml")).unwrap(), before);
        }
        fs::remove_dir_all(&out).unwrap();
    }
    assert!(
        partial > 20,
        "{partial} partial, {complete} complete, {unmade} not begun"
    );
    eprintln!("{partial} partial, {complete} complete, {unmade} not begun");
}

/// The worst moment: the script has started what it runs, and we have not heard of it yet. So the script stops us first.
#[test]
fn what_a_script_has_started_at_once_is_gone_too() {
    let body = "kill -STOP $PPID\nsh -c 'echo $$ > inner; exec sleep 600'\n:";
    let fake = Fake::new(b"", body);
    for turn in 0..20 {
        for name in ["pid", "inner"] {
            let _ = fs::remove_file(fake.path(name));
        }
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("bench-host"));
        command
            .args(["run", "--quiet"])
            .args(fake::SMALL)
            .arg("--qemu")
            .arg(fake.path("qemu"));
        command.arg("--out").arg(fake.path(&format!("run-{turn}")));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let begun = Instant::now();
        while !is_running(&fake, "inner") {
            assert!(begun.elapsed() < PATIENCE, "turn {turn}: QEMU does not start");
            thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let begun = Instant::now();
        while ["pid", "inner"].iter().any(|name| is_running(&fake, name)) {
            assert!(begun.elapsed() < PATIENCE, "turn {turn}: QEMU runs on");
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Returns whether the process that wrote its number there is running. One that was killed before it could leaves the file
/// empty.
fn is_running(fake: &Fake, name: &str) -> bool {
    let number = fs::read_to_string(fake.path(name)).ok();
    let Some(pid) = number.and_then(|number| number.trim().parse::<u32>().ok()) else {
        return false;
    };
    let state = fs::read_to_string(format!("/proc/{pid}/stat"));
    state.is_ok_and(|state| !state.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')))
}
