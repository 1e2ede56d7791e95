// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a sequence is for, as far as it shows: the question to put to the judge when nobody says more.
//!
//! Everything inferred is an assumption, and whoever uses it prints it. What the operations tell is read here, once:
//! [`infer`] asks nothing else, [`Question::of_entry`] adds the columns of the catalogue, and the review of patches adds
//! both sides of a change, names, and what stands around it.
//!
//! - A by-address operation on `xzr` is the dummy of an erratum: it names page 0 and tells nothing of the change, unless
//!   there is nothing else (Arm ARM, TLBI operand format).
//! - Code runs at the highest exception level it names, and goes on in that level's regime; the order of its operations
//!   has no meaning.
//! - Whoever changes EL1&0 does so for somebody who runs after an exception return, which synchronizes the context by
//!   itself; an ISB after the completing DSB is there for what this PE does next (R_BLDZX).
//! - Of what may follow elsewhere the most demanding is assumed: memory that an entry no longer maps is given away.

use super::question::{After, Change, CpuChoice, Ids, Level, Observers, Question, Reading, Regime, Stage};
use crate::instruction::Instruction;
use crate::operand::{Operand, Ttl};
use crate::sequence::{Item, Sequence};
use crate::tlbi::{ExceptionLevel, Scope, Target, Tlbi};
use alloc::vec::Vec;

/// What the operations of a sequence, or of both sides of a change, tell of what they are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operations {
    tlbis: Vec<Tlbi>,
    pages: bool,
}

impl Operations {
    /// Collects the operations of sequences that do the same job.
    pub fn of<'a>(sequences: impl IntoIterator<Item = &'a Sequence>) -> Self {
        let (mut tlbis, mut pages) = (Vec::new(), false);
        for sequence in sequences {
            tlbis.extend(sequence.instructions().filter_map(Instruction::tlbi));
            pages |= sequence.items.iter().any(|item| matches!(item, Item::ForPage(_)));
        }
        if !tlbis.iter().all(Tlbi::is_dummy) {
            tlbis.retain(|tlbi| !tlbi.is_dummy());
        }
        Self { tlbis, pages }
    }

    /// Returns the operations that tell something.
    pub fn tlbis(&self) -> &[Tlbi] {
        &self.tlbis
    }

    fn any(&self, targets: &[Target]) -> bool {
        self.tlbis.iter().any(|tlbi| targets.contains(&tlbi.op.target()))
    }

    /// Returns the highest exception level in the operations' names: who executes them runs at least there.
    pub fn exception_level(&self) -> Option<ExceptionLevel> {
        self.tlbis.iter().map(|tlbi| tlbi.op.level()).max()
    }

    /// Returns the regime of the highest exception level, `HCR_EL2.E2H` taken as 0; `None` without an operation.
    pub fn regime(&self) -> Option<Regime> {
        self.exception_level().map(|level| match level {
            ExceptionLevel::El1 => Regime::El10,
            ExceptionLevel::El2 => Regime::El2,
            ExceptionLevel::El3 => Regime::El3,
        })
    }

    /// Returns the stage that the operations of EL1 are made for. Operations that cover both stages are used where
    /// stage 2 changed: there are narrower ones for stage 1. `alle1` counts only where nothing narrower stands with it.
    pub fn stage(&self) -> Stage {
        let by_guest = [Target::Ipa, Target::IpaLast, Target::VmallS12, Target::VmallWs2];
        let mut of_el1 = self.tlbis.iter().filter(|tlbi| tlbi.op.level() == ExceptionLevel::El1);
        let all = |tlbi: &Tlbi| tlbi.op.target() == Target::All;
        let only_all = of_el1.next().is_some_and(all) && of_el1.all(all);
        if self.any(&by_guest) || only_all {
            Stage::Two
        } else {
            Stage::One
        }
    }

    /// Returns the PEs that the widest operation applies to.
    pub fn observers(&self) -> Observers {
        match self.tlbis.iter().map(|tlbi| tlbi.op.scope()).max() {
            None | Some(Scope::Local) => Observers::ThisPe,
            Some(Scope::InnerShareable) => Observers::Inner,
            Some(Scope::OuterShareable) => Observers::Outer,
        }
    }

    /// Returns the kind of entry: one that maps memory, where a last-level operation is used.
    pub fn level(&self) -> Option<Level> {
        let last = self.tlbis.iter().any(|tlbi| tlbi.op.target().is_last_level());
        last.then_some(Level::Last)
    }

    /// Returns the level of the tables that the hints promise; `None` without a hint, and where hints differ.
    pub fn level_number(&self) -> Option<u8> {
        let mut hints = self.tlbis.iter().filter_map(|tlbi| tlbi.operand.ttl()).map(Ttl::level);
        let first = hints.next()?;
        hints.all(|other| other == first).then_some(first)
    }

    /// Returns whether the entry is global: not where an address space is invalidated by its ASID.
    pub fn global(&self) -> Option<bool> {
        self.any(&[Target::Asid]).then_some(false)
    }

    /// Returns whether more than one page was changed: by a range, or in a repetition over one.
    pub fn is_range(&self) -> bool {
        let paged = |tlbi: &Tlbi| matches!(tlbi.operand, Operand::Range(_) | Operand::Page(_));
        self.pages || self.tlbis.iter().any(paged)
    }

    /// Puts what the operations tell of the changed entry into a question.
    pub fn describe_entry(&self, question: &mut Question) {
        question.level = question.level.or(self.level());
        question.level_number = self.level_number();
        question.global = self.global();
        question.range = self.is_range();
        if self.exception_level() == Some(ExceptionLevel::El3) {
            question.runs_at = ExceptionLevel::El3;
        }
    }
}

