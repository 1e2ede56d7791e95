// SPDX-License-Identifier: MIT OR Apache-2.0
//! Markdown, for merge requests and issues.

use crate::Review;
use crate::evaluate::{SideVerdict, verdict_id};
use crate::evidence::trial_lines;
use crate::output::escape::{self, clean, spans};
use crate::output::{heading, headline, rules, run_command, side_by_side, tested_on, timing};
use results::text::printable;

/// Renders a review.
pub fn render(review: &Review) -> String {
    printable(&page(review)).into_owned()
}

fn page(review: &Review) -> String {
    let mut out = String::from("## TLB maintenance review\n\n");
    if !review.subject.is_empty() {
        out.push_str(&format!("**{}**\n\n", escape(&review.subject)));
    }
    out.push_str(&format!("{}\n", escape(&headline(review))));
    for (index, change) in review.changes.iter().enumerate() {
        out.push_str(&format!(
            "\n### {}\n\n| before | after |\n|---|---|\n",
            escape(&heading(change))
        ));
        for (old, new) in side_by_side(change) {
            out.push_str(&format!("| {} | {} |\n", code(&old), code(&new)));
        }
        let verdict = |side: &Option<SideVerdict>| {
            side.as_ref()
                .map_or(String::new(), |side| format!("**{}**", verdict_id(side.verdict)))
        };
        out.push_str(&format!(
            "| {} | {} |\n\n",
            verdict(&change.before),
            verdict(&change.after)
        ));
        if change.before.is_some() && change.after.is_some() {
            out.push_str(&format!("After is **{}**", change.relation.name()));
            for difference in &change.differences {
                out.push_str(&format!("; {}", escape_keep_code(difference)));
            }
            out.push_str(".\n\n");
        }
        for part in &change.assumptions {
            out.push_str(&format!(
                "- assumed: {} `{}` ({})\n",
                part.name,
                part.value,
                escape(&part.why)
            ));
        }
        for (side, name) in [(&change.before, "before"), (&change.after, "after")] {
            let Some(side) = side else { continue };
            for ground in &side.reasons {
                out.push_str(&format!(
                    "- {name}: {} _({})_\n",
                    escape_keep_code(&ground.text),
                    escape(&ground.citation)
                ));
            }
            for (number, step) in side.counterexample.iter().enumerate() {
                out.push_str(&format!("    {}. {}\n", number + 1, escape_keep_code(step)));
            }
            if let Some(weakest) = &side.weakest {
                out.push_str(&format!("- {name}, enough: {}\n", code(weakest)));
            }
        }
        if let Some(verdict) = change.flips.as_it_stands {
            out.push_str(&format!("- as it stands: {}\n", verdict.name()));
        }
        for flip in &change.flips.all {
            out.push_str(&format!("- flips: {}\n", escape_keep_code(&flip.to_string())));
        }
        for ground in change.shown().into_iter().flat_map(|side| &side.errata) {
            out.push_str(&format!(
                "- {}: {}\n",
                escape(&ground.citation),
                escape_keep_code(&ground.text)
            ));
        }
        for line in trial_lines(&review.trials[index], true) {
            out.push_str(&format!("- checks: {}\n", escape(&line)));
        }
        for story in review.trials[index].iter().filter_map(|trials| trials.story.as_ref()) {
            out.push_str(&format!("- {}\n", escape(&story.heading())));
            for (number, event) in story.events.iter().enumerate() {
                out.push_str(&format!("    {}. {}\n", number + 1, escape_keep_code(event)));
            }
        }
        for line in timing(&review.timing[index]) {
            out.push_str(&format!("- timing: {}\n", escape(&line)));
        }
        for question in &change.questions {
            out.push_str(&format!("- [ ] {}\n", escape_keep_code(question)));
        }
    }
    let mut list = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            out.push_str(&format!("\n### {title}\n\n"));
            lines.iter().for_each(|line| out.push_str(&format!("- {line}\n")));
        }
    };
    list(
        "Barriers outside these sequences",
        review.barriers.iter().map(|line| escape_keep_code(line)).collect(),
    );
    let unread = review
        .unrecognised
        .iter()
        .map(|unread| format!("{}:{} {}", escape(&unread.file), unread.line, code(&unread.text)));
    list("Looks like maintenance, not understood", unread.collect());
    list(
        "Notes",
        review.notes.lines(usize::MAX).iter().map(|note| escape(note)).collect(),
    );
    if review.explain_rules {
        let rules = rules(review);
        if !rules.is_empty() {
            out.push_str("\n### Rules\n\n");
        }
        for rule in rules {
            out.push_str(&format!(
                "- **{}**: {}\n",
                escape(&rule.citation),
                escape_keep_code(rule.says)
            ));
            for here in rule.here {
                out.push_str(&format!("    - here: {}\n", escape_keep_code(here)));
            }
        }
    }
    match tested_on(review) {
        machines if machines.is_empty() => {
            out.push_str(&format!(
                "\nNothing was run; to check on the adversary: {}\n",
                code(&run_command(review))
            ));
        }
        machines => out.push_str(&format!("\nTested on: {}\n", escape(&machines))),
    }
    out.push_str(&format!("\nReproduce: {}\n", code(&review.command)));
    out
}

/// Escapes everything Markdown or the HTML in it could mean.
fn escape(text: &str) -> String {
    escape::escape(text, |character, out| {
        if "\\`*_[]|#!~@".contains(character) {
            out.push('\\');
        }
        out.push(character);
    })
}

/// Escapes our own sentences, whose code spans stay.
fn escape_keep_code(text: &str) -> String {
    spans(text, escape, code)
}

/// Returns a code span, of which nothing in it ends the span or the cell of a table.
fn code(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let text = clean(text).replace('|', "\\|");
    let fence = "`".repeat(text.split(|c| c != '`').map(str::len).max().unwrap_or(0) + 1);
    match text.contains('`') {
        true => format!("{fence} {text} {fence}"),
        false => format!("`{text}`"),
    }
}
