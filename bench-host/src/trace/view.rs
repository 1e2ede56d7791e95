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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ::trace::finding::{Finding, Kind, Path as CodePath, Report, Step};

    use super::View;
    use crate::trace::suppress::Suppressions;
    use crate::trace::{html, junit, sarif, text};

    const NASTY: &str = "<script>alert(\"&\")</script>\u{1b}[2J\u{7}";

    fn view() -> View {
        let finding = Finding {
            count: 3,
            first: 0x1000,
            last: 0x2000,
            regime: "EL2".to_owned(),
            story: vec![Step {
                pe: 0,
                pc: 0x42,
                text: "tlbi vae2".to_owned(),
                marks: true,
            }],
            sequence: "tlbi vae2, {va}".to_owned(),
            reasons: vec!["a reason".to_owned()],
            rule: "completion".to_owned(),
            enough: None,
            permitted: Vec::new(),
        };
        let mut report = Report {
            incomplete: Some(NASTY.to_owned()),
            ..Report::default()
        };
        let path = |pc| CodePath {
            kind: Kind::NotCompleted,
            pcs: vec![pc],
        };
        report.findings.insert(path(1), finding.clone());
        let mut known = finding;
        known.story[0].pc = 0x43;
        report.findings.insert(path(2), known);
        let suppressions = Suppressions::parse(&format!("* 0x43 # {NASTY}\n* 0x44")).unwrap();
        View::new(Path::new(NASTY), report, &[], &suppressions)
    }

    #[test]
    fn what_comes_from_outside_is_harmless_in_every_form() {
        let view = view();
        assert!(!text::render(&view).chars().any(|c| c.is_control() && c != '\n'));
        let page = html::render(&view);
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;") && !page.contains('\u{1b}'));
        let xml = junit::render(&view).unwrap();
        assert!(!xml.contains("<script>") && !xml.contains('\u{1b}'), "{xml}");
        assert!(roxmltree::Document::parse(&xml).is_ok());
        let json: serde_json::Value = serde_json::from_str(&sarif::render(&view)).unwrap();
        assert_eq!(json["runs"][0]["results"].as_array().unwrap().len(), 2);
        assert!(json["runs"][0]["results"][1]["suppressions"].is_array());
    }

    #[test]
    fn suppressed_findings_do_not_count_and_unused_rules_are_told() {
        let view = view();
        assert_eq!(view.open().count(), 1);
        assert!(view.headline().starts_with("1 finding, 3 times, 1 suppressed"));
        assert_eq!(view.unused, ["* 0x44"]);
    }
}