/// Returns whether a sequence ends in an ISB, or has one after the DSB that completes its last invalidation: it provides
/// for what this PE does next.
pub fn synchronizes(sequence: &Sequence) -> bool {
    let instructions: Vec<Instruction> = sequence.instructions().collect();
    let tells = |instruction: &Instruction| instruction.tlbi().is_some_and(|tlbi| !tlbi.is_dummy());
    let last = instructions.iter().rposition(tells).unwrap_or(0);
    let rest = &instructions[last..];
    let dsb = rest.iter().position(Instruction::is_dsb);
    let at_end = instructions.iter().rfind(|last| **last != Instruction::Nop) == Some(&Instruction::Isb);
    at_end || dsb.is_some_and(|dsb| rest[dsb..].contains(&Instruction::Isb))
}

/// Returns what follows a sequence, by whose tables it is for and whether it synchronizes this PE's context.
pub fn after(change: Change, regime: Regime, observers: Observers, synchronizes: bool) -> After {
    if synchronizes || regime != Regime::El10 {
        After::DataHere
    } else {
        elsewhere(change, observers)
    }
}

/// Returns what can go wrong apart from this PE's next instructions.
pub const fn elsewhere(change: Change, observers: Observers) -> After {
    match (observers, change) {
        (Observers::ThisPe, _) => After::Nothing,
        (_, Change::Invalidate | Change::RemoveTable | Change::OutputAddress) => After::PageReuse,
        _ => After::AccessElsewhere,
    }
}

/// Returns the question a sequence looks made for: an entry of its regime made invalid, held by the PEs its operations
/// apply to, and used again.
pub fn infer(sequence: &Sequence) -> Question {
    let operations = Operations::of([sequence]);
    let (change, observers) = (Change::Invalidate, operations.observers());
    let regime = operations.regime().unwrap_or(Regime::El2);
    let after = after(change, regime, observers, synchronizes(sequence));
    let mut question = Question::new(change, regime, observers, after);
    if regime == Regime::El10 {
        question.stage = operations.stage();
    }
    operations.describe_entry(&mut question);
    question
}

