// SPDX-License-Identifier: MIT OR Apache-2.0
//! JUnit XML: a suite per check, a case per sequence.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};
use results::verdict::Class;

use super::tally::Case;

/// Returns the report. A check without power is skipped with its reason: it has not passed.
pub fn junit(cases: &[Case], took: Duration) -> Result<String, SerializeError> {
    let mut report = Report::new("bench-host check");
    report.set_time(took);
    for group in cases.chunk_by(|a, b| a.check == b.check) {
        let mut suite = TestSuite::new(group[0].check.id());
        suite.add_property(("title", group[0].check.title()));
        suite.add_property(("power", group[0].controls.power().words()));
        for case in group {
            let mut test = TestCase::new(case.id(), status(case));
            test.set_classname(case.check.id());
            test.add_property(("trials", case.test.trials().to_string().as_str()));
            if let Some(bound) = case.bound() {
                test.add_property(("stale_rate_below_95", format!("{bound:.3e}").as_str()));
            }
            suite.add_test_case(test);
        }
        report.add_test_suite(suite);
    }
    report.to_string()
}

fn status(case: &Case) -> TestCaseStatus {
    match case.class {
        Class::Pass => TestCaseStatus::success(),
        Class::Fail => {
            let mut status = if case.excused {
                TestCaseStatus::skipped()
            } else {
                TestCaseStatus::non_success(NonSuccessKind::Failure)
            };
            let known = case.known.map_or(String::new(), |bug| format!("; known bug: {bug}"));
            status.set_message(format!(
                "{}; stale in {} of {} trials{known}",
                case.reason,
                case.test.stale,
                case.test.trials()
            ));
            status
        }
        Class::NotObservable | Class::Skipped => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("{}: {}", case.class.id(), case.reason));
            status
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tally::tests::examples;

    #[test]
    fn classes_become_what_a_ci_counts() {
        let xml = junit(&examples(), Duration::from_secs(2)).unwrap();
        assert!(xml.contains(r#"tests="4""#) && xml.contains(r#"failures="1""#), "{xml}");
        assert_eq!(xml.matches("<skipped").count(), 2);
        assert!(xml.contains("not_observable: "));
    }
}
