// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host report` as a user runs it: one run, several, a mail, the index.
#![allow(missing_docs)]

use std::fs;
use std::path::Path;
use std::time::Duration;

use assert_cmd::Command;

#[path = "support/synthetic.rs"]
mod synthetic;

use synthetic::Synthetic;

fn small() -> Synthetic {
    Synthetic {
        iterations: 20_000,
        batch: 1000,
        ..Synthetic::default()
    }
}

/// Runs the command in a folder and returns exit code, standard output and standard error.
fn report(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("bench-host"));
    command.current_dir(folder).arg("report").args(arguments);
    let output = command.timeout(Duration::from_secs(60)).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Two runs, one of two boots, a folder that is no run and a run of a later version.
fn results() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("results/runs");
    small().write(&runs.join("a run#1"));
    small().write(&runs.join("set/1"));
    Synthetic {
        damaged: true,
        ..small()
    }
    .write(&runs.join("set/2"));
    fs::create_dir(runs.join("stray")).unwrap();
    fs::create_dir(runs.join("later")).unwrap();
    fs::write(runs.join("later/run.toml"), "schema = 99\n").unwrap();
    folder
}

#[test]
fn the_mail_is_ascii_narrow_and_complete() {
    let folder = results();
    let (code, text, errors) = report(folder.path(), &["results/runs/set/1", "--format", "mail"]);
    assert_eq!((code, errors.as_str()), (0, ""));
    assert!(text.is_ascii() && text.lines().all(|line| line.len() <= 72), "{text}");
    for words in [
        "TLB maintenance on qemu_cortex_a72",
        "QEMU TCG: not hardware timing",
        "A/A noise floor",
        "Checks: of 10, 8 pass, 2 not observable here.",
        "To reproduce:\n  bench-host run --cpu cortex-a72",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let (_, text, _) = report(folder.path(), &["results/runs/set/2", "--format", "mail"]);
    assert!(text.contains("INCOMPLETE: these numbers are not a result."), "{text}");
}

#[test]
fn several_runs_make_one_report_and_what_cannot_be_read_is_in_it() {
    let folder = results();
    let (code, text, errors) = report(folder.path(), &["results/runs", "--out", "both"]);
    assert_eq!(code, 0, "{errors}");
    assert!(errors.contains("warning: ") && errors.contains("schema 99"), "{errors}");
    assert!(
        text.contains("1 run UNREADABLE") && text.contains("1 of 3 runs INCOMPLETE"),
        "{text}"
    );
    let page = fs::read_to_string(folder.path().join("both/report.html")).unwrap();
    assert!(page.contains("href=\"../results/runs/a%20run%231/report.html\""));
    assert!(page.contains("Ratio of net medians by machine") && page.contains("UNREADABLE"));
    let ratios = fs::read_to_string(folder.path().join("both/plots/ratios.csv")).unwrap();
    assert!(ratios.contains("\na run#1,xen_head_new,") && ratios.contains("\n1,xen_head_new,"));
    // What is named has to be there.
    let (code, _, errors) = report(folder.path(), &["results/runs/set/1", "results/runs/later"]);
    assert_eq!(code, 5);
    assert!(
        errors.starts_with("error: ") && errors.contains("schema 99"),
        "{errors}"
    );
    let (code, _, errors) = report(folder.path(), &["results/runs/stray"]);
    assert_eq!(code, 5);
    assert!(errors.contains("stray is no run folder"), "{errors}");
}

#[test]
fn the_index_leads_to_every_run_and_drops_none() {
    let folder = results();
    let (code, text, errors) = report(folder.path(), &["--index"]);
    assert_eq!(code, 0, "{errors}");
    assert!(text.contains("5 runs, 2 of them unreadable"), "{text}");
    assert!(
        errors.contains("warning: later: ") && errors.contains("warning: stray: "),
        "{errors}"
    );
    let index = folder.path().join("results/index.html");
    let page = fs::read_to_string(&index).unwrap();
    for link in [
        "runs/a%20run%231/report.html",
        "runs/set/1/report.html",
        "runs/set/2/report.html",
        "runs/stray",
        "runs/later",
    ] {
        assert!(page.contains(&format!("href=\"{link}\"")), "{link}");
        let target = link.replace("%20", " ").replace("%23", "#");
        assert!(folder.path().join("results").join(target).exists(), "{link}");
    }
    assert!(page.contains("unreadable: "));
    // A folder of runs of another name has its page inside.
    let (code, text, _) = report(folder.path(), &["--index", "results/runs/set"]);
    assert_eq!(code, 0);
    assert!(text.contains("2 runs, 0 of them unreadable"), "{text}");
    let page = fs::read_to_string(folder.path().join("results/runs/set/index.html")).unwrap();
    assert!(page.contains("href=\"1/report.html\""));
    // The folder named `runs` itself is what the results folder is.
    let (code, text, _) = report(folder.path(), &["--index", "results/runs"]);
    assert!(code == 0 && text.contains("index: results/index.html"), "{text}");
}

#[test]
fn the_command_line_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, code, words) in [
        (&[][..], 64, "RUN"),
        (&["--index", "nowhere"][..], 64, "nowhere"),
        (&["nowhere"][..], 64, "nowhere"),
        (&["--format", "mail", "--index"][..], 64, "--index"),
        (&[".", "--format", "fax"][..], 64, "mail"),
    ] {
        let (found, _, errors) = report(folder.path(), arguments);
        assert_eq!(found, code, "{arguments:?}: {errors}");
        assert!(errors.contains(words), "{arguments:?}: {errors}");
    }
}
