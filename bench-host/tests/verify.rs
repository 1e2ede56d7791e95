// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host verify`: a stored run is what its console says, or it is found out.
#![cfg(unix)]
#![allow(missing_docs)]

#[path = "support/fake.rs"]
#[allow(dead_code, reason = "shared; each test binary uses a part of it")]
mod fake;

use std::fs;
use std::path::Path;

use assert_cmd::cargo::cargo_bin_cmd;
use fake::{Ended, Fake, good};

fn verify(folders: &[&Path]) -> Ended {
    cargo_bin_cmd!("bench-host")
        .arg("verify")
        .args(folders)
        .output()
        .unwrap()
        .into()
}

#[test]
fn an_untouched_run_is_as_its_console_says() {
    let fake = Fake::printing(&good().1, "");
    assert_eq!(fake.run(&[]).code, Some(0));
    let ended = verify(&[&fake.path("run")]);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("as its console says: complete, "),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("80 samples"), "{}", ended.stdout);
}

#[test]
fn whatever_is_changed_is_found() {
    for (file, from, to, said) in [
        ("samples.csv", ",100,", ",90,", "samples.csv line"),
        ("verdicts.csv", ",pass,", ",not_observable,", "verdicts.csv line 2"),
        ("litmus.csv", "", "", "litmus.csv: "),
        (
            "run.toml",
            "simulator = true",
            "simulator = false",
            "simulator = false and label",
        ),
        (
            "run.toml",
            "label = \"QEMU TCG: not hardware timing\"",
            "label = \"hardware\"",
            "labelled `hardware`",
        ),
        (
            "run.toml",
            "MIDR_EL1 = \"0x410fd083\"",
            "MIDR_EL1 = \"0x410fd0c1\"",
            "describes PE 0 otherwise",
        ),
    ] {
        let fake = Fake::printing(&good().1, "");
        assert_eq!(fake.run(&[]).code, Some(0));
        let path = fake.path("run").join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file}: {from}");
        let changed = if from.is_empty() {
            text + "cowinvt_el2,mine,test,0,0,0,9,0\n"
        } else {
            text.replacen(from, to, 1)
        };
        fs::write(&path, changed).unwrap();
        let ended = verify(&[&fake.path("run")]);
        assert_eq!(ended.code, Some(1), "{file}: {}", ended.stdout);
        let said = if from.is_empty() { "litmus.csv line" } else { said };
        assert!(ended.stdout.contains(said), "{file}: {}", ended.stdout);
    }
}

#[test]
fn an_incomplete_run_and_none_at_all_have_their_codes() {
    let (_, mut lines) = good();
    lines.remove(50);
    let fake = Fake::printing(&lines, "");
    assert_eq!(fake.run(&[]).code, Some(3));
    let ended = verify(&[&fake.path("run")]);
    assert_eq!(ended.code, Some(3), "{}", ended.stdout);
    assert!(ended.stdout.contains("1 line is lost"), "{}", ended.stdout);
    assert_eq!(verify(&[&fake.path("run"), fake.folder.path()]).code, Some(5));
}

#[test]
fn the_runs_of_this_repository_are_what_their_consoles_say() {
    let runs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../results/runs");
    let folders: Vec<_> = fs::read_dir(runs).unwrap().map(|entry| entry.unwrap().path()).collect();
    let folders: Vec<&Path> = folders
        .iter()
        .filter(|folder| folder.join("run.toml").exists())
        .map(|folder| folder.as_path())
        .collect();
    assert!(folders.len() > 40);
    let ended = verify(&folders);
    assert!(!ended.stdout.contains("NOT as"), "{}", ended.stdout);
}
