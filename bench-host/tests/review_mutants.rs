// SPDX-License-Identifier: MIT OR Apache-2.0
//! `review` is never silent about one edit of our own sources: `scripts/review-mutants.py`, where there is Python.
#![allow(missing_docs)]

#[path = "support/needs.rs"]
mod needs;

use std::path::Path;
use std::process::{Command, ExitCode};

/// Sources of ours that maintain the TLB, in C, assembly and Rust.
const TREES: [&str; 2] = ["bench-host/review/tests/cases", "el2-kernel/src/mmu"];

fn no_edit_is_passed_over_in_silence() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = Command::new("python3")
        .current_dir(root)
        .arg("scripts/review-mutants.py")
        .arg(env!("CARGO_BIN_EXE_bench-host"))
        .args(TREES)
        .args(["--number", "60", "--show", "silent"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // There is something to break, in both directions.
    let all = said.lines().filter(|line| line.starts_with("all, "));
    let numbers: Vec<u32> = all
        .filter_map(|line| line.split_whitespace().nth(2)?.parse().ok())
        .collect();
    assert!(
        numbers.len() == 2 && numbers.iter().all(|number| *number > 40),
        "{said}"
    );
}

fn main() -> ExitCode {
    needs::main([(
        "no_edit_is_passed_over_in_silence",
        no_edit_is_passed_over_in_silence as fn(),
        needs::no_program("python3", "--version"),
    )])
}
