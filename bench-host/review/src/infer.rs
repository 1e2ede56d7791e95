// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a sequence is for, as far as the source says: the question for the judge, and why it is that question.
//!
//! Everything here is a guess with its reason. It is printed, and each part can be given on the command line instead.

mod after;
mod change;
mod names;
mod observers;
mod regime;

pub use crate::context::Given;

use crate::extract::reduce::Found;
use after::after;
use change::change;
use names::Names;
use observers::observers;
use regime::regime;
use sequences::judge::{Change, Level, Name, Question, Regime, Stage};
use sequences::{ExceptionLevel, Instruction, Operand, Target, Tlbi};

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
pub fn infer(sides: &[&Found], place: Place<'_>, given: &Given) -> (Question, Vec<Assumption>) {
    let names = Names::of(sides, place);
    let tlbis: Vec<Tlbi> = sides
        .iter()
        .flat_map(|found| found.sequence.instructions())
        .filter_map(Instruction::tlbi)
        // `tlbi vale2is, xzr` is the dummy of an erratum work-around.
        .filter(|tlbi| tlbi.operand != Operand::Xzr)
        .collect();
    let mut all = Vec::new();
    let mut say = |name, value: &str, why: &str| {
        all.push(Assumption {
            name,
            value: value.to_owned(),
            why: why.to_owned(),
        });
    };
    let flag = "given";

    let (regime, stage, why) = regime(&tlbis, &names);
    let (regime, why) = given.regime.map_or((regime, why), |regime| (regime, flag));
    say("regime", regime.name(), why);
    let stage = given
        .stage
        .unwrap_or(if regime == Regime::El10 { stage } else { Stage::One });
    say(
        "stage",
        stage.name(),
        if given.stage.is_some() {
            flag
        } else {
            "by the operations"
        },
    );

    let (change, why) = given
        .change
        .map_or_else(|| change(sides, &tlbis, &names), |change| (change, flag));
    say("change", change.name(), why);
    let (observers, why) = given
        .observers
        .map_or_else(|| observers(sides, &tlbis, &names), |observers| (observers, flag));
    say("observers", observers.name(), why);
    let (after, why) = given.after.map_or_else(
        || after(sides, &tlbis, observers, stage, change, &names),
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
    if tlbis.iter().any(|tlbi| tlbi.op.level() == ExceptionLevel::El3) {
        question.runs_at = ExceptionLevel::El3;
    }
    let last = |tlbi: &Tlbi| tlbi.op.target().is_last_level();
    let (level, why) = if given.level.is_some() {
        (given.level, flag)
    } else if change == Change::RemoveTable || given.change.is_none() && names.removes_empty_table() {
        (Some(Level::Table), "a table entry is removed")
    } else if tlbis.iter().any(last) {
        (Some(Level::Last), "a last-level operation is used")
    } else {
        (None, "")
    };
    question.level = level;
    if let Some(level) = level {
        say("level", level.name(), why);
    }
    if tlbis.iter().any(|tlbi| tlbi.op.target() == Target::Asid) {
        question.global = Some(false);
        say("global", "no", "an address space is flushed by its ASID");
    }
    let hint = tlbis.iter().find_map(|tlbi| tlbi.operand.ttl());
    if let Some(ttl) = hint {
        question.level_number = Some(ttl.level());
        say(
            "level number",
            &ttl.level().to_string(),
            "the level hint is taken to be right",
        );
    }
    let paged = |tlbi: &Tlbi| matches!(tlbi.operand, Operand::Page(_) | Operand::Range(_));
    question.range = tlbis.iter().any(paged) && !(given.change.is_none() && names.removes_empty_table());
    (given.complete(question), all)
}
