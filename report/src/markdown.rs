// SPDX-License-Identifier: MIT OR Apache-2.0
//! The whole report as Markdown (GitHub's dialect), with the plots as files beside it.

use results::text::is_hostile;

use crate::document::{Block, Document};
use crate::matrix::{Mark, Matrix};
use crate::model::Summary;
use crate::number::plural;
use crate::plain_text;
use crate::plot::Figure;
use crate::table::{Align, Cell, Table, Tone};

/// Writes the report. `file` gives the address of a file with a plot.
pub fn render(summary: &Summary, file: impl Fn(&str) -> String) -> String {
    page(&Document::of(summary), file)
}

/// Writes a document. `file` gives the address of a file with a plot.
pub fn page(document: &Document, file: impl Fn(&str) -> String) -> String {
    let mut out = format!("# {}\n\n{}\n", escape(&document.title), escape(&document.subtitle));
    for section in &document.sections {
        if !section.heading.is_empty() {
            out.push_str(&format!("\n## {}\n", section.heading));
        }
        for block in section.blocks() {
            out.push('\n');
            out.push_str(&text(block, &file));
        }
    }
    out
}

fn text(block: &Block, file: &impl Fn(&str) -> String) -> String {
    match block {
        Block::Banner { title, lines, tone } => {
            // GitHub's alerts; a plain quotation everywhere else.
            let kind = if *tone == Tone::Bad { "CAUTION" } else { "NOTE" };
            let lines: String = lines.iter().map(|line| format!(">\n> {}\n", escape(line))).collect();
            format!("> [!{kind}]\n> **{}**\n{lines}", escape(title))
        }
        Block::Lead(text) => format!("**{}**\n", escape(text)),
        Block::Paragraph(text) => format!("{}\n", escape(text)),
        Block::List(items) => items.iter().map(|item| format!("- {}\n", escape(item))).collect(),
        Block::Table(table) => self::table(table),
        Block::Matrix(matrix) => self::matrix(matrix, file),
        Block::Matrices(matrices) => matrices
            .iter()
            .map(|matrix| self::matrix(matrix, file))
            .collect::<Vec<_>>()
            .join("\n"),
        Block::Figure(figure) => self::figure(figure, file),
        Block::Beside(figures) => {
            let figures: Vec<String> = figures.iter().map(|figure| self::figure(figure, file)).collect();
            figures.join("\n")
        }
        Block::Code(code) => fenced(code),
    }
}

fn figure(figure: &Figure, file: &impl Fn(&str) -> String) -> String {
    let panels = figure
        .files()
        .map(|(name, _)| format!("![{}]({})\n", escape(&figure.id), file(&name)));
    let panels: String = panels.collect();
    format!(
        "{panels}\n{} [Data (CSV)]({})\n",
        escape(&figure.caption),
        file(figure.data)
    )
}

fn matrix(matrix: &Matrix, file: &impl Fn(&str) -> String) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut out = format!("{}\n\n", escape(&matrix.full_caption()));
    let names = [&matrix.corner].into_iter().chain(&matrix.columns);
    out.push_str(&line(names.map(|name| escape(name)).collect()));
    let rules = matrix.columns.iter().map(|_| ":---:".to_owned());
    out.push_str(&line(["---".to_owned()].into_iter().chain(rules).collect()));
    for (name, marks) in &matrix.rows {
        let sign = |mark: &Option<Mark>| match mark {
            None => String::new(),
            Some(mark) if mark.tone == Tone::Bad => format!("**{}**", escape(&mark.sign)),
            Some(mark) => escape(&mark.sign),
        };
        out.push_str(&line(
            [escape(name)].into_iter().chain(marks.iter().map(sign)).collect(),
        ));
    }
    format!(
        "{out}\n{} [Data (CSV)]({})\n",
        escape(&matrix.key_words()),
        file(matrix.data)
    )
}

/// Writes a table with its caption.
pub fn table(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut out = match table.folded {
        // GitHub reads Markdown inside these tags after an empty line.
        true => format!("<details><summary>{}</summary>\n\n", summary(table)),
        false => format!("{}\n\n", escape(&table.full_caption())),
    };
    out.push_str(&line(table.columns.iter().map(|(name, _)| escape(name)).collect()));
    let rule = |(_, align): &(String, Align)| match align {
        Align::Left => "---".to_owned(),
        Align::Right => "---:".to_owned(),
    };
    out.push_str(&line(table.columns.iter().map(rule).collect()));
    for row in &table.rows {
        out.push_str(&line(row.iter().map(cell).collect()));
    }
    if table.folded {
        out.push_str("\n</details>\n");
    }
    out
}

/// Returns what stands for a folded table; inside the tag only HTML has a meaning.
fn summary(table: &Table) -> String {
    let rows = plural(table.rows.len() as u64, "row", "rows");
    plain_text::escape(&format!("{}, {rows}", table.full_caption())).replace('\n', " ")
}

fn cell(cell: &Cell) -> String {
    let text = match cell.tone {
        _ if cell.text.is_empty() => String::new(),
        Tone::Code => code(&cell.text),
        Tone::Bad => format!("**{}**", escape(&cell.text)),
        Tone::Plain | Tone::Good | Tone::Care => escape(&cell.text),
    };
    match cell.link.is_empty() {
        true => text,
        // An address in angle brackets may hold blanks and parentheses.
        false => format!("[{text}](<{}>)", cell.link.replace(['<', '>', '\n', '\r'], "")),
    }
}

/// Writes a code span that fits into a table cell.
pub fn code(text: &str) -> String {
    if text.contains(|c| is_hostile(c) || matches!(c, '`' | '|')) {
        escape(text)
    } else {
        format!("`{text}`")
    }
}

/// Fences text with more backticks than it has in a row.
fn fenced(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}sh\n{text}\n{fence}\n")
}

/// Takes their meaning from the characters that have one in Markdown or HTML, and line breaks from text of one line.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut previous = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        // An underscore within a word means nothing, and ids are full of them.
        let within = c == '_' && previous.is_alphanumeric() && rest.peek().is_some_and(|next| next.is_alphanumeric());
        match c {
            c if is_hostile(c) => out.push(' '),
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '[' | ']' | '|' => out.extend(['\\', c]),
            '_' if !within => out.push_str("\\_"),
            c => out.push(c),
        }
        previous = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_says_cannot_become_markup() {
        assert_eq!(escape("<b>*x*|[y](z)\n_a_b_"), "&lt;b>\\*x\\*\\|\\[y\\](z) \\_a_b\\_");
        assert_eq!(code("a`b|c"), "a\\`b\\|c");
        assert_eq!(fenced("a```b"), "````sh\na```b\n````\n");
    }
}
