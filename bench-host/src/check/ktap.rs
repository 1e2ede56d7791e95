// SPDX-License-Identifier: MIT OR Apache-2.0
//! KTAP version 1 (Linux, `Documentation/dev-tools/ktap.rst`): a subtest per check, a result per sequence. A failure
//! that a known bug excuses is an expected one (`XFAIL`).

use std::fmt::Write;

use results::verdict::Class;

use super::tally::Case;

/// Returns the report.
pub fn ktap(cases: &[Case]) -> String {
    let groups: Vec<_> = cases.chunk_by(|a, b| a.check == b.check).collect();
    let mut text = format!("KTAP version 1\n1..{}\n", groups.len());
    for (number, group) in groups.iter().enumerate() {
        let check = group[0].check;
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "  KTAP version 1\n  # Subtest: {}\n  # Power: {}\n  1..{}",
            check.id(),
            group[0].controls.power().words(),
            group.len()
        );
        for (number, case) in group.iter().enumerate() {
            let number = number + 1;
            let _ = match case.known.filter(|_| case.excused) {
                Some(bug) => writeln!(text, "  ok {number} {} # XFAIL known bug: {bug}", case.seq),
                None => writeln!(text, "  {}", line(number, &case.seq, case.class, &case.reason)),
            };
        }
        let all = |wanted: &[Class]| group.iter().all(|case| wanted.contains(&case.class));
        let (class, reason) = if group.iter().any(Case::is_failure) {
            (Class::Fail, "")
        } else if all(&[Class::NotObservable, Class::Skipped]) {
            (Class::Skipped, group[0].reason.as_str())
        } else {
            (Class::Pass, "")
        };
        let _ = writeln!(text, "{}", line(number + 1, check.id(), class, reason));
    }
    text
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
    use crate::check::tally::tests::examples;

    #[test]
    fn a_subtest_fails_with_any_of_its_results() {
        let text = ktap(&examples());
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines[..5],
            [
                "KTAP version 1",
                "1..1",
                "  KTAP version 1",
                "  # Subtest: mp_rt_el2",
                "  # Power: a missing TLBI shows here"
            ]
        );
        assert_eq!(lines[6], "  ok 1 broadcast");
        assert!(lines[7].starts_with("  not ok 2 local # stale"));
        assert!(lines[8].contains("# SKIP not observable"));
        assert_eq!(lines[10], "not ok 1 mp_rt_el2");
    }

    #[test]
    fn an_excused_failure_is_an_expected_one() {
        let mut cases = examples();
        (cases[1].known, cases[1].excused) = (Some("a bug"), true);
        let text = ktap(&cases);
        assert!(text.contains("  ok 2 local # XFAIL known bug: a bug\n"), "{text}");
        assert!(text.ends_with("\nok 1 mp_rt_el2\n"), "{text}");
    }
}
