// SPDX-License-Identifier: MIT OR Apache-2.0
//! JUnit XML: a suite per machine and check, a case per sequence.
//!
//! The times are this host's, of whole boots: they say what a CI waits for, and nothing about the sequences. A boot makes all
//! trials of all checks, so its time is shared out by their number.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};
use results::verdict::Class;

use super::tally::{Case, Suite};
use crate::host;

/// Returns the report. A check without power is skipped with its reason: it has not passed.
pub fn junit(suites: &[Suite], took: Duration) -> Result<String, SerializeError> {
    let mut report = Report::new("bench-host check");
    report.set_time(took);
    for machine in suites {
        for group in machine.cases.chunk_by(|a, b| a.check == b.check) {
            let name = format!("{}.{}", machine.id, group[0].check.id());
            let mut suite = TestSuite::new(name.as_str());
            suite.set_time(group.iter().map(|case| share(machine, case)).sum());
            // As the schema has it: without a zone, in UTC; and what is not counted as passed is counted.
            let started = machine.started.format("%Y-%m-%dT%H:%M:%S").to_string();
            let skipped = group.iter().filter(|case| is_skipped(case)).count();
            for (name, value) in [
                ("timestamp", started.as_str()),
                ("hostname", host::name().as_str()),
                ("skipped", skipped.to_string().as_str()),
            ] {
                suite.extra.insert(name.into(), value.into());
            }
            suite.add_property(("machine", machine.machine.as_str()));
            suite.add_property(("title", group[0].check.title()));
            suite.add_property(("power", group[0].controls.power().words()));
            for case in group {
                let mut test = TestCase::new(case.id(), status(case));
                test.set_classname(name.as_str());
                test.set_time(share(machine, case));
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

/// Returns a case's share of the time of its machine, by trials. The controls of a check are in the shares of its cases.
fn share(machine: &Suite, case: &Case) -> Duration {
    let all: u64 = machine.cases.iter().map(|case| u64::from(case.test.trials())).sum();
    match all {
        0 => Duration::ZERO,
        all => machine.took.mul_f64(f64::from(case.test.trials()) / all as f64),
    }
}

/// Returns whether a case is written as one that was skipped.
fn is_skipped(case: &Case) -> bool {
    match case.class {
        Class::Pass => false,
        Class::Fail => case.excused,
        Class::NotObservable | Class::Skipped => true,
    }
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
        assert!(
            xml.contains(r#"timestamp="1970-01-01T00:00:00""#) && xml.contains(r#" hostname=""#),
            "{xml}"
        );
        assert!(xml.contains(r#"skipped="2""#), "{xml}");
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
