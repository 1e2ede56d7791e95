// SPDX-License-Identifier: MIT OR Apache-2.0
//! A small test for each thing the litmus reader and the machine know beyond plain accesses: hardware updates of the
//! access flag and dirty state, atomics, EL0, arrays, predicted choices, handlers.
//!
//! The observations in `tests/litmus/features/verdicts.csv` were derived by hand from the formal model's rules before
//! the tests were first run.

use sequences::litmus::{Options, Test};
use std::fs;
use std::path::Path;

#[test]
fn each_feature_gives_the_expected_observation() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/litmus/features");
    let verdicts = fs::read_to_string(directory.join("verdicts.csv")).expect("verdicts.csv");
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in verdicts.lines().skip(1) {
        let (name, expected) = line.split_once(',').expect("two fields");
        let text = fs::read_to_string(directory.join(format!("{name}.litmus"))).expect("a test for every row");
        let report = Test::parse(&text)
            .and_then(|test| test.run(&Options::default()))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        if report.observation.name() != expected {
            wrong.push(format!("{name}: {}, expected {expected}\n{report}", report.observation));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let files = fs::read_dir(&directory).expect("the tests");
    let is_test = |name: &Path| name.extension().is_some_and(|extension| extension == "litmus");
    let files = files.filter(|entry| is_test(&entry.as_ref().expect("an entry").path()));
    assert_eq!(files.count(), count, "every test has a row");
}

/// Instructions and variants outside the subject are refused with the reason, not only with their name.
#[test]
fn what_lies_outside_is_refused_with_the_reason() {
    let text = |header: &str, instruction: &str| {
        format!("AArch64 T\n{header}\n{{ 0:X1=x; }}\n P0 ;\n {instruction} ;\nexists (0:X2=1)\n")
    };
    for (header, instruction, message) in [
        (
            "Variant=vmsa,memtag",
            "NOP",
            "line 2: `Variant=vmsa,memtag` is not read: memory tagging checks accesses after their translation and changes no TLB maintenance",
        ),
        (
            "Variant=vmsa",
            "LDRH W2,[X1,#2]",
            "line 5: `LDRH W2,[X1,#2]` is not read: the machine has no accesses of mixed size",
        ),
        (
            "Variant=vmsa",
            "LDR X2,[X1,#8]",
            "line 5: `[X1,#8]` is not read: the machine has no accesses of mixed size",
        ),
        ("TTHM=HX", "NOP", "line 2: header `TTHM=HX` is not read"),
        (
            "Variant=vmsa",
            "LDXR W2,[X1]",
            "line 5: instruction `LDXR W2,[X1]` is not read",
        ),
    ] {
        let error = Test::parse(&text(header, instruction)).expect_err(message);
        assert_eq!(error.to_string(), message);
    }
}
