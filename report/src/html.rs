// SPDX-License-Identifier: MIT OR Apache-2.0
//! The whole report as one page: no script, nothing to load, well-formed as XML too.

use std::fmt::Write;

use crate::document::{Block, Document};
use crate::model::Summary;
use crate::plot::{self, Figure};
use crate::table::{Align, Table, Tone};

const STYLE: &str = include_str!("html/page.css");

/// Writes the page. `data` gives the address of a file with plot data.
pub fn render(summary: &Summary, data: impl Fn(&str) -> String) -> String {
    let document = Document::of(summary);
    let title = escape(&document.title);
    let mut out = String::from("<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n");
    out.push_str("<meta charset=\"utf-8\" />\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n");
    out.push_str("<meta name=\"color-scheme\" content=\"light dark\" />\n");
    // A run's text reaches the page escaped; this holds even if an escape were missing.
    out.push_str(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\" />\n",
    );
    let style = plot::STYLE;
    // Writing to a string does not fail.
    let _ = write!(
        out,
        "<title>{title}</title>\n<style>\n{style}{STYLE}</style>\n</head>\n<body>\n<main>\n"
    );
    let _ = writeln!(
        out,
        "<h1>{title}</h1>\n<p class=\"subtitle\">{}</p>",
        escape(&document.subtitle)
    );
    for section in &document.sections {
        out.push_str("<section>\n");
        if !section.heading.is_empty() {
            let _ = writeln!(out, "<h2>{}</h2>", escape(&section.heading));
        }
        for block in section.blocks() {
            write_block(&mut out, block, summary, &data);
        }
        out.push_str("</section>\n");
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn write_block(out: &mut String, block: &Block, summary: &Summary, data: &impl Fn(&str) -> String) {
    let _ = match block {
        Block::Banner { tone, title, lines } => {
            let _ = write!(
                out,
                "<div class=\"banner {}\" role=\"note\"><strong>{}</strong>",
                tone.id(),
                escape(title)
            );
            for line in lines {
                let _ = write!(out, "<p>{}</p>", escape(line));
            }
            writeln!(out, "</div>")
        }
        Block::Lead(text) => writeln!(out, "<p class=\"lead\">{}</p>", escape(text)),
        Block::Paragraph(text) => writeln!(out, "<p>{}</p>", escape(text)),
        Block::List(items) => {
            let items: String = items.iter().map(|item| format!("<li>{}</li>", escape(item))).collect();
            writeln!(out, "<ul>{items}</ul>")
        }
        Block::Table(table) => {
            write_table(out, table);
            Ok(())
        }
        Block::Figure(figure) => {
            write_figure(out, figure, summary, data);
            Ok(())
        }
        Block::Code(code) => writeln!(out, "<pre><code>{}</code></pre>", escape(code)),
    };
}

fn write_figure(out: &mut String, figure: &Figure, summary: &Summary, data: &impl Fn(&str) -> String) {
    out.push_str("<figure>\n<div class=\"panels\">\n");
    for panel in figure.panels(summary) {
        out.push_str(&panel);
    }
    let (caption, address) = (escape(&figure.caption(summary)), escape(&data(figure.data())));
    let _ = writeln!(
        out,
        "</div>\n<figcaption>{caption} <a href=\"{address}\">Data (CSV)</a></figcaption>\n</figure>"
    );
}

fn write_table(out: &mut String, table: &Table) {
    let class = |index: usize| match table.columns[index].1 {
        Align::Left => "",
        Align::Right => " class=\"n\"",
    };
    // Not a `caption`: that would be as wide as the table, and cut off with it on a narrow screen.
    let caption = escape(&table.caption);
    let _ = write!(out, "<p class=\"caption\">{caption}");
    if let Some(label) = &table.label {
        let _ = write!(out, " <span class=\"label\">{}</span>", escape(label));
    }
    let _ = write!(
        out,
        "</p>\n<div class=\"scroll\" tabindex=\"0\">\n<table aria-label=\"{caption}\">\n<thead><tr>"
    );
    for (index, (name, _)) in table.columns.iter().enumerate() {
        let _ = write!(out, "<th scope=\"col\"{}>{}</th>", class(index), escape(name));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        out.push_str("<tr>");
        for (index, cell) in row.iter().enumerate() {
            let text = escape(&cell.text);
            let _ = match cell.tone {
                Tone::Plain => write!(out, "<td{}>{text}</td>", class(index)),
                Tone::Code => write!(out, "<td{}><code>{text}</code></td>", class(index)),
                tone => write!(
                    out,
                    "<td{}><span class=\"{}\">{text}</span></td>",
                    class(index),
                    tone.id()
                ),
            };
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}

/// Takes their meaning from the characters that have one in HTML, and leaves out what no document may hold.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(
            escape("<a href=\"x\">'&\u{1b}\u{ffff}"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;\u{fffd}\u{fffd}"
        );
    }
}
