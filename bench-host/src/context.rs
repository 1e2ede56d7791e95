// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a sequence is for, as far as it shows: the question to put to the judge when nobody says more.
//!
//! Everything inferred is an assumption, and whoever uses it prints it.
//!
//! A question is inferred in three places, each from evidence that the others do not have, and not always to the same
//! end: here from the operations alone, in [`Question::of_entry`] from the columns of a catalogue entry, and in
//! [`crate::review::infer`] from both sides of a patch, the names around them, and what stands before and after.

use sequences::judge::{After, Change, CpuChoice, Level, Name, Observers, Question, Reading, Regime, Stage};
use sequences::{ExceptionLevel, Instruction, Item, Scope, Sequence, Target};

/// What is said of a question; the rest is inferred.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Given {
    /// What was changed.
    pub change: Option<Change>,
    /// Whose tables.
    pub regime: Option<Regime>,
    /// Of which stage.
    pub stage: Option<Stage>,
    /// Which kind of entry.
    pub level: Option<Level>,
    /// At which level of the tables.
    pub level_number: Option<u8>,
    /// Who may hold the entry.
    pub observers: Option<Observers>,
    /// What follows.
    pub after: Option<After>,
    /// Whether the entry is global.
    pub global: Option<bool>,
    /// The entry maps a device.
    pub device: bool,
    /// Who runs the sequence.
    pub runs_at: Option<ExceptionLevel>,
    /// HCR_EL2.{E2H,TGE} is {1,1}.
    pub host: bool,
    /// The CPU has FEAT_ETS2.
    pub ets2: bool,
    /// The CPU has FEAT_ETS3.
    pub ets3: bool,
    /// The CPU.
    pub cpu: CpuChoice,
    /// How the architecture is read.
    pub reading: Reading,
}

impl Given {
    /// Returns a question with what is said in place of what was inferred.
    pub fn apply(&self, inferred: Question) -> Question {
        let change = self.change.unwrap_or(inferred.change);
        let regime = self.regime.unwrap_or(inferred.regime);
        let observers = self.observers.unwrap_or(inferred.observers);
        let after = self.after.unwrap_or(match (inferred.after, observers) {
            (After::AccessElsewhere, Observers::ThisPe) => After::DataHere,
            (after, _) => after,
        });
        let mut question = Question::new(change, regime, observers, after);
        question.stage = self.stage.unwrap_or(inferred.stage);
        question.level = question.level.or(inferred.level);
        question.level_number = inferred.level_number;
        question.range = inferred.range;
        question.global = inferred.global;
        question.device = inferred.device;
        question.vmid_is_current = inferred.vmid_is_current;
        question.architecture = inferred.architecture;
        if self.regime.is_none() {
            question.host = inferred.host;
            question.runs_at = inferred.runs_at;
        }
        self.complete(question)
    }

    /// Puts what is said about the entry and the machine into a question.
    pub fn complete(&self, mut question: Question) -> Question {
        question.level = self.level.or(question.level);
        question.level_number = self.level_number.or(question.level_number);
        question.global = self.global.or(question.global);
        question.device |= self.device;
        question.architecture.ets2 |= self.ets2;
        question.architecture.ets3 |= self.ets3;
        question.host |= self.host;
        question.runs_at = self.runs_at.unwrap_or(question.runs_at);
        if self.cpu != CpuChoice::Any {
            question.cpu = self.cpu;
        }
        if self.reading != Reading::Current {
            question.reading = self.reading;
        }
        question
    }
}

/// Returns the question a sequence looks made for: an entry of its regime made invalid, held by the PEs its TLBIs
/// apply to, and used again.
pub fn infer(sequence: &Sequence) -> Question {
    let tlbis: Vec<_> = sequence.instructions().filter_map(Instruction::tlbi).collect();
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
    if targets().any(Target::is_last_level) {
        question.level = Some(Level::Last);
    }
    if targets().any(|target| target == Target::Asid) {
        question.global = Some(false);
    }
    let ranges = tlbis.iter().any(|tlbi| tlbi.op.is_range());
    question.range = ranges || sequence.items.iter().any(|item| matches!(item, Item::ForPage(_)));
    question
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
    if question.reading != Reading::Current {
        parts.push(("reading", question.reading.name().to_owned()));
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
