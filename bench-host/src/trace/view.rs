// SPDX-License-Identifier: MIT OR Apache-2.0
//! A report with places in the source, ready to be shown in any form.

use std::path::Path;

use ::trace::finding::{Count, Executed, Finding, Kind, Report};
use ::trace::symbols::{self, Place, Symbols};

use super::suppress::Suppressions;

/// What every form says, because a finding is easily taken for more.
pub const CAVEAT: &str = "A finding means that the architecture permits a stale or missing translation there. None was \
                          seen: QEMU hides them.";

/// One step of a story.
#[derive(Debug, Clone)]
pub struct Step {
    /// Who, where, and what.
    pub step: ::trace::finding::Step,
    /// The place in the source.
    pub place: Option<Place>,
}

impl Step {
    /// Returns the program counter with the function, and the line where it is known.
    pub fn at(&self) -> String {
        let Some(place) = &self.place else {
            return format!("{:#x}", self.step.pc);
        };
        let name = place.functions.join(" in ");
        match (&place.file, place.line) {
            (Some(file), Some(line)) => format!("{name}+{:#x} ({}:{line})", place.offset, short(file)),
            _ => format!("{name}+{:#x}", place.offset),
        }
    }
}

/// Returns a path without the folder it was built in.
pub fn short(file: &str) -> &str {
    const TREES: [&str; 12] = [
        "/arch/",
        "/mm/",
        "/kernel/",
        "/drivers/",
        "/fs/",
        "/lib/",
        "/init/",
        "/include/",
        "/xen/",
        "/net/",
        "/block/",
        "/common/",
    ];
    let places = TREES.iter().filter_map(|tree| file.find(tree));
    match places.min() {
        Some(at) => &file[at + 1..],
        None => file,
    }
}

/// A finding that is shown.
#[derive(Debug, Clone)]
pub struct Shown {
    /// What is wrong.
    pub kind: Kind,
    /// The finding.
    pub finding: Finding,
    /// Its story.
    pub story: Vec<Step>,
    /// Why it is suppressed.
    pub suppressed: Option<String>,
}

impl Shown {
    /// Returns the functions of the story, each once, outermost last.
    pub fn functions(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for place in self.story.iter().filter_map(|step| step.place.as_ref()) {
            for name in &place.functions {
                if !names.contains(&name.as_str()) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// Returns the step to point at: the TLBI, or the last.
    pub fn main(&self) -> Option<&Step> {
        let tlbi = self.story.iter().find(|step| step.step.text.starts_with("tlbi"));
        tlbi.or(self.story.last())
    }

    /// Returns the addresses it is about.
    pub fn addresses(&self) -> String {
        if self.finding.first == self.finding.last {
            format!("{:#x}", self.finding.first)
        } else {
            format!("{:#x} to {:#x}", self.finding.first, self.finding.last)
        }
    }
}

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
