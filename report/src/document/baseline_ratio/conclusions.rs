// SPDX-License-Identifier: MIT OR Apache-2.0
//! Under how many conditions each sequence differs from the baseline, and under which most: a sentence each, or a table
//! where there are many.

use results::record::Event;

use super::words::{baseline, numbers, verdict};
use crate::document::block::Block;
use crate::model::{BaselineRatio, Finding, Ratio, Summary};
use crate::number::{grouped, plural, ratio_interval};
use crate::table::Table;
use crate::wording::Wording;

/// Sequences that get a sentence each.
const SENTENCES: usize = 4;
/// Conditions named in one sentence.
const NAMED: usize = 4;

/// A sequence under every condition it was timed under.
struct Conditions<'a> {
    seq: &'a str,
    pe: u32,
    event: Event,
    baseline: &'a str,
    /// Each condition once, though it may be a point of several sweeps.
    all: Vec<(&'a str, BaselineRatio)>,
}

fn distance((_, baseline_ratio): &(&str, BaselineRatio)) -> f64 {
    baseline_ratio.ratio.as_ref().map_or(0.0, Ratio::distance)
}

impl<'a> Conditions<'a> {
    /// Returns the conditions with a finding, the largest effect first.
    fn with(&self, finding: Finding) -> Vec<&(&'a str, BaselineRatio)> {
        let mut found: Vec<_> = self
            .all
            .iter()
            .filter(|(_, baseline_ratio)| baseline_ratio.finding == finding)
            .collect();
        found.sort_by(|a, b| distance(b).total_cmp(&distance(a)));
        found
    }

    fn sentence(&self, summary: &Summary) -> String {
        let wording = summary.wording();
        let named_conditions = |finding: Finding| {
            let found = self.with(finding);
            let name = |(scenario, baseline_ratio): &&(&str, BaselineRatio)| {
                format!("{scenario}: {}", numbers(baseline_ratio))
            };
            let mut names: Vec<_> = found.iter().take(NAMED).map(name).collect();
            if found.len() > NAMED {
                names.push(format!("{} more", found.len() - NAMED));
            }
            let word = finding.wording(wording).0;
            (!found.is_empty()).then(|| format!("{word} under {} ({})", found.len(), names.join("; ")))
        };
        let differences = [named_conditions(Finding::Slower), named_conditions(Finding::Faster)];
        let findings: Vec<String> = differences.into_iter().flatten().chain(self.others(wording)).collect();
        let pe = summary.naming().on_pe(self.pe);
        format!(
            "{} beside {}{pe}, {}: {} [{}].",
            self.seq,
            self.baseline,
            plural(self.all.len() as u64, "condition", "conditions"),
            findings.join(", "),
            summary.label()
        )
    }

    /// Returns how many conditions ended in what is no difference, in the order in which each was first seen.
    fn others(&self, wording: Wording) -> Vec<String> {
        let mut counts: Vec<(&str, u64)> = Vec::new();
        let no_difference =
            |baseline_ratio: &BaselineRatio| !matches!(baseline_ratio.finding, Finding::Faster | Finding::Slower);
        for (_, baseline_ratio) in self
            .all
            .iter()
            .filter(|(_, baseline_ratio)| no_difference(baseline_ratio))
        {
            let word = verdict(baseline_ratio, wording).0;
            match counts.iter_mut().find(|(known, _)| *known == word) {
                Some((_, n)) => *n += 1,
                None => counts.push((word, 1)),
            }
        }
        let words = counts.into_iter().map(|(word, n)| format!("{word} under {n}"));
        words.collect()
    }
}

/// Says of every sequence under how many conditions it differs from the baseline, and under which.
pub fn conclusions(summary: &Summary) -> Option<Block> {
    let all = gather(summary);
    match all.len() {
        0 => None,
        1..=SENTENCES => Some(Block::List(all.iter().map(|c| c.sentence(summary)).collect())),
        _ => Some(Block::Table(table(&all, summary))),
    }
}

fn gather(summary: &Summary) -> Vec<Conditions<'_>> {
    let mut all: Vec<Conditions> = Vec::new();
    for sweep in &summary.sweeps {
        let Some(baseline) = baseline(summary, sweep.pe, sweep.event) else {
            continue;
        };
        for point in &sweep.points {
            let Some(baseline_ratio) = point.baseline_ratio else {
                continue;
            };
            let same = |c: &Conditions| (c.seq, c.pe, c.event) == (sweep.seq.as_str(), sweep.pe, sweep.event);
            let at = all.iter().position(same).unwrap_or_else(|| {
                all.push(Conditions {
                    seq: &sweep.seq,
                    pe: sweep.pe,
                    event: sweep.event,
                    baseline,
                    all: Vec::new(),
                });
                all.len() - 1
            });
            if all[at].all.iter().all(|(known, _)| *known != point.scenario) {
                all[at].all.push((&point.scenario, baseline_ratio));
            }
        }
    }
    all
}

fn table(all: &[Conditions<'_>], summary: &Summary) -> Table {
    let wording = summary.wording();
    let (more, less) = (format!(">{}", wording.more()), format!(">{}", wording.less()));
    let columns = [
        "sequence",
        ">conditions",
        more.as_str(),
        less.as_str(),
        ">neither",
        "farthest from 1",
        ">net ratio there",
    ];
    let caption = format!("Under how many conditions a sequence differs from {}", all[0].baseline);
    let mut table = Table::new(caption, &columns).labelled(summary.label());
    for c in all {
        let (slower, faster) = (c.with(Finding::Slower), c.with(Finding::Faster));
        let both = slower.first().into_iter().chain(faster.first());
        let farthest = both.max_by(|a, b| distance(a).total_cmp(&distance(b)));
        let ratio = farthest.and_then(|(_, baseline_ratio)| baseline_ratio.ratio);
        let count = |n: usize| grouped(n as u64).into();
        table.row([
            summary.naming().name(c.seq, c.pe, c.event).into(),
            count(c.all.len()),
            count(slower.len()),
            count(faster.len()),
            count(c.all.len() - slower.len() - faster.len()),
            farthest.map_or("-", |(scenario, _)| scenario).into(),
            ratio
                .map_or_else(|| "-".to_owned(), |ratio| ratio_interval(&ratio))
                .into(),
        ]);
    }
    table.of_pes(all.iter().map(|c| c.pe))
}
