// SPDX-License-Identifier: MIT OR Apache-2.0
//! The evidence in the forms that mails, pages and tools take.

pub mod escape;
pub mod finding;
pub mod html;
pub mod json;
pub mod line;
pub mod markdown;
pub mod sarif;
mod series;
pub mod text;

use crate::evaluate::{Evaluated, Ground, SideVerdict};
use crate::evidence::Timing;
use crate::{Outcome, Review};
use sequences::Instruction;
use sequences::judge::{Explained, explained};

/// Returns the review in one sentence.
pub fn headline(review: &Review) -> String {
    let moved = review.changes.iter().filter(|change| change.only_moves()).count();
    let count = review.changes.len() - moved;
    let changes = match count {
        0 if moved > 0 && review.unrecognised.is_empty() && review.notes.losses() == 0 => format!(
            "No change of TLB maintenance (moved): {} elsewhere, as it was.",
            if moved == 1 {
                "1 sequence stands".to_owned()
            } else {
                format!("{moved} sequences stand")
            }
        ),
        _ if count > 0 && review.changes.iter().all(|change| change.is_passage || change.only_moves()) => {
            "No sequence that is in sight is changed, but what is not judged: barriers, writes of registers that decide how \
             addresses are translated, flushes whose bodies are elsewhere, or what they are given."
                .to_owned()
        }
        0 if review.open_barriers > 0 && review.unrecognised.is_empty() && review.notes.losses() == 0 => {
            "No sequence is changed, but barriers beside what decides how addresses are translated.".to_owned()
        }
        0 if review.unrecognised.is_empty() && review.notes.losses() == 0 => {
            return "No TLB maintenance is changed.".into();
        }
        0 => "No sequence was recognised.".to_owned(),
        1 => "1 change of TLB maintenance.".to_owned(),
        _ => format!("{count} changes of TLB maintenance."),
    };
    let verdict = match review.outcome() {
        Outcome::Fine if review.changes.iter().all(|change| change.after.is_none()) => {
            "Nothing after it is left to judge."
        }
        Outcome::Fine
            if review
                .changes
                .iter()
                .any(|change| change.after.as_ref().is_some_and(|side| !side.verdict.is_sufficient())) =>
        {
            "After it: nothing insufficient, in the context below."
        }
        Outcome::Fine => "After it: sufficient, in the context below.",
        Outcome::Insufficient => "After it: INSUFFICIENT, in the context below.",
        Outcome::Undecided => "Not everything could be decided.",
    };
    format!("{changes} {verdict}")
}

/// Returns the heading of a change: what, where.
fn heading(change: &Evaluated) -> String {
    let place = |side: &SideVerdict| {
        let function = if side.function.is_empty() { "?" } else { &side.function };
        format!("{}:{} {function}", side.file, side.line)
    };
    match (&change.before, &change.after) {
        (Some(before), Some(after)) if before.function != after.function || before.file != after.file => {
            format!("{}: {} -> {}", change.kind.name(), place(before), place(after))
        }
        (_, Some(side)) | (Some(side), None) => format!("{}: {}", change.kind.name(), place(side)),
        (None, None) => String::new(),
    }
}

/// A row of a side: its text, and what it is matched by.
type Row = (String, u8);

/// Returns the rows of a side.
fn side_rows(side: &Option<SideVerdict>) -> Vec<Row> {
    let Some(side) = side else { return Vec::new() };
    // Invalidations are what the rest hangs on.
    let by_text = |text: &str| match text.split([' ', ',']).next() {
        Some("dsb" | "dmb") => 0,
        Some("isb") => 1,
        Some("msr" | "a") => 3,
        _ => 2,
    };
    if !side.steps.is_empty() {
        return side.steps.iter().map(|text| (text.clone(), by_text(text))).collect();
    }
    let items = side.sequence.items.iter().flat_map(|item| {
        let paged = matches!(item, sequences::Item::ForPage(_));
        item.instructions().iter().map(move |instruction| (*instruction, paged))
    });
    let row = |(instruction, paged): (Instruction, bool)| {
        let kind = match instruction {
            Instruction::Dsb(_) | Instruction::DsbNxs(_) | Instruction::Dmb(_) => 0,
            Instruction::Isb => 1,
            Instruction::Tlbi(_) => 2,
            _ => 3,
        };
        match paged {
            true => (format!("each page: {instruction}"), kind),
            false => (instruction.to_string(), kind),
        }
    };
    items.map(row).collect()
}

