// SPDX-License-Identifier: MIT OR Apache-2.0
//! A trace as one self-contained page.

use report::plain_text::escape;

use super::view::{CAVEAT, View};

const STYLE: &str = ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;\
    padding:0 1em;overflow-wrap:anywhere}code,td.s{font-family:ui-monospace,monospace}table{border-collapse:collapse}\
    td,th{border:1px solid #8888;padding:.2em .5em;text-align:left}h1{font-size:1.5rem}h2{font-size:1.1rem}\
    .bad{border-left:4px solid #d55e00;padding-left:1em}.known{border-left:4px solid #8888;padding-left:1em}\
    @media(max-width:40rem){td,th{padding:.1em .25em;font-size:.85rem}}@media print{tr,h2{break-inside:avoid}h2{break-after:avoid}}";

/// Renders a view.
pub fn render(view: &View) -> String {
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>TLB maintenance trace</title><style>{STYLE}\
         </style></head><body>\n<h1>TLB maintenance trace</h1>\n<p><code>{}</code>: {}</p>\n<p>{CAVEAT}</p>\n",
        escape(&view.subject),
        escape(&view.headline())
    );
    for shown in &view.findings {
        let finding = &shown.finding;
        let class = if shown.suppressed.is_some() { "known" } else { "bad" };
        out.push_str(&format!(
            "<div class=\"{class}\"><h2>{}</h2>\n<p><code>{}</code>, {} times, <code>{}</code> of {}</p>\n",
            escape(shown.kind.title()),
            shown.kind.id(),
            finding.count,
            escape(&shown.addresses()),
            escape(&finding.regime)
        ));
        if let Some(reason) = &shown.suppressed {
            out.push_str(&format!("<p>Suppressed: {}</p>\n", escape(reason)));
        }
        out.push_str("<table><tr><th>PE</th><th>Where</th><th>What</th></tr>\n");
        for step in &shown.story {
            out.push_str(&format!(
                "<tr><td>{}</td><td class=\"s\">{}</td><td>{}</td></tr>\n",
                step.step.pe,
                escape(&step.at()),
                escape(&step.step.text)
            ));
        }
        out.push_str("</table>\n<ul>\n");
        for reason in &finding.reasons {
            out.push_str(&format!("<li>{}</li>\n", escape(reason)));
        }
        out.push_str("</ul>\n");
        if !finding.permitted.is_empty() {
            let steps = finding
                .permitted
                .iter()
                .map(|step| format!("<li>{}</li>", escape(step)));
            out.push_str(&format!(
                "<p>What the architecture permits:</p><ol>{}</ol>\n",
                steps.collect::<String>()
            ));
        }
        if !finding.sequence.is_empty() {
            out.push_str(&format!(
                "<p>Executed: <code>{}</code></p>\n",
                escape(&finding.sequence)
            ));
        }
        if let Some(enough) = &finding.enough {
            out.push_str(&format!("<p>Enough: <code>{}</code></p>\n", escape(enough)));
        }
        out.push_str("</div>\n");
    }
    out.push_str(
        "<h2>Sequences executed</h2>\n<table><tr><th>Entries</th><th>For</th><th>Sequence</th><th>Judge</th></tr>\n",
    );
    for (text, executed) in &view.executed {
        out.push_str(&format!(
            "<tr><td>{}</td><td>{}</td><td class=\"s\">{}</td><td>{}</td></tr>\n",
            executed.entries,
            escape(&executed.context),
            escape(text),
            escape(&executed.verdict)
        ));
    }
    out.push_str("</table>\n<h2>Numbers</h2>\n<table>\n");
    out.push_str(&format!("<tr><td>{}</td><td>events</td></tr>\n", view.events));
    for (count, value) in &view.counts {
        out.push_str(&format!("<tr><td>{value}</td><td>{}</td></tr>\n", escape(count.text())));
    }
    out.push_str("</table>\n</body></html>\n");
    out
}
