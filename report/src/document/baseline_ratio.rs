// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sequences beside the baseline under conditions.

mod conclusions;
mod words;

use super::block::Block;
use crate::model::{BaselineRatio, Summary, Sweep};
use crate::number::{grouped, percent, plural, ratio_interval};
use crate::table::{Cell, Table};
use crate::wording::Wording;
use words::verdict;

pub use conclusions::conclusions;
pub use words::{baseline, words};

/// Returns ratio, noise floor and finding as cells.
fn cells(baseline_ratio: &BaselineRatio, wording: Wording) -> [Cell; 3] {
    let (text, tone) = verdict(baseline_ratio, wording);
    [
        baseline_ratio
            .ratio
            .map_or_else(|| "-".to_owned(), |ratio| ratio_interval(&ratio))
            .into(),
        baseline_ratio
            .noise_floor
            .map_or_else(|| "-".to_owned(), percent)
            .into(),
        Cell::toned(text, tone),
    ]
}

/// Says of every sequence how what follows it compares with what follows the baseline, for each number of pages.
pub fn refills(summary: &Summary) -> Vec<String> {
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for refill in &summary.refills {
        let Some(baseline_ratio) = refill.baseline_ratio else {
            continue;
        };
        let Some(baseline) = baseline(summary, refill.pe, refill.event) else {
            continue;
        };
        let name = summary.naming().name(&refill.seq, refill.pe, refill.event);
        let start = format!("{name}: the refill beside that of {baseline}, ");
        let pages = format!(
            "{}: {}",
            plural(refill.pages, "page", "pages"),
            words(&baseline_ratio, summary.wording())
        );
        match lines.iter_mut().find(|(known, _)| *known == start) {
            Some((_, all)) => all.push(pages),
            None => lines.push((start, vec![pages])),
        }
    }
    let line = |(start, all): (String, Vec<String>)| format!("{start}{}.", all.join("; "));
    lines.into_iter().map(line).collect()
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
        .flat_map(|sweep| {
            sweep
                .points
                .iter()
                .map(move |point| (point.x, sweep, point.baseline_ratio))
        })
        .filter_map(|(x, sweep, baseline_ratio)| Some((x, sweep, baseline_ratio?)))
        .collect();
    rows.sort_by_key(|&(x, ..)| x);
    for (x, sweep, baseline_ratio) in &rows {
        let start = [Cell::from(grouped(*x)), sweep.seq.as_str().into()];
        table.row(start.into_iter().chain(cells(baseline_ratio, summary.wording())));
    }
    (!rows.is_empty()).then_some(Block::Table(table))
}
