// SPDX-License-Identifier: MIT OR Apache-2.0
//! Criterion itself loads what `bench-host export criterion` writes, and compares two runs.

use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::cargo_bin_cmd;
use libtest_mimic::{Arguments, Failed, Trial};

#[path = "../benches/exported.rs"]
mod exported;
#[path = "support/synthetic.rs"]
#[allow(dead_code, reason = "shared; each test binary uses a part of it")]
mod synthetic;

/// Set for the process that is criterion.
const READER: &str = "BENCH_HOST_TEST_CRITERION";

fn main() {
    if std::env::var_os(READER).is_some() {
        return exported::main();
    }
    let trials = vec![Trial::test(
        "criterion_loads_and_compares_exported_runs",
        loads_and_compares,
    )];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// Runs criterion in a process of its own: it takes its arguments from there.
fn criterion(home: &Path, arguments: &[&str]) -> Result<String, Failed> {
    let output = Command::new(std::env::current_exe()?)
        .args(["--bench", "--noplot", "--nresamples", "2000"])
        .args(arguments)
        .env(READER, "1")
        .env("CRITERION_HOME", home)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        Ok(text.into_owned())
    } else {
        Err(text.into_owned().into())
    }
}

fn loads_and_compares() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let home = folder.path().join("criterion");
    for (name, deterministic) in [("first", true), ("second", false)] {
        let run = folder.path().join(name);
        let made = synthetic::Synthetic {
            deterministic,
            ..synthetic::Synthetic::default()
        };
        made.write(&run);
        cargo_bin_cmd!("bench-host")
            .args(["export", "criterion"])
            .arg(&run)
            .arg("--out")
            .arg(&home)
            .assert()
            .success();
    }
    let text = criterion(&home, &["--load-baseline", "first", "--baseline", "first"])?;
    // Exact counts: 7 for the old sequence, 6 for the new one, in the unit of the run.
    for line in [
        "pe0 sim-cycles/xen_head_old",
        "7.0000 sim-cycles",
        "pe0 sim-cycles/xen_head_new",
        "6.0000 sim-cycles",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(!text.contains(" ns") && !text.contains("panicked"), "{text}");
    let text = criterion(&home, &["--load-baseline", "second", "--baseline", "first"])?;
    assert!(
        text.contains("Performance has regressed") && text.contains("change:"),
        "{text}"
    );
    Ok(())
}
