// SPDX-License-Identifier: MIT OR Apache-2.0
//! Outcomes to verdicts, computed here and compared with the kernel's.

use std::collections::BTreeMap;

use results::check::{Check, Outcomes, Role};
use results::verdict::{Class, Controls, classify};

/// What one check saw, all PEs together.
#[derive(Debug, Default)]
struct Seen {
    controls: Controls,
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

/// How fast a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The check.
    pub check: Check,
    /// Trials made, all roles together.
    pub trials: u32,
    /// Ticks of the generic timer that they took.
    pub ticks: u64,
}

/// Follows all checks.
#[derive(Debug, Default)]
pub struct Checks {
    seen: BTreeMap<Check, Seen>,
    paces: Vec<Pace>,
}

impl Checks {
    /// Takes the outcomes of some trials.
    pub fn outcome(&mut self, check: Check, seq: &str, role: Role, outcomes: &Outcomes) {
        let seen = self.seen.entry(check).or_default();
        let sum = match role {
            Role::NoMaintenance => &mut seen.controls.nothing,
            Role::NoInvalidation => seen.controls.no_tlbi.get_or_insert_default(),
            Role::KnownGood => &mut seen.controls.good,
            Role::Test => seen.tested.entry(seq.to_owned()).or_default(),
        };
        sum.stale = sum.stale.saturating_add(outcomes.stale);
        sum.new = sum.new.saturating_add(outcomes.new);
        sum.fault = sum.fault.saturating_add(outcomes.fault);
        sum.other = sum.other.saturating_add(outcomes.other);
    }

    /// Takes a verdict of the kernel, and returns how many checks are done.
    pub fn verdict(&mut self, check: Check, seq: &str, class: Class, reason: &str) -> u32 {
        let verdicts = &mut self.seen.entry(check).or_default().verdicts;
        verdicts.insert(seq.to_owned(), (class, reason.to_owned()));
        self.done()
    }

    /// Takes how fast the trials of a check went, and returns how many checks are done.
    pub fn pace(&mut self, check: Check, trials: u32, ticks: u64) -> u32 {
        self.paces.push(Pace { check, trials, ticks });
        self.done()
    }

    /// Returns how many checks are done. A pace follows the trials of a check; the verdicts come at the end of all, and a
    /// check that was skipped has no more than those.
    fn done(&self) -> u32 {
        let paced = |check: Check| self.paces.iter().any(|pace| pace.check == check);
        let done = |(check, seen): &(&Check, &Seen)| !seen.verdicts.is_empty() || paced(**check);
        self.seen.iter().filter(done).count() as u32
    }

    /// Returns how fast the checks went.
    pub fn paces(&self) -> Vec<Pace> {
        self.paces.clone()
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
                let (class, reason) = classify(check, tested, &seen.controls);
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
            .flat_map(|seen| seen.tested.values().chain([&seen.controls.nothing]));
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
        let check = Check::from_id("cowinvt_el2").unwrap();
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
    fn a_check_is_done_when_its_trials_are_and_counts_once() {
        let mut checks = Checks::default();
        let [first, second] = ["cowinvt_el2", "identity_el2"].map(|id| Check::from_id(id).unwrap());
        checks.outcome(first, "mine", Role::Test, &Outcomes::default());
        assert_eq!(checks.pace(first, 1000, 5), 1);
        assert_eq!(checks.verdict(first, "mine", Class::Pass, "never stale"), 1);
        assert_eq!(checks.verdict(second, "mine", Class::Skipped, "no 1:1 map here"), 2);
    }

    #[test]
    fn a_skipped_check_keeps_the_reason_of_the_kernel() {
        let mut checks = Checks::default();
        checks.verdict(
            Check::from_id("identity_el2").unwrap(),
            "mine",
            Class::Skipped,
            "no 1:1 map here",
        );
        let (verdicts, wrong) = checks.finish();
        assert_eq!((verdicts[0].reason.as_str(), wrong.len()), ("no 1:1 map here", 0));
        assert!(
            checks.knows(Check::from_id("identity_el2").unwrap(), "mine")
                && !checks.knows(Check::from_id("wprot_el2").unwrap(), "mine")
        );
    }
}
