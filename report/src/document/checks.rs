// SPDX-License-Identifier: MIT OR Apache-2.0
//! The checks and their controls.

use results::check::Outcomes;
use results::verdict::{Class, Power};

use super::block::Block;
use super::mutants::Outcome;
use crate::data;
use crate::matrix::{Mark, Matrix};
use crate::model::{CheckResult, CheckRow, Summary};
use crate::number::{grouped, percent};
use crate::table::{self, Cell, Table, Tone};

/// Returns the checks: a line for each, then every count and the reasons.
pub fn blocks(summary: &Summary) -> (Vec<Block>, Vec<Block>) {
    if summary.checks.is_empty() {
        return (vec![Block::Paragraph("No check was made.".to_owned())], Vec::new());
    }
    let columns = [
        "check",
        "sequence",
        "class",
        ">stale",
        ">new",
        ">fault",
        ">other",
        ">stale rate <",
    ];
    let mut table = Table::new("Outcomes of every trial, per check, with its controls", &columns);
    for check in &summary.checks {
        rows(summary, check, &mut table);
    }
    let columns = ["check", "shape", "must see", "why"];
    let mut titles = Table::new("What each check changes, and why it has its class", &columns);
    for check in &summary.checks {
        titles.row([
            check.id.as_str().into(),
            check.title.as_str().into(),
            check.expected.as_str().into(),
            reasons(check).into(),
        ]);
    }
    let power = Block::Paragraph(
        "A pass needs power: with barriers and no TLBI (no_tlbi) the same check on this machine did use a stale \
         translation; where nothing is to be invalidated, or in runs without that control, with no maintenance at all \
         (none). Without that it is not observable here, whatever the sequence. The stale rate is the 95% upper \
         bound that a pass without any stale trial leaves open, for independent trials."
            .to_owned(),
    );
    (
        vec![Block::Table(overview(summary))],
        vec![
            power,
            Block::Matrix(matrix(summary)),
            Block::Table(titles),
            Block::Table(table.folded_beyond(table::READ)),
        ],
    )
}

/// Returns the class of every check with every sequence under test; mutants are no such sequences.
pub fn classes(summary: &Summary) -> impl Iterator<Item = Class> + '_ {
    summary
        .checks
        .iter()
        .flat_map(|check| sequence_rows(summary, check))
        .map(|row| row.class)
}

/// Returns the rows of a check that are about a sequence under test.
pub fn sequence_rows<'a>(summary: &'a Summary, check: &'a CheckResult) -> impl Iterator<Item = &'a CheckRow> {
    let is_own = move |row: &&CheckRow| Outcome::of_row(summary, check, row).is_none();
    check.rows.iter().filter(is_own)
}

/// Returns how a row is shown: its class, or what was done about a mutant.
fn mark(summary: &Summary, check: &CheckResult, row: &CheckRow) -> Mark {
    Outcome::of_row(summary, check, row).map_or_else(|| class_mark(row.class), Outcome::mark)
}

/// Returns the class of every check with every sequence, with fewer columns than rows.
fn matrix(summary: &Summary) -> Matrix {
    let mut seqs: Vec<&str> = Vec::new();
    for row in summary.checks.iter().flat_map(|check| &check.rows) {
        if !seqs.contains(&row.seq.as_str()) {
            seqs.push(&row.seq);
        }
    }
    let row = |check: &CheckResult| {
        let of = |seq: &&str| check.rows.iter().find(|row| row.seq == *seq);
        let marks = seqs.iter().map(|seq| of(seq).map(|row| mark(summary, check, row)));
        (check.id.clone(), marks.collect())
    };
    let matrix = Matrix {
        caption: "Class of every check with every sequence".to_owned(),
        label: None,
        corner: "check".to_owned(),
        rows: summary.checks.iter().map(row).collect(),
        columns: seqs.iter().map(|seq| (*seq).to_owned()).collect(),
        data: data::CHECKS,
    };
    if matrix.columns.len() > matrix.rows.len() {
        matrix.transposed("sequence")
    } else {
        matrix
    }
}

/// Returns a class as a sign that is told from the others without color.
pub fn class_mark(class: Class) -> Mark {
    let (words, tone) = class_word(class);
    let sign = match class {
        Class::Pass => "\u{2713}",
        Class::Fail => "\u{2717}",
        Class::NotObservable => "\u{25cb}",
        Class::Skipped => "\u{2013}",
    };
    Mark {
        sign: sign.to_owned(),
        tone,
        words: words.to_owned(),
    }
}

