// SPDX-License-Identifier: MIT OR Apache-2.0
//! JUnit XML: a suite per machine and check, a case per sequence.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};
use results::verdict::Class;

use super::tally::{Case, Suite};

/// Returns the report. A check without power is skipped with its reason: it has not passed.
pub fn junit(suites: &[Suite], took: Duration) -> Result<String, SerializeError> {
    let mut report = Report::new("bench-host check");
    report.set_time(took);
    for machine in suites {
        for group in machine.cases.chunk_by(|a, b| a.check == b.check) {
            let name = format!("{}.{}", machine.id, group[0].check.id());
            let mut suite = TestSuite::new(name.as_str());
            suite.add_property(("machine", machine.machine.as_str()));
            suite.add_property(("title", group[0].check.title()));
            suite.add_property(("power", group[0].controls.power().words()));
            for case in group {
                let mut test = TestCase::new(case.id(), status(case));
                test.set_classname(name.as_str());
                test.add_property(("trials", case.test.trials().to_string().as_str()));
                if let Some(bound) = case.bound() {
                    test.add_property(("stale_rate_below_95", format!("{bound:.3e}").as_str()));
                }
                suite.add_test_case(test);
            }
            report.add_test_suite(suite);
        }
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
    use crate::check::tally::tests::suites;

    #[test]
    fn classes_become_what_a_ci_counts() {
        let xml = junit(&suites()[..1], Duration::from_secs(2)).unwrap();
        assert!(xml.contains(r#"tests="4""#) && xml.contains(r#"failures="1""#), "{xml}");
        assert_eq!(xml.matches("<skipped").count(), 2);
        assert!(xml.contains("not_observable: "));
    }

    #[test]
    fn every_machine_has_its_suites_and_no_two_cases_are_one() {
        let xml = junit(&suites(), Duration::from_secs(2)).unwrap();
        for id in ["adversary_latest_max_3pe", "qemu_7_2_max_3pe"] {
            assert_eq!(
                xml.matches(&format!(r#"<testsuite name="{id}.mp_rt_el2""#)).count(),
                1,
                "{xml}"
            );
            let class = format!(r#"classname="{id}.mp_rt_el2""#);
            assert_eq!(xml.matches(&class).count(), 4, "{xml}");
        }
    }
}
