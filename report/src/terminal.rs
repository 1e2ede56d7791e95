// SPDX-License-Identifier: MIT OR Apache-2.0
//! The short form, for a terminal and for mail: plain text, columns that line up, no control characters.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, TableComponent, presets};

use crate::document::{Block, Document};
use crate::matrix::Matrix;
use crate::model::Summary;
use crate::plain_text::printable;
use crate::table::{Align, Table};

/// Width for a terminal.
pub const WIDTH: usize = 100;
/// Width for mail.
pub const MAIL_WIDTH: usize = 72;

/// Writes the short form, no wider than `width` columns where words allow it.
pub fn render(summary: &Summary, width: usize) -> String {
    page(&Document::of(summary), width)
}

/// Writes the short form of a document, no wider than `width` columns where words allow it.
pub fn page(document: &Document, width: usize) -> String {
    let head = [&document.title, &document.subtitle].map(|text| fill(text, width, ""));
    let mut out = format!("{}\n", head.join("\n"));
    for section in document.sections.iter().filter(|section| !section.brief.is_empty()) {
        if !section.heading.is_empty() {
            out.push_str(&format!("\n== {} ==\n", section.heading));
        }
        for block in &section.brief {
            if let Some(text) = text(block, width) {
                out.push('\n');
                out.push_str(&text);
                out.push('\n');
            }
        }
    }
    out
}

/// Writes a block; a plot has no such form.
pub(crate) fn text(block: &Block, width: usize) -> Option<String> {
    Some(match block {
        Block::Banner { title, lines, .. } => {
            let mut text = format!("*** {} ***", printable(title));
            for line in lines {
                text.push('\n');
                text.push_str(&fill(line, width, "    "));
            }
            text
        }
        Block::Lead(text) | Block::Paragraph(text) => fill(text, width, ""),
        Block::List(items) => {
            let items: Vec<String> = items.iter().map(|item| fill(item, width, "- ")).collect();
            items.join("\n")
        }
        Block::Table(table) => self::table(table, width),
        Block::Matrix(matrix) => self::matrix(matrix, width),
        Block::Matrices(matrices) => {
            let matrices: Vec<String> = matrices.iter().map(|matrix| self::matrix(matrix, width)).collect();
            matrices.join("\n\n")
        }
        Block::Code(code) => {
            let lines: Vec<String> = code.lines().map(|line| format!("    {}", printable(line))).collect();
            lines.join("\n")
        }
        Block::Figure(_) | Block::Beside(_) => return None,
    })
}

/// Wraps text: `indent` before its first line, as much blank before the others.
pub fn fill(text: &str, width: usize, indent: &str) -> String {
    let hanging = " ".repeat(indent.len());
    let options = textwrap::Options::new(width)
        .initial_indent(indent)
        .subsequent_indent(&hanging);
    textwrap::fill(&printable(text), options.break_words(false))
}

fn matrix(matrix: &Matrix, width: usize) -> String {
    let width_of = |text: &String| text.chars().count() + 2;
    let rows = matrix.rows.iter().map(|(name, _)| width_of(name)).max().unwrap_or(0);
    let all = rows.max(width_of(&matrix.corner)) + matrix.columns.iter().map(width_of).sum::<usize>();
    // Names in pieces of four letters are none: what does not fit is numbered.
    let numbered = all > width;
    let names: Vec<String> = match numbered {
        true => (1..=matrix.columns.len()).map(|number| number.to_string()).collect(),
        false => matrix.columns.clone(),
    };
    let names: Vec<&str> = [&matrix.corner].into_iter().chain(&names).map(String::as_str).collect();
    let mut table = Table::new(matrix.full_caption(), &names);
    for (name, marks) in &matrix.rows {
        let signs = marks
            .iter()
            .map(|mark| mark.as_ref().map_or("", |mark| mark.sign.as_str()).into());
        table.row([name.as_str().into()].into_iter().chain(signs));
    }
    let mut text = self::table(&table, width);
    if numbered {
        for (name, number) in matrix.columns.iter().zip(1..) {
            text.push('\n');
            text.push_str(&fill(name, width, &format!("{number:>4}  ")));
        }
    }
    match matrix.key_words() {
        key if key.is_empty() => text,
        key => format!("{text}\n{}", fill(&key, width, "")),
    }
}

/// Writes a table with its caption, no wider than `width` columns where words allow it.
pub fn table(table: &Table, width: usize) -> String {
    let mut out = comfy_table::Table::new();
    out.load_preset(presets::NOTHING)
        .set_style(TableComponent::HeaderLines, '-')
        .set_style(TableComponent::MiddleHeaderIntersections, '-')
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width).unwrap_or(u16::MAX));
    out.set_header(table.columns.iter().map(|(name, _)| printable(name)));
    for row in &table.rows {
        out.add_row(row.iter().map(|cell| printable(&cell.text)));
    }
    let texts = |index: usize| {
        let cells = table.rows.iter().map(move |row| row[index].text.as_str());
        cells.chain([table.columns[index].0.as_str()])
    };
    let length = |text: &str| text.chars().count();
    // Numbers take what they need, text at least its longest word; two blanks stand between columns.
    let least = |(index, (_, align)): (usize, &(String, Align))| match align {
        Align::Right => texts(index).map(length).max(),
        Align::Left => texts(index).flat_map(str::split_whitespace).map(length).max(),
    };
    let columns = table.columns.iter().enumerate();
    let least: usize = columns.map(|column| least(column).unwrap_or(0) + 2).sum();
    for (index, (_, align)) in table.columns.iter().enumerate() {
        if let Some(column) = out.column_mut(index) {
            column.set_padding((0, u16::from(index + 1 < table.columns.len())));
            // A number in two pieces is none, so text gives way as long as there is any.
            if *align == Align::Right && least <= width + 2 {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
            column.set_cell_alignment(match align {
                Align::Left => CellAlignment::Left,
                Align::Right => CellAlignment::Right,
            });
        }
    }
    format!("{}\n{}", fill(&table.full_caption(), width, ""), out.trim_fmt())
}
