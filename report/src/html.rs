// SPDX-License-Identifier: MIT OR Apache-2.0
//! A document as one page: nothing to load, readable without scripts, well-formed as XML too.
//!
//! The one script adds what paper cannot do (sorting, choosing, values under the pointer). The page's security policy
//! allows it by its hash and nothing else, so that text from a run stays text even if an escape were missing.

use std::fmt::Write;
use std::sync::LazyLock;

use data_encoding::BASE64;
use results::manifest::HARDWARE_LABEL;
use sha2::{Digest, Sha256};

use crate::document::{Block, Document, Section};
use crate::matrix::Matrix;
use crate::model::Summary;
use crate::number::plural;
use crate::plain_text::escape;
use crate::plot::{self, Figure, Width};
use crate::table::{Align, Cell, Table, Tone};

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// The script as the browser hashes it: all that is between the tags. Read as XML, it is one piece of text too.
static SCRIPT_TEXT: LazyLock<String> = LazyLock::new(|| format!("//<![CDATA[\n{SCRIPT}//]]>\n"));

static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = BASE64.encode(&Sha256::digest(SCRIPT_TEXT.as_bytes()));
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"
    )
});

/// Returns the style that puts the label of all counts into the margin of every sheet. The corner of the screen would cover rows
/// there.
fn on_paper(label: Option<&str>) -> String {
    let Some(label) = label else {
        return String::new();
    };
    let escaped: String = label
        .chars()
        .map(|c| match c {
            ' ' | ':' | ',' | '0'..='9' | 'A'..='Z' | 'a'..='z' => c.to_string(),
            _ => format!("\\{:x} ", u32::from(c)),
        })
        .collect();
    format!("@page {{ @bottom-right {{ content: \"{escaped}\"; font: 600 8pt sans-serif }} }}\n")
}

/// Writes the page of a run. `data` gives the address of a file with plot data.
pub fn render(summary: &Summary, data: impl Fn(&str) -> String) -> String {
    page(&Document::of(summary), data)
}

/// Writes the page of a document. `data` gives the address of a file with plot data.
pub fn page(document: &Document, data: impl Fn(&str) -> String) -> String {
    let title = escape(&document.title);
    let mut out = String::from("<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n");
    out.push_str("<meta charset=\"utf-8\" />\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n");
    out.push_str("<meta name=\"color-scheme\" content=\"light dark\" />\n");
    let (style, policy) = (plot::STYLE, escape(&POLICY));
    // Writing to a string does not fail.
    let _ = write!(
        out,
        "<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\" />\n<title>{title}</title>\n\
         <style>\n{style}{STYLE}{}</style>\n</head>\n<body class=\"{}\">\n<main>\n<h1>{title}</h1>\n<p class=\"subtitle\">{}</p>\n",
        on_paper(document.label.as_deref()),
        origin(document.label.as_deref()),
        escape(&document.subtitle)
    );
    contents(&mut out, document);
    let label = document.label.as_deref();
    for (index, section) in document.sections.iter().enumerate() {
        begin(&mut out, section, index);
        for block in section.blocks() {
            write_block(&mut out, block, label, &data);
        }
        out.push_str(match section.heading.is_empty() {
            true => "</section>\n",
            false => "</div></details></section>\n",
        });
    }
    // Said once for all tables, and always in sight.
    let _ = match label {
        Some(label) => writeln!(out, "<p class=\"corner\">{}</p>", escape(label)),
        None => Ok(()),
    };
    let _ = write!(out, "</main>\n<script>{}</script>\n</body>\n</html>\n", *SCRIPT_TEXT);
    out
}

/// Returns the class of a page whose numbers have this label: what it looks like from afar.
fn origin(label: Option<&str>) -> &'static str {
    match label {
        Some(HARDWARE_LABEL) => "hardware",
        Some(_) => "simulator",
        None => "several",
    }
}

