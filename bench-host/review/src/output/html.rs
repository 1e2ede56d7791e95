// SPDX-License-Identifier: MIT OR Apache-2.0
//! One self-contained page, without scripts.

use crate::Review;
use crate::evaluate::{Evaluated, SideVerdict, verdict_id};
use crate::evidence::trial_lines;
use crate::output::escape::{self, spans};
use crate::output::series::{end_headline, is_quiet, label, outcome_id, patch_headline, series_headline};
use crate::output::{heading, headline, rules, run_command, side_by_side, tested_on, timing};
use crate::series::Reviewed;

const STYLE: &str = "\
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
table{border-collapse:collapse;margin:1rem 0;width:100%;table-layout:fixed}h3,h4{font-size:1rem;margin:1.25rem 0 .25rem}\
.patch{border-top:1px solid #8888;padding:.75rem .75rem 0}ul{margin:0;padding-left:1.25rem}td,th{border:1px solid #8888;padding:.25rem .75rem;text-align:left}\
code,td{font-family:ui-monospace,monospace;overflow-wrap:anywhere}h2{font-size:1.1rem;margin-top:2.5rem;overflow-wrap:anywhere}\
.insufficient{border-left:.4rem solid #d55e00}.sufficient{border-left:.4rem solid #0072b2}\
.stronger-than-needed{border-left:.4rem solid #e69f00}.unknown{border-left:.4rem dashed #888}\
.why{opacity:.75}li{margin:.2rem 0}\
@media(max-width:40rem){td,th{padding:.2rem .3rem;font-size:.85rem}body{margin:1rem auto;padding:0 .75rem}}\
@media print{body{font-size:10pt;max-width:none;margin:0}tr,li{break-inside:avoid}h2,h3,h4{break-after:avoid}}";

/// Renders a review.
pub fn render(reviewed: &Reviewed) -> String {
    let mut out = String::from("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    out.push_str(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
    );
    out.push_str("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
    out.push_str(&format!(
        "<title>TLB maintenance review</title><style>{STYLE}</style></head><body>\n"
    ));
    out.push_str("<h1>TLB maintenance review</h1>\n");
    match reviewed.single() {
        Some(review) => {
            if !review.subject.is_empty() {
                out.push_str(&format!("<p><strong>{}</strong></p>\n", escape(&review.subject)));
            }
            out.push_str(&format!("<p>{}</p>\n", escape(&headline(review))));
            body(&mut out, review, 2);
        }
        None => series(&mut out, reviewed),
    }
    let one = reviewed.as_one();
    if one.explain_rules {
        explain(&mut out, &one);
    }
    match tested_on(&one) {
        machines if machines.is_empty() => out.push_str(&format!(
            "<p>Nothing was run; to check on the adversary: <code>{}</code></p>\n",
            escape(&run_command(&one))
        )),
        machines => out.push_str(&format!("<p>Tested on: {}</p>\n", escape(&machines))),
    }
    out.push_str(&format!(
        "<p>Reproduce: <code>{}</code></p>\n</body></html>\n",
        escape(&one.command)
    ));
    out
}

/// Writes what the rules that are cited say, and why they apply here.
fn explain(out: &mut String, review: &Review) {
    let rules = rules(review);
    let lines = rules.iter().map(|rule| {
        let here: String = rule
            .here
            .iter()
            .map(|here| format!("<li>here: {}</li>", prose(here)))
            .collect();
        format!(
            "<strong>{}</strong>: {}<ul>{here}</ul>",
            escape(&rule.citation),
            prose(rule.says)
        )
    });
    items(out, "Rules", 3, lines);
}

/// Writes the patches of a series, one after the other, and where they end.
fn series(out: &mut String, reviewed: &Reviewed) {
    if !reviewed.title.is_empty() {
        out.push_str(&format!("<p><strong>{}</strong></p>\n", escape(&reviewed.title)));
    }
    out.push_str(&format!("<p>{}</p>\n", escape(&series_headline(reviewed))));
    items(
        out,
        "Notes",
        2,
        reviewed.notes.lines(usize::MAX).iter().map(|line| prose(line)),
    );
    for (index, patch) in reviewed
        .patches
        .iter()
        .enumerate()
        .filter(|(_, patch)| !is_quiet(patch))
    {
        let class = outcome_id(patch.outcome());
        out.push_str(&format!(
            "<h2 class=\"patch {class}\">{}</h2>\n<p>{}</p>\n",
            escape(&label(reviewed, index)),
            escape(&patch_headline(reviewed, patch))
        ));
        body(out, patch, 3);
    }
    let quiet = (0..reviewed.patches.len()).filter(|&index| is_quiet(&reviewed.patches[index]));
    items(
        out,
        "Without TLB maintenance",
        2,
        quiet.map(|index| escape(&label(reviewed, index))),
    );
    if let Some(end) = &reviewed.end {
        let class = outcome_id(end.review.outcome());
        out.push_str(&format!(
            "<h2 class=\"patch {class}\">The end of the series</h2>\n<p>{}</p>\n",
            escape(&end_headline(reviewed, end))
        ));
        if !end.fresh.is_empty() {
            body(out, &end.shown(), 3);
        }
    }
}

/// Writes the changes of a patch with all that is known about them, and what else it holds, under headings of a level.
fn body(out: &mut String, review: &Review, level: u8) {
    for (index, change) in review.changes.iter().enumerate() {
        one(out, change, level);
        let checks = trial_lines(&review.trials[index], true);
        items(out, "Checks", level + 1, checks.iter().map(|line| escape(line)));
        for story in review.trials[index].iter().filter_map(|trials| trials.story.as_ref()) {
            items(
                out,
                &story.heading(),
                level + 1,
                story.events.iter().map(|event| prose(event)),
            );
        }
        let flips = &change.flips;
        let open = flips
            .as_it_stands
            .map(|verdict| format!("as it stands: {}", verdict.name()));
        let others = flips.around.found.iter().map(|flip| escape(&flip.to_string()));
        items(
            out,
            "The verdict flips: it is",
            level + 1,
            open.into_iter().chain(others).chain(flips.around.not_tried()),
        );
        let timing = timing(&review.timing[index]);
        items(out, "Timing", level + 1, timing.iter().map(|line| escape(line)));
        items(
            out,
            "To ask",
            level + 1,
            change.questions.iter().map(|question| prose(question)),
        );
    }
    let mut list = |title: &str, lines: Vec<String>| {
        items(out, title, level + 1, lines.iter().map(|line| prose(line)));
    };
    list("Barriers outside these sequences", review.barriers.clone());
    let unread = review
        .unrecognised
        .iter()
        .map(|unread| format!("{}:{} {}", unread.file, unread.line, unread.text.replace('`', "'")));
    list("Looks like maintenance, not understood", unread.collect());
    list("Notes", review.notes.lines(usize::MAX));
}

/// Writes a change: its sequences, how they compare, the context, and the grounds of both verdicts.
fn one(out: &mut String, change: &Evaluated, level: u8) {
    let class = change.shown().map_or("unknown", |side| verdict_id(side.verdict));
    out.push_str(&format!(
        "<h{level}>{}</h{level}>\n<table class=\"{class}\"><tr><th>before</th><th>after</th></tr>\n",
        escape(&heading(change))
    ));
    for (old, new) in side_by_side(change) {
        out.push_str(&format!(
            "<tr><td>{}</td><td>{}</td></tr>\n",
            escape(&old),
            escape(&new)
        ));
    }
    let verdict = |side: &Option<SideVerdict>| side.as_ref().map_or("", |side| verdict_id(side.verdict));
    out.push_str(&format!(
        "<tr><th>{}</th><th>{}</th></tr></table>\n",
        verdict(&change.before),
        verdict(&change.after)
    ));
    if change.before.is_some() && change.after.is_some() {
        let words = change.differences.join("; ");
        let colon = if words.is_empty() { "" } else { ": " };
        out.push_str(&format!(
            "<p>After is <strong>{}</strong>{colon}{}.</p>\n",
            change.relation.name(),
            prose(&words)
        ));
    }
    let why = |text: &str| format!(" <span class=\"why\">({})</span>", escape(text));
    let assumed = change
        .assumptions
        .iter()
        .map(|part| format!("{} <code>{}</code>{}", part.name, escape(&part.value), why(&part.why)));
    items(out, "Assumed context", level + 1, assumed);
    for (side, name) in [(&change.before, "Before"), (&change.after, "After")] {
        let Some(side) = side else { continue };
        let grounds = side.reasons.iter().chain(&side.errata);
        let mut lines: Vec<String> = grounds
            .map(|ground| format!("{}{}", prose(&ground.text), why(&ground.citation)))
            .collect();
        if !side.counterexample.is_empty() {
            let steps: String = side
                .counterexample
                .iter()
                .map(|step| format!("<li>{}</li>", prose(step)))
                .collect();
            lines.push(format!("how a stale translation is used:<ol>{steps}</ol>"));
        }
        if let Some(weakest) = &side.weakest {
            lines.push(format!("enough: <code>{}</code>", escape(weakest)));
        }
        let title = format!("{name}: {}", verdict_id(side.verdict));
        items(out, &title, level + 1, lines.into_iter());
    }
}

/// Writes a titled list of what is escaped already; nothing where there is nothing.
fn items(out: &mut String, title: &str, level: u8, lines: impl Iterator<Item = String>) {
    let list: String = lines.map(|line| format!("<li>{line}</li>\n")).collect();
    if !list.is_empty() {
        out.push_str(&format!("<h{level}>{title}</h{level}>\n<ul>\n{list}</ul>\n"));
    }
}

/// Escapes our own sentences and shows what is between backquotes as code.
fn prose(text: &str) -> String {
    spans(text, escape, |code| format!("<code>{}</code>", escape(code)))
}

/// Escapes text for HTML, in content and in attributes.
fn escape(text: &str) -> String {
    escape::escape(text, |character, out| match character {
        '"' => out.push_str("&quot;"),
        '\'' => out.push_str("&#39;"),
        other => out.push(other),
    })
}
