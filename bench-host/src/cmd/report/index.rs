// SPDX-License-Identifier: MIT OR Apache-2.0
//! The page over all stored runs.

use std::path::Path;

use report::index::{DATA, Entry, data, document};
use report::number::plural;
use report::{ReportError, html, replace, write_reports};

use super::{folders, is_somebody_elses, print};
use crate::aggregate::aggregate;
use crate::error::Error;
use crate::exit::Exit;

/// Name of the page.
const PAGE: &str = "index.html";
/// Folder with the runs, inside the results.
const RUNS: &str = "runs";

/// Writes the page. A run without a report gets one, so that every row leads somewhere; a run that cannot be read is a
/// row that says why.
pub fn write(results: &Path) -> Result<Exit, Error> {
    let (results, runs) = match results.join(RUNS) {
        runs if runs.is_dir() => (results, runs),
        // The folder of runs itself, where the results folder is its parent.
        _ if results.ends_with(RUNS) => (
            results
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty())
                .unwrap_or(Path::new(".")),
            results.to_owned(),
        ),
        _ => (results, results.to_owned()),
    };
    let candidates = folders::candidates(&runs)?;
    let found = candidates.iter().map(|run| entry(results, &runs, run));
    let (entries, unwritten): (Vec<Entry>, Vec<Option<ReportError>>) = found.unzip();
    let page = html::page(&document(&entries), str::to_owned);
    let path = results.join(PAGE);
    replace(&path, &page)?;
    replace(&results.join(DATA), &data(&entries))?;
    let unreadable = entries.iter().filter(|entry| entry.run.is_err()).count();
    for entry in &entries {
        if let Err(why) = &entry.run {
            eprintln!("warning: {}: {why}", entry.name);
        }
    }
    print(&format!(
        "{}, {unreadable} of them unreadable\nindex: {}\n",
        plural(entries.len() as u64, "run", "runs"),
        path.display()
    ));
    let lost = unwritten.into_iter().flatten().find(|why| !is_somebody_elses(why));
    lost.map_or(Ok(Exit::Ok), |why| Err(why.into()))
}

/// Describes a run, and says why it has no report if it should have one.
fn entry(results: &Path, runs: &Path, run: &Path) -> (Entry, Option<ReportError>) {
    let name = run.strip_prefix(runs).unwrap_or(run).display().to_string();
    let report = run.join("report.html");
    let summary = aggregate(run);
    let written: Result<(), ReportError> = match &summary {
        Ok(summary) if !report.is_file() => write_reports(run, summary).map(|_| ()),
        _ => Ok(()),
    };
    let target = match (&written, report.is_file()) {
        (Ok(()), true) => &report,
        // The folder itself: a browser lists it.
        _ => run,
    };
    let entry = Entry {
        name,
        link: folders::address(results, target),
        run: summary.map_err(|error| error.to_string()),
    };
    (entry, written.err())
}
