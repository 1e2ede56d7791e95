// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs of the real kernel in the real QEMU.
#![allow(dead_code)]

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use assert_cmd::cargo::cargo_bin;
use bench_host::qemu::{OLDEST, Qemu};
use results::check::Check;
use results::manifest::Status;
use results::store::Run;
use results::verdict::Class;
use tempfile::TempDir;

#[path = "needs.rs"]
pub mod needs;

/// A run made by a test.
pub struct Ran {
    /// Exit code.
    pub code: Option<i32>,
    /// What it said.
    pub stderr: String,
    /// What it stored.
    pub run: Run,
    /// Holds the run folder until the test is over.
    _folder: TempDir,
}

impl Ran {
    pub fn file(&self, name: &str) -> PathBuf {
        self.run.folder().join(name)
    }

    pub fn proofs(&self) -> Vec<(String, bool)> {
        let rows = self.run.proofs().unwrap().map(Result::unwrap);
        rows.map(|row| (row.name, row.holds)).collect()
    }

    pub fn classes(&self, check: Check) -> Vec<Class> {
        let rows = self.run.verdicts().unwrap().map(Result::unwrap);
        rows.filter(|row| row.check == check).map(|row| row.class).collect()
    }
}

/// Runs `bench-host run` with a small plan (overridden by `arguments`) and the QEMU of the machine.
pub fn run_qemu(arguments: &[&str]) -> Ran {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("run");
    let mut command = Command::new(cargo_bin!("bench-host"));
    command.arg("run").arg("--out").arg(&out);
    // A log has its plan, and any option would state another.
    let small = !arguments.contains(&"--log");
    for (option, value) in [("--iterations", "2000"), ("--batch", "500"), ("--trials", "50")] {
        if small && !arguments.contains(&option) {
            command.args([option, value]);
        }
    }
    let output = command.args(arguments).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let run = Run::open(&out).unwrap_or_else(|error| panic!("{error}: {stderr}"));
    Ran {
        code: output.status.code(),
        stderr,
        run,
        _folder: folder,
    }
}

/// Runs and expects a complete run without a failure.
pub fn complete(arguments: &[&str]) -> Ran {
    let ran = run_qemu(arguments);
    assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.stderr);
    assert_eq!(ran.run.manifest.status, Status::Complete);
    ran
}

/// A test by its name.
pub type Case = (&'static str, fn());

/// Runs the cases; ignores them all, with the reason, where there is no QEMU.
pub fn main(cases: impl IntoIterator<Item = Case>) -> ExitCode {
    main_unless(None, cases)
}

/// As [`main`], and the same where something else is absent.
pub fn main_unless(absent: Option<String>, cases: impl IntoIterator<Item = Case>) -> ExitCode {
    let absent = absent.or_else(no_qemu);
    needs::main(cases.into_iter().map(|(name, case)| (name, case, absent.clone())))
}

/// Returns why there is no QEMU to test with.
pub fn no_qemu() -> Option<String> {
    let absent = Qemu::find(None).err();
    absent.map(|error| format!("{error} ({OLDEST} or newer)"))
}
