// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which mistakes a machine would have shown.

mod outcome;

use results::manifest::HARDWARE_LABEL;

use super::block::Block;
use super::machine::machine;
use crate::data;
use crate::matrix::{Mark, Matrix};
use crate::model::{Fate, Mutant, Summary};
use crate::number::{grouped, percent, plural};
use crate::plot::{Body, Figure, Grid, Panel, Share};
use crate::table::{Cell, Table, Tone};

pub use outcome::Outcome;

/// A mutant, and what the run did about it.
type Found<'a> = (&'a Mutant, Outcome);

/// The mutants that ran on one machine.
struct Column<'a> {
    machine: String,
    label: &'a str,
    mutants: Vec<Found<'a>>,
}

/// Returns the score and the matrix of kinds and machines, then what became of every kind, and every mutant of a lone
/// run or those that need a look.
pub fn blocks(runs: &[Summary]) -> (Vec<Block>, Vec<Block>) {
    let columns = columns(runs);
    if columns.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let mut brief = Vec::new();
    // Of one machine, the picture and the table of outcomes say the same.
    let mut detail = Vec::new();
    match &columns[..] {
        [column] => brief.push(Block::Table(outcomes(column))),
        several => {
            brief.push(Block::Matrix(matrix(several)));
            detail.extend(several.iter().map(|column| Block::Table(outcomes(column))));
        }
    }
    brief.push(Block::Paragraph(
        "Mistakes that the run caught, of all mistakes of a kind: it saw a stale translation. A mistake that is not \
             caught is not observable on this machine, though the check has power: without any maintenance it did see \
             one. Edits that leave a sequence sufficient are no mistakes and are not counted."
            .to_owned(),
    ));
    for column in &columns {
        let is_open = |(mutant, _): &&Found<'_>| matches!(mutant.fate, Fate::Survived | Fate::Disagreement);
        let open: Vec<&Found<'_>> = column.mutants.iter().filter(is_open).collect();
        if !open.is_empty() {
            let caption = format!(
                "Mutants on {} that neither run nor judge decided, or where the two disagree",
                column.machine
            );
            detail.push(Block::Table(list(caption, open.into_iter())));
        }
    }
    if let ([_], [column]) = (runs, &columns[..]) {
        let caption = "Every mutant, what the run did about it, and what the judge says".to_owned();
        detail.push(Block::Table(list(caption, column.mutants.iter())));
    }
    (brief, detail)
}

/// Returns the pictures: the share of every kind of mistake that each machine shows, hardware apart from all else.
pub fn pictures(runs: &[Summary]) -> Vec<Block> {
    let (hardware, others): (Vec<Column<'_>>, Vec<Column<'_>>) = columns(runs)
        .into_iter()
        .partition(|column| column.label == HARDWARE_LABEL);
    let panels: Vec<Panel> = [("hardware", hardware), ("", others)]
        .iter()
        .filter_map(|(suffix, columns)| panel(suffix, columns))
        .collect();
    if panels.is_empty() {
        return Vec::new();
    }
    let caption = "Sequences with one mistake each, by kind of the edit: how many of them led to a stale translation that was \
                   seen. The others only the judge finds.";
    vec![Block::Figure(Figure::new(
        "mutants",
        caption.to_owned(),
        data::MUTANTS,
        panels,
    ))]
}

