// SPDX-License-Identifier: MIT OR Apache-2.0
//! A trace for the terminal.

use super::shown::Shown;
use super::view::{CAVEAT, View};
use crate::output::{harmless, table};

/// Sequences that are shown.
const MOST: usize = 20;

/// Renders a view. Names come from files of others, and must not drive the terminal.
pub fn render(view: &View) -> String {
    let mut out = format!("{}: {}\n", harmless(&view.subject), harmless(&view.headline()));
    for (number, shown) in view.findings.iter().enumerate() {
        finding(&mut out, number + 1, shown);
    }
    out.push_str("\nSequences executed\n");
    let mut rows = vec![["ENTRIES", "FOR", "SEQUENCE", "JUDGE"].map(str::to_owned).to_vec()];
    for (text, executed) in view.executed.iter().take(MOST) {
        let weakest = executed.weakest.as_ref().filter(|weakest| *weakest != text);
        let verdict = match weakest {
            Some(weakest) => format!("{}; enough: {weakest}", executed.verdict),
            None => executed.verdict.clone(),
        };
        rows.push(vec![
            executed.entries.to_string(),
            executed.context.clone(),
            text.clone(),
            verdict,
        ]);
    }
    out.push_str(&table(&rows));
    if view.executed.len() > MOST {
        let left: u64 = view.executed[MOST..].iter().map(|(_, executed)| executed.entries).sum();
        out.push_str(&format!(
            "and {} more, for {left} entries\n",
            view.executed.len() - MOST
        ));
    }
    out.push_str(&format!("\n{} events on {} PEs\n", view.events, view.pes));
    for (count, value) in &view.counts {
        out.push_str(&format!("{value:>10} {}\n", count.text()));
    }
    for rule in &view.unused {
        out.push_str(&format!("note: this suppression fits nothing: {}\n", harmless(rule)));
    }
    out.push_str(&format!("\n{CAVEAT}\n"));
    out
}

fn finding(out: &mut String, number: usize, shown: &Shown) {
    let finding = &shown.finding;
    out.push_str(&format!(
        "\n{number}. {} [{}]: {} times, {} of {}\n",
        shown.kind.title(),
        shown.kind.id(),
        finding.count,
        shown.addresses(),
        finding.regime,
    ));
    if let Some(reason) = &shown.suppressed {
        out.push_str(&format!("   suppressed: {}\n", harmless(reason)));
        return;
    }
    for step in &shown.story {
        out.push_str(&format!(
            "   PE {}  {:#x}  {}\n",
            step.step.pe, step.step.pc, step.step.text
        ));
        if step.place.is_some() {
            out.push_str(&format!("         in {}\n", harmless(&step.at())));
        }
    }
    if !finding.sequence.is_empty() {
        out.push_str(&format!("   sequence: {}\n", finding.sequence));
    }
    for reason in &finding.reasons {
        out.push_str(&format!("   - {reason}\n"));
    }
    if !finding.permitted.is_empty() {
        out.push_str("   what the architecture permits:\n");
        for step in &finding.permitted {
            out.push_str(&format!("     {step}\n"));
        }
    }
    if let Some(enough) = &finding.enough {
        out.push_str(&format!("   enough: {enough}\n"));
    }
}
