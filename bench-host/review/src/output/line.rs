// SPDX-License-Identifier: MIT OR Apache-2.0
//! A line for each finding, `file:line: level: message [rule]`, as compilers write them: for editors and hooks.

use crate::output::escape::clean;
use crate::output::finding::{Finding, of_series};
use crate::series::Reviewed;
use results::text::printable;

/// Renders a review. Nothing found is no line.
pub fn render(reviewed: &Reviewed) -> String {
    let mut out = render_findings(&of_series(reviewed));
    let notes = reviewed
        .patches
        .iter()
        .map(|patch| &patch.notes)
        .chain([&reviewed.notes]);
    for (_, loss) in notes.flat_map(|notes| notes.kept_losses()) {
        let source = clean(&reviewed.source);
        out.push_str(&format!("{source}: warning: {loss} [tlb-not-read]\n"));
    }
    printable(&out).into_owned()
}

/// Renders findings.
pub fn render_findings(findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        format!(
            "{}:{}: {}: {} [{}]\n",
            clean(&finding.file),
            finding.line.max(1),
            finding.level.word(),
            clean(&finding.text),
            finding.rule.id()
        )
    };
    printable(&findings.iter().map(line).collect::<String>()).into_owned()
}
