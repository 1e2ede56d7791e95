// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sequences, their timing, and the boot path.

use super::block::Block;
use super::{details, plots};
use crate::model::{Comparison, Net, Part, Series, Summary};
use crate::number::{count, grouped, interval, percent, ratio_interval};
use crate::table::{self, Cell, Table, Tone};

/// Returns which sequences the run is about.
pub fn sequences(summary: &Summary) -> Vec<Block> {
    let planned = &summary.manifest.plan.sequences;
    if planned.is_empty() {
        return Vec::new();
    }
    let judged = !summary.judgements.is_empty();
    let columns = ["sequence", "instructions", "part", "architecture"];
    let mut table = Table::new("Sequences under test", &columns[..if judged { 4 } else { 3 }]);
    for sequence in planned {
        let text = match sequence.text.is_empty() {
            false => &sequence.text,
            true => &sequence.words,
        };
        let text = if text.is_empty() { "(no instruction)" } else { text };
        let mut parts = Vec::new();
        if sequence.baseline {
            parts.push("baseline".to_owned());
        }
        if let Some(of) = &sequence.aa_of {
            parts.push(format!("A/A twin of {of}"));
        }
        let plan = &summary.manifest.plan;
        if sequence.id == plan.known_good {
            parts.push("known good".to_owned());
        }
        if sequence.id == plan.boot_flush {
            parts.push("boot flush".to_owned());
        }
        if let Some(reason) = &sequence.skipped {
            parts.push(format!("NOT RUN: {reason}"));
        }
        if parts.is_empty() {
            parts.push("under test".to_owned());
        }
        let tone = if sequence.skipped.is_some() {
            Tone::Care
        } else {
            Tone::Plain
        };
        let mut cells = vec![
            sequence.id.as_str().into(),
            Cell::toned(text, Tone::Code),
            Cell::toned(parts.join(", "), tone),
        ];
        if judged {
            let judgements = summary.judgements.iter().filter(|j| j.seq == sequence.id);
            let text = judgements.map(|j| match &j.check {
                Some(check) => format!("{check}: {}", j.text),
                None => j.text.clone(),
            });
            cells.push(text.collect::<Vec<_>>().join("; ").into());
        }
        table.row(cells);
    }
    vec![Block::Table(table)]
}

/// Returns what is seen first: both pictures of the first PE and counter, and the numbers behind them.
pub fn result(summary: &Summary) -> Vec<Block> {
    let mut blocks = Vec::new();
    // With a break-even or conditions, the curves of these are the pictures.
    if summary.break_even.is_empty() {
        let pictures = [plots::ratios(summary), plots::distributions(summary)];
        let pictures: Vec<_> = pictures.into_iter().filter_map(|all| all.into_iter().next()).collect();
        if !pictures.is_empty() {
            blocks.push(Block::Beside(pictures));
        }
    }
    let tested = summary.comparisons.iter().filter(|c| !c.is_twin).count();
    if tested > 0 && summary.break_even.is_empty() {
        blocks.push(Block::Table(medians_and_ratios(summary).folded_beyond(table::READ)));
    }
    blocks
}

fn medians_and_ratios(summary: &Summary) -> Table {
    let columns = [
        "sequence",
        ">net median",
        ">95% interval",
        ">net ratio",
        ">A/A noise floor",
        "finding",
    ];
    let caption = format!("Net medians of all samples in {}, and the ratios", unit(summary));
    let mut table = Table::new(caption, &columns).labelled(summary.label());
    let shown = |series: &&Series| !matches!(series.part, Part::Empty | Part::Twin(_));
    for series in summary.series.iter().filter(shown) {
        let same = |c: &&Comparison| (&c.seq, c.pe, c.event) == (&series.seq, series.pe, series.event);
        let c = summary.comparisons.iter().find(same);
        let (net, ends) = match series.stats.map(|s| (s.net, s.net_interval, s.median)) {
            None => (Cell::toned("no whole batch", Tone::Care), None),
            Some((Net::Resolved(net), ends, _)) => (count(net).into(), ends),
            Some((Net::BelowResolution(_), ..)) => (Cell::toned("below resolution", Tone::Care), None),
            Some((Net::NoFrame | Net::IsFrame, _, raw)) => (format!("{} raw", count(raw)).into(), None),
        };
        let finding = match c {
            None => Cell::from("baseline"),
            Some(c) => {
                let (words, tone) = c.word(summary.wording());
                Cell::toned(words, tone)
            }
        };
        let dash = || "-".to_owned();
        table.row([
            summary.naming().of(series).into(),
            net,
            ends.map_or_else(dash, |ends| interval(&ends)).into(),
            c.and_then(Comparison::ratio)
                .map_or_else(|| if c.is_some() { dash() } else { "1".to_owned() }, ratio_interval)
                .into(),
            c.and_then(|c| c.noise_floor).map_or_else(dash, percent).into(),
            finding,
        ]);
    }
    let pes: Vec<u32> = summary.series.iter().filter(shown).map(|series| series.pe).collect();
    table.of_pes(pes.into_iter())
}

