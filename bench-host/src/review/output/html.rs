// SPDX-License-Identifier: MIT OR Apache-2.0
//! One self-contained page, without scripts.

use crate::review::evaluate::{SideVerdict, verdict_id};
use crate::review::output::text::clean;
use crate::review::output::{heading, headline, run_command, side_by_side, tested_on, timing};
use crate::review::{Review, trial};

const STYLE: &str = "\
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
table{border-collapse:collapse;margin:1rem 0;width:100%}td,th{border:1px solid #8888;padding:.25rem .75rem;text-align:left}\
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
        let row = format!(
            "<tr><th>{}</th><th>{}</th></tr></table>\n",
            verdict(&change.before),
            verdict(&change.after)
        );
        out.push_str(&row);
        out.push_str(&format!("<p>After is <strong>{}</strong>. ", change.relation.name()));
        out.push_str(&format!("{}</p>\n<ul>\n", escape(&change.differences.join("; "))));
        let mut item = |text: String| out.push_str(&format!("<li>{text}</li>\n"));
        for part in &change.assumptions {
            let value = format!("{} <code>{}</code>", part.name, escape(&part.value));
            item(format!(
                "assumed: {value} <span class=\"why\">({})</span>",
                escape(&part.why)
            ));
        }
        for (side, name) in [(&change.before, "before"), (&change.after, "after")] {
            let Some(side) = side else { continue };
            for ground in &side.reasons {
                item(format!(
                    "{name}: {} <span class=\"why\">({})</span>",
                    escape(&ground.text),
                    escape(&ground.citation)
                ));
            }
            if !side.counterexample.is_empty() {
                let steps: String = side
                    .counterexample
                    .iter()
                    .map(|step| format!("<li>{}</li>", escape(step)))
                    .collect();
                item(format!("{name}, how a stale translation is used:<ol>{steps}</ol>"));
            }
            if let Some(weakest) = &side.weakest {
                item(format!("{name}, enough: <code>{}</code>", escape(weakest)));
            }
        }
        for ground in change.shown().into_iter().flat_map(|side| &side.errata) {
            item(format!("{}: {}", escape(&ground.rule), escape(&ground.text)));
        }
        for line in trial::lines(&review.trials[index], true) {
            item(format!("checks: {}", escape(&line)));
        }
        for line in timing(&review.timing[index]) {
            item(format!("timing: {}", escape(&line)));
        }
        for question in &change.questions {
            item(format!("to ask: {}", escape(question)));
        }
        out.push_str("</ul>\n");
    }
    let mut list = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            let items: String = lines
                .iter()
                .map(|line| format!("<li>{}</li>\n", escape(line)))
                .collect();
            out.push_str(&format!("<h2>{title}</h2>\n<ul>\n{items}</ul>\n"));
        }
    };
    list("Barriers outside these sequences", review.barriers.clone());
    let unread = review
        .unrecognised
        .iter()
        .map(|unread| format!("{}:{} {}", unread.file, unread.line, unread.text));
    list("Looks like maintenance, not understood", unread.collect());
    list("Notes", review.notes.clone());
    match tested_on(review) {
        machines if machines.is_empty() => out.push_str(&format!(
            "<p>Nothing was run; to check in QEMU: <code>{}</code></p>\n",
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

/// Escapes text for HTML, in content and in attributes.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::new();
    for character in clean(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