/// Begins a section: its heading is what unfolds it, and a link to it unfolds it too.
fn begin(out: &mut String, section: &Section, index: usize) {
    if section.heading.is_empty() {
        out.push_str("<section>\n");
        return;
    }
    let digest = match section.digest.is_empty() {
        true => String::new(),
        false => format!(" <span class=\"digest\">{}</span>", escape(&section.digest)),
    };
    let open = if section.open { " open=\"\"" } else { "" };
    let _ = write!(
        out,
        "<section aria-labelledby=\"h{index}\">\n<details class=\"section\"{open}><summary><h2 \
         id=\"h{index}\">{}</h2>{digest}</summary>\n<div id=\"s{index}\">\n",
        escape(&section.heading)
    );
}

/// Writes the list of sections, unless there are too few to get lost in.
fn contents(out: &mut String, document: &Document) {
    let with_heading = || {
        document
            .sections
            .iter()
            .enumerate()
            .filter(|(_, s)| !s.heading.is_empty())
    };
    if with_heading().count() < 3 {
        return;
    }
    out.push_str("<nav aria-label=\"Contents\">");
    for (index, section) in with_heading() {
        let _ = write!(out, "<a href=\"#s{index}\">{}</a> ", escape(&section.heading));
    }
    out.push_str("</nav>\n");
}

fn write_block(out: &mut String, block: &Block, label: Option<&str>, data: &impl Fn(&str) -> String) {
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
            write_table(out, table, label);
            Ok(())
        }
        Block::Matrix(matrix) => {
            write_matrix(out, matrix, label, data);
            Ok(())
        }
        Block::Matrices(matrices) => {
            out.push_str("<div class=\"matrices\">\n");
            for matrix in matrices {
                out.push_str("<div>");
                write_matrix(out, matrix, label, data);
                out.push_str("</div>\n");
            }
            writeln!(out, "</div>")
        }
        Block::Figure(figure) => {
            write_figure(out, figure, data);
            Ok(())
        }
        Block::Beside(figures) => {
            out.push_str("<div class=\"beside\">\n");
            figures.iter().for_each(|figure| write_figure(out, figure, data));
            writeln!(out, "</div>")
        }
        Block::Code(code) => writeln!(out, "<pre><code>{}</code></pre>", escape(code)),
    };
}

fn write_figure(out: &mut String, figure: &Figure, data: &impl Fn(&str) -> String) {
    let pe = figure.pe.map_or(String::new(), |pe| format!(" data-pe=\"{pe}\""));
    let _ = writeln!(out, "<figure{pe}>");
    for (index, view) in figure.views.iter().enumerate() {
        let panels = |out: &mut String| {
            out.push_str("<div class=\"panels\">\n");
            for panel in &view.panels {
                // One of them is shown.
                out.push_str(&panel.svg(Width::Wide));
                out.push_str(&panel.svg(Width::Narrow));
            }
            out.push_str("</div>\n");
        };
        if index == 0 {
            let _ = write!(out, "<div class=\"view\" data-view=\"{}\">", view.name);
            panels(out);
            out.push_str("</div>\n");
        } else {
            // The script makes a switch of these.
            let _ = write!(
                out,
                "<details class=\"view\" data-view=\"{0}\"><summary>The same, {0}</summary>",
                view.name
            );
            panels(out);
            out.push_str("</details>\n");
        }
    }
    let (caption, address) = (escape(&figure.caption), escape(&data(figure.data)));
    let _ = writeln!(
        out,
        "<figcaption>{caption} <a href=\"{address}\">Data (CSV)</a></figcaption>\n</figure>"
    );
}

/// Returns the label of a table's numbers. That of hardware warns of nothing.
fn write_label(label: &str) -> String {
    let class = if label == HARDWARE_LABEL { "label own" } else { "label" };
    format!(" <span class=\"{class}\">{}</span>", escape(label))
}

