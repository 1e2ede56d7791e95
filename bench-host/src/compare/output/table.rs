// SPDX-License-Identifier: MIT OR Apache-2.0
//! A comparison for people.

use report::model::{Interval, Ratio};
use report::number::{count, p_value, percent, ratio, ratio_interval};
use report::table::{Cell, Table, Tone};
use report::{markdown as md, terminal};

use crate::compare::gate::Gate;
use crate::compare::{Compared, Finding, Outcome, Row, Unit};

/// Writes plain text no wider than `width` columns where words allow it.
pub fn text(compared: &Compared, gate: Option<&Gate>, width: usize) -> String {
    let mut out = String::new();
    for line in sides(compared) {
        out.push_str(&terminal::fill(&line, width, ""));
        out.push('\n');
    }
    for table in tables(compared) {
        out.push_str(&format!("\n{}\n", terminal::table(&table, width)));
    }
    let mut list = |title: &str, items: &[String]| {
        out.push_str(&format!("\n{title}\n"));
        for item in items {
            out.push_str(&terminal::fill(item, width, "- "));
            out.push('\n');
        }
    };
    if !compared.notes.is_empty() {
        list("Notes", &compared.notes);
    }
    if let Some(gate) = gate {
        list(&verdict(gate), &gate.messages);
    }
    out
}

/// Writes Markdown.
pub fn markdown(compared: &Compared, gate: Option<&Gate>) -> String {
    let mut out = String::new();
    for line in sides(compared) {
        out.push_str(&format!("- {}\n", md::escape(&line)));
    }
    for table in tables(compared) {
        out.push_str(&format!("\n{}", md::table(&table)));
    }
    let mut list = |title: &str, items: &[String]| {
        out.push_str(&format!("\n**{}**\n\n", md::escape(title)));
        items
            .iter()
            .for_each(|item| out.push_str(&format!("- {}\n", md::escape(item))));
    };
    if !compared.notes.is_empty() {
        list("Notes", &compared.notes);
    }
    if let Some(gate) = gate {
        list(&verdict(gate), &gate.messages);
    }
    out
}

fn sides(compared: &Compared) -> Vec<String> {
    let side = |(index, side): (usize, &crate::compare::Side)| {
        let baseline = if index == compared.baseline {
            ", the baseline"
        } else {
            ""
        };
        format!("{}: {}{baseline}", letter(index), side.describe())
    };
    compared.sides.iter().enumerate().map(side).collect()
}

/// Returns a short name for a side: A, B, ..., Z, then S27 and so on.
fn letter(index: usize) -> String {
    match u8::try_from(index) {
        Ok(index @ 0..26) => char::from(b'A' + index).to_string(),
        _ => format!("S{}", index + 1),
    }
}

/// Returns what the gate says as a whole.
fn verdict(gate: &Gate) -> String {
    let has = |outcome| gate.outcomes.contains(&outcome);
    let threshold = gate.threshold;
    if has(Outcome::Above) {
        format!("FAILED: slower than allowed by --fail-above {threshold}")
    } else if gate.messages.is_empty() {
        format!("Passed: nothing is slower by more than {threshold}")
    } else {
        format!("NOT DECIDED: --fail-above {threshold} cannot be answered")
    }
}

/// Returns one table per side beside the baseline.
fn tables(compared: &Compared) -> Vec<Table> {
    let others = (0..compared.sides.len()).filter(|&side| side != compared.baseline);
    let mut tables: Vec<Table> = others.map(|side| table(compared, side)).collect();
    if !compared.within_runs.is_empty() {
        tables.push(within_runs(compared));
    }
    tables
}

/// Returns what every side says by itself.
fn within_runs(compared: &Compared) -> Table {
    let mut columns = vec!["sequence / baseline".to_owned()];
    columns.extend((0..compared.sides.len()).map(|side| format!(">{}", letter(side))));
    let several = compared
        .within_runs
        .iter()
        .flat_map(|within| &within.sides)
        .flatten()
        .any(|ratio| ratio.runs > 1);
    let ends = match several {
        true => "95% interval, of several runs lowest and highest",
        false => "95% interval",
    };
    let mut labels: Vec<&str> = compared.sides.iter().map(|side| side.timing.as_str()).collect();
    labels.dedup();
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let caption = format!("Within each side: ratio to the baseline of its own run, {ends}");
    let mut table = Table::new(caption, &names).labelled(&labels.join(", "));
    for within in &compared.within_runs {
        let name = format!("{} / {}", within.seq, within.baseline);
        let cells = within
            .sides
            .iter()
            .map(|side| side.map_or_else(|| "-".to_owned(), |ratio| ratio.text()).into());
        let name: Cell = compared.naming().name(&name, within.pe, within.event).into();
        table.row(std::iter::once(name).chain(cells));
    }
    table
}

fn table(compared: &Compared, side: usize) -> Table {
    let rows: Vec<&Row> = compared.rows.iter().filter(|row| row.side == side).collect();
    let (b, a) = (letter(side), letter(compared.baseline));
    let basis = match (rows.iter().all(|row| row.is_net), rows.iter().any(|row| row.is_net)) {
        (true, _) => "net, medians of batch medians",
        (false, false) => "raw, medians of batch medians",
        (false, true) => "medians of batch medians, net where the empty frame was measured",
    };
    let unit = match rows.first().map(|row| row.unit) {
        Some(Unit::PairedBatches) => "over paired batches of the run",
        Some(Unit::PairedRuns) => "over paired runs",
        Some(Unit::Batches) => "within these two runs",
        Some(Unit::Runs) => "between runs",
        None => "",
    };
    let corrected = match compared.family {
        0 | 1 => String::new(),
        n => format!(", p corrected for {n} comparisons (Holm)"),
    };
    let caption = format!("{b} beside {a}: {basis}, 95% interval {unit}{corrected}");
    let columns = [
        "sequence",
        &format!(">{a}"),
        &format!(">{b}"),
        ">ratio",
        ">noise floor",
        ">p",
        "finding",
    ];
    let labels = [compared.baseline, side].map(|index| compared.sides[index].timing.as_str());
    let label = if labels[0] == labels[1] {
        labels[0].to_owned()
    } else {
        labels.join(" beside ")
    };
    let mut table = Table::new(caption, &columns).labelled(&label);
    for row in rows {
        table.row(cells(compared, row));
    }
    table
}

fn cells(compared: &Compared, row: &Row) -> [Cell; 7] {
    let dash = || "-".to_owned();
    let name = match row.seq == row.baseline_seq {
        true => row.seq.clone(),
        false => format!("{} / {}", row.seq, row.baseline_seq),
    };
    let tone = match row.finding {
        Finding::Lower => Tone::Good,
        Finding::Higher => Tone::Bad,
        Finding::WithinNoise | Finding::Indistinguishable => Tone::Plain,
        _ => Tone::Care,
    };
    let ratio = row.numbers.map_or_else(dash, |n| match n.interval {
        Some(interval) => ratio_interval(&Ratio {
            estimate: n.ratio,
            interval: Interval {
                low: interval.low,
                high: interval.high,
            },
            batches: n.units as u64,
        }),
        None => ratio(n.ratio),
    });
    [
        compared.naming().name(&name, row.pe, row.event).into(),
        row.baseline_value.map_or_else(dash, count).into(),
        row.value.map_or_else(dash, count).into(),
        ratio.into(),
        row.noise_floor.map_or_else(dash, percent).into(),
        row.numbers.map_or_else(dash, |n| p_value(n.p)).into(),
        Cell::toned(row.words(), tone),
    ]
}
