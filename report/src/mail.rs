// SPDX-License-Identifier: MIT OR Apache-2.0
//! The result in a few lines for a mail: plain ASCII, at most 72 columns, nothing that needs the reader to open a page.

use results::manifest::Manifest;

use crate::command::broken;
use crate::document::{Block, Document, Section, check_classes, headline, machine, main_ratio};
use crate::model::{Net, Part, Summary};
use crate::number::{count, percent, ratio_interval};
use crate::plain_text::printable;
use crate::table::{Cell, Table, Tone};
use crate::terminal::{MAIL_WIDTH, fill, table, text};

/// Sequences in the table; a mail with more is not read.
const ROWS: usize = 12;

/// Writes the result for a mail.
pub fn render(summary: &Summary) -> String {
    let m = &summary.manifest;
    let mut parts = vec![head(m)];
    if !summary.reservations.is_empty() {
        let lines = summary.reservations.iter().map(|reason| fill(reason, MAIL_WIDTH, "  "));
        let lines: Vec<String> = lines.collect();
        parts.push(format!(
            "INCOMPLETE: these numbers are not a result.\n{}",
            lines.join("\n")
        ));
    }
    let lines: Vec<String> = headline(summary)
        .iter()
        .map(|line| fill(line, MAIL_WIDTH, ""))
        .collect();
    parts.push(lines.join("\n"));
    if summary.series.iter().any(|series| series.part != Part::Empty) {
        parts.push(table(&timing(summary), MAIL_WIDTH));
        parts.push(fill(&noise(summary), MAIL_WIDTH, ""));
    }
    parts.push(format!(
        "To reproduce:\n{}",
        indented(&broken(&m.reproduce, MAIL_WIDTH - 2))
    ));
    format!("{}\n", ascii(&parts.join("\n\n")))
}

/// Writes the result of several runs for a mail: what they say together, then a line for each.
pub fn render_runs(runs: &[Summary], unreadable: &[String]) -> String {
    let document = Document::of_runs(runs, unreadable, |_| String::new());
    let counts = fill(&document.subtitle, MAIL_WIDTH, "Counts:  ");
    let mut parts = vec![format!("{}\n{counts}", document.title)];
    let blocks = document.sections.iter().take(1).flat_map(Section::blocks);
    // The label is in the head already.
    let blocks = blocks.filter(|block| !matches!(block, Block::Banner { tone: Tone::Care, .. }));
    parts.extend(blocks.filter_map(|block| text(block, MAIL_WIDTH)));
    parts.push(table(&each(runs), MAIL_WIDTH));
    format!("{}\n", ascii(&parts.join("\n\n")))
}

/// Returns a row for each run, the ones to look at first; their timing only where there is any.
fn each(runs: &[Summary]) -> Table {
    let is_timed = runs.iter().any(|run| !run.series.is_empty());
    let cells = |name: Cell, [ratio, finding]: [Cell; 2], checks: Cell| match is_timed {
        true => vec![name, ratio, finding, checks],
        false => vec![name, checks],
    };
    let (caption, columns): (_, &[&str]) = match is_timed {
        true => (
            "Every run: its first comparison and its checks",
            &["run", ">ratio", "finding", "checks"],
        ),
        false => ("Every run and its checks", &["run", "checks"]),
    };
    let mut rows = Table::new(caption, columns);
    let mut order: Vec<&Summary> = runs.iter().collect();
    order.sort_by_key(|run| run.reservations.is_empty() && check_classes(run).tone != Tone::Bad);
    for run in order.into_iter().take(ROWS) {
        let [_, ratio, finding] = main_ratio(run);
        rows.row(cells(run.name.as_str().into(), [ratio, finding], check_classes(run)));
    }
    if runs.len() > ROWS {
        let more = format!("and {} more", runs.len() - ROWS);
        rows.row(cells(more.into(), ["".into(), "".into()], "".into()));
    }
    rows
}

