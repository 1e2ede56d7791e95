// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host trace`: on our own kernel, whose plan has sequences that are known to be bad; and what it refuses.
//!
//! Needs QEMU 9.0 or newer, in PATH or named by `TRACE_QEMU`; where there is none, what needs it is ignored.
#![allow(missing_docs)]

#[path = "support/needs.rs"]
mod needs;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::{env, fs};

use bench_host::qemu::Qemu;
use bench_host::trace::machine::OLDEST;
use trace::log::{Event, Writer};

fn bench_host(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bench-host"))
        .args(arguments)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Returns a QEMU that is new enough, or why there is none.
fn qemu() -> Result<String, String> {
    let named = env::var_os("TRACE_QEMU")
        .filter(|name| !name.is_empty())
        .map(PathBuf::from);
    let qemu = Qemu::find(named.as_deref()).map_err(|error| error.to_string())?;
    if qemu.version < OLDEST {
        let version = qemu.version;
        return Err(format!(
            "QEMU {version} is older than {OLDEST} (TRACE_QEMU names another)"
        ));
    }
    Ok(qemu.program.display().to_string())
}

/// Returns why there is no QEMU that is too old.
fn no_old_qemu() -> Option<String> {
    match Qemu::find(None) {
        Ok(old) if old.version < OLDEST => None,
        Ok(new) => Some(format!("QEMU {} is new enough", new.version)),
        Err(error) => Some(error.to_string()),
    }
}

/// Traces our kernel with these sequences; returns the exit code and the kinds found, each with the sequence executed.
fn traced(qemu: &str, folder: &Path, sequences: &[&str]) -> (Option<i32>, BTreeSet<(String, String)>) {
    let image = folder.join("image");
    let log = folder.join("log");
    let mut arguments = vec!["image", "--iterations", "10", "--trials", "10"];
    for sequence in sequences {
        arguments.extend(["--sequence", sequence]);
    }
    let path = image.display().to_string();
    arguments.push(&path);
    let made = bench_host(&arguments);
    assert!(made.status.success(), "{}", stderr(&made));
    let keep = log.display().to_string();
    let output = bench_host(&[
        "trace", "--quiet", "--qemu", qemu, "--kernel", &path, "--el2", "--smp", "2", "--memory", "1024", "--keep",
        &keep,
    ]);
    let text = stdout(&output);
    let again = bench_host(&["trace", "--quiet", "--log", &keep]);
    let tail = |text: &str| text.split_once(": ").map(|(_, tail)| tail.to_owned());
    assert_eq!(tail(&text), tail(&stdout(&again)), "a saved log tells the same");
    let mut found = BTreeSet::new();
    let mut kind = None;
    for line in text.lines() {
        if let Some((_, rest)) = line.split_once(" [")
            && line.starts_with(|c: char| c.is_ascii_digit())
            && let Some((id, _)) = rest.split_once("]: ")
        {
            kind = Some(id.to_owned());
        } else if let (Some(sequence), Some(kind)) = (line.strip_prefix("   sequence: "), &kind) {
            found.insert((kind.clone(), sequence.to_owned()));
        }
    }
    (output.status.code(), found)
}

fn every_known_bad_sequence_is_caught_and_a_good_one_is_not() {
    let qemu = qemu().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let good = "good=dsb nshst; tlbi alle2; dsb nsh; isb";
    let (exit, controls) = traced(&qemu, folder.path(), &[good]);
    // The controls without maintenance are found, as they must be.
    assert_eq!(exit, Some(1));
    assert!(
        controls.iter().any(|(kind, _)| kind == "not-invalidated"),
        "{controls:?}"
    );
    assert!(
        controls.iter().all(|(_, sequence)| !sequence.contains("tlbi")),
        "{controls:?}"
    );
    for (bad, kind) in [
        ("tlbi alle2; dsb nsh; isb", "store-not-ordered"),
        ("dsb nshld; tlbi alle2; dsb nsh; isb", "store-not-ordered"),
        ("dmb ish; tlbi alle2; dsb nsh; isb", "store-not-ordered"),
        ("dsb nshst; tlbi alle2; isb", "not-completed"),
        ("dsb nshst; tlbi alle2; dsb nshst; isb", "not-completed"),
        ("dsb nshst; tlbi alle2; dsb nshld; isb", "not-completed"),
        ("dsb nshst; tlbi vale2, {va}; dsb nsh; isb", "wrong-operation"),
    ] {
        let (exit, found) = traced(&qemu, folder.path(), &[good, &format!("bad={bad}")]);
        assert_eq!(exit, Some(1), "{bad}");
        let new: Vec<_> = found.difference(&controls).collect();
        assert!(new.iter().any(|(id, _)| id == kind), "{bad}: {new:?}");
    }
    // The classic mistake: an address that is not shifted. It names another page, so nothing names this one.
    let plain = traced(&qemu, folder.path(), &["bad=dsb nshst; tlbi vae2, {va!}; dsb nsh; isb"]);
    assert!(plain.1.iter().any(|(kind, _)| kind == "not-invalidated"));
}

fn a_qemu_that_is_too_old_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image").display().to_string();
    assert!(bench_host(&["image", &image]).status.success());
    let output = bench_host(&["trace", "--kernel", &image]);
    assert_eq!(output.status.code(), Some(4));
    assert!(stderr(&output).contains("9.0.0 or newer"), "{}", stderr(&output));
}

