// SPDX-License-Identifier: MIT OR Apache-2.0
//! QEMU is watched: it may hang, die or be interrupted, and it never outlives bench-host.
#![cfg(unix)]
#![allow(missing_docs)]

#[path = "support/fake.rs"]
#[allow(dead_code, reason = "shared; each test binary uses a part of it")]
mod fake;

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use fake::{Fake, SMALL, good};
use results::manifest::Status;
use results::store::Run;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn half() -> Vec<String> {
    let (_, mut lines) = good();
    let at = lines.iter().position(|line| line.contains(",phase,check,")).unwrap();
    lines.truncate(at);
    lines
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "{what} did not happen");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Returns how many rows a run has so far that may not even have begun.
fn rows(fake: &Fake) -> usize {
    let run = Run::open(&fake.path("run"));
    run.and_then(|run| run.samples()).map_or(0, Iterator::count)
}

fn background(fake: &Fake) -> Child {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("bench-host"));
    command
        .arg("run")
        .args(SMALL)
        .arg("--qemu")
        .arg(fake.path("qemu"))
        .arg("--out")
        .arg(fake.path("run"));
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status();
    assert!(status.unwrap().success());
}

#[test]
fn silence_ends_the_run() {
    let fake = Fake::printing(&half(), "exec sleep 600");
    let ended = fake.run(&["--timeout", "1"]);
    assert_eq!(ended.code, Some(3));
    assert!(
        ended.stderr.contains("no further record came for 1 s"),
        "{}",
        ended.stderr
    );
    let last = half().last().unwrap().trim_end().to_owned();
    assert!(
        ended.stderr.contains(&last),
        "the last console line is shown: {}",
        ended.stderr
    );
    assert!(fake.is_gone());
    let manifest = fake.manifest();
    assert_eq!((manifest.status, manifest.stream.samples), (Status::Incomplete, 80));
}

#[test]
fn a_wrapper_script_is_ended_with_the_program_it_runs() {
    let fake = Fake::printing(&half(), "sleep 600");
    let start = Instant::now();
    let ended = fake.run(&["--timeout", "1"]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    assert!(fake.is_gone());
}

#[test]
fn chatter_is_silence_too() {
    let fake = Fake::new(b"", "while :; do echo firmware; sleep 0.05; done");
    let ended = fake.run(&["--timeout", "1"]);
    assert_eq!(ended.code, Some(3));
    assert!(ended.stderr.contains("no record came for 1 s"), "{}", ended.stderr);
    assert!(fake.is_gone());
}

#[test]
fn an_early_exit_and_a_crash_are_told_apart() {
    let fake = Fake::printing(&half(), "echo went wrong >&2; exit 7");
    let ended = fake.run(&[]);
    assert_eq!(ended.code, Some(3));
    assert!(
        ended.stderr.contains("QEMU exited with code 7 before the end line"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("QEMU: went wrong"), "{}", ended.stderr);
    let fake = Fake::printing(&half(), "kill -SEGV $$");
    let ended = fake.run(&[]);
    assert_eq!(ended.code, Some(3));
    assert!(
        ended.stderr.contains("QEMU was killed by signal 11 (SIGSEGV)"),
        "{}",
        ended.stderr
    );
    assert_eq!(fake.stored().samples().unwrap().count(), 24, "nothing recorded is lost");
}

#[test]
fn a_machine_that_stays_on_after_its_end_line_is_turned_off() {
    let (_, lines) = good();
    let fake = Fake::printing(&lines, "exec sleep 600");
    assert_eq!(fake.run(&[]).code, Some(0));
    assert!(fake.is_gone());
    assert_eq!(fake.manifest().status, Status::Complete);
}

#[test]
fn qemu_that_closes_its_output_and_stays_is_killed() {
    let fake = Fake::printing(&half(), "exec sleep 600 >/dev/null 2>&1");
    let ended = fake.run(&[]);
    assert_eq!(ended.code, Some(3));
    assert!(ended.stderr.contains("closed its serial port"), "{}", ended.stderr);
    assert!(fake.is_gone());
}

#[test]
fn interrupts_end_the_run_in_order() {
    for name in ["INT", "TERM", "HUP"] {
        let fake = Fake::printing(&half(), "exec sleep 600");
        let mut child = background(&fake);
        until("the run", || rows(&fake) == 24);
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(130), "SIG{name}");
        assert!(fake.is_gone(), "SIG{name}");
        let manifest = fake.manifest();
        assert_eq!((manifest.status, manifest.stream.samples), (Status::Interrupted, 80));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn even_sigkill_takes_qemu_along_and_leaves_a_readable_run() {
    let fake = Fake::printing(&half(), "exec sleep 600");
    let mut child = background(&fake);
    until("the run", || rows(&fake) == 24);
    signal(&child, "KILL");
    child.wait().unwrap();
    until("the end of QEMU", || fake.is_gone());
    let run = fake.stored();
    assert_eq!(run.manifest.status, Status::Running);
    assert_eq!(run.manifest.pes[0].registers.len(), 1, "the machine is known");
    assert_eq!(run.samples().unwrap().map(Result::unwrap).count(), 24);
}
