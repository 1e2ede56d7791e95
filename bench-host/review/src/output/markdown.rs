// SPDX-License-Identifier: MIT OR Apache-2.0
//! Markdown, for merge requests and issues.

use crate::Review;
use crate::evaluate::{SideVerdict, verdict_id};
use crate::evidence::trial_lines;
use crate::output::escape::{self, clean, spans};
use crate::output::series::{end_headline, is_quiet, label, patch_headline, patches, series_headline};
use crate::output::{heading, headline, rules, run_command, side_by_side, tested_on, timing};
use crate::series::Reviewed;
use results::text::printable;

/// Renders a review.
pub fn render(reviewed: &Reviewed) -> String {
    printable(&page(reviewed)).into_owned()
}

fn page(reviewed: &Reviewed) -> String {
    let mut out = String::from("## TLB maintenance review\n\n");
    match reviewed.single() {
        Some(review) => {
            if !review.subject.is_empty() {
                out.push_str(&format!("**{}**\n\n", escape(&review.subject)));
            }
            out.push_str(&format!("{}\n", escape(&headline(review))));
            body(&mut out, review);
        }
        None => series(&mut out, reviewed),
    }
    let one = reviewed.as_one();
    if one.explain_rules {
        explain(&mut out, &one);
    }
    match tested_on(&one) {
        machines if machines.is_empty() => {
            out.push_str(&format!(
                "\nNothing was run; to check on the adversary: {}\n",
                code(&run_command(&one))
            ));
        }
        machines => out.push_str(&format!("\nTested on: {}\n", escape(&machines))),
    }
    out.push_str(&format!("\nReproduce: {}\n", code(&one.command)));
    out
}

/// Writes what the rules that are cited say, and why they apply here.
fn explain(out: &mut String, review: &Review) {
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

/// Writes the patches of a series, one after the other, and where they end.
fn series(out: &mut String, reviewed: &Reviewed) {
    if !reviewed.title.is_empty() {
        out.push_str(&format!("**{}**\n\n", escape(&reviewed.title)));
    }
    out.push_str(&format!("{}\n", escape(&series_headline(reviewed))));
    let notes = reviewed.notes.lines(usize::MAX);
    if !notes.is_empty() {
        out.push('\n');
        notes
            .iter()
            .for_each(|note| out.push_str(&format!("- {}\n", escape(note))));
    }
    for (index, patch) in reviewed
        .patches
        .iter()
        .enumerate()
        .filter(|(_, patch)| !is_quiet(patch))
    {
        out.push_str(&format!("\n## {}\n\n", escape(&label(reviewed, index))));
        out.push_str(&format!("{}\n", escape(&patch_headline(reviewed, patch))));
        body(out, patch);
    }
    let quiet: Vec<String> = (0..reviewed.patches.len())
        .filter(|&index| is_quiet(&reviewed.patches[index]))
        .map(|index| format!("- {}\n", escape(&label(reviewed, index))))
        .collect();
    if !quiet.is_empty() {
        out.push_str(&format!(
            "\n<details><summary>{} without TLB maintenance</summary>\n\n{}\n</details>\n",
            patches(quiet.len()),
            quiet.concat()
        ));
    }
    if let Some(end) = &reviewed.end {
        out.push_str(&format!(
            "\n## The end of the series\n\n{}\n",
            escape(&end_headline(reviewed, end))
        ));
        if !end.fresh.is_empty() {
            body(out, &end.shown());
        }
    }
}

/// Writes the changes of a patch with all that is known about them, and what else it holds.
fn body(out: &mut String, review: &Review) {
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
        for flip in &change.flips.around.found {
            out.push_str(&format!("- flips: {}\n", escape_keep_code(&flip.to_string())));
        }
        if let Some(text) = change.flips.around.not_tried() {
            out.push_str(&format!("- flips: {text}\n"));
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