fn a_log_that_is_cut_off_is_incomplete_and_none_is_a_setup_problem() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, u64::MAX);
    writer.write(&Event::Pes(1)).unwrap();
    writer.flush().unwrap();
    drop(writer);
    fs::write(&path, &bytes).unwrap();
    let log = path.display().to_string();
    assert_eq!(bench_host(&["trace", "--log", &log]).status.code(), Some(3));
    // Whole, and without a single table: nothing was shown.
    let mut bytes = Vec::new();
    Writer::new(&mut bytes, u64::MAX).end().unwrap();
    fs::write(&path, &bytes).unwrap();
    assert_eq!(bench_host(&["trace", "--log", &log]).status.code(), Some(2));
    fs::write(&path, "no log").unwrap();
    assert_eq!(bench_host(&["trace", "--log", &log]).status.code(), Some(4));
    assert_eq!(bench_host(&["trace"]).status.code(), Some(64));
    let refused = bench_host(&["trace", "--kernel", &log, "--", "-icount", "1"]);
    assert!(matches!(refused.status.code(), Some(4 | 64)));
}

fn attach_writes_the_plugin_and_prints_its_arguments() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("plugin.so");
    let output = bench_host(&["trace", "--attach", &plugin.display().to_string()]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(
        text.contains("-plugin ") && text.contains("share=on") && text.contains("thread=multi"),
        "{text}"
    );
    assert!(fs::metadata(&plugin).unwrap().len() > 1000);
}

fn main() -> ExitCode {
    let (no_new, no_old) = (qemu().err(), no_old_qemu());
    needs::main([
        (
            "every_known_bad_sequence_is_caught_and_a_good_one_is_not",
            every_known_bad_sequence_is_caught_and_a_good_one_is_not as fn(),
            no_new.clone(),
        ),
        (
            "a_qemu_that_is_too_old_is_refused_with_what_to_do",
            a_qemu_that_is_too_old_is_refused_with_what_to_do as fn(),
            no_old.clone(),
        ),
        (
            "a_log_that_is_cut_off_is_incomplete_and_none_is_a_setup_problem",
            a_log_that_is_cut_off_is_incomplete_and_none_is_a_setup_problem as fn(),
            None,
        ),
        (
            "attach_writes_the_plugin_and_prints_its_arguments",
            attach_writes_the_plugin_and_prints_its_arguments as fn(),
            None,
        ),
    ])
}
