// SPDX-License-Identifier: MIT OR Apache-2.0
//! The figures of all groups as a table, Markdown, CSV or JSON.

use std::io::{self, Write};

use results::text::{clean, is_hostile, printable};
use serde_json::{Map, Value, json};

use super::{Summary, Table};

/// The names of the figures, in the order of the columns.
const FIGURES: [&str; 8] = ["count", "min", "median", "p90", "p99", "max", "mean", "stddev"];
/// What the figures are, exactly.
pub const DEFINITIONS: &str = "median: mean of the middle two of an even count; p90, p99: nearest rank, a value that \
    occurred; stddev: of a sample (n - 1)";

/// The forms a table comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Aligned columns
    Table,
    /// A Markdown table
    Markdown,
    /// CSV, numbers in full
    Csv,
    /// JSON, numbers in full
    Json,
}

/// Writes a table; `label` says what its numbers are not, if anything (`QEMU TCG: not hardware timing`).
pub fn write(out: &mut dyn Write, table: &Table, label: Option<&str>, format: Format) -> io::Result<()> {
    match format {
        Format::Table | Format::Markdown => write_aligned(out, table, label, format == Format::Markdown),
        Format::Csv => write_csv(out, table, label),
        Format::Json => write_json(out, table, label),
    }
}

fn header(table: &Table) -> Vec<String> {
    table.keys.iter().cloned().chain(FIGURES.map(str::to_owned)).collect()
}

/// Returns the figures as text; those of a group without samples are empty.
fn figures(summary: &Summary, real: impl Fn(f64) -> String) -> [String; 8] {
    let count = summary.count.to_string();
    let Some(figures) = &summary.figures else {
        let mut cells: [String; 8] = Default::default();
        cells[0] = count;
        return cells;
    };
    [
        count,
        figures.min.to_string(),
        figures.median.to_string(),
        figures.p90.to_string(),
        figures.p99.to_string(),
        figures.max.to_string(),
        real(figures.mean),
        figures.stddev.map_or(String::new(), real),
    ]
}

fn write_aligned(out: &mut dyn Write, table: &Table, label: Option<&str>, markdown: bool) -> io::Result<()> {
    let header: Vec<String> = header(table).iter().map(|name| visible(name, markdown)).collect();
    let keys = table.keys.len();
    let row = |(key, summary): &(Vec<String>, Summary)| {
        let key = key.iter().map(|field| visible(field, markdown));
        key.chain(figures(summary, |number| format!("{number:.2}")))
            .collect::<Vec<_>>()
    };
    let mut widths: Vec<usize> = header.iter().map(|name| name.chars().count()).collect();
    for group in &table.groups {
        for (width, cell) in widths.iter_mut().zip(row(group)) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            // Text to the left, numbers to the right.
            if column < keys {
                format!("{cell:width$}")
            } else {
                format!("{cell:>width$}")
            }
        });
        let cells: Vec<String> = cells.collect();
        if markdown {
            format!("| {} |", cells.join(" | "))
        } else {
            // No line is a command to a CI service.
            printable(cells.join("  ").trim_end()).into_owned()
        }
    };
    writeln!(out, "{}", line(&header))?;
    if markdown {
        let rule = widths.iter().enumerate().map(|(column, &width)| {
            let end = if column < keys { '-' } else { ':' };
            format!("{}{end}", "-".repeat(width.max(2) - 1))
        });
        writeln!(out, "| {} |", rule.collect::<Vec<_>>().join(" | "))?;
    }
    for group in &table.groups {
        writeln!(out, "{}", line(&row(group)))?;
    }
    let groups = table.groups.len();
    let plural = |count: bool| if count { "" } else { "s" };
    writeln!(
        out,
        "\n{} sample{} of {} in {groups} group{}. {DEFINITIONS}.",
        table.samples,
        plural(table.samples == 1),
        visible(&table.value, markdown),
        plural(groups == 1)
    )?;
    if let Some(label) = label {
        writeln!(out, "{}.", visible(label, markdown))?;
    }
    Ok(())
}

/// Returns a key in a form that cannot break a table.
fn visible(field: &str, markdown: bool) -> String {
    if markdown {
        return report::markdown::escape(field);
    }
    clean(field).into_owned()
}

fn write_csv(out: &mut dyn Write, table: &Table, label: Option<&str>) -> io::Result<()> {
    let mut names = header(table);
    names.extend(label.map(|_| "label".to_owned()));
    writeln!(
        out,
        "{}",
        names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(",")
    )?;
    for (key, summary) in &table.groups {
        let mut cells: Vec<String> = key.iter().map(|field| quoted(field)).collect();
        cells.extend(figures(summary, |number| number.to_string()));
        cells.extend(label.map(quoted));
        writeln!(out, "{}", cells.join(","))?;
    }
    Ok(())
}

/// Returns a field as CSV has it, and as it may be printed: what would control a terminal or a CI service is not in it.
fn quoted(field: &str) -> String {
    let field = clean(field);
    let field = printable(&field);
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.into_owned()
    }
}

/// Returns JSON in which no character stands for itself that would control a terminal or a CI service.
fn escaped(json: &Value) -> String {
    let mut out = String::new();
    // Outside of strings JSON has none of these.
    for c in json.to_string().chars() {
        if is_hostile(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out.replace("##[", "#\\u0023[")
}

fn write_json(out: &mut dyn Write, table: &Table, label: Option<&str>) -> io::Result<()> {
    let head = json!({
        "schema": 1,
        "keys": table.keys,
        "value": table.value,
        "samples": table.samples,
        "label": label,
        "definitions": DEFINITIONS,
        "notes": table.notes,
    });
    let head = escaped(&head);
    // One group at a time: there may be many.
    writeln!(out, "{},\"groups\":[", head.trim_end_matches('}'))?;
    for (index, (key, summary)) in table.groups.iter().enumerate() {
        let key: Map<String, Value> = table
            .keys
            .iter()
            .cloned()
            .zip(key.iter().map(|field| Value::from(field.as_str())))
            .collect();
        let figures = summary.figures.as_ref();
        let group = json!({
            "key": key,
            "count": summary.count,
            "min": figures.map(|f| f.min),
            "median": figures.map(|f| f.median.as_f64()),
            "p90": figures.map(|f| f.p90),
            "p99": figures.map(|f| f.p99),
            "max": figures.map(|f| f.max),
            "mean": figures.map(|f| f.mean),
            "stddev": figures.and_then(|f| f.stddev),
        });
        let group = escaped(&group);
        writeln!(out, "{group}{}", if index + 1 < table.groups.len() { "," } else { "" })?;
    }
    writeln!(out, "]}}")
}
