// SPDX-License-Identifier: MIT OR Apache-2.0
//! From outcome counts to a result class, the same on the console and in the report.

use crate::check::{Check, Outcome, Outcomes};

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

/// Classifies one check, and says why in one phrase without commas.
///
/// A known-good sequence that fails means that the machine or the check is broken, and then nothing else it says counts.
pub fn classify(check: Check, test: &Outcomes, none: &Outcomes, good: &Outcomes) -> (Class, &'static str) {
    let unexpected = |o: &Outcomes| o.trials() - o.count(check.expected()) - o.stale;
    if test.trials() == 0 || good.trials() == 0 || none.trials() == 0 {
        (Class::Skipped, "no trials")
    } else if good.stale > 0 {
        (
            Class::Fail,
            "stale even with the known-good sequence: the machine or the check is broken",
        )
    } else if unexpected(good) > 0 || unexpected(none) > 0 {
        (
            Class::Fail,
            "a control saw an outcome that is neither stale nor expected",
        )
    } else if test.stale > 0 {
        (Class::Fail, "stale translation used after the sequence")
    } else if unexpected(test) > 0 {
        (Class::Fail, "an outcome that is neither stale nor expected")
    } else if none.count(Outcome::Stale) == 0 {
        (Class::NotObservable, "the bad control was never stale here")
    } else {
        (Class::Pass, "never stale; the bad control was")
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

    #[test]
    fn every_class_has_its_cause() {
        let class = |test, none, good| classify(Check::from_id("cowinvt_el2").unwrap(), test, none, good).0;
        assert_eq!(class(&FAULT, &STALE, &FAULT), Class::Pass);
        assert_eq!(class(&STALE, &STALE, &FAULT), Class::Fail);
        assert_eq!(class(&FAULT, &FAULT, &FAULT), Class::NotObservable);
        assert_eq!(class(&FAULT, &STALE, &STALE), Class::Fail);
        assert_eq!(class(&OTHER, &STALE, &FAULT), Class::Fail);
        assert_eq!(class(&FAULT, &OTHER, &FAULT), Class::Fail);
        assert_eq!(class(&Outcomes::default(), &STALE, &FAULT), Class::Skipped);
    }

    #[test]
    fn a_fault_where_a_new_translation_is_due_is_a_failure() {
        let new = Outcomes {
            new: 9,
            ..Outcomes::default()
        };
        assert_eq!(
            classify(Check::from_id("bbm_oa_el2").unwrap(), &new, &STALE, &new).0,
            Class::Pass
        );
        assert_eq!(
            classify(Check::from_id("bbm_oa_el2").unwrap(), &FAULT, &STALE, &new).0,
            Class::Fail
        );
    }

    #[test]
    fn ids_round_trip() {
        for class in Class::ALL {
            assert_eq!(Class::from_id(class.id()), Some(class));
        }
    }
}
