// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which mistakes a machine would have shown.

use super::Block;
use crate::data;
use crate::matrix::{Mark, Matrix};
use crate::model::{Fate, Mutant, Summary};
use crate::number::{grouped, percent, plural};
use crate::table::{Cell, Table, Tone};

/// The mutants that ran on one machine.
struct Column<'a> {
    machine: String,
    label: &'a str,
    mutants: Vec<&'a Mutant>,
}

/// Returns the score and the matrix of kinds and machines, then what became of every kind and which need a look.
pub fn blocks(runs: &[Summary]) -> (Vec<Block>, Vec<Block>) {
    let columns = columns(runs);
    if columns.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let mut brief: Vec<Block> = columns.iter().map(|column| Block::Lead(score(column))).collect();
    brief.push(Block::Matrix(matrix(&columns)));
    brief.push(Block::Paragraph(
        "Mistakes killed by a run of this machine, of all mistakes of a kind. The others are killed by the judge or \
         survive; edits that leave a sequence sufficient are no mistakes and are not counted."
            .to_owned(),
    ));
    let mut detail = Vec::new();
    for column in &columns {
        detail.push(Block::Table(fates(column)));
        let open: Vec<&&Mutant> = column
            .mutants
            .iter()
            .filter(|mutant| matches!(mutant.fate, Fate::Survived | Fate::Disagreement))
            .collect();
        if !open.is_empty() {
            detail.push(Block::Table(look(column, &open)));
        }
    }
    (brief, detail)
}

/// Puts the runs of one machine together: their mutants take several boots.
fn columns(runs: &[Summary]) -> Vec<Column<'_>> {
    let mut columns: Vec<Column<'_>> = Vec::new();
    for run in runs.iter().filter(|run| !run.mutants.is_empty()) {
        let machine = super::runs::machine(&run.manifest);
        let known = columns
            .iter_mut()
            .find(|column| (column.machine.as_str(), column.label) == (machine.as_str(), run.label()));
        match known {
            // The same mutant in a second run of the whole set is the same mutant.
            Some(column) => {
                for mutant in &run.mutants {
                    let place = |m: &Mutant| (m.check.clone(), m.sequence.clone(), m.edit.clone());
                    if !column.mutants.iter().any(|m| place(m) == place(mutant)) {
                        column.mutants.push(mutant);
                    }
                }
            }
            None => columns.push(Column {
                machine,
                label: run.label(),
                mutants: run.mutants.iter().collect(),
            }),
        }
    }
    columns
}

fn kinds<'a>(columns: &[Column<'a>]) -> Vec<&'a str> {
    let kinds = columns
        .iter()
        .flat_map(|column| column.mutants.iter().map(|mutant| mutant.kind.as_str()));
    let mut kinds: Vec<&str> = kinds.collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// Returns how many mistakes there are, how many the run killed, and how many somebody did.
fn counts<'a>(mutants: impl Iterator<Item = &'a Mutant>) -> [u64; 3] {
    let mut counts = [0; 3];
    for mutant in mutants.filter(|mutant| mutant.fate.is_mistake()) {
        counts[0] += 1;
        counts[1] += u64::from(mutant.fate == Fate::KilledByRun);
        counts[2] += u64::from(mutant.fate != Fate::Survived);
    }
    counts
}

fn score(column: &Column<'_>) -> String {
    let [mistakes, run, somebody] = counts(column.mutants.iter().copied());
    let share = match mistakes {
        0 => String::new(),
        _ => format!(" ({})", percent(run as f64 / mistakes as f64)),
    };
    format!(
        "{}: {} of {} killed by the run{share}, {} by run or judge.",
        column.machine,
        grouped(run),
        plural(mistakes, "mistake", "mistakes"),
        grouped(somebody)
    )
}

fn matrix(columns: &[Column<'_>]) -> Matrix {
    let cell = |kind: &str, column: &Column<'_>| {
        let mut here = column
            .mutants
            .iter()
            .copied()
            .filter(|mutant| mutant.kind == kind)
            .peekable();
        here.peek()?;
        let [mistakes, run, _] = counts(here);
        let (sign, tone) = match (run, mistakes) {
            (0, 0) => ("=".to_owned(), Tone::Plain),
            (run, mistakes) if run == mistakes => (format!("{run}/{mistakes}"), Tone::Good),
            (run, mistakes) => (format!("{run}/{mistakes}"), Tone::Care),
        };
        let words = match mistakes {
            0 => "no mistakes of this kind".to_owned(),
            _ => format!("{run} of {mistakes} killed by the run"),
        };
        Some(Mark { sign, tone, words })
    };
    let row = |kind: &&str| {
        let marks = columns.iter().map(|column| cell(kind, column));
        ((*kind).to_owned(), marks.collect())
    };
    Matrix {
        caption: "Mistakes killed by the run, by kind and machine".to_owned(),
        label: None,
        corner: "kind of edit".to_owned(),
        columns: columns.iter().map(|column| column.machine.clone()).collect(),
        rows: kinds(columns).iter().map(row).collect(),
        data: data::MUTANTS,
    }
}

fn fates(column: &Column<'_>) -> Table {
    let mut names = vec!["kind of edit".to_owned()];
    names.extend(Fate::ALL.map(|fate| format!(">{}", fate.name())));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut table = Table::new(format!("What became of the mutants on {}", column.machine), &names);
    let row = |name: &str, mutants: &[&Mutant]| {
        let of = |fate: Fate| mutants.iter().filter(|mutant| mutant.fate == fate).count() as u64;
        let cells = Fate::ALL.map(|fate| match (fate, of(fate)) {
            (Fate::Disagreement, n @ 1..) => Cell::toned(grouped(n), Tone::Bad),
            (_, n) => Cell::from(grouped(n)),
        });
        [Cell::from(name)].into_iter().chain(cells).collect::<Vec<_>>()
    };
    for kind in kinds(std::slice::from_ref(column)) {
        let of: Vec<&Mutant> = column
            .mutants
            .iter()
            .copied()
            .filter(|mutant| mutant.kind == kind)
            .collect();
        table.row(row(kind, &of));
    }
    table.row(row("all", &column.mutants));
    table
}

fn look(column: &Column<'_>, open: &[&&Mutant]) -> Table {
    let caption = format!(
        "Mutants on {} that nobody decided, or where run and judge disagree",
        column.machine
    );
    let mut table = Table::new(caption, &["fate", "check", "sequence", "edit", "judge"]);
    for mutant in open {
        let tone = if mutant.fate == Fate::Disagreement {
            Tone::Bad
        } else {
            Tone::Care
        };
        table.row([
            Cell::toned(mutant.fate.name(), tone),
            mutant.check.as_str().into(),
            Cell::toned(&mutant.sequence, Tone::Code),
            mutant.edit.as_str().into(),
            mutant.judge.as_str().into(),
        ]);
    }
    table
}
