// SPDX-License-Identifier: MIT OR Apache-2.0
//! The checks and their controls.

use results::check::Outcomes;
use results::verdict::{Class, Power};

use super::block::Block;
pub use super::matrices::{class_mark, class_word};
use super::matrices::{matrices, urgency};
use super::mutants::Outcome;
use crate::matrix::Mark;
use crate::model::{CheckResult, CheckRow, Summary};
use crate::number::{grouped, percent, plural};
use crate::table::{self, Cell, Table, Tone};

/// Checks that a terminal shows one by one; of more, those that need a look.
const SHOWN: usize = 24;
/// Sequences of one class that are named in a row; of more, those of a failure are.
const NAMED: usize = 3;

/// Returns what a page begins with: what needs a look, and the matrices.
pub fn pictures(summary: &Summary) -> Vec<Block> {
    if summary.checks.is_empty() {
        return Vec::new();
    }
    let mut blocks: Vec<Block> = Vec::new();
    if summary.mutants.is_empty() {
        blocks.extend(attention(&summary.checks).map(Block::Table));
    }
    blocks.push(Block::Matrices(matrices(&summary.checks, |check, row| {
        mark(summary, check, row)
    })));
    blocks
}

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
    let all = overview(summary, &summary.checks);
    let (mut brief, mut detail) = (Vec::new(), vec![power]);
    if summary.checks.len() <= SHOWN {
        brief.push(Block::Table(all));
    } else {
        let (few, rest): (Vec<CheckResult>, Vec<CheckResult>) = summary
            .checks
            .iter()
            .cloned()
            .partition(|check| urgency(&check.rows) < 2);
        if !few.is_empty() {
            brief.push(Block::Table(overview(summary, &few)));
        }
        brief.extend(skips(&summary.checks).map(Block::Table));
        let passed = rest.iter().filter(|check| urgency(&check.rows) == 2).count() as u64;
        brief.push(Block::Paragraph(format!(
            "{} without a failure or a gap in power.",
            plural(passed, "check", "checks")
        )));
        detail.push(Block::Table(all.folded_beyond(0)));
    }
    detail.push(Block::Table(titles.folded_beyond(table::READ)));
    detail.push(Block::Table(table.folded_beyond(table::READ)));
    (brief, detail)
}

/// Returns what failed and what could not be shown, a row for each check and reason; `None` where nothing needs a look.
pub fn attention(checks: &[CheckResult]) -> Option<Table> {
    let columns = [
        "class",
        "check",
        "sequences",
        ">stale",
        ">no TLBI",
        ">no maintenance",
        "why",
    ];
    let mut table = Table::new("Failures, then gaps in power", &columns);
    for class in [Class::Fail, Class::NotObservable] {
        let (word, tone) = class_word(class);
        for check in checks {
            let mut reasons: Vec<(&str, Vec<&CheckRow>)> = Vec::new();
            for row in check.rows.iter().filter(|row| row.class == class) {
                match reasons.iter_mut().find(|(known, _)| *known == row.reason) {
                    Some((_, of)) => of.push(row),
                    None => reasons.push((&row.reason, vec![row])),
                }
            }
            for (reason, of) in reasons {
                let stale: u64 = of.iter().map(|row| u64::from(row.outcomes.stale)).sum();
                let all: u64 = of.iter().map(|row| u64::from(row.outcomes.trials())).sum();
                let seqs: Vec<&str> = of.iter().map(|row| row.seq.as_str()).collect();
                table.row([
                    Cell::toned(word, tone),
                    check.id.as_str().into(),
                    seqs.join(", ").into(),
                    format!("{} of {}", grouped(stale), grouped(all)).into(),
                    stale_of(check.no_tlbi.as_ref()).into(),
                    stale_of(check.bad_control.as_ref()).into(),
                    reason.into(),
                ]);
            }
        }
    }
    (!table.rows.is_empty()).then_some(table)
}

/// Returns what was skipped, a row for each reason; `None` where nothing was.
pub fn skips(checks: &[CheckResult]) -> Option<Table> {
    let mut reasons: Vec<(&str, u64, Vec<&str>, Vec<&str>)> = Vec::new();
    for check in checks {
        let whole = urgency(&check.rows) == 3;
        for row in check.rows.iter().filter(|row| row.class == Class::Skipped) {
            let at = reasons.iter().position(|(known, ..)| *known == row.reason);
            let at = at.unwrap_or_else(|| {
                reasons.push((&row.reason, 0, Vec::new(), Vec::new()));
                reasons.len() - 1
            });
            let (_, n, of_checks, of_seqs) = &mut reasons[at];
            *n += 1;
            let (names, name) = match whole {
                true => (of_checks, &check.id),
                false => (of_seqs, &row.seq),
            };
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
    }
    let mut table = Table::new(
        "Skipped, by reason",
        &["reason", ">skipped", "checks", "sequences in other checks"],
    );
    for (reason, n, of_checks, of_seqs) in &reasons {
        table.row([
            (*reason).into(),
            grouped(*n).into(),
            of_checks.join(", ").into(),
            of_seqs.join(", ").into(),
        ]);
    }
    (!table.rows.is_empty()).then_some(table)
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

/// Returns stale trials of all, of a control.
fn stale_of(outcomes: Option<&Outcomes>) -> String {
    match outcomes {
        Some(o) => format!("{} of {}", grouped(o.stale.into()), grouped(o.trials().into())),
        None => "not run".to_owned(),
    }
}

/// Returns the overview of checks without mutants.
pub fn overview_of(checks: &[CheckResult]) -> Table {
    overview_with(checks, |_, _| None)
}

fn overview(summary: &Summary, checks: &[CheckResult]) -> Table {
    overview_with(checks, |check, row| Outcome::of_row(summary, check, row))
}

/// Returns one row per check: stale trials of both controls, and the sequences by class, the worst class first.
fn overview_with(checks: &[CheckResult], outcome_of: impl Fn(&CheckResult, &CheckRow) -> Option<Outcome>) -> Table {
    let columns = ["check", ">no TLBI", ">no maintenance", ">known good", "sequences"];
    let mut table = Table::new(
        "Checks: stale trials of the controls, and the class of each sequence",
        &columns,
    );
    for check in checks {
        // The worst comes first: that is the order of classes, and mutants after them.
        let is_own = |row: &&CheckRow| outcome_of(check, row).is_none();
        let of_class = |class: Class| check.rows.iter().filter(is_own).filter(move |row| row.class == class);
        let sequences = [Class::Fail, Class::Pass, Class::NotObservable, Class::Skipped]
            .map(|class| (class_word(class), of_class(class).collect::<Vec<_>>()));
        let of = |outcome: Outcome| {
            let is_it = |row: &&CheckRow| outcome_of(check, row) == Some(outcome);
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
            let names = match names.len() {
                n if n > NAMED && tone != Tone::Bad => plural(n as u64, "sequence", "sequences"),
                _ => names.join(", "),
            };
            cells.push((format!("{word}: {names}{bound}"), tone));
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
            stale_of(check.no_tlbi.as_ref()).into(),
            stale_of(check.bad_control.as_ref()).into(),
            stale_of(check.good_control.as_ref().map(|(_, outcomes)| outcomes)).into(),
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
