// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a sequence is for, as far as it shows: the question to put to the judge when nobody says more.
//!
//! Everything inferred is an assumption, and whoever uses it prints it.

use sequences::judge::{After, Change, Level, Name, Observers, Question, Regime, Stage};
use sequences::{ExceptionLevel, Instruction, Item, Scope, Sequence, Target, Tlbi};

/// Returns the question a sequence looks made for: an entry of its regime made invalid, held by the PEs its TLBIs
/// apply to, and used again.
pub fn infer(sequence: &Sequence) -> Question {
    let tlbis: Vec<_> = sequence.instructions().filter_map(tlbi).collect();
    let observers = match tlbis.iter().map(|tlbi| tlbi.op.scope()).max() {
        None | Some(Scope::Local) => Observers::ThisPe,
        Some(Scope::InnerShareable) => Observers::Inner,
        Some(Scope::OuterShareable) => Observers::Outer,
    };
    // The first operation is the one for the change; a dummy of another regime may follow for an erratum.
    let first = tlbis.first();
    let regime = first.map_or(Regime::El2, |tlbi| match tlbi.op.level() {
        ExceptionLevel::El1 => Regime::El10,
        ExceptionLevel::El2 => Regime::El2,
        ExceptionLevel::El3 => Regime::El3,
    });
    // Code that changes its own regime goes on in it. Code that changes EL1&0 mostly does so for somebody who runs after
    // an exception return, which synchronizes the context by itself.
    let after = match (regime, observers) {
        (Regime::El2 | Regime::El20 | Regime::El3, _) => After::DataHere,
        (Regime::El10, Observers::ThisPe) => After::Nothing,
        (Regime::El10, Observers::Inner | Observers::Outer) => After::AccessElsewhere,
    };
    let stage2 = |target| matches!(target, Target::Ipa | Target::IpaLast);
    let targets = || tlbis.iter().map(|tlbi| tlbi.op.target());
    let mut question = Question::new(Change::Invalidate, regime, observers, after);
    if targets().any(stage2) {
        question.stage = Stage::Two;
    }
    if targets().any(is_last_level) {
        question.level = Some(Level::Last);
    }
    if targets().any(|target| target == Target::Asid) {
        question.global = Some(false);
    }
    let ranges = tlbis.iter().any(|tlbi| tlbi.op.is_range());
    question.range = ranges || sequence.items.iter().any(|item| matches!(item, Item::ForPage(_)));
    question
}

fn tlbi(instruction: Instruction) -> Option<Tlbi> {
    match instruction {
        Instruction::Tlbi(tlbi) => Some(tlbi),
        _ => None,
    }
}

const fn is_last_level(target: Target) -> bool {
    matches!(target, Target::VaLast | Target::VaAllAsidLast | Target::IpaLast)
}

/// Returns the parts of a question with their names, as they are printed.
pub fn parts(question: &Question) -> Vec<(&'static str, String)> {
    let mut parts = vec![
        ("change", question.change.name().to_owned()),
        ("regime", question.regime.name().to_owned()),
        ("stage", question.stage.name().to_owned()),
        ("observers", question.observers.name().to_owned()),
        ("after", question.after.name().to_owned()),
    ];
    if let Some(level) = question.level {
        parts.push(("level", level.name().to_owned()));
    }
    if let Some(global) = question.global {
        parts.push(("global", if global { "yes" } else { "no" }.to_owned()));
    }
    if question.range {
        parts.push(("range", "yes".to_owned()));
    }
    if question.architecture.ets2 {
        parts.push(("ets2", "yes".to_owned()));
    }
    if question.architecture.ets3 {
        parts.push(("ets3", "yes".to_owned()));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Question {
        infer(&text.parse().unwrap())
    }

    #[test]
    fn scope_regime_and_stage_show_in_the_operations() {
        let question = of("dsb nshst; tlbi alle2; dsb nsh; isb");
        assert_eq!(
            (question.regime, question.observers, question.after),
            (Regime::El2, Observers::ThisPe, After::DataHere)
        );
        let question = of("dsb ishst; tlbi vale1is, {va}; dsb ish");
        assert_eq!(
            (question.regime, question.observers, question.level),
            (Regime::El10, Observers::Inner, Some(Level::Last))
        );
        assert_eq!(
            of("dsb ishst; tlbi ipas2e1is, {ipa}; dsb ish; tlbi vmalle1is; dsb ish; isb").stage,
            Stage::Two
        );
        assert_eq!(of("tlbi aside1, {asid}").global, Some(false));
        assert!(of("for page in {range}: tlbi vae2, {page}").range);
    }

    #[test]
    fn who_changes_its_own_regime_goes_on_in_it() {
        assert_eq!(of("dsb ishst; tlbi vae2is, {va}; dsb ish; isb").after, After::DataHere);
        assert_eq!(
            of("dsb ishst; tlbi vale1is, {va}; dsb ish").after,
            After::AccessElsewhere
        );
        assert_eq!(of("dsb nshst; tlbi vale1, {va}; dsb nsh").after, After::Nothing);
    }

    #[test]
    fn an_errata_half_of_another_regime_does_not_change_the_question() {
        let question = of("dsb ishst; tlbi vmalls12e1is; dsb ish; tlbi vale2is, xzr; dsb ish; isb");
        assert_eq!(question.regime, Regime::El10);
    }
}