fn panel(suffix: &str, columns: &[Column<'_>]) -> Option<Panel> {
    let share = |mutants: &[Found<'_>]| {
        let [part, all] = counts(mutants);
        (all > 0).then_some(Share { part, all })
    };
    let kinds = kinds(columns);
    let rows = kinds.iter().map(|kind| {
        let cells = columns.iter().map(|column| share(&of_kind(column, kind)));
        ((*kind).to_owned(), cells.collect::<Vec<_>>())
    });
    let mut rows: Vec<_> = rows.filter(|(_, cells)| cells.iter().any(Option::is_some)).collect();
    if rows.is_empty() {
        return None;
    }
    let sum = columns.iter().map(|column| share(&column.mutants)).collect();
    rows.push(("all".to_owned(), sum));
    let mut labels: Vec<&str> = columns.iter().map(|column| column.label).collect();
    labels.sort_unstable();
    labels.dedup();
    Some(Panel {
        suffix: suffix.to_owned(),
        title: "Mistakes that a machine shows, by kind".to_owned(),
        label: labels.join("; "),
        legend: Vec::new(),
        body: Body::Grid(Grid {
            columns: columns.iter().map(|column| column.machine.clone()).collect(),
            rows,
        }),
    })
}

/// Says in a few words how many mistakes each machine shows; `None` without mutants.
pub fn title(runs: &[Summary]) -> Option<String> {
    let columns = columns(runs);
    let part = |column: &Column<'_>| {
        let [caught, mistakes] = counts(&column.mutants);
        format!("{} of {} by {}", grouped(caught), grouped(mistakes), column.machine)
    };
    let parts: Vec<String> = columns.iter().map(part).collect();
    (!parts.is_empty()).then(|| format!("Mistakes caught: {}", parts.join(", ")))
}

/// Returns the score of every machine, one sentence each.
pub fn scores(runs: &[Summary]) -> Vec<String> {
    columns(runs).iter().map(score).collect()
}

/// Says in a few words how many of its mistakes a run caught; `None` for a run without mutants.
pub fn in_short(run: &Summary) -> Option<Cell> {
    let columns = columns(std::slice::from_ref(run));
    let column = columns.first()?;
    let [caught, mistakes] = counts(&column.mutants);
    let text = format!(
        "{} of {} caught",
        grouped(caught),
        plural(mistakes, "mistake", "mistakes")
    );
    Some(match number(&column.mutants, Outcome::Disagreement) {
        0 => text.into(),
        n => Cell::toned(format!("{}, {text}", disagreements(n)), Tone::Bad),
    })
}

/// Puts the runs of one machine together: their mutants take several boots.
fn columns(runs: &[Summary]) -> Vec<Column<'_>> {
    let mut columns: Vec<Column<'_>> = Vec::new();
    for run in runs.iter().filter(|run| !run.mutants.is_empty()) {
        let machine = machine(&run.manifest);
        let here = run.mutants.iter().map(|mutant| (mutant, Outcome::of(run, mutant)));
        let known = columns
            .iter_mut()
            .find(|column| (column.machine.as_str(), column.label) == (machine.as_str(), run.label()));
        match known {
            // The same mutant in a second run of the whole set is the same mutant.
            Some(column) => {
                for (mutant, outcome) in here {
                    let identity = |m: &Mutant| (m.check.clone(), m.sequence.clone(), m.edit.clone());
                    if !column.mutants.iter().any(|(m, _)| identity(m) == identity(mutant)) {
                        column.mutants.push((mutant, outcome));
                    }
                }
            }
            None => columns.push(Column {
                machine,
                label: run.label(),
                mutants: here.collect(),
            }),
        }
    }
    columns
}

fn kinds<'a>(columns: &[Column<'a>]) -> Vec<&'a str> {
    let kinds = columns
        .iter()
        .flat_map(|column| column.mutants.iter().map(|(mutant, _)| mutant.kind.as_str()));
    let mut kinds: Vec<&str> = kinds.collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

fn of_kind<'a>(column: &Column<'a>, kind: &str) -> Vec<Found<'a>> {
    let of = column.mutants.iter().copied();
    of.filter(|(mutant, _)| mutant.kind == kind).collect()
}

