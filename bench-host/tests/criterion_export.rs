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
        .args(["--bench", "--nresamples", "2000"])
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
    for (name, deterministic, boot) in [("exact", true, 1000), ("first", false, 1000), ("second", false, 1100)] {
        let run = folder.path().join(name);
        let made = synthetic::Synthetic {
            deterministic,
            boot,
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
    let text = criterion(&home, &["--noplot", "--load-baseline", "exact", "--baseline", "exact"])?;
    // Exact counts: 7 for the old sequence, 6 for the new one, in the unit of the run.
    for line in [
        "pe0 icount-cycles/xen_head_old",
        "7.0000 icount-cycles",
        "pe0 icount-cycles/xen_head_new",
        "6.0000 icount-cycles",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(!text.contains(" ns") && !text.contains("panicked"), "{text}");
    // With plots, criterion's whole report.
    let text = criterion(&home, &["--load-baseline", "second", "--baseline=first"])?;
    assert!(
        text.contains("Performance has regressed") && text.contains("change:"),
        "{text}"
    );
    assert!(!text.contains("ERROR") && !text.contains("panicked"), "{text}");
    for (page, words) in [
        ("report/index.html", "xen_head_new"),
        ("pe0 sim-cycles/report/violin.svg", "Average time (sim-cycles)"),
        ("pe0 sim-cycles/xen_head_new/report/index.html", "sim-cycles"),
    ] {
        let html = std::fs::read_to_string(home.join(page)).map_err(|error| format!("{page}: {error}"))?;
        assert!(html.contains(words), "{page}: {html}");
    }
    // What one of the two does not have, or what criterion takes for impossible, is named; there is no panic.
    let text = criterion(&home, &["--noplot", "--load-baseline", "first", "--baseline", "exact"])?;
    let left_out = "pe0 sim-cycles/xen_head_old: left out: baseline exact does not have it";
    assert!(text.contains(left_out) && !text.contains("time:"), "{text}");
    let zero = home.join("pe0 icount-cycles/empty/exact/sample.json");
    let sample = std::fs::read_to_string(&zero)?.replacen("\"times\":[6000.0", "\"times\":[0.0", 1);
    std::fs::write(&zero, sample)?;
    let text = criterion(&home, &["--noplot", "--load-baseline", "exact", "--baseline", "exact"])?;
    let left_out = "pe0 icount-cycles/empty: left out: a batch of baseline exact counts 0";
    assert!(
        text.contains(left_out) && text.contains("6.0000 icount-cycles"),
        "{text}"
    );
    let message = criterion(&home, &["--load-baseline", "absent", "--baseline", "first"]).unwrap_err();
    let message = message.message().unwrap_or_default().to_owned();
    assert!(
        message.contains("no baseline absent in ") && message.contains("there are: exact, first, new, second"),
        "{message}"
    );
    Ok(())
}
