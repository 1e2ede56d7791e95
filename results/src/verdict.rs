// SPDX-License-Identifier: MIT OR Apache-2.0
//! From outcome counts to a result class, the same on the console and in the report.

use crate::check::{Check, Outcome, Outcomes};
use crate::plan::is_tlbi;

/// The result of a check with one sequence on one machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Never stale here, and the bad control shows that a stale translation would have been seen.
    Pass,
    /// A forbidden outcome was seen.
    Fail,
    /// Never stale here, but the bad control was never stale either: this machine cannot show the bug.
    NotObservable,
    /// Not run.
    Skipped,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 4] = [Self::Pass, Self::Fail, Self::NotObservable, Self::Skipped];

    /// Returns the stable id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::NotObservable => "not_observable",
            Self::Skipped => "skipped",
        }
    }

    /// Returns the class with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.id() == id)
    }
}

/// What the trials of the controls of a check saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Controls {
    /// No maintenance at all.
    pub nothing: Outcomes,
    /// Barriers and no TLBI; `None` in a run that is older than this control.
    pub no_tlbi: Option<Outcomes>,
    /// The known-good sequence.
    pub good: Outcomes,
}

/// Which mistakes a check has shown on a machine, and so which it would have shown in a sequence under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// None.
    Nothing,
    /// That everything is missing, but not that the TLBI is: only what barriers do shows here.
    Barriers,
    /// That the TLBI is missing, or misses the entry: by its scope, operand or regime.
    Invalidation,
    /// That everything is missing, in a run that did not ask for more.
    Unknown,
}

impl Power {
    /// Returns it in a phrase without commas.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Nothing => "no mistake shows here",
            Self::Barriers => "missing barriers show here and a missing TLBI does not",
            Self::Invalidation => "a missing TLBI shows here",
            Self::Unknown => "missing maintenance shows here",
        }
    }
}

impl Controls {
    /// Returns what a check has shown.
    ///
    /// Barriers say that a store is complete, so that no maintenance at all can be stale on a machine whose TLB held
    /// nothing: that says nothing about a TLBI's scope, operand or regime.
    pub fn power(&self) -> Power {
        match (self.no_tlbi, self.nothing.stale) {
            (Some(Outcomes { stale: 1.., .. }), _) => Power::Invalidation,
            (_, 0) => Power::Nothing,
            (Some(_), _) => Power::Barriers,
            (None, _) => Power::Unknown,
        }
    }

    /// Returns whether a pass means something: whether the mistakes that a check is about show.
    pub fn suffice(&self, check: Check) -> bool {
        match self.power() {
            Power::Nothing => false,
            Power::Barriers => !check.needs_invalidation(),
            Power::Invalidation | Power::Unknown => true,
        }
    }
}

/// Whether a machine gives a sequence the scope that is written.
///
/// At EL1 a hypervisor decides: `HCR_EL2.FB` makes a local TLBI one for all PEs of the inner shareable domain, and
/// `HCR_EL2.BSU` widens barriers. A guest cannot tell, so that where other PEs observe, a pass of what is local says
/// nothing. (A failure does: no hypervisor makes a sequence weaker.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Nobody comes between the sequence and the processor, or there is nothing local in it.
    AsWritten,
    /// A local operation or barrier in it may have a wider effect.
    MayBeWider,
}

impl Scope {
    /// Returns the scope that words are run with by a kernel that was entered at EL1, or was not.
    pub fn of(entered_at_el1: bool, mut words: impl Iterator<Item = u32>) -> Self {
        if entered_at_el1 && words.any(is_local) {
            Self::MayBeWider
        } else {
            Self::AsWritten
        }
    }
}

/// Returns whether a word is a TLBI for this PE alone, or a DSB of the non-shareable domain.
fn is_local(word: u32) -> bool {
    const DSB: u32 = 0xd503_309f;
    const DSB_NXS: u32 = 0xd503_323f;
    const NON_SHAREABLE: u32 = 0b01;
    let domain = word >> 10 & 0b11;
    let is_barrier = word & !(0xf << 8) == DSB || word & !(0b11 << 10) == DSB_NXS;
    // CRm of the operations of stage 1 that are not broadcast: by range, and all others.
    let is_unshared = is_tlbi(word) && matches!(word >> 8 & 0xf, 6 | 7);
    is_unshared || is_barrier && domain == NON_SHAREABLE
}