/// Returns the label that a table needs on a page whose numbers all have the label `said`.
fn own<'a>(label: Option<&'a String>, said: Option<&str>) -> Option<&'a String> {
    label.filter(|label| Some(label.as_str()) != said)
}

/// Writes a caption. Not a `caption` element: that would be as wide as the table, and cut off with it on a narrow screen.
fn write_caption(out: &mut String, caption: &str, label: Option<&String>) {
    let _ = write!(out, "<p class=\"caption\">{}", escape(caption));
    if let Some(label) = label {
        out.push_str(&write_label(label));
    }
    out.push_str("</p>\n");
}

/// Returns the classes of the columns: which side, and what may be broken into lines. Numbers and short words are not; a
/// ratio is broken before its interval; a sequence is not where there is room; a column with long text keeps a width at
/// which that can be read.
fn classes(table: &Table) -> Vec<&'static str> {
    const SHORT: usize = 16;
    const LONG: usize = 24;
    const CODE: usize = 44;
    let class = |(index, (name, align)): (usize, &(String, Align))| {
        let cells = || table.rows.iter().filter_map(|row| row.get(index));
        let longest = cells().map(|cell| cell.text.chars().count()).max().unwrap_or(0);
        match align {
            Align::Right if cells().any(|cell| cell.text.contains(" [")) => "n r",
            Align::Right => "n",
            Align::Left if longest <= CODE && cells().all(|cell| cell.tone == Tone::Code) => "c",
            Align::Left if longest > LONG => "w",
            Align::Left if longest.max(name.chars().count()) <= SHORT => "s",
            Align::Left => "",
        }
    };
    table.columns.iter().enumerate().map(class).collect()
}

