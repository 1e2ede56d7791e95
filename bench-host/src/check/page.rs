// SPDX-License-Identifier: MIT OR Apache-2.0
//! The checks of all machines and boots as one page, beside it every count as CSV.

use std::path::{Path, PathBuf};

use report::document::{Checked, Document, checks_csv};
use report::html;
use report::model::{CheckResult, CheckRow};
use results::check::Outcome;

use super::tally::{Case, Suite};
use crate::error::Error;

/// Writes the page, and the file with its data beside it.
pub fn write(path: &Path, suites: &[Suite]) -> Result<(), Error> {
    let machines: Vec<Checked> = suites.iter().map(checked).collect();
    let data = data(path);
    let name = data
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let page = html::page(&Document::of_checks(&machines), |_| name.clone());
    crate::output::write(&data, checks_csv(&machines))?;
    crate::output::write(path, page)
}

/// Returns the name of the file with the data of a page.
fn data(page: &Path) -> PathBuf {
    page.with_extension("csv")
}

fn checked(suite: &Suite) -> Checked {
    let bugs = suite.cases.iter().filter_map(|case| case.known.map(str::to_owned));
    let mut bugs: Vec<String> = bugs.collect();
    bugs.sort_unstable();
    bugs.dedup();
    Checked {
        machine: suite.machine.clone(),
        label: suite.label.clone(),
        boots: suite.boots.into(),
        reproduce: suite.reproduce.clone(),
        checks: suite.cases.chunk_by(|a, b| a.check == b.check).map(result).collect(),
        excused: (suite.cases.iter().filter(|case| case.excused).count() as u64, bugs),
    }
}

/// Returns a check with every sequence: some cases of one check, at least one.
fn result(cases: &[Case]) -> CheckResult {
    let Case { check, controls, .. } = &cases[0];
    let row = |case: &Case| CheckRow {
        seq: case.seq.clone(),
        outcomes: case.test,
        class: case.class,
        reason: case
            .known
            .map_or_else(|| case.reason.clone(), |bug| format!("known bug: {bug}")),
        stale_rate_bound: case.bound(),
    };
    CheckResult {
        id: check.id().to_owned(),
        title: check.title().to_owned(),
        expected: match check.expected() {
            Outcome::New => "new",
            Outcome::Fault => "fault",
            Outcome::Stale | Outcome::Other => "other",
        }
        .to_owned(),
        // A check that was skipped has none.
        bad_control: (controls.nothing.trials() > 0).then_some(controls.nothing),
        no_tlbi: controls.no_tlbi,
        good_control: (controls.good.trials() > 0).then(|| ("known good".to_owned(), controls.good)),
        rows: cases.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tally::tests::suites;

    #[test]
    fn the_page_begins_with_the_counts_and_names_its_data() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("check.html");
        write(&path, &suites()).unwrap();
        let page = std::fs::read_to_string(&path).unwrap();
        assert!(
            page.contains("<h1>2 failed, 2 passed, 2 not observable, 2 skipped"),
            "{page}"
        );
        assert!(page.contains("href=\"check.csv\""));
        let at = |words: &str| page.find(words).unwrap_or_else(|| panic!("{words}"));
        assert!(at("Failures, then gaps in power") < at("Checks by sequence"));
        let data = std::fs::read_to_string(folder.path().join("check.csv")).unwrap();
        assert_eq!(data.lines().count(), 1 + 2 * 4, "{data}");
    }
}
