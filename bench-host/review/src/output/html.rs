// SPDX-License-Identifier: MIT OR Apache-2.0
//! One self-contained page, without scripts.

use crate::Review;
use crate::evaluate::{Evaluated, SideVerdict, verdict_id};
use crate::evidence::trial_lines;
use crate::output::escape::{self, spans};
use crate::output::{heading, headline, rules, run_command, side_by_side, tested_on, timing};

const STYLE: &str = "\
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
table{border-collapse:collapse;margin:1rem 0;width:100%;table-layout:fixed}h3{font-size:1rem;margin:1.25rem 0 .25rem}ul{margin:0;padding-left:1.25rem}td,th{border:1px solid #8888;padding:.25rem .75rem;text-align:left}\
code,td{font-family:ui-monospace,monospace;overflow-wrap:anywhere}h2{font-size:1.1rem;margin-top:2.5rem;overflow-wrap:anywhere}\
.insufficient{border-left:.4rem solid #d55e00}.sufficient{border-left:.4rem solid #0072b2}\
.stronger-than-needed{border-left:.4rem solid #e69f00}.unknown{border-left:.4rem dashed #888}\
.why{opacity:.75}li{margin:.2rem 0}";

/// Renders a review.
pub fn render(review: &Review) -> String {
    let mut out = String::from("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    out.push_str(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
    );
    out.push_str("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
    out.push_str(&format!(
        "<title>TLB maintenance review</title><style>{STYLE}</style></head><body>\n"
    ));
    out.push_str("<h1>TLB maintenance review</h1>\n");
    if !review.subject.is_empty() {
        out.push_str(&format!("<p><strong>{}</strong></p>\n", escape(&review.subject)));
    }
    out.push_str(&format!("<p>{}</p>\n", escape(&headline(review))));
    for (index, change) in review.changes.iter().enumerate() {
        one(&mut out, change);
        let checks = trial_lines(&review.trials[index], true);
        items(&mut out, "Checks", checks.iter().map(|line| escape(line)));
        for story in review.trials[index].iter().filter_map(|trials| trials.story.as_ref()) {
            items(
                &mut out,
                &story.heading(),
                story.events.iter().map(|event| prose(event)),
            );
        }
        let flips = &change.flips;
        let open = flips
            .as_it_stands
            .map(|verdict| format!("as it stands: {}", verdict.name()));
        let others = flips.all.iter().map(|flip| escape(&flip.to_string()));
        items(&mut out, "The verdict flips: it is", open.into_iter().chain(others));
        let timing = timing(&review.timing[index]);
        items(&mut out, "Timing", timing.iter().map(|line| escape(line)));
        items(
            &mut out,
            "To ask",
            change.questions.iter().map(|question| prose(question)),
        );
    }
    let mut list = |title: &str, lines: Vec<String>| {
        items(&mut out, title, lines.iter().map(|line| prose(line)));
    };
    list("Barriers outside these sequences", review.barriers.clone());
    let unread = review
        .unrecognised
        .iter()
        .map(|unread| format!("{}:{} {}", unread.file, unread.line, unread.text.replace('`', "'")));
    list("Looks like maintenance, not understood", unread.collect());
    list("Notes", review.notes.lines(usize::MAX));
    if review.explain_rules {
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
        items(&mut out, "Rules", lines);
    }
    match tested_on(review) {
        machines if machines.is_empty() => out.push_str(&format!(
            "<p>Nothing was run; to check on the adversary: <code>{}</code></p>\n",
            escape(&run_command(review))
        )),
        machines => out.push_str(&format!("<p>Tested on: {}</p>\n", escape(&machines))),
    }
    out.push_str(&format!(
        "<p>Reproduce: <code>{}</code></p>\n</body></html>\n",
        escape(&review.command)
    ));
    out
}

/// Writes a change: its sequences, how they compare, the context, and the grounds of both verdicts.
fn one(out: &mut String, change: &Evaluated) {
    let class = change.shown().map_or("unknown", |side| verdict_id(side.verdict));
    out.push_str(&format!(
        "<h2>{}</h2>\n<table class=\"{class}\"><tr><th>before</th><th>after</th></tr>\n",
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
    items(out, "Assumed context", assumed);
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
        items(out, &title, lines.into_iter());
    }
}

/// Writes a titled list of what is escaped already; nothing where there is nothing.
fn items(out: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let list: String = lines.map(|line| format!("<li>{line}</li>\n")).collect();
    if !list.is_empty() {
        out.push_str(&format!("<h3>{title}</h3>\n<ul>\n{list}</ul>\n"));
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
