// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which translation an access used, by what came of it.

use results::check::{Access, Change, Outcome};

use crate::mmu::test_values::{NEW, OLD, SECRET};

/// What came of an access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It succeeded; a load or a call returned this value.
    Value(u64),
    /// It succeeded, and the descriptor it went through holds this now. (Where hardware updates descriptors.)
    Descriptor(u64),
    /// It took the fault that an invalid descriptor, or one that permits less, calls for.
    Fault,
    /// It took another one.
    OtherFault,
}

/// What tells the translations of a trial from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expectation {
    /// The change.
    pub change: Change,
    /// The access.
    pub access: Access,
    /// Descriptor before the change.
    pub before: u64,
    /// Descriptor the sequence follows.
    pub after: u64,
    /// What a load through the old translation returns.
    pub old_value: u64,
}

impl Expectation {
    /// Returns which translation an access used.
    pub fn outcome(&self, seen: Seen) -> Outcome {
        match seen {
            // Of an entry that was invalid, the fault is the old translation.
            Seen::Fault if self.change == Change::Map => Outcome::Stale,
            Seen::Fault => Outcome::Fault,
            Seen::OtherFault => Outcome::Other,
            Seen::Descriptor(marked) if marked == self.before => Outcome::New,
            Seen::Descriptor(unmarked) if unmarked == self.after => Outcome::Stale,
            Seen::Descriptor(_) => Outcome::Other,
            Seen::Value(_) if self.access == Access::Store => Outcome::Stale,
            Seen::Value(OLD) if self.change == Change::Map => Outcome::New,
            Seen::Value(value) if value == self.old_value => Outcome::Stale,
            Seen::Value(SECRET) if self.change == Change::Reuse => Outcome::Stale,
            Seen::Value(NEW) if matches!(self.change, Change::Remap | Change::Relink) => Outcome::New,
            Seen::Value(_) => Outcome::Other,
        }
    }

    /// Returns what an access before the change must have been for the trial to count.
    pub const fn primed(&self) -> Outcome {
        match self.change {
            // Marked, as it is to be again after the change.
            Change::Clean | Change::Age => Outcome::New,
            _ => Outcome::Stale,
        }
    }
}

#[cfg(test)]
mod tests {
    use results::check::{Check, Outcomes};
    use results::verdict::{Class, Controls, Scope, classify};

    use super::*;

    fn of(check: Check) -> Expectation {
        Expectation {
            change: check.spec().change,
            access: check.spec().access,
            before: 0x403,
            after: 3,
            old_value: OLD,
        }
    }

    /// What each access of a trial of a check comes to: before the change, after a sequence that is enough, and with the
    /// old translation.
    fn accesses(check: Check) -> [Seen; 3] {
        let access = check.spec().access;
        match check.spec().change {
            Change::Map => [Seen::Fault, Seen::Value(OLD), Seen::Fault],
            Change::Remap | Change::Relink => [Seen::Value(OLD), Seen::Value(NEW), Seen::Value(OLD)],
            Change::Reuse => [Seen::Value(OLD), Seen::Fault, Seen::Value(SECRET)],
            Change::Clean | Change::Age => [0x403, 0x403, 3].map(Seen::Descriptor),
            _ if access == Access::Store => [Seen::Value(0), Seen::Fault, Seen::Value(0)],
            _ => [Seen::Value(OLD), Seen::Fault, Seen::Value(OLD)],
        }
    }

    #[test]
    fn every_check_passes_on_a_machine_that_shows_the_old_translation_without_maintenance() {
        for check in Check::ALL {
            let expectation = of(check);
            let [before, enough, old] = accesses(check).map(|seen| expectation.outcome(seen));
            assert_eq!(before, expectation.primed(), "{check:?}");
            let trials = |outcome| {
                let mut seen = Outcomes::default();
                seen.add(outcome);
                seen
            };
            let controls = Controls {
                nothing: trials(old),
                no_tlbi: Some(trials(if check.needs_invalidation() { old } else { enough })),
                good: trials(enough),
            };
            let class = |outcome| classify(check, &trials(outcome), &controls, Scope::AsWritten).0;
            assert_eq!(class(enough), Class::Pass, "{check:?}");
            assert_eq!(class(old), Class::Fail, "{check:?}");
            for odd in [Seen::OtherFault, Seen::Value(0x4444), Seen::Descriptor(7)] {
                let outcome = expectation.outcome(odd);
                let stored = check.spec().access == Access::Store && matches!(odd, Seen::Value(_));
                assert_eq!(outcome == Outcome::Other, !stored, "{check:?} {odd:?}");
            }
        }
    }
}
