// SPDX-License-Identifier: MIT OR Apache-2.0
//! What CI systems read, read by readers that are not ours.
//!
//! `KUNIT_PARSER` names Linux' `tools/testing/kunit/kunit_parser.py`, which is not in this repository, to have it read KTAP too.
#![allow(missing_docs)]

#[path = "support/needs.rs"]
mod needs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use serde_json::Value;
use serde_sarif::sarif::Sarif;
use tap_parser::{TapParser, TapStatement};
use tempfile::TempDir;

fn bench_host(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_bench-host"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

fn patches() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("review/tests/patches")
}

/// Reads SARIF by types made from its schema. What they do not know is lost on the way, and then both differ.
fn is_sarif(text: &str) -> Value {
    let ours: Value = serde_json::from_str(text).unwrap();
    let read: Sarif = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let theirs = serde_json::to_value(&read).unwrap();
    assert_eq!(ours, theirs);
    for run in ours["runs"].as_array().unwrap() {
        let driver = &run["tool"]["driver"];
        assert!(driver["informationUri"].as_str().unwrap().starts_with("https://"));
        let rules = driver["rules"].as_array().unwrap();
        for rule in rules {
            assert!(rule["helpUri"].as_str().unwrap().starts_with("https://"), "{rule}");
        }
        let mut prints = Vec::new();
        for result in run["results"].as_array().unwrap() {
            if let Some(index) = result["ruleIndex"].as_u64() {
                assert_eq!(rules[index as usize]["id"], result["ruleId"]);
            }
            let region = &result["locations"][0]["physicalLocation"]["region"];
            assert!(region["endLine"].as_u64() >= region["startLine"].as_u64(), "{result}");
            prints.push(result["partialFingerprints"].clone());
        }
        let count = prints.len();
        prints.sort_by_key(ToString::to_string);
        prints.dedup();
        assert_eq!(prints.len(), count, "two findings have one fingerprint");
    }
    ours
}

fn sarif_is_what_its_schema_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut forms: Vec<PathBuf> = fs::read_dir(patches())
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    forms.retain(|path| path.is_dir());
    let (mut results, mut lost) = (0, 0);
    for form in &forms {
        for patch in fs::read_dir(form).unwrap().flatten() {
            let path = patch.path().display().to_string();
            let (_, text) = bench_host(folder.path(), &["review", "--format", "sarif", &path]);
            let document = is_sarif(&text);
            results += document["runs"][0]["results"].as_array().unwrap().len();
            lost += usize::from(document["runs"][0]["invocations"].is_array());
        }
    }
    assert!(results > 20 && lost > 3, "{results} {lost}");
    let tree = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../el2-kernel")
        .display()
        .to_string();
    let (_, text) = bench_host(folder.path(), &["scan", "--format", "sarif", &tree]);
    assert!(!is_sarif(&text)["runs"][0]["results"].as_array().unwrap().is_empty());
}

/// Checks on the adversary, of what passes, fails and is skipped. Returns the folder, and what was printed.
fn checked() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "check",
        "--machine",
        "adversary",
        "--trials",
        "20",
        "--sequence",
        "xen_head_old",
        "--sequence",
        "xen_enable_mmu_2023",
        "--junit",
        "j",
        "--ktap",
        "k",
        "--out",
        "runs",
    ];
    let (code, out) = bench_host(folder.path(), &arguments);
    assert_eq!(code, Some(1), "{out}");
    (folder, out)
}

/// Returns KTAP as the TAP 14 that it comes from. They differ (Linux, `Documentation/dev-tools/ktap.rst`) in the version line,
/// in the width of an indentation, in that a subtest has its name inside, in the directive `XFAIL`, which TAP calls `TODO`,
/// and in what may stand behind a `#` without being a directive.
fn as_tap(ktap: &str) -> String {
    let mut tap = "TAP version 14\n".to_owned();
    for line in ktap.lines() {
        let text = line.trim_start_matches(' ');
        let mut depth = (line.len() - text.len()) / 2;
        if text.starts_with("KTAP version") {
            assert_eq!(text, "KTAP version 1");
            continue;
        }
        if text.starts_with("# Subtest: ") {
            depth -= 1;
        } else if text.starts_with('#') {
            continue;
        }
        let text = match text.split_once(" # ") {
            Some((result, words)) if words.starts_with("XFAIL") => format!("{result} # TODO{}", &words[5..]),
            Some((result, words)) if !words.starts_with("SKIP") => result.to_owned(),
            _ => text.to_owned(),
        };
        tap.push_str(&format!("{}{text}\n", "    ".repeat(depth)));
    }
    tap
}

