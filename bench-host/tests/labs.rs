// SPDX-License-Identifier: MIT OR Apache-2.0
//! Jobs for a lab, and their logs on the way back. `scripts/try-lava.sh` runs such a job with the real `lava-run`.
#![cfg(unix)]
#![allow(missing_docs)]

#[path = "support/fake.rs"]
#[allow(dead_code, reason = "shared; each test binary uses a part of it")]
mod fake;

use std::fs;
use std::path::Path;

use assert_cmd::cargo::cargo_bin_cmd;
use fake::{Ended, SMALL, good};
use results::manifest::Status;
use results::store::Run;
use tempfile::TempDir;

fn bench_host(folder: &Path, arguments: &[&str]) -> Ended {
    cargo_bin_cmd!("bench-host")
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
        .into()
}

/// A job's log in the form of a server (a list) or of `lava-run`, with this console in it.
fn log(prefix: &str, console: &[String]) -> String {
    let entry = |level: &str, message: serde_json::Value| {
        let entry = serde_json::json!({"dt": "2026-11-27T10:00:00.5", "lvl": level, "msg": message});
        format!("{prefix}{entry}\n")
    };
    let mut log = entry("info", "start: 1 deploy-images".into());
    log += &entry("target", "U-Boot 2026.01".into());
    for line in console {
        log += &entry("target", line.trim_end().into());
        log += &entry("results", serde_json::json!({"case": "TLB,0,start", "result": "pass"}));
    }
    log + &entry("info", "Job finished correctly".into())
}

#[test]
fn a_jobs_log_is_a_run() {
    let (folder, (_, lines)) = (TempDir::new().unwrap(), good());
    fs::write(folder.path().join("output.yaml"), log("- ", &lines)).unwrap();
    fs::write(folder.path().join("lava.log"), log("", &lines)).unwrap();
    let ended = bench_host(
        folder.path(),
        &["collect", "output.yaml", "lava.log", "--hardware", "--out", "lab"],
    );
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for run in ["lab/1", "lab/2"] {
        let run = Run::open(&folder.path().join(run)).unwrap();
        assert_eq!(run.manifest.status, Status::Complete, "{:?}", run.manifest.reasons);
        assert_eq!(
            (run.manifest.stream.samples, run.manifest.label.as_str()),
            (80, "hardware")
        );
        let console = fs::read_to_string(run.console()).unwrap();
        assert_eq!(
            console,
            format!("U-Boot 2026.01\n{}", lines.concat().replace("\r\n", "\n"))
        );
    }
    // The same file, held against the plan of the image.
    let ended = bench_host(
        folder.path(),
        &[&["run", "--log", "output.yaml", "--out", "again"], &SMALL[..]].concat(),
    );
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[test]
fn one_log_that_is_no_run_does_not_keep_the_others() {
    let (folder, (_, lines)) = (TempDir::new().unwrap(), good());
    fs::write(folder.path().join("good"), log("- ", &lines)).unwrap();
    fs::write(folder.path().join("cut"), log("- ", &lines[..30])).unwrap();
    let ended = bench_host(
        folder.path(),
        &["collect", "absent", "cut", "good", "--quiet", "--out", "lab"],
    );
    assert_eq!(ended.code, Some(64), "the worst of them: {}", ended.stderr);
    assert_eq!(ended.stdout, "lab/2\nlab/3\n");
    assert!(ended.stderr.contains("cannot read log absent"), "{}", ended.stderr);
    assert_eq!(
        Run::open(&folder.path().join("lab/2")).unwrap().manifest.status,
        Status::Incomplete
    );
    assert_eq!(
        Run::open(&folder.path().join("lab/3")).unwrap().manifest.status,
        Status::Complete
    );
}

#[test]
fn a_job_is_written_for_qemu_and_for_boards() {
    let folder = TempDir::new().unwrap();
    let lava = |arguments: &[&str]| bench_host(folder.path(), &[&["lava"], arguments].concat());
    let qemu = lava(&["--device-type", "qemu", "--kernel-url", "file:///k.img"]);
    assert_eq!(qemu.code, Some(0), "{}", qemu.stderr);
    assert!(qemu.stdout.contains("method: qemu") && qemu.stdout.contains("url: 'file:///k.img'"));
    let board = lava(&[
        "--device-type",
        "rk3588",
        "--kernel-url",
        "http://k",
        "--out",
        "job.yaml",
    ]);
    assert_eq!(board.code, Some(0), "{}", board.stderr);
    let job = fs::read_to_string(folder.path().join("job.yaml")).unwrap();
    assert!(
        job.contains("device_type: 'rk3588'") && job.contains("bootloader: u-boot"),
        "{job}"
    );
    let wrong = lava(&["--device-type", "qemu", "--kernel-url", "file:///k.img\nevil: 1"]);
    assert_eq!(wrong.code, Some(64));
    let wrong = lava(&["--device-type", "qemu", "--kernel-url", "k", "--dtb-url", "d"]);
    assert_eq!(wrong.code, Some(64), "{}", wrong.stderr);
}
