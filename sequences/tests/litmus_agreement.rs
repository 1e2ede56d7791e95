// SPDX-License-Identifier: MIT OR Apache-2.0
//! The abstract machine agrees with herd7 on the tests in `tests/litmus`.
//!
//! `verdicts.csv` holds herd7's verdicts without and with FEAT_ETS2, and the first one with the Arm ARM's rule added
//! that a DSB completes a TLBI only for its own shareability domain.

use sequences::litmus::{Observation, Options, Test};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

struct Row {
    verdict: String,
    ets2: String,
    with_dsb_domain: String,
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/litmus")
}

/// Reads the verdicts: the name is the first field, the verdicts are the last three; only fields between have commas.
fn verdicts() -> BTreeMap<String, Row> {
    let text = fs::read_to_string(directory().join("verdicts.csv")).expect("verdicts.csv");
    let rows = text.lines().skip(1).map(|line| {
        let (name, rest) = line.split_once(',').expect("a name");
        let mut last = rest.rsplit(',');
        let mut field = || last.next().expect("three verdicts").to_owned();
        let (with_dsb_domain, ets2, verdict) = (field(), field(), field());
        (
            name.to_owned(),
            Row {
                verdict,
                ets2,
                with_dsb_domain,
            },
        )
    });
    rows.collect()
}

fn verdict_of(name: &str, options: &Options) -> &'static str {
    let text = fs::read_to_string(directory().join(format!("{name}.litmus"))).expect("a test for every row");
    let report = Test::parse(&text)
        .and_then(|test| test.run(options))
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    if report.observation == Observation::Never {
        "Forbidden"
    } else {
        "Allowed"
    }
}

fn disagreements(options: &Options, expected: impl Fn(&Row) -> &str) -> Vec<String> {
    let rows = verdicts();
    assert_eq!(rows.len(), 86);
    rows.iter()
        .filter(|(name, row)| verdict_of(name, options) != expected(row))
        .map(|(name, _)| name.clone())
        .collect()
}

#[test]
fn agrees_with_the_verdicts_under_the_dsb_domain_rule() {
    assert_eq!(disagreements(&Options::default(), |row| &row.with_dsb_domain), [""; 0]);
}

#[test]
fn agrees_with_herd_when_the_dsb_domain_rule_is_off() {
    let herd = Options {
        dsb_domain: false,
        ..Options::default()
    };
    assert_eq!(disagreements(&herd, |row| &row.verdict), [""; 0]);
    assert_eq!(disagreements(&Options { ets2: true, ..herd }, |row| &row.ets2), [""; 0]);
}

/// With FEAT_ETS2 and the domain rule, the two tests whose `dsb nsh` follows a broadcast TLBI stay allowed.
#[test]
fn differs_under_ets2_only_by_the_dsb_domain_rule() {
    let differing = disagreements(
        &Options {
            ets2: true,
            ..Options::default()
        },
        |row| &row.ets2,
    );
    assert_eq!(
        differing,
        ["CoRR.BBM+dsb.nshst-vae1is-dsb.nsh", "Reuse+dsb.ish-vae1is-dsb.nsh"]
    );
}

#[test]
fn every_test_file_has_a_row() {
    let rows = verdicts();
    let files = fs::read_dir(directory()).expect("tests/litmus");
    let names: Vec<String> = files
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "litmus"))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    assert_eq!(names.len(), rows.len());
    assert!(names.iter().all(|name| rows.contains_key(name)));
}