/// Counts the results, those of subtests too, that are ok, not ok, and skipped.
fn count(statements: &[TapStatement<'_>], counts: &mut [usize; 3]) {
    for statement in statements {
        match statement {
            TapStatement::TestPoint(test) if test.directive.is_some() => counts[2] += 1,
            TapStatement::TestPoint(test) => counts[usize::from(!test.result)] += 1,
            TapStatement::Subtest(sub) => count(&sub.statements, counts),
            _ => {}
        }
    }
}

fn checks_are_read_by_readers_of_tap_and_junit() {
    let (folder, out) = checked();
    let read =
        |name: &str| fs::read_to_string(folder.path().join(name)).unwrap_or_else(|error| panic!("{error}: {out}"));
    let junit = read("j");
    let tree = roxmltree::Document::parse(&junit).unwrap();
    let number = |node: roxmltree::Node<'_, '_>, name: &str| -> f64 {
        let value = node.attribute(name).unwrap_or_else(|| panic!("no {name}: {junit}"));
        value.parse().unwrap()
    };
    let suites: Vec<_> = tree
        .descendants()
        .filter(|node| node.has_tag_name("testsuite"))
        .collect();
    let (mut cases, mut failures, mut skipped) = (0, 0, 0);
    for suite in &suites {
        assert!(suite.attribute("hostname").is_some_and(|name| !name.is_empty()));
        assert!(
            suite.attribute("timestamp").is_some_and(|time| time.len() == 19),
            "{junit}"
        );
        assert!(suite.attribute("name").unwrap().starts_with("adversary_"));
        let own: Vec<_> = suite.children().filter(|node| node.has_tag_name("testcase")).collect();
        let with = |tag: &str| {
            own.iter()
                .filter(|case| case.children().any(|node| node.has_tag_name(tag)))
                .count()
        };
        assert_eq!(number(*suite, "tests") as usize, own.len());
        assert_eq!(number(*suite, "failures") as usize, with("failure"));
        assert_eq!(number(*suite, "skipped") as usize, with("skipped"));
        let sum: f64 = own.iter().map(|case| number(*case, "time")).sum();
        assert!(
            (sum - number(*suite, "time")).abs() < 0.002 * (own.len() as f64 + 1.0),
            "{junit}"
        );
        cases += own.len();
        failures += with("failure");
        skipped += with("skipped");
    }
    assert!(cases > failures + skipped && failures > 0, "{out}");
    let ktap = read("k");
    let tap = as_tap(&ktap);
    let mut parser = TapParser::new();
    let statements = parser.parse(&tap).unwrap_or_else(|error| panic!("{error:?}\n{ktap}"));
    let mut counts = [0; 3];
    count(&statements, &mut counts);
    assert_eq!(counts, [cases - failures - skipped, failures, skipped], "{ktap}");
}

/// What `kunit.py parse` does, printing the counts of the results and what the parser found wrong.
const KUNIT: &str = "
import sys
sys.path.insert(0, sys.argv[1])
import kunit_parser, kunit_printer
with open(sys.argv[2]) as lines:
    c = kunit_parser.parse_run_tests(lines, kunit_printer.stdout).counts
print('counts', c.passed, c.failed, c.crashed, c.skipped, c.errors)
";

fn checks_are_read_by_the_parser_of_linux() {
    let parser = PathBuf::from(needs::named("KUNIT_PARSER").unwrap());
    let (folder, _) = checked();
    let ktap = fs::read_to_string(folder.path().join("k")).unwrap();
    // Results of cases, which are four blanks in; the words of those above them are sums.
    let cases = |begin: &str, skipped: bool| {
        let of = |line: &&str| line.starts_with(begin) && line.contains(" # SKIP ") == skipped;
        ktap.lines().filter(of).count()
    };
    let wanted = [
        cases("    ok ", false),
        cases("    not ok ", false),
        0,
        cases("    ok ", true),
        0,
    ];
    let output = Command::new("python3")
        .args(["-c", KUNIT])
        .arg(parser.parent().unwrap())
        .arg(folder.path().join("k"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let counts = said
        .lines()
        .last()
        .and_then(|line| line.strip_prefix("counts "))
        .unwrap_or_else(|| panic!("{output:?}"));
    let counts: Vec<usize> = counts.split(' ').map(|count| count.parse().unwrap()).collect();
    assert_eq!(counts, wanted, "{said}");
    assert!(wanted[0] > 0 && wanted[1] > 0 && wanted[3] > 0, "{wanted:?}");
}

fn main() -> ExitCode {
    let parser = needs::named("KUNIT_PARSER")
        .is_none()
        .then(|| "KUNIT_PARSER names no kunit_parser.py of Linux".to_owned());
    needs::main([
        (
            "sarif_is_what_its_schema_says",
            sarif_is_what_its_schema_says as fn(),
            None,
        ),
        (
            "checks_are_read_by_readers_of_tap_and_junit",
            checks_are_read_by_readers_of_tap_and_junit,
            None,
        ),
        (
            "checks_are_read_by_the_parser_of_linux",
            checks_are_read_by_the_parser_of_linux,
            parser.or_else(|| needs::no_program("python3", "--version")),
        ),
    ])
}