/// What somebody says of a question; the rest is inferred.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stated {
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
    /// `HCR_EL2.{E2H,TGE}` is {1,1}.
    pub host: bool,
    /// The CPU has FEAT_ETS2.
    pub ets2: bool,
    /// The CPU has FEAT_ETS3.
    pub ets3: bool,
    /// The CPU.
    pub cpu: CpuChoice,
    /// How the architecture is read.
    pub reading: Reading,
    /// Which VMIDs the entries are of.
    pub vmid: Option<Ids>,
    /// Which ASIDs they are of.
    pub asid: Option<Ids>,
}

impl Stated {
    /// Returns a question with what is stated in place of what was inferred.
    #[must_use]
    pub fn apply(&self, inferred: Question) -> Question {
        let change = self.change.unwrap_or(inferred.change);
        let regime = self.regime.unwrap_or(inferred.regime);
        let observers = self.observers.unwrap_or(inferred.observers);
        let follows = || match inferred.after {
            After::DataHere | After::FetchHere => inferred.after,
            // Nothing synchronized this PE: what follows is for the regime and the observers that were stated.
            _ => after(change, regime, observers, false),
        };
        let mut question = Question::new(change, regime, observers, self.after.unwrap_or_else(follows));
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

    /// Puts what is stated about the entry and the machine into a question.
    #[must_use]
    pub fn complete(&self, mut question: Question) -> Question {
        question.level = self.level.or(question.level);
        question.level_number = self.level_number.or(question.level_number);
        question.global = self.global.or(question.global);
        question.device |= self.device;
        if let Some(vmid) = self.vmid {
            question.vmid_is_current = vmid != Ids::Other;
            question.every_vmid = vmid == Ids::All;
        }
        question.asids = self.asid.unwrap_or(question.asids);
        question.architecture.ets2 |= self.ets2;
        question.architecture.ets3 |= self.ets3;
        question.host |= self.host;
        question.runs_at = self.runs_at.unwrap_or(question.runs_at);
        if self.reading != Reading::Current {
            question.reading = self.reading;
        }
        if self.cpu != CpuChoice::Any {
            question.cpu = self.cpu;
        }
        question
    }
}

#[cfg(test)]
mod tests {
    use super::{Stated, infer};
    use crate::catalogue;
    use crate::judge::{After, Level, Observers, Question, Regime, Stage, Verdict, judge};
    use crate::sequence::Sequence;
    use alloc::vec::Vec;

    fn sequence(text: &str) -> Sequence {
        text.parse().expect("a sequence")
    }

    fn of(text: &str) -> Question {
        infer(&sequence(text))
    }

    fn verdict(text: &str) -> Verdict {
        let instructions: Vec<_> = sequence(text).instructions().collect();
        judge(&of(text), &instructions).verdict
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
        assert_eq!(of("tlbi aside1, {asid}").global, Some(false));
    }

    #[test]
    fn who_changes_its_own_regime_goes_on_in_it() {
        assert_eq!(of("dsb ishst; tlbi vae2is, {va}; dsb ish; isb").after, After::DataHere);
        // Without the ISB too: that it is missing is for the judge to say, not for the question to excuse.
        assert_eq!(of("dsb ishst; tlbi vae2is, {va}; dsb ish").after, After::DataHere);
        assert_eq!(verdict("dsb ishst; tlbi vae2is, {va}; dsb ish"), Verdict::Insufficient);
        assert_eq!(of("dsb ishst; tlbi vale1is, {va}; dsb ish").after, After::PageReuse);
        assert_eq!(of("dsb nshst; tlbi vale1, {va}; dsb nsh").after, After::Nothing);
    }

    #[test]
    fn an_isb_after_the_completion_is_there_for_this_pe() {
        let text = "dsb ishst; tlbi vaae1is, {va}; dsb ish; isb";
        assert_eq!(of(text).after, After::DataHere);
        assert_eq!(verdict(text), Verdict::Sufficient, "the ISB is not too much");
        // One before the invalidation is not.
        assert_eq!(
            of("dsb ishst; isb; tlbi vaae1is, {va}; dsb ish").after,
            After::PageReuse
        );
        // What follows the ISB may be for an erratum.
        let repeated = "dsb ishst; tlbi vaae1is, {va}; dsb ish; isb; tlbi vale1is, xzr; dsb ish";
        assert_eq!(of(repeated).after, After::DataHere);
    }

