// SPDX-License-Identifier: MIT OR Apache-2.0
//! Outcomes to verdicts, computed here and compared with the kernel's.

use std::collections::BTreeMap;

use results::check::{Check, Outcomes, Role};
use results::verdict::{Class, classify};

/// What one check saw, all PEs together.
#[derive(Debug, Default)]
struct Seen {
    none: Outcomes,
    good: Outcomes,
    tested: BTreeMap<String, Outcomes>,
    /// What the kernel made of it.
    verdicts: BTreeMap<String, (Class, String)>,
}

/// A verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The check.
    pub check: Check,
    /// The sequence.
    pub seq: String,
    /// The class.
    pub class: Class,
    /// Why.
    pub reason: String,
}

/// Follows all checks.
#[derive(Debug, Default)]
pub struct Checks {
    seen: BTreeMap<Check, Seen>,
}

impl Checks {
    /// Takes the outcomes of some trials.
    pub fn outcome(&mut self, check: Check, seq: &str, role: Role, outcomes: &Outcomes) {
        let seen = self.seen.entry(check).or_default();
        let sum = match role {
            Role::NoMaintenance => &mut seen.none,
            Role::KnownGood => &mut seen.good,
            Role::Test => seen.tested.entry(seq.to_owned()).or_default(),
        };
        sum.stale = sum.stale.saturating_add(outcomes.stale);
        sum.new = sum.new.saturating_add(outcomes.new);
        sum.fault = sum.fault.saturating_add(outcomes.fault);
        sum.other = sum.other.saturating_add(outcomes.other);
    }

    /// Takes a verdict of the kernel and returns how many checks have one.
    pub fn verdict(&mut self, check: Check, seq: &str, class: Class, reason: &str) -> u32 {
        let verdicts = &mut self.seen.entry(check).or_default().verdicts;
        verdicts.insert(seq.to_owned(), (class, reason.to_owned()));
        let judged = self.seen.values().filter(|seen| !seen.verdicts.is_empty());
        judged.count() as u32
    }

    /// Returns our verdict on everything seen, and where the kernel's differs or is missing.
    ///
    /// Only the kernel knows why it made no trials, so a verdict of its `skipped` class is taken over with its reason.
    pub fn finish(&self) -> (Vec<Verdict>, Vec<String>) {
        let (mut verdicts, mut wrong) = (Vec::new(), Vec::new());
        for (&check, seen) in &self.seen {
            let mut seqs: Vec<_> = seen.tested.keys().chain(seen.verdicts.keys()).collect();
            seqs.sort();
            seqs.dedup();
            for seq in seqs {
                let nothing = Outcomes::default();
                let tested = seen.tested.get(seq).unwrap_or(&nothing);
                let (class, reason) = classify(check, tested, &seen.none, &seen.good);
                let theirs = seen.verdicts.get(seq);
                match theirs {
                    Some((theirs, _)) if *theirs != class => wrong.push(format!(
                        "{} with {seq}: the kernel says {}, its counts say {}",
                        check.id(),
                        theirs.id(),
                        class.id()
                    )),
                    Some(_) => {}
                    None => wrong.push(format!("{} with {seq}: no verdict arrived", check.id())),
                }
                let skipped = theirs.filter(|(theirs, _)| class == Class::Skipped && *theirs == class);
                let reason = skipped.map_or(reason, |(_, reason)| reason).to_owned();
                verdicts.push(Verdict {
                    check,
                    seq: seq.clone(),
                    class,
                    reason,
                });
            }
        }
        (verdicts, wrong)
    }

    /// Returns whether anything is known about a check with a sequence.
    pub fn knows(&self, check: Check, seq: &str) -> bool {
        let seen = self.seen.get(&check);
        seen.is_some_and(|seen| seen.tested.contains_key(seq) || seen.verdicts.contains_key(seq))
    }

    /// Returns whether anything is known about a check.
    pub fn made(&self, check: Check) -> bool {
        self.seen.contains_key(&check)
    }

    /// Returns the largest number of trials of any check.
    pub fn trials(&self) -> u32 {
        let trials = self
            .seen
            .values()
            .flat_map(|seen| seen.tested.values().chain([&seen.none]));
        trials.map(Outcomes::trials).max().unwrap_or(0)
    }

    /// Returns whether a sequence was tested by any check.
    pub fn tested(&self, seq: &str) -> bool {
        self.seen.values().any(|seen| seen.tested.contains_key(seq))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STALE: Outcomes = Outcomes {
        stale: 5,
        new: 0,
        fault: 0,
        other: 0,
    };
    const FAULT: Outcomes = Outcomes {
        stale: 0,
        new: 0,
        fault: 5,
        other: 0,
    };

    fn checks(test: &Outcomes, kernel: Option<Class>) -> Checks {
        let mut checks = Checks::default();
        let check = Check::CoWinvTEl2;
        checks.outcome(check, "none", Role::NoMaintenance, &STALE);
        checks.outcome(check, "good", Role::KnownGood, &FAULT);
        checks.outcome(check, "mine", Role::Test, test);
        if let Some(class) = kernel {
            assert_eq!(checks.verdict(check, "mine", class, "because"), 1);
        }
        checks
    }

    #[test]
    fn verdicts_are_ours() {
        let (verdicts, wrong) = checks(&FAULT, Some(Class::Pass)).finish();
        assert_eq!((verdicts.len(), verdicts[0].class, wrong.len()), (1, Class::Pass, 0));
        let (verdicts, wrong) = checks(&STALE, Some(Class::Pass)).finish();
        assert_eq!(verdicts[0].class, Class::Fail);
        assert_eq!(
            wrong,
            ["cowinvt_el2 with mine: the kernel says pass, its counts say fail"]
        );
        let (_, wrong) = checks(&FAULT, None).finish();
        assert_eq!(wrong, ["cowinvt_el2 with mine: no verdict arrived"]);
    }

    #[test]
    fn a_skipped_check_keeps_the_reason_of_the_kernel() {
        let mut checks = Checks::default();
        checks.verdict(Check::IdentityEl2, "mine", Class::Skipped, "no 1:1 map here");
        let (verdicts, wrong) = checks.finish();
        assert_eq!((verdicts[0].reason.as_str(), wrong.len()), ("no 1:1 map here", 0));
        assert!(checks.knows(Check::IdentityEl2, "mine") && !checks.knows(Check::WprotEl2, "mine"));
    }
}