fn number(mutants: &[Found<'_>], outcome: Outcome) -> u64 {
    mutants.iter().filter(|(_, other)| *other == outcome).count() as u64
}

/// Returns how many mistakes the run caught, and how many there are.
fn counts(mutants: &[Found<'_>]) -> [u64; 2] {
    let mistakes = mutants.iter().filter(|(mutant, _)| mutant.fate.is_mistake()).count();
    [number(mutants, Outcome::Caught), mistakes as u64]
}

fn disagreements(n: u64) -> String {
    plural(n, "DISAGREEMENT", "DISAGREEMENTS")
}

fn score(column: &Column<'_>) -> String {
    let [caught, mistakes] = counts(&column.mutants);
    let share = match mistakes {
        0 => String::new(),
        _ => format!(" ({})", percent(caught as f64 / mistakes as f64)),
    };
    let mut text = format!(
        "Mutants on {}: {} of {} caught by the run{share}",
        column.machine,
        grouped(caught),
        plural(mistakes, "mistake", "mistakes"),
    );
    let mistaken: Vec<Found<'_>> = column
        .mutants
        .iter()
        .copied()
        .filter(|(m, _)| m.fate.is_mistake())
        .collect();
    for outcome in [Outcome::NotCaught, Outcome::NoPower, Outcome::NotRun] {
        match number(&mistaken, outcome) {
            0 => {}
            n => text.push_str(&format!(", {} {}", grouped(n), outcome.words().0)),
        }
    }
    let rejected = mistaken.iter().filter(|(mutant, _)| mutant.fate != Fate::Survived);
    match rejected.count() as u64 {
        _ if mistakes == 0 => {}
        all if all == mistakes => text.push_str("; none survives both run and judge"),
        some => {
            let (left, verb) = (
                mistakes - some,
                if mistakes - some == 1 { "survives" } else { "survive" },
            );
            text.push_str(&format!("; {} {verb} both run and judge", grouped(left)));
        }
    }
    match number(&column.mutants, Outcome::Disagreement) {
        0 => {}
        n => text.push_str(&format!("; {} between run and judge", disagreements(n))),
    }
    text.push('.');
    text
}

fn matrix(columns: &[Column<'_>]) -> Matrix {
    let cell = |kind: &str, column: &Column<'_>| {
        let here = of_kind(column, kind);
        if here.is_empty() {
            return None;
        }
        let [caught, mistakes] = counts(&here);
        let (sign, tone) = match (caught, mistakes) {
            (0, 0) => ("=".to_owned(), Tone::Plain),
            (caught, mistakes) if caught == mistakes => (format!("{caught}/{mistakes}"), Tone::Good),
            (caught, mistakes) => (format!("{caught}/{mistakes}"), Tone::Care),
        };
        let words = match mistakes {
            0 => "no mistakes of this kind".to_owned(),
            _ => format!("{caught} of {mistakes} caught by the run"),
        };
        Some(Mark { sign, tone, words })
    };
    let row = |kind: &&str| {
        let marks = columns.iter().map(|column| cell(kind, column));
        ((*kind).to_owned(), marks.collect())
    };
    Matrix {
        caption: "Mistakes caught by the run, by kind and machine".to_owned(),
        label: None,
        corner: "kind of edit".to_owned(),
        columns: columns.iter().map(|column| column.machine.clone()).collect(),
        rows: kinds(columns).iter().map(row).collect(),
        data: data::MUTANTS,
    }
}

fn outcomes(column: &Column<'_>) -> Table {
    let mut names = vec!["kind of edit".to_owned()];
    names.extend(Outcome::ALL.map(|outcome| format!(">{}", outcome.words().0.to_lowercase())));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut table = Table::new(format!("What became of the mutants on {}", column.machine), &names);
    let row = |name: &str, mutants: &[Found<'_>]| {
        let cells = Outcome::ALL.map(|outcome| match (outcome, number(mutants, outcome)) {
            (Outcome::Disagreement, n @ 1..) => Cell::toned(grouped(n), Tone::Bad),
            (_, n) => Cell::from(grouped(n)),
        });
        [Cell::from(name)].into_iter().chain(cells).collect::<Vec<_>>()
    };
    for kind in kinds(std::slice::from_ref(column)) {
        table.row(row(kind, &of_kind(column, kind)));
    }
    table.row(row("all", &column.mutants));
    table
}

fn list<'a>(caption: String, mutants: impl Iterator<Item = &'a Found<'a>>) -> Table {
    let mut table = Table::new(caption, &["edit", "sequence", "check", "outcome", "judge"]);
    for (mutant, outcome) in mutants {
        let (words, tone) = outcome.words();
        table.row([
            mutant.edit.as_str().into(),
            Cell::toned(&mutant.sequence, Tone::Code),
            mutant.check.as_str().into(),
            Cell::toned(words, tone),
            mutant.judge.as_str().into(),
        ]);
    }
    table
}