/// Returns one row per check: stale trials of both controls, and the sequences by class, the worst class first.
fn overview(summary: &Summary) -> Table {
    let columns = ["check", ">no TLBI", ">no maintenance", ">known good", "sequences"];
    let mut table = Table::new(
        "Checks: stale trials of the controls, and the class of each sequence",
        &columns,
    );
    let stale = |outcomes: Option<&Outcomes>| match outcomes {
        Some(o) => format!("{} of {}", grouped(o.stale.into()), grouped(o.trials().into())),
        None => "not run".to_owned(),
    };
    for check in &summary.checks {
        // The worst comes first: that is the order of classes, and mutants after them.
        let of_class = |class: Class| sequence_rows(summary, check).filter(move |row| row.class == class);
        let sequences = [Class::Fail, Class::Pass, Class::NotObservable, Class::Skipped]
            .map(|class| (class_word(class), of_class(class).collect::<Vec<_>>()));
        let of = |outcome: Outcome| {
            let is_it = move |row: &&CheckRow| Outcome::of_row(summary, check, row) == Some(outcome);
            check.rows.iter().filter(is_it).collect::<Vec<_>>()
        };
        let mutants = [
            Outcome::Disagreement,
            Outcome::Caught,
            Outcome::NotCaught,
            Outcome::NoPower,
        ]
        .map(|outcome| (outcome.words(), of(outcome)));
        let mut cells = Vec::new();
        for ((word, tone), of) in sequences.into_iter().chain(mutants).filter(|(_, of)| !of.is_empty()) {
            let names: Vec<&str> = of.iter().map(|row| row.seq.as_str()).collect();
            let bound = of.iter().filter_map(|row| row.stale_rate_bound).fold(0.0, f64::max);
            let bound = if bound > 0.0 {
                format!(" (stale rate < {})", percent(bound))
            } else {
                String::new()
            };
            cells.push((format!("{word}: {}{bound}", names.join(", ")), tone));
        }
        let tone = cells.first().map_or(Tone::Care, |(_, tone)| *tone);
        let text: Vec<String> = cells.into_iter().map(|(text, _)| text).collect();
        let text = if text.is_empty() {
            "no sequence".to_owned()
        } else {
            text.join("; ")
        };
        table.row([
            check.id.as_str().into(),
            stale(check.no_tlbi.as_ref()).into(),
            stale(check.bad_control.as_ref()).into(),
            stale(check.good_control.as_ref().map(|(_, outcomes)| outcomes)).into(),
            Cell::toned(text, tone),
        ]);
    }
    table
}

fn rows(summary: &Summary, check: &CheckResult, table: &mut Table) {
    let power = match check.power() {
        Some(Power::Unknown) => "control: has power",
        Some(Power::Invalidation) => "control: a missing TLBI shows",
        Some(Power::Barriers) => "control: missing barriers show",
        Some(Power::Nothing) => "control: NO POWER",
        None => "control: not run",
    };
    let tone = |good: bool| if good { Tone::Plain } else { Tone::Care };
    let row = |name: String, class: Cell, outcomes: Option<&Outcomes>, bound: String| {
        let counts = match outcomes {
            Some(o) => [o.stale, o.new, o.fault, o.other].map(|n| grouped(n.into()).into()),
            None => ["-"; 4].map(Cell::from),
        };
        let start = [check.id.as_str().into(), name.into(), class];
        start
            .into_iter()
            .chain(counts)
            .chain([bound.into()])
            .collect::<Vec<Cell>>()
    };
    let dash = || "-".to_owned();
    for (name, control) in [("none", check.bad_control), ("no_tlbi", check.no_tlbi)] {
        // An older run has no second one.
        if name == "none" || control.is_some() {
            let stale = control.is_some_and(|outcomes| outcomes.stale > 0);
            let name = name.to_owned();
            table.row(row(name, Cell::toned(power, tone(stale)), control.as_ref(), dash()));
        }
    }
    let (name, good) = match &check.good_control {
        Some((name, good)) => (format!("{name} (good)"), Some(good)),
        None => ("known good".to_owned(), None),
    };
    let words = match good {
        Some(good) if good.stale == 0 => "control: never stale",
        Some(_) => "control: STALE",
        None => "control: not run",
    };
    let sound = good.is_some_and(|good| good.stale == 0);
    table.row(row(name, Cell::toned(words, tone(sound)), good, dash()));
    for result in &check.rows {
        let Mark { words, tone, .. } = mark(summary, check, result);
        let bound = result.stale_rate_bound.map_or_else(dash, percent);
        table.row(row(
            result.seq.clone(),
            Cell::toned(words, tone),
            Some(&result.outcomes),
            bound,
        ));
    }
}

/// Returns the reasons of a check, each once, with the sequences it is about unless it is about all.
fn reasons(check: &CheckResult) -> String {
    let mut grouped: Vec<(&str, Vec<&str>)> = Vec::new();
    for row in &check.rows {
        match grouped.iter_mut().find(|(reason, _)| *reason == row.reason) {
            Some((_, seqs)) => seqs.push(&row.seq),
            None => grouped.push((&row.reason, vec![&row.seq])),
        }
    }
    match &grouped[..] {
        [(reason, _)] => (*reason).to_owned(),
        several => {
            let each = several
                .iter()
                .map(|(reason, seqs)| format!("{}: {reason}", seqs.join(", ")));
            each.collect::<Vec<_>>().join("; ")
        }
    }
}

/// Returns a class as it is shown.
pub fn class_word(class: Class) -> (&'static str, Tone) {
    match class {
        Class::Pass => ("pass", Tone::Good),
        Class::Fail => ("FAIL", Tone::Bad),
        Class::NotObservable => ("not observable", Tone::Care),
        Class::Skipped => ("skipped", Tone::Care),
    }
}
