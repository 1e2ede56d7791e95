// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a sequence is for, as far as the source says: the question for the judge, and why it is that question.
//!
//! Everything here is a guess with its reason. It is printed, and each part can be given on the command line instead.

mod after;
mod change;
mod names;
mod observers;
mod regime;

use crate::extract::reduce::Found;
use after::after;
use change::change;
use names::Names;
use observers::observers;
use regime::regime;
use sequences::judge::inferred::Operations;
use sequences::judge::{Change, Level, Name, Question, Regime, Stage, Stated};
use sequences::{ExceptionLevel, Target};

/// A part of the context: its name, its value, and why it is taken to be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumption {
    /// `regime`, `stage`, `change`, `observers`, `after` or `level`.
    pub name: &'static str,
    /// Its value, by the name the command line uses.
    pub value: String,
    /// Why.
    pub why: String,
}

/// Where a change stands.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The file.
    pub path: &'a str,
    /// The function after (before, where the sequence was removed).
    pub function: &'a str,
    /// What the patch says about itself, lowercase.
    pub message: &'a str,
}

/// Infers the question that both sides of a change are to answer.
pub fn infer(sides: &[&Found], place: Place<'_>, stated: &Stated) -> (Question, Vec<Assumption>) {
    let names = Names::of(sides, place);
    let operations = Operations::of(sides.iter().map(|found| &found.sequence));
    let tlbis = operations.tlbis();
    let mut all = Vec::new();
    let mut say = |name, value: &str, why: &str| {
        all.push(Assumption {
            name,
            value: value.to_owned(),
            why: why.to_owned(),
        });
    };
    let flag = "given";

    let (regime, stage, why) = regime(&operations, &names);
    let (regime, why) = stated.regime.map_or((regime, why), |regime| (regime, flag));
    say("regime", regime.name(), why);
    let stage = stated
        .stage
        .unwrap_or(if regime == Regime::El10 { stage } else { Stage::One });
    say(
        "stage",
        stage.name(),
        if stated.stage.is_some() {
            flag
        } else {
            "by the operations"
        },
    );

    let (change, why) = stated
        .change
        .map_or_else(|| change(sides, tlbis, &names), |change| (change, flag));
    say("change", change.name(), why);
    let (observers, why) = stated
        .observers
        .map_or_else(|| observers(sides, &operations, &names), |observers| (observers, flag));
    say("observers", observers.name(), why);
    let (after, why) = stated.after.map_or_else(
        || after(sides, tlbis, observers, stage, change, &names),
        |after| (after, flag),
    );
    say("after", after.name(), why);

    let mut question = Question::new(change, regime, observers, after);
    question.stage = stage;
    let only_el1 = tlbis.iter().all(|tlbi| {
        tlbi.op.level() == ExceptionLevel::El1
            && !matches!(
                tlbi.op.target(),
                Target::All | Target::VmallS12 | Target::Ipa | Target::IpaLast
            )
    });
    if regime == Regime::El10 && only_el1 && !names.hypervisor && stage == Stage::One {
        question.runs_at = ExceptionLevel::El1;
    }
    operations.describe_entry(&mut question);
    let (level, why) = if stated.level.is_some() {
        (stated.level, flag)
    } else if change == Change::RemoveTable || stated.change.is_none() && names.removes_empty_table() {
        (Some(Level::Table), "a table entry is removed")
    } else {
        (operations.level(), "a last-level operation is used")
    };
    question.level = level;
    if let Some(level) = level {
        say("level", level.name(), why);
    }
    if question.global == Some(false) {
        say("global", "no", "an address space is flushed by its ASID");
    }
    if let Some(number) = question.level_number {
        say(
            "level number",
            &number.to_string(),
            "the level hint is taken to be right",
        );
    }
    // One entry points to the table that is taken out, however many pages the table mapped.
    if stated.change.is_none() && names.removes_empty_table() {
        question.range = false;
    }
    (stated.complete(question), all)
}