/// Pairs the steps of both sides, equal kinds side by side.
fn side_by_side(change: &Evaluated) -> Vec<(String, String)> {
    let (old, new) = (side_rows(&change.before), side_rows(&change.after));
    // The longest common run of kinds, by the usual table: a few instructions each.
    let weight = |a: &Row, b: &Row| match (a.0 == b.0, a.1 == b.1) {
        (_, true) if a.1 == 2 => 5 + u32::from(a.0 == b.0),
        (true, _) => 3,
        (false, true) => 2,
        _ => 0,
    };
    let mut best = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            let both = match weight(&old[i], &new[j]) {
                0 => 0,
                weight => weight + best[i + 1][j + 1],
            };
            best[i][j] = both.max(best[i + 1][j]).max(best[i][j + 1]);
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut rows = Vec::new();
    while i < old.len() || j < new.len() {
        let pairs = i < old.len() && j < new.len() && {
            let weight = weight(&old[i], &new[j]);
            weight > 0 && best[i][j] == weight + best[i + 1][j + 1]
        };
        if pairs {
            rows.push((old[i].0.clone(), new[j].0.clone()));
            i += 1;
            j += 1;
        } else if j >= new.len() || i < old.len() && best[i][j] == best[i + 1][j] {
            rows.push((old[i].0.clone(), String::new()));
            i += 1;
        } else {
            rows.push((String::new(), new[j].0.clone()));
            j += 1;
        }
    }
    rows
}

/// Returns the grounds that rest on a rule, of all sides, in order.
fn grounds(review: &Review) -> impl Iterator<Item = &Ground> {
    let sides = review
        .changes
        .iter()
        .flat_map(|change| [&change.before, &change.after])
        .flatten();
    sides
        .flat_map(|side| side.reasons.iter().chain(&side.errata))
        .filter(|ground| ground.rule != "question")
}

/// Explains the rules that are cited: where each is written, what it says, and what it means here.
fn rules(review: &Review) -> Vec<Explained<'_>> {
    explained(grounds(review).map(|ground| (ground.citation.clone(), ground.says, ground.text.as_str())))
}

/// Returns the context in one line.
fn context(change: &Evaluated) -> String {
    let parts = change
        .assumptions
        .iter()
        .map(|part| format!("{} {}", part.name, part.value));
    parts.collect::<Vec<_>>().join(", ")
}

/// Returns the timing in lines.
fn timing(list: &[Timing]) -> Vec<String> {
    let line = |timing: &Timing| {
        let place = format!("{} PE{}", timing.run, timing.pe);
        if let Some((before, after)) = timing.instructions {
            return format!("{place} (simulator): {before} instructions became {after}; no time was measured");
        }
        if timing.ratio.is_none() && timing.noise_floor.is_none() {
            return format!("{place}: {}", timing.finding);
        }
        let ratio = timing.ratio.map_or("no ratio".to_owned(), |(estimate, low, high)| {
            format!("after/before {estimate:.3} [{low:.3}, {high:.3}]")
        });
        let floor = timing.noise_floor.map_or("noise floor unknown".to_owned(), |floor| {
            format!("noise floor {:.1}%", floor * 100.0)
        });
        format!("{place} (hardware): {ratio}, {floor}: {}", timing.finding)
    };
    list.iter().map(line).collect()
}

/// Returns the machines that checks ran on, as a tag names them; empty where nothing ran.
fn tested_on(review: &Review) -> String {
    let mut machines: Vec<&str> = review
        .trials
        .iter()
        .flatten()
        .map(|trials| trials.machine.as_str())
        .collect();
    machines.sort_unstable();
    machines.dedup();
    match machines.as_slice() {
        [] | [_] | [_, _] => machines.join(", "),
        many => format!("{} stored runs", many.len()),
    }
}

/// Returns the command that runs the checks that were not run.
fn run_command(review: &Review) -> String {
    review
        .command
        .replacen("bench-host review", "bench-host review --run", 1)
}