fn head(m: &Manifest) -> String {
    let mut lines = vec![format!("TLB maintenance on {}", machine(m))];
    lines.push(format!("Counts:  {}", m.label));
    let commit = m.host.commit.as_ref().map_or(String::new(), |commit| {
        format!(" ({})", commit.chars().take(12).collect::<String>())
    });
    lines.push(format!(
        "Run:     {}, bench-host {}{commit}",
        m.started, m.host.bench_host
    ));
    let sequences = m
        .plan
        .sequences
        .iter()
        .filter(|s| s.timed && s.aa_of.is_none())
        .take(ROWS);
    for sequence in sequences {
        let text = if sequence.text.is_empty() {
            &sequence.words
        } else {
            &sequence.text
        };
        let start = format!("  {}: ", sequence.id);
        let options = textwrap::Options::new(MAIL_WIDTH)
            .initial_indent(&start)
            .subsequent_indent("      ");
        lines.push(textwrap::fill(&printable(text), options));
    }
    let lines: Vec<String> = lines
        .iter()
        .map(|line| match line.contains('\n') {
            true => line.clone(),
            false => fill(line, MAIL_WIDTH, ""),
        })
        .collect();
    lines.join("\n")
}

fn timing(summary: &Summary) -> Table {
    let unit = summary.series.first().map_or("counts", |series| series.event.id());
    let caption = format!("Net medians of all samples in {unit}; ratio [95% interval]");
    let mut table = Table::new(caption, &["sequence", ">net median", ">ratio", "finding"]).labelled(summary.label());
    let naming = summary.naming();
    let shown = summary
        .series
        .iter()
        .filter(|series| !matches!(series.part, Part::Empty | Part::Twin(_)));
    for series in shown.clone().take(ROWS) {
        let same_series =
            |c: &&crate::model::Comparison| (&c.seq, c.pe, c.event) == (&series.seq, series.pe, series.event);
        let comparison = summary.comparisons.iter().find(same_series);
        // Without an interval: the finding rests on the ratio's, and a row has to fit a mail.
        let net = match series.stats.map(|stats| (stats.net, stats.median)) {
            None => "no whole batch".to_owned(),
            Some((Net::Resolved(net), _)) => count(net),
            Some((Net::BelowResolution(_), _)) => "below resolution".to_owned(),
            Some((Net::NoFrame | Net::IsFrame, raw)) => format!("{} raw", count(raw)),
        };
        let ratio = comparison.and_then(|c| c.net.or(c.raw));
        let ratio = ratio.map_or_else(|| "-".to_owned(), |ratio| ratio_interval(&ratio));
        let finding = comparison.map_or("baseline", |c| c.word(summary.wording()).0);
        table.row([naming.of(series).into(), net.into(), ratio.into(), finding.into()]);
    }
    let left = shown.count().saturating_sub(ROWS);
    if left > 0 {
        table.row([format!("and {left} more").into(), "".into(), "".into(), "".into()]);
    }
    table
}

fn noise(summary: &Summary) -> String {
    let floor = summary.comparisons.iter().find_map(|c| c.noise_floor);
    match floor {
        Some(floor) => format!(
            "A/A noise floor {}: the baseline beside its own copy differs by up to that much.",
            percent(floor)
        ),
        None => "No A/A noise floor was measured, so nothing is claimed.".to_owned(),
    }
}

fn indented(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("  {line}")).collect();
    lines.join("\n")
}

/// Writes in ASCII what has a usual form in it.
fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{b7}' => out.push('-'),
            '\u{2013}' | '\u{2014}' | '\u{2212}' => out.push('-'),
            '\u{2018}' | '\u{2019}' => out.push('\''),
            '\u{201c}' | '\u{201d}' => out.push('"'),
            '\u{2026}' => out.push_str("..."),
            '\u{2713}' => out.push_str("ok"),
            '\u{2717}' => out.push_str("FAIL"),
            '\u{a0}' => out.push(' '),
            '\u{fffd}' => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typographic_signs_have_plain_forms() {
        assert_eq!(ascii("a \u{b7} b \u{2013} \u{2026}\u{fffd}"), "a - b - ...?");
    }
}
