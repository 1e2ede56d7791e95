// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests that need something which may not be here: without it they count as ignored, with the reason, and never as passed.
#![allow(dead_code)]

use std::env;
use std::ffi::OsString;
use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};

/// A test, its name, and what it lacks here.
pub type Case = (&'static str, fn(), Option<String>);

/// Runs the cases that lack nothing.
pub fn main(cases: impl IntoIterator<Item = Case>) -> ExitCode {
    let trial = |(name, case, absent): Case| {
        if let Some(absent) = &absent {
            eprintln!("{name} is ignored: {absent}");
        }
        let run = move || {
            case();
            Ok::<(), Failed>(())
        };
        Trial::test(name, run).with_ignored_flag(absent.is_some())
    };
    libtest_mimic::run(&Arguments::from_args(), cases.into_iter().map(trial).collect()).exit_code()
}

/// Returns what a variable of the environment names. An empty one names nothing: `make` hands on what is not set so.
pub fn named(variable: &str) -> Option<OsString> {
    env::var_os(variable).filter(|value| !value.is_empty())
}

/// Returns what is missing where a program cannot be started.
pub fn no_program(name: &str, argument: &str) -> Option<String> {
    let started = Command::new(name)
        .arg(argument)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    started.is_err().then(|| format!("{name} is not here"))
}