    #[test]
    fn a_dummy_tells_nothing_of_the_change() {
        let question = of("dsb ishst; tlbi vmalls12e1is; dsb ish; tlbi vale2is, xzr; dsb ish; isb");
        assert_eq!((question.regime, question.level), (Regime::El10, None));
        assert_eq!(
            of("dsb nshst; tlbi vae2, {va}; dsb nsh; tlbi vale2is, xzr; dsb ish; isb").observers,
            Observers::ThisPe
        );
        // Nor does it leave the question open.
        let text = "dsb ishst; tlbi vae2is, {va}; dsb ish; tlbi vale2is, xzr; dsb ish; isb";
        assert!(verdict(text).is_sufficient());
        // Where there is nothing else, it is all there is.
        assert_eq!(of("tlbi vale2is, xzr; dsb ish").regime, Regime::El2);
    }

    #[test]
    fn the_order_of_operations_does_not_choose_the_regime() {
        for text in [
            "tlbi vmalls12e1; tlbi alle2; dsb nsh",
            "tlbi alle2; tlbi vmalls12e1; dsb nsh",
        ] {
            let question = of(text);
            assert_eq!((question.regime, question.stage), (Regime::El2, Stage::One), "{text}");
        }
    }

    #[test]
    fn what_covers_both_stages_is_for_stage_two() {
        for text in [
            "tlbi vmalls12e1is",
            "tlbi alle1",
            "tlbi ipas2e1is, {ipa}; dsb ish; tlbi vmalle1is",
        ] {
            assert_eq!(of(text).stage, Stage::Two, "{text}");
        }
        // Something narrower stands with it, so stage 1 changed.
        assert_eq!(of("tlbi alle1; tlbi vmalle1").stage, Stage::One);
        assert_eq!(of("tlbi vmalle1").stage, Stage::One);
    }

    #[test]
    fn a_range_is_one_by_its_operand_or_its_repetition() {
        assert!(of("for page in {range}: tlbi vae2, {page}").range);
        assert!(of("tlbi rvae1is, {range}").range);
        assert!(of("for page in {range}: tlbi vale2, {page, ttl=3}; dsb nsh").range);
        assert!(!of("tlbi vae2, {va}").range);
    }

    #[test]
    fn hints_tell_the_level_where_they_agree() {
        assert_eq!(of("tlbi vae2, {va, ttl=3}").level_number, Some(3));
        let differing = "dsb nshst; tlbi vae2, {va, ttl=2}; tlbi vae2, {va, ttl=3}; dsb nsh; isb";
        assert_eq!(
            (of(differing).level_number, verdict(differing)),
            (None, Verdict::Unknown)
        );
    }

    #[test]
    fn the_catalogue_adds_its_columns_and_nothing_else() {
        let mut stages = 0;
        for entry in catalogue::catalogue() {
            let Some(question) = Question::of_entry(&entry) else {
                continue;
            };
            let alone = infer(&entry.sequence().expect("a sequence"));
            assert_eq!(
                (
                    question.observers,
                    question.range,
                    question.global,
                    question.level_number
                ),
                (alone.observers, alone.range, alone.global, alone.level_number),
                "{}",
                entry.id
            );
            if question.regime == alone.regime && question.change == alone.change {
                assert_eq!(question.after, alone.after, "{}", entry.id);
                stages += usize::from(question.stage != alone.stage);
            }
        }
        // Entries whose columns say that an operation for both stages is used for stage 1.
        assert!(stages < 20, "{stages}");
    }

    #[test]
    fn what_is_stated_moves_what_follows_with_it() {
        let inferred = || of("dsb ishst; tlbi vale1is, {va}; dsb ish");
        let here = Stated {
            observers: Some(Observers::ThisPe),
            ..Stated::default()
        };
        assert_eq!(here.apply(inferred()).after, After::Nothing);
        let own = Stated {
            regime: Some(Regime::El2),
            ..Stated::default()
        };
        assert_eq!(own.apply(inferred()).after, After::DataHere);
    }
}
