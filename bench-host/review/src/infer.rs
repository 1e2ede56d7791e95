// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a sequence is for, as far as the source says: the question for the judge, and why it is that question.
//!
//! Everything here is a guess with its reason. It is printed, and each part can be given on the command line instead.

mod after;
mod change;
pub mod configuration;
mod names;
mod observers;
mod regime;

use crate::extract::reduce::{Found, Use};
use after::after;
use change::change;
use configuration::configuration;
use names::Names;
use observers::observers;
use regime::regime;
use sequences::judge::inferred::Operations;
use sequences::judge::{After, Change, Level, Name, Observers, Question, Regime, Stage, Stated};
use sequences::{ExceptionLevel, Target, Tlbi};

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

/// Returns the question of a new mapping: whether this PE may use it after the barriers.
fn publication(sides: &[&Found], names: &Names, stated: &Stated) -> Option<(Question, Vec<Assumption>)> {
    let used = sides.iter().find_map(|side| side.around.publishes)?;
    let here = sides.iter().any(|side| side.around.publishes == Some(Use::Here));
    let isb = sides
        .iter()
        .any(|side| side.sequence.instructions().any(|i| i == sequences::Instruction::Isb));
    let (after, why) = match used {
        _ if here => (After::DataHere, "what follows accesses memory at once"),
        Use::ByCaller if names.function_has(&["fixmap", "console", "uart", "early_", "_early"]) => (
            After::DataHere,
            "by the function's name, a mapping of the code's own: its caller goes on with it",
        ),
        Use::ByCaller if isb => (After::DataHere, "one side synchronizes: taken to be used by the caller"),
        _ => (After::Nothing, "no use of the new mapping is in sight"),
    };
    let operations = Operations::of(sides.iter().map(|found| &found.sequence));
    let regime = stated.regime.or(operations.regime()).unwrap_or(Regime::El2);
    let after = stated.after.unwrap_or(after);
    let change = stated.change.unwrap_or(Change::Validate);
    let observers = stated.observers.unwrap_or(Observers::ThisPe);
    let question = Question::new(change, regime, observers, after);
    let say = |name, value: &str, why: &str| Assumption {
        name,
        value: value.to_owned(),
        why: why.to_owned(),
    };
    let all = vec![
        say(
            "change",
            change.name(),
            "a table entry is stored, and nothing is invalidated: it was invalid before",
        ),
        say(
            "observers",
            observers.name(),
            "the PE that made the mapping is asked about",
        ),
        say("after", after.name(), why),
    ];
    Some((stated.complete(question), all))
}

/// Returns whether every side runs its operations for EL1 with HCR_EL2.TGE set: they are for EL2&0 then.
fn of_host(sides: &[&Found], tlbis: &[Tlbi]) -> bool {
    let by_host = |tlbi: &Tlbi| {
        tlbi.op.level() == ExceptionLevel::El1
            && !matches!(
                tlbi.op.target(),
                Target::All | Target::VmallS12 | Target::Ipa | Target::IpaLast
            )
    };
    !tlbis.is_empty() && tlbis.iter().all(by_host) && sides.iter().all(|side| side.around.host == Some(true))
}

/// Returns whether one side has operations for EL1 alone, the other has not, and the registers of translation that are
/// written beside them are those of EL1.
fn at_el1(sides: &[&Found], operations: &Operations) -> bool {
    let levels = |side: &&Found| {
        let tlbis = side.sequence.instructions().filter_map(sequences::Instruction::tlbi);
        tlbis.map(|tlbi| tlbi.op.level()).max()
    };
    let translates = |name: &&String| {
        ["ttbr", "tcr", "mair", "sctlr"]
            .iter()
            .any(|word| name.starts_with(word))
    };
    // The nearest before it, or else the nearest after it: start-up code comes from one level to another.
    let nearest = |side: &&Found| {
        let before = side.around.written_before.iter().rev().find(translates);
        before.or(side.around.written_after.iter().find(translates)).cloned()
    };
    let mut written = sides.iter().filter_map(nearest).peekable();
    operations.exception_level() > Some(ExceptionLevel::El1)
        && sides.iter().any(|side| levels(side) == Some(ExceptionLevel::El1))
        && written.peek().is_some()
        && written.all(|name| name.ends_with("_el1"))
}

/// Infers the question that both sides of a change are to answer.
pub fn infer(sides: &[&Found], place: Place<'_>, stated: &Stated) -> (Question, Vec<Assumption>) {
    let names = Names::of(sides, place);
    if let Some(published) = publication(sides, &names, stated) {
        return published;
    }
    // What ran on a way before it was for another exception level says nothing of what the way is for.
    let own: Vec<&Found> = sides.iter().copied().filter(|side| !side.around.lent).collect();
    let sides = if own.is_empty() { sides } else { &own };
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

    let (regime, stage, why) = match of_host(sides, tlbis) {
        true => (
            Regime::El20,
            Stage::One,
            "HCR_EL2.TGE is set before it: these operations are for the host",
        ),
        false if at_el1(sides, &operations) => (
            Regime::El10,
            Stage::One,
            "the registers written beside it are those of EL1, and one side has operations for it",
        ),
        false => regime(&operations, &names),
    };
    let all_say = |e2h: bool| {
        let says = |side: &&Found| configuration(&side.conditions).and_then(|found| found.e2h);
        !sides.is_empty() && sides.iter().all(|side| says(side) == Some(e2h))
    };
    let (regime, why) = match regime {
        Regime::El2 if all_say(true) => (Regime::El20, "by the operations, and VHE in the configuration"),
        Regime::El20 if all_say(false) => (Regime::El2, "by the operations, and no VHE in the configuration"),
        regime => (regime, why),
    };
    let (regime, why) = stated.regime.map_or((regime, why), |regime| (regime, flag));
    say("regime", regime.name(), why);
    // That of the side after, if both have one.
    if let Some(found) = sides.iter().rev().find_map(|side| configuration(&side.conditions)) {
        say(
            "configuration",
            &found.by,
            "an option of the build that says who runs this",
        );
    }
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
    // Whoever writes a register of EL2 is no kernel at EL1.
    let writes_el2 = sides.iter().any(|side| {
        let mut all = side.sequence.instructions();
        all.any(|instruction| {
            matches!(instruction, sequences::Instruction::Msr(register, _) if register.level() == ExceptionLevel::El2)
        })
    });
    if regime == Regime::El10 && !writes_el2 && only_el1 && !names.hypervisor && stage == Stage::One {
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
