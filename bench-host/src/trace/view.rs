// SPDX-License-Identifier: MIT OR Apache-2.0
//! A report with places in the source, ready to be shown in any form.

use std::path::Path;

use ::trace::finding::{Count, Executed, Report};
use ::trace::symbols::{self, Symbols};

use super::shown::{Shown, Step};
use super::suppress::Suppressions;

/// What every form says, because a finding is easily taken for more.
pub const CAVEAT: &str = "A finding means that the architecture permits a stale or missing translation there. None was \
                          seen: QEMU hides them.";

/// Everything that is shown.
#[derive(Debug, Clone)]
pub struct View {
    /// What was traced.
    pub subject: String,
    /// Findings, most serious kind and most frequent first.
    pub findings: Vec<Shown>,
    /// Numbers.
    pub counts: Vec<(Count, u64)>,
    /// Sequences, most frequent first.
    pub executed: Vec<(String, Executed)>,
    /// Why the log is not whole.
    pub incomplete: Option<String>,
    /// Events, PEs.
    pub events: u64,
    /// PEs that executed something.
    pub pes: u32,
    /// Suppressions that fit nothing.
    pub unused: Vec<String>,
}

impl View {
    /// Puts a report and what is known of the code together.
    pub fn new(subject: &Path, report: Report, files: &[Symbols], suppressions: &Suppressions) -> Self {
        let mut findings: Vec<Shown> = report
            .findings
            .into_iter()
            .map(|(path, finding)| {
                let story = finding.story.iter().map(|step| Step {
                    step: step.clone(),
                    place: symbols::place(files, step.pc),
                });
                let mut shown = Shown {
                    kind: path.kind,
                    story: story.collect(),
                    finding,
                    suppressed: None,
                };
                shown.suppressed = suppressions.reason(&shown);
                shown
            })
            .collect();
        findings.sort_by_key(|shown| {
            (
                shown.suppressed.is_some(),
                shown.kind,
                std::cmp::Reverse(shown.finding.count),
            )
        });
        let mut executed: Vec<_> = report
            .executed
            .into_iter()
            .map(|((_, text), executed)| (text, executed))
            .collect();
        executed.sort_by_key(|(_, executed)| std::cmp::Reverse(executed.entries));
        Self {
            subject: subject.display().to_string(),
            unused: suppressions.unused(&findings),
            findings,
            counts: report.counts.into_iter().collect(),
            executed,
            incomplete: report.incomplete,
            events: report.events,
            pes: report.pes,
        }
    }

    /// Iterates over findings that count.
    pub fn open(&self) -> impl Iterator<Item = &Shown> {
        self.findings.iter().filter(|shown| shown.suppressed.is_none())
    }

    /// Returns whether something could not be judged at all.
    pub fn is_undecided(&self) -> bool {
        let judged = self
            .counts
            .iter()
            .any(|(count, _)| matches!(count, Count::Maps | Count::Obligations));
        !judged || self.counts.iter().any(|(count, _)| matches!(count, Count::Undecodable))
    }

    /// Returns the first line.
    pub fn headline(&self) -> String {
        let open = self.open().count();
        let entries: u64 = self.open().map(|shown| shown.finding.count).sum();
        let suppressed = self.findings.len() - open;
        let mut line = match open {
            0 => "no finding".to_owned(),
            1 => format!("1 finding, {entries} times"),
            _ => format!("{open} findings, {entries} times"),
        };
        if suppressed > 0 {
            line.push_str(&format!(", {suppressed} suppressed"));
        }
        if let Some(why) = &self.incomplete {
            line.push_str(&format!("; incomplete: {why}"));
        }
        line
    }
}