fn write_table(out: &mut String, table: &Table, said: Option<&str>) {
    let own = own(table.label.as_ref(), said);
    let classes = classes(table);
    let class = |index: usize| match classes[index] {
        "" => String::new(),
        class => format!(" class=\"{class}\""),
    };
    let caption = escape(&table.caption);
    if table.folded {
        let rows = plural(table.rows.len() as u64, "row", "rows");
        let _ = write!(out, "<details class=\"fold\"><summary>{caption}, {rows}");
        if let Some(label) = own {
            out.push_str(&write_label(label));
        }
        out.push_str("</summary>\n");
    } else {
        write_caption(out, &table.caption, own);
    }
    let _ = write!(
        out,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{caption}\">\n\
         <table aria-label=\"{caption}\">\n<thead><tr>"
    );
    for (index, (name, _)) in table.columns.iter().enumerate() {
        let _ = write!(out, "<th scope=\"col\"{}>{}</th>", class(index), escape(name));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for (row, cells) in table.rows.iter().enumerate() {
        match table.pes.get(row) {
            Some(pe) => {
                let _ = write!(out, "<tr data-pe=\"{pe}\">");
            }
            None => out.push_str("<tr>"),
        }
        for (index, cell) in cells.iter().enumerate() {
            // The first cell names the row.
            let (open, close) = match index {
                0 => ("th scope=\"row\"", "th"),
                _ => ("td", "td"),
            };
            // On a narrow screen a row is a list, and every cell has its column's name beside it.
            let column = match index {
                0 => String::new(),
                _ => format!(" data-c=\"{}\"", escape(&table.columns[index].0)),
            };
            let text = inner(cell, classes[index]);
            let _ = write!(out, "<{open}{}{column}>{text}</{close}>", class(index));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
    if table.folded {
        out.push_str("</details>\n");
    }
}

fn inner(cell: &Cell, class: &str) -> String {
    let text = escape(&match cell.text.split_once(" [") {
        // An interval stays whole.
        Some((value, interval)) if class == "n r" => format!("{value} [{}", interval.replace(", ", ",\u{a0}")),
        _ => cell.text.clone(),
    });
    let text = match cell.tone {
        Tone::Plain => quoted_code(&text),
        _ => text,
    };
    // Ids are long words; they may be broken where a reader would.
    let text = match class {
        "w" => text.replace('_', "_<wbr />"),
        _ => text,
    };
    let text = match cell.tone {
        Tone::Plain => text,
        Tone::Code => format!("<code>{text}</code>"),
        tone => format!("<span class=\"{}\">{text}</span>", tone.id()),
    };
    match cell.link.is_empty() {
        true => text,
        false => format!("<a href=\"{}\">{text}</a>", escape(&cell.link)),
    }
}

/// Sets in code what stands between backticks, if they come in pairs.
fn quoted_code(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len() == 1 || parts.len().is_multiple_of(2) {
        return text.to_owned();
    }
    let part = |(index, part): (usize, &&str)| match index % 2 {
        0 => (*part).to_owned(),
        _ => format!("<code>{part}</code>"),
    };
    parts.iter().enumerate().map(part).collect()
}

fn write_matrix(out: &mut String, matrix: &Matrix, said: Option<&str>, data: &impl Fn(&str) -> String) {
    let caption = escape(&matrix.caption);
    write_caption(out, &matrix.caption, own(matrix.label.as_ref(), said));
    let _ = write!(
        out,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{caption}\">\n\
         <table class=\"matrix\" aria-label=\"{caption}\">\n<thead><tr><th scope=\"col\">{}</th>",
        escape(&matrix.corner)
    );
    for name in &matrix.columns {
        let _ = write!(out, "<th scope=\"col\"><span>{}</span></th>", escape(name));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for (name, marks) in &matrix.rows {
        let _ = write!(out, "<tr><th scope=\"row\">{}</th>", escape(name));
        for mark in marks {
            let _ = match mark {
                None => write!(out, "<td></td>"),
                Some(mark) => write!(
                    out,
                    "<td class=\"{}\" title=\"{2}\" aria-label=\"{2}\">{1}</td>",
                    mark.tone.id(),
                    escape(&mark.sign),
                    escape(&mark.words)
                ),
            };
        }
        out.push_str("</tr>\n");
    }
    let address = escape(&data(matrix.data));
    let _ = write!(
        out,
        "</tbody>\n</table>\n</div>\n<p class=\"key\">{} <a href=\"{address}\">Data (CSV)</a></p>\n",
        escape(&matrix.key_words())
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_break_where_a_reader_would() {
        let plain = |text: &str, class| inner(&Cell::from(text), class);
        assert_eq!(plain("0.9 [0.8, 1.0]", "n r"), "0.9 [0.8,\u{a0}1.0]");
        assert_eq!(plain("a_b [c, d]", "w"), "a_<wbr />b [c, d]");
        assert_eq!(plain("a_b", "s"), "a_b");
    }

    #[test]
    fn paired_backticks_are_code_and_others_stay() {
        let plain = |text: &str| inner(&Cell::from(text), "");
        assert_eq!(plain("`dsb <x>` is left out"), "<code>dsb &lt;x&gt;</code> is left out");
        assert_eq!(plain("a ` b"), "a ` b");
        assert_eq!(plain("`a` ` b"), "`a` ` b");
    }

    #[test]
    fn columns_know_how_they_may_be_broken() {
        let mut table = Table::new("t", &["id", "words", "text", ">count", ">ratio"]);
        table.row(
            [
                "a_b",
                "some words of text",
                &"long ".repeat(9),
                "1,000",
                "1.0 [0.9, 1.1]",
            ]
            .map(Cell::from),
        );
        assert_eq!(classes(&table), ["s", "", "w", "n", "n r"]);
        table.rows[0][2] = Cell::toned("dsb nshst; tlbi alle2; dsb nsh; isb", Tone::Code);
        assert_eq!(classes(&table)[2], "c");
    }

    #[test]
    fn nothing_in_the_script_ends_it_early() {
        assert!(!SCRIPT.contains("</") && !SCRIPT.contains("]]>") && !SCRIPT.contains("<!--"));
    }
}