/// Returns the timing of the sequences and their ratios, and the plots.
pub fn blocks(summary: &Summary) -> (Vec<Block>, Vec<Block>) {
    if summary.series.is_empty() {
        return (
            vec![Block::Paragraph("No timed sample arrived.".to_owned())],
            Vec::new(),
        );
    }
    let pes = summary.series.iter().map(|series| series.pe);
    let mut brief = vec![Block::Table(medians(summary).of_pes(pes))];
    if !summary.comparisons.is_empty() {
        let pes = || summary.comparisons.iter().map(|comparison| comparison.pe);
        brief.push(Block::Table(ratios(summary).of_pes(pes())));
        let shifts = details::shifts(summary).of_pes(pes());
        brief.push(Block::Table(shifts.folded_beyond(table::READ)));
    }
    let spread = summary.series.iter().filter(|series| series.stats.is_some());
    let spread = details::spread(summary).of_pes(spread.map(|series| series.pe));
    brief.push(Block::Table(spread.folded_beyond(table::READ)));
    // The first of each is above.
    let above = usize::from(summary.break_even.is_empty());
    let figures = [
        plots::ratios(summary).into_iter().skip(above).collect(),
        plots::distributions(summary).into_iter().skip(above).collect(),
        plots::drift(summary),
    ];
    let figures: Vec<Vec<_>> = figures.into();
    (brief, figures.into_iter().flatten().map(Block::Figure).collect())
}

fn unit(summary: &Summary) -> &'static str {
    match summary.series.first() {
        Some(series) if !summary.naming().event => series.event.id(),
        _ => "counts",
    }
}

fn medians(summary: &Summary) -> Table {
    let columns = [
        "sequence",
        ">raw median",
        ">net median",
        ">95% interval",
        ">p90",
        ">p99",
        ">p99.9",
        ">samples",
    ];
    let caption = format!("Timing in {}, percentiles raw", unit(summary));
    let mut table = Table::new(caption, &columns).labelled(summary.label());
    for series in &summary.series {
        let name = summary.naming().of(series);
        let name = if series.part == Part::Empty {
            format!("{name} (frame)")
        } else {
            name
        };
        let Some(s) = series.stats else {
            table.row(
                [name.into(), Cell::toned("no whole batch", Tone::Care)]
                    .into_iter()
                    .chain(["-"; 6].map(Cell::from)),
            );
            continue;
        };
        let net = match s.net {
            Net::Resolved(net) => Cell::from(count(net)),
            Net::BelowResolution(_) => Cell::toned("below resolution", Tone::Care),
            Net::NoFrame | Net::IsFrame => "-".into(),
        };
        let ends = match (s.net, s.net_interval) {
            (Net::BelowResolution(spread), _) => format!("spread {}", count(spread)),
            (Net::IsFrame, _) => format!("spread {}", count((s.p90 - s.p10) as f64)),
            (_, Some(ends)) => interval(&ends),
            _ => "-".to_owned(),
        };
        table.row(
            [name.into(), count(s.median).into(), net, ends.into()]
                .into_iter()
                .chain([s.p90, s.p99, s.p999, s.samples].map(|n| grouped(n).into())),
        );
    }
    table
}

fn ratios(summary: &Summary) -> Table {
    let columns = ["sequence", ">net ratio", ">raw ratio", ">noise floor", "finding"];
    let mut baselines: Vec<&str> = summary.comparisons.iter().map(|c| c.baseline.as_str()).collect();
    baselines.dedup();
    let caption = format!("Ratio to {}, 95% interval over paired batches", baselines.join(", "));
    let mut table = Table::new(caption, &columns).labelled(summary.label());
    for c in &summary.comparisons {
        let (text, tone) = match c.is_twin {
            true => ("A/A control", Tone::Plain),
            false => c.word(summary.wording()),
        };
        let ratio = |ratio: Option<_>| ratio.map_or_else(|| "-".to_owned(), |ratio| ratio_interval(&ratio));
        table.row([
            summary.naming().of_comparison(c).into(),
            ratio(c.net).into(),
            ratio(c.raw).into(),
            c.noise_floor.map_or_else(|| "-".to_owned(), percent).into(),
            Cell::toned(text, tone),
        ]);
    }
    table
}

/// Returns the phases of the boot path and its proofs.
pub fn boot(summary: &Summary) -> (Vec<Block>, Vec<Block>) {
    let (mut brief, mut detail) = (Vec::new(), Vec::new());
    if !summary.boot.is_empty() {
        let one_pe = summary.boot.iter().all(|phase| phase.pe == summary.boot[0].pe);
        let columns: &[&str] = if one_pe {
            &["phase", ">count", "unit", ">share"]
        } else {
            &["PE", "phase", ">count", "unit", ">share"]
        };
        let mut table = Table::new("Boot phases, in order", columns).labelled(summary.label());
        for phase in &summary.boot {
            let same = summary
                .boot
                .iter()
                .filter(|other| (other.pe, other.event) == (phase.pe, phase.event));
            let total: u128 = same.map(|other| u128::from(other.count)).sum();
            let share = match total {
                0 => "-".to_owned(),
                _ => percent(phase.count as f64 / total as f64),
            };
            let pe = (!one_pe).then(|| phase.pe.to_string().into());
            let cells = [
                phase.phase.as_str().into(),
                grouped(phase.count).into(),
                phase.event.id().into(),
                share.into(),
            ];
            table.row(pe.into_iter().chain(cells));
        }
        brief.push(Block::Table(table));
        detail.extend(plots::boot(summary).map(Block::Figure));
    }
    if !summary.proofs.is_empty() {
        let mut table = Table::new(
            "What the boot path proved about itself",
            &["proof", "holds", "observed"],
        );
        for proof in &summary.proofs {
            let holds = if proof.holds {
                Cell::toned("yes", Tone::Good)
            } else {
                Cell::toned("NO", Tone::Bad)
            };
            table.row([proof.name.as_str().into(), holds, proof.detail.as_str().into()]);
        }
        brief.push(Block::Table(table));
    }
    (brief, detail)
}
