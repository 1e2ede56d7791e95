// SPDX-License-Identifier: MIT OR Apache-2.0
//! KTAP version 1 (Linux, `Documentation/dev-tools/ktap.rst`): a subtest per machine, in it one per check, a result per
//! sequence. A failure that a known bug excuses is an expected one (`XFAIL`).

use std::borrow::Cow;
use std::fmt::Write;

use results::verdict::Class;

use super::tally::{Case, Suite};

/// Returns the report.
pub fn ktap(suites: &[Suite]) -> String {
    let mut text = format!("KTAP version 1\n1..{}\n", suites.len());
    for (number, suite) in suites.iter().enumerate() {
        let groups: Vec<_> = suite.cases.chunk_by(|a, b| a.check == b.check).collect();
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "  KTAP version 1\n  # Subtest: {}\n  # Machine: {}\n  1..{}",
            suite.id,
            suite.machine,
            groups.len()
        );
        for (number, group) in groups.iter().enumerate() {
            check(&mut text, number + 1, group);
        }
        let (class, reason) = sum(&suite.cases);
        let _ = writeln!(text, "{}", line(number + 1, &suite.id, class, reason));
    }
    text
}

/// Writes the subtest of a check.
fn check(text: &mut String, number: usize, group: &[Case]) {
    let check = group[0].check;
    let _ = writeln!(
        text,
        "    KTAP version 1\n    # Subtest: {}\n    # Power: {}\n    1..{}",
        check.id(),
        group[0].controls.power().words(),
        group.len()
    );
    for (number, case) in group.iter().enumerate() {
        let (number, name) = (number + 1, name(case));
        let _ = match case.known.filter(|_| case.excused) {
            Some(bug) => writeln!(text, "    ok {number} {name} # XFAIL known bug: {bug}"),
            None => writeln!(text, "    {}", line(number, &name, case.class, &case.reason)),
        };
    }
    let (class, reason) = sum(group);
    let _ = writeln!(text, "  {}", line(number, check.id(), class, reason));
}

/// Returns the name of a case. One of the name of its check would be taken for the check's own result: Linux'
/// `kunit_parser.py` ends a subtest at a result of its name.
fn name(case: &Case) -> Cow<'_, str> {
    if case.seq == case.check.id() {
        Cow::Owned(format!("sequence_{}", case.seq))
    } else {
        Cow::Borrowed(&case.seq)
    }
}

/// Returns what several results come to, and why if nothing was shown.
fn sum(cases: &[Case]) -> (Class, &str) {
    let nothing = |case: &Case| matches!(case.class, Class::NotObservable | Class::Skipped);
    if cases.iter().any(Case::is_failure) {
        (Class::Fail, "")
    } else if cases.iter().all(nothing) {
        (Class::Skipped, cases.first().map_or("", |case| case.reason.as_str()))
    } else {
        (Class::Pass, "")
    }
}

fn line(number: usize, id: &str, class: Class, reason: &str) -> String {
    match class {
        Class::Pass => format!("ok {number} {id}"),
        Class::Fail if reason.is_empty() => format!("not ok {number} {id}"),
        Class::Fail => format!("not ok {number} {id} # {reason}"),
        Class::NotObservable => format!("ok {number} {id} # SKIP not observable: {reason}"),
        Class::Skipped => format!("ok {number} {id} # SKIP {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tally::tests::suites;

    #[test]
    fn a_subtest_fails_with_any_of_its_results() {
        let text = ktap(&suites());
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines[..9],
            [
                "KTAP version 1",
                "1..2",
                "  KTAP version 1",
                "  # Subtest: adversary_latest_max_3pe",
                "  # Machine: machine adversary_latest_max_3pe",
                "  1..1",
                "    KTAP version 1",
                "    # Subtest: mp_rt_el2",
                "    # Power: a missing TLBI shows here"
            ]
        );
        assert_eq!(lines[10], "    ok 1 broadcast");
        assert!(lines[11].starts_with("    not ok 2 local # stale"));
        assert!(lines[12].contains("# SKIP not observable"));
        assert_eq!(
            lines[14..16],
            ["  not ok 1 mp_rt_el2", "not ok 1 adversary_latest_max_3pe"]
        );
        assert_eq!(lines.last(), Some(&"not ok 2 qemu_7_2_max_3pe"));
    }

    #[test]
    fn no_case_has_the_name_of_its_subtest() {
        let mut suites = suites();
        for case in &mut suites[0].cases {
            case.seq = case.check.id().to_owned();
        }
        let text = ktap(&suites[..1]);
        let named = |line: &&str| line.trim_start().starts_with("ok 1 ") || line.contains("not ok 1 ");
        assert!(text.contains("\n    ok 1 sequence_mp_rt_el2\n"), "{text}");
        assert_eq!(
            text.lines()
                .filter(named)
                .filter(|line| line.ends_with(" mp_rt_el2"))
                .count(),
            1
        );
    }

    #[test]
    fn an_excused_failure_is_an_expected_one() {
        let mut suites = suites();
        let case = &mut suites[1].cases[1];
        (case.known, case.excused) = (Some("a bug"), true);
        let text = ktap(&suites);
        assert!(text.contains("    ok 2 local # XFAIL known bug: a bug\n"), "{text}");
        assert!(text.ends_with("\n  ok 1 mp_rt_el2\nok 2 qemu_7_2_max_3pe\n"), "{text}");
    }
}
