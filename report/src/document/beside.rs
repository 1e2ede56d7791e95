// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sequences beside the baseline under conditions.

use results::record::Event;

use super::Block;
use crate::model::{Beside, Finding, Part, Summary, Sweep};
use crate::number::{grouped, percent, plural, ratio_interval};
use crate::table::{Cell, Table, Tone};
use crate::wording::Wording;

/// Conditions named in one line.
const NAMED: usize = 4;

fn verdict(beside: &Beside, wording: Wording) -> (&'static str, Tone) {
    let within = beside.ratio.zip(beside.noise_floor);
    let within = within.is_some_and(|(ratio, floor)| ratio.is_within_noise(floor));
    wording.verdict_within(beside.finding, within)
}

/// Returns ratio and noise floor in words.
fn numbers(beside: &Beside) -> String {
    let floor = beside
        .noise_floor
        .map_or(String::new(), |floor| format!(", A/A noise floor {}", percent(floor)));
    match beside.ratio {
        Some(ratio) => format!("ratio {}{floor}", ratio_interval(&ratio)),
        None => "no ratio".to_owned(),
    }
}

/// Says what may be said: `faster (ratio ..., A/A noise floor ...)`.
pub fn words(beside: &Beside, wording: Wording) -> String {
    format!("{} ({})", verdict(beside, wording).0, numbers(beside))
}

/// Returns ratio, noise floor and finding as cells.
fn cells(beside: &Beside, wording: Wording) -> [Cell; 3] {
    let (text, tone) = verdict(beside, wording);
    [
        beside
            .ratio
            .map_or_else(|| "-".to_owned(), |ratio| ratio_interval(&ratio))
            .into(),
        beside.noise_floor.map_or_else(|| "-".to_owned(), percent).into(),
        Cell::toned(text, tone),
    ]
}

/// Returns the id of the baseline that sweeps of a PE are held against.
pub fn baseline(summary: &Summary, pe: u32, event: Event) -> Option<&str> {
    let same = |other: &&Sweep| (other.pe, other.event) == (pe, event) && other.part == Part::Baseline;
    summary.sweeps.iter().find(same).map(|sweep| sweep.seq.as_str())
}

/// Says of every sequence how what follows it compares with what follows the baseline, for each number of pages.
pub fn refills(summary: &Summary) -> Vec<String> {
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for refill in &summary.refills {
        let Some(beside) = refill.beside else { continue };
        let Some(baseline) = baseline(summary, refill.pe, refill.event) else {
            continue;
        };
        let name = summary.naming().name(&refill.seq, refill.pe, refill.event);
        let start = format!("{name}: the refill beside that of {baseline}, ");
        let pages = format!(
            "{}: {}",
            plural(refill.pages, "page", "pages"),
            words(&beside, summary.wording())
        );
        match lines.iter_mut().find(|(known, _)| *known == start) {
            Some((_, all)) => all.push(pages),
            None => lines.push((start, vec![pages])),
        }
    }
    let line = |(start, all): (String, Vec<String>)| format!("{start}{}.", all.join("; "));
    lines.into_iter().map(line).collect()
}

/// Says of every sequence under how many conditions it differs from the baseline, and under which.
pub fn conclusions(summary: &Summary) -> Vec<String> {
    let mut sources: Vec<&Sweep> = Vec::new();
    for sweep in &summary.sweeps {
        if !sources
            .iter()
            .any(|known| (&known.seq, known.pe, known.event) == (&sweep.seq, sweep.pe, sweep.event))
        {
            sources.push(sweep);
        }
    }
    sources
        .into_iter()
        .filter_map(|sweep| conclusion(summary, sweep))
        .collect()
}

fn conclusion(summary: &Summary, of: &Sweep) -> Option<String> {
    let same = |other: &&Sweep| (&other.seq, other.pe, other.event) == (&of.seq, of.pe, of.event);
    let points = summary.sweeps.iter().filter(same).flat_map(|sweep| &sweep.points);
    // A condition may be a point of several sweeps.
    let mut all: Vec<(&str, Beside)> = Vec::new();
    for point in points {
        if let Some(beside) = point
            .beside
            .filter(|_| !all.iter().any(|(known, _)| *known == point.scenario))
        {
            all.push((&point.scenario, beside));
        }
    }
    let wording = summary.wording();
    let count = |word: &str| {
        let is_it = |(_, beside): &&(&str, Beside)| verdict(beside, wording).0 == word;
        all.iter().filter(is_it).count()
    };
    let named = |finding: Finding| {
        let mut found: Vec<_> = all.iter().filter(|(_, beside)| beside.finding == finding).collect();
        let size = |beside: &Beside| beside.ratio.map_or(0.0, |ratio| ratio.estimate.ln().abs());
        found.sort_by(|a, b| size(&b.1).total_cmp(&size(&a.1)));
        let mut names: Vec<_> = found
            .iter()
            .take(NAMED)
            .map(|(scenario, beside)| format!("{scenario}: {}", numbers(beside)))
            .collect();
        if found.len() > NAMED {
            names.push(format!("{} more", found.len() - NAMED));
        }
        let word = wording.verdict(finding).0;
        (!found.is_empty()).then(|| format!("{word} under {} ({})", found.len(), names.join("; ")))
    };
    let others = [
        "indistinguishable",
        "within the noise floor",
        "below resolution",
        "too few samples",
        "no noise floor, no claim",
    ];
    let others = others.into_iter().filter_map(|word| match count(word) {
        0 => None,
        n => Some(format!("{word} under {n}")),
    });
    let findings: Vec<String> = [named(Finding::Slower), named(Finding::Faster)]
        .into_iter()
        .flatten()
        .chain(others)
        .collect();
    let pe = if summary.naming().pe {
        format!(" on PE {}", of.pe)
    } else {
        String::new()
    };
    let conditions = plural(all.len() as u64, "condition", "conditions");
    let baseline = baseline(summary, of.pe, of.event)?;
    (!all.is_empty()).then(|| {
        format!(
            "{} beside {baseline}{pe}, {conditions}: {} [{}].",
            of.seq,
            findings.join(", "),
            summary.label()
        )
    })
}

/// Returns the ratios to the baseline along one condition; `None` where there is nothing beside the baseline.
pub fn table(sweeps: &[&Sweep], caption: &str, summary: &Summary) -> Option<Block> {
    let first = sweeps.first()?;
    let baseline = baseline(summary, first.pe, first.event)?;
    let title = format!(">{}", first.axis.title());
    let columns = [title.as_str(), "sequence", ">net ratio", ">A/A noise floor", "finding"];
    let mut table = Table::new(
        format!("Net ratio to {baseline} by {caption}, 95% interval over paired batches"),
        &columns,
    )
    .labelled(summary.label());
    let mut rows: Vec<_> = sweeps
        .iter()
        .flat_map(|sweep| sweep.points.iter().map(move |point| (point.x, sweep, point.beside)))
        .filter_map(|(x, sweep, beside)| Some((x, sweep, beside?)))
        .collect();
    rows.sort_by_key(|&(x, ..)| x);
    for (x, sweep, beside) in &rows {
        let start = [Cell::from(grouped(*x)), sweep.seq.as_str().into()];
        table.row(start.into_iter().chain(cells(beside, summary.wording())));
    }
    (!rows.is_empty()).then_some(Block::Table(table))
}
