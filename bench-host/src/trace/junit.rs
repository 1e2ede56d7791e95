// SPDX-License-Identifier: MIT OR Apache-2.0
//! A trace as JUnit XML: a case per kind of finding, and one more for each finding.

use ::trace::finding::Kind;
use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::view::{CAVEAT, View};

/// Renders a view.
pub fn render(view: &View) -> Result<String, SerializeError> {
    let mut report = Report::new("bench-host trace");
    let mut suite = TestSuite::new("trace");
    suite.add_property(("events", view.events.to_string().as_str()));
    for kind in Kind::ALL {
        let found: Vec<_> = view.findings.iter().filter(|shown| shown.kind == kind).collect();
        if found.is_empty() {
            let status = match &view.incomplete {
                Some(why) => {
                    let mut status = TestCaseStatus::skipped();
                    status.set_message(format!("incomplete: {why}"));
                    status
                }
                None if view.is_undecided() => {
                    let mut status = TestCaseStatus::skipped();
                    status.set_message("not decided: no change of a table was judged");
                    status
                }
                None => TestCaseStatus::success(),
            };
            let mut case = TestCase::new(kind.id(), status);
            case.set_classname("trace");
            suite.add_test_case(case);
        }
        for shown in found {
            let name = format!(
                "{} {}",
                kind.id(),
                shown.main().map(super::shown::Step::at).unwrap_or_default()
            );
            let story: Vec<String> = shown
                .story
                .iter()
                .map(|step| format!("PE {} {}: {}", step.step.pe, step.at(), step.step.text))
                .collect();
            let status = match &shown.suppressed {
                Some(reason) => {
                    let mut status = TestCaseStatus::skipped();
                    status.set_message(format!("suppressed: {reason}"));
                    status
                }
                None => {
                    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                    status.set_message(format!("{}, {} times", kind.title(), shown.finding.count));
                    status.set_description(format!("{}\n{CAVEAT}", story.join("\n")));
                    status
                }
            };
            let mut case = TestCase::new(name, status);
            case.set_classname("trace");
            suite.add_test_case(case);
        }
    }
    report.add_test_suite(suite);
    report.to_string()
}