/// Classifies one check, and says why in one phrase without commas.
///
/// A known-good sequence that fails means that the machine or the check is broken, and then nothing else it says counts.
pub fn classify(check: Check, test: &Outcomes, controls: &Controls, scope: Scope) -> (Class, &'static str) {
    let Controls { nothing, no_tlbi, good } = controls;
    let unexpected = |outcomes: &Outcomes| {
        let odd = |outcome: &Outcome| *outcome != Outcome::Stale && !check.allows(*outcome);
        let all = [Outcome::New, Outcome::Fault, Outcome::Other];
        all.into_iter().filter(odd).any(|outcome| outcomes.count(outcome) > 0)
    };
    if test.trials() == 0 || good.trials() == 0 || nothing.trials() == 0 {
        (Class::Skipped, "no trials")
    } else if good.stale > 0 {
        (
            Class::Fail,
            "stale even with the known-good sequence: the machine or the check is broken",
        )
    } else if [Some(good), Some(nothing), no_tlbi.as_ref()]
        .into_iter()
        .flatten()
        .any(unexpected)
    {
        (
            Class::Fail,
            "a control saw an outcome that is neither stale nor expected",
        )
    } else if test.stale > 0 {
        (Class::Fail, "stale translation used after the sequence")
    } else if unexpected(test) {
        (Class::Fail, "an outcome that is neither stale nor expected")
    } else if controls.suffice(check) && check.pes() > 1 && scope == Scope::MayBeWider {
        (
            Class::NotObservable,
            "entered at EL1: a hypervisor may make what is local in it a broadcast",
        )
    } else if controls.suffice(check) {
        (
            Class::Pass,
            match controls.power() {
                Power::Barriers => "never stale; without maintenance it was",
                Power::Invalidation => "never stale; without TLBI it was",
                Power::Nothing | Power::Unknown => "never stale; the bad control was",
            },
        )
    } else if controls.power() == Power::Nothing {
        (Class::NotObservable, "the bad control was never stale here")
    } else {
        (
            Class::NotObservable,
            "only missing barriers show here: never stale without TLBI",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STALE: Outcomes = Outcomes {
        stale: 9,
        new: 0,
        fault: 0,
        other: 0,
    };
    const FAULT: Outcomes = Outcomes {
        stale: 0,
        new: 0,
        fault: 9,
        other: 0,
    };
    const OTHER: Outcomes = Outcomes {
        stale: 0,
        new: 0,
        fault: 8,
        other: 1,
    };

    const NEW: Outcomes = Outcomes {
        stale: 0,
        new: 9,
        fault: 0,
        other: 0,
    };

    fn class(check: &str, test: &Outcomes, nothing: Outcomes, no_tlbi: Option<Outcomes>, good: Outcomes) -> Class {
        let controls = Controls { nothing, no_tlbi, good };
        classify(Check::from_id(check).unwrap(), test, &controls, Scope::AsWritten).0
    }

    #[test]
    fn every_class_has_its_cause() {
        let class = |test, nothing, good| {
            // The same with and without the second bad control, where that saw the same.
            let [old, new] = [None, Some(nothing)].map(|no_tlbi| class("cowinvt_el2", test, nothing, no_tlbi, good));
            assert_eq!(old, new);
            new
        };
        assert_eq!(class(&FAULT, STALE, FAULT), Class::Pass);
        assert_eq!(class(&STALE, STALE, FAULT), Class::Fail);
        assert_eq!(class(&FAULT, FAULT, FAULT), Class::NotObservable);
        assert_eq!(class(&FAULT, STALE, STALE), Class::Fail);
        assert_eq!(class(&OTHER, STALE, FAULT), Class::Fail);
        assert_eq!(class(&FAULT, OTHER, FAULT), Class::Fail);
        assert_eq!(class(&Outcomes::default(), STALE, FAULT), Class::Skipped);
    }

    #[test]
    fn a_missing_tlbi_must_have_shown_and_not_a_missing_barrier_alone() {
        let class = |check, good: Outcomes, no_tlbi| class(check, &good, STALE, Some(no_tlbi), good);
        assert_eq!(class("cowinvt_el2", FAULT, FAULT), Class::NotObservable);
        assert_eq!(class("cowinvt_el2", FAULT, STALE), Class::Pass);
        assert_eq!(class("cowinvt_el2", FAULT, OTHER), Class::Fail);
        // Of a new mapping nothing is in a TLB.
        assert_eq!(class("i2v_el2", NEW, NEW), Class::Pass);
    }

    /// On a machine that shows a missing barrier, what comes without maintenance is the fault of the old, invalid entry.
    #[test]
    fn the_fault_of_an_entry_that_was_invalid_is_the_old_translation() {
        for check in [
            "i2v_el2",
            "i2v_el1",
            "i2v_s2",
            "mp_i2v_el2",
            "mp_i2v_el1",
            "mp_i2v_s2",
            "i2v_in_el1",
        ] {
            assert_eq!(class(check, &NEW, STALE, Some(NEW), NEW), Class::Pass, "{check}");
            assert_eq!(class(check, &STALE, STALE, Some(NEW), NEW), Class::Fail, "{check}");
            assert_eq!(class(check, &NEW, NEW, Some(NEW), NEW), Class::NotObservable, "{check}");
            // No trial counts such a fault as the changed descriptor's.
            assert_eq!(class(check, &FAULT, STALE, Some(NEW), NEW), Class::Fail, "{check}");
        }
    }

    #[test]
    fn a_fault_where_a_new_translation_is_due_is_a_failure_unless_its_walk_may_be_early() {
        let class = |check, test| class(check, test, STALE, Some(STALE), NEW);
        assert_eq!(class("bbm_oa_el2", &NEW), Class::Pass);
        assert_eq!(class("bbm_oa_el2", &FAULT), Class::Fail);
        assert_eq!(class("bbm_late_el2", &FAULT), Class::Pass);
        assert_eq!(class("bbm_late_el2", &STALE), Class::Fail);
        assert_eq!(class("bbm_late_el2", &OTHER), Class::Fail);
    }

    #[test]
    fn a_pass_of_what_is_local_says_nothing_of_other_pes_under_a_hypervisor() {
        const DSB_NSHST: u32 = 0xd503_369f;
        const DSB_ISHST: u32 = 0xd503_3a9f;
        const DSB_NSH_NXS: u32 = 0xd503_363f;
        const TLBI_VMALLE1: u32 = 0xd508_871f;
        const TLBI_VMALLE1IS: u32 = 0xd508_831f;
        const TLBI_RVAE1: u32 = 0xd508_8622;
        let at_el1 = |words: &[u32]| Scope::of(true, words.iter().copied());
        for words in [
            &[DSB_ISHST, TLBI_VMALLE1][..],
            &[DSB_NSHST, TLBI_VMALLE1IS],
            &[DSB_NSH_NXS],
            &[TLBI_RVAE1],
        ] {
            assert_eq!(at_el1(words), Scope::MayBeWider, "{words:x?}");
            assert_eq!(Scope::of(false, words.iter().copied()), Scope::AsWritten);
        }
        assert_eq!(at_el1(&[DSB_ISHST, TLBI_VMALLE1IS, 0xd503_3fdf]), Scope::AsWritten);
        let class = |check, test, scope| {
            let controls = Controls {
                nothing: STALE,
                no_tlbi: Some(STALE),
                good: FAULT,
            };
            classify(Check::from_id(check).unwrap(), test, &controls, scope).0
        };
        assert_eq!(class("mp_rt_el1", &FAULT, Scope::MayBeWider), Class::NotObservable);
        assert_eq!(class("mp_rt_el1", &FAULT, Scope::AsWritten), Class::Pass);
        assert_eq!(class("mp_rt_el1", &STALE, Scope::MayBeWider), Class::Fail);
        assert_eq!(class("cowinvt_el1", &FAULT, Scope::MayBeWider), Class::Pass);
    }

    #[test]
    fn power_is_told_by_what_was_left_out() {
        let power = |nothing, no_tlbi| {
            Controls {
                nothing,
                no_tlbi,
                good: FAULT,
            }
            .power()
        };
        assert_eq!(power(FAULT, Some(FAULT)), Power::Nothing);
        assert_eq!(power(STALE, Some(FAULT)), Power::Barriers);
        assert_eq!(power(STALE, Some(STALE)), Power::Invalidation);
        assert_eq!(power(STALE, None), Power::Unknown);
    }

    #[test]
    fn ids_round_trip() {
        for class in Class::ALL {
            assert_eq!(Class::from_id(class.id()), Some(class));
        }
    }
}
