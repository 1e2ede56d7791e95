// SPDX-License-Identifier: MIT OR Apache-2.0
//! Outcomes to verdicts, computed here and compared with the kernel's.

use std::collections::{BTreeMap, BTreeSet};

use report::number::plural;
use results::check::{Check, Outcomes, Role};
use results::manifest::Plan;
use results::verdict::{Class, Controls, Scope, classify};

/// What one check saw, all PEs together.
#[derive(Debug, Default)]
struct Seen {
    controls: Controls,
    tested: BTreeMap<String, Outcomes>,
    /// What the kernel made of it.
    verdicts: BTreeMap<String, (Class, String)>,
    /// Whose outcomes arrived, and on which PE.
    arrived: BTreeSet<(String, Role, u32)>,
}

impl Seen {
    /// Returns everything that was counted, each with the name it goes by.
    fn all(&self) -> impl Iterator<Item = (&str, &Outcomes)> {
        let controls = &self.controls;
        let bad = [
            (Role::NoMaintenance.id(), Some(&controls.nothing)),
            (Role::NoInvalidation.id(), controls.no_tlbi.as_ref()),
            ("the known-good sequence", Some(&controls.good)),
        ];
        let bad = bad.into_iter().filter_map(|(name, seen)| Some((name, seen?)));
        bad.chain(self.tested.iter().map(|(id, seen)| (id.as_str(), seen)))
    }
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
    /// Takes the outcomes of some trials, made on one PE. Returns what is wrong with them; then they are not taken.
    pub fn outcome(
        &mut self,
        check: Check,
        seq: &str,
        role: Role,
        pe: u32,
        outcomes: &Outcomes,
        plan: Option<&Plan>,
    ) -> Result<(), String> {
        let is_control = matches!(role, Role::NoMaintenance | Role::NoInvalidation);
        let is_named = match role {
            Role::NoMaintenance => seq == "none",
            Role::NoInvalidation => seq == "no_tlbi",
            Role::KnownGood | Role::Test => true,
        };
        if !is_named {
            return Err(format!("{} with {seq}: no such control", check.id()));
        }
        if let Some(plan) = plan {
            planned(plan, check, (!is_control).then_some(seq), role == Role::Test)?;
        }
        let seen = self.seen.entry(check).or_default();
        if !seen.arrived.insert((seq.to_owned(), role, pe)) {
            return Err(format!("{} with {seq}: its outcome arrived twice", check.id()));
        }
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
        Ok(())
    }

    /// Takes a verdict of the kernel, and returns how many checks are done; or what is wrong with it, and then it is not
    /// taken.
    pub fn verdict(
        &mut self,
        check: Check,
        seq: &str,
        class: Class,
        reason: &str,
        plan: Option<&Plan>,
    ) -> Result<u32, String> {
        if let Some(plan) = plan {
            planned(plan, check, Some(seq), true)?;
        }
        let verdicts = &mut self.seen.entry(check).or_default().verdicts;
        if verdicts.contains_key(seq) {
            return Err(format!("{} with {seq}: its verdict arrived twice", check.id()));
        }
        verdicts.insert(seq.to_owned(), (class, reason.to_owned()));
        Ok(self.done())
    }

    /// Takes how fast the trials of a check went, and returns how many checks are done; or what is wrong with it, and then
    /// it is not taken.
    pub fn pace(&mut self, check: Check, trials: u32, ticks: u64, plan: Option<&Plan>) -> Result<u32, String> {
        if let Some(plan) = plan {
            planned(plan, check, None, false)?;
        }
        if self.paces.iter().any(|pace| pace.check == check) {
            return Err(format!("{}: its pace arrived twice", check.id()));
        }
        self.paces.push(Pace { check, trials, ticks });
        Ok(self.done())
    }

    /// Returns where there are more or fewer trials than planned, or than the kernel says it made.
    pub fn miscounted(&self, planned: u32) -> Vec<String> {
        let mut wrong = Vec::new();
        for (&check, seen) in &self.seen {
            // A check that was skipped was not made.
            if seen.arrived.is_empty() {
                continue;
            }
            let (id, planned) = (check.id(), check.trials(planned));
            for (name, outcomes) in seen.all().filter(|(_, outcomes)| outcomes.trials() != planned) {
                let trials = plural(outcomes.trials().into(), "trial", "trials");
                wrong.push(format!("{id} with {name}: {trials} of {planned}"));
            }
            let all = seen
                .all()
                .fold(0, |all: u32, (_, seen)| all.saturating_add(seen.trials()));
            let paced = self.paces.iter().find(|pace| pace.check == check);
            if let Some(pace) = paced.filter(|pace| pace.trials != all) {
                let made = plural(pace.trials.into(), "trial", "trials");
                wrong.push(format!("{id}: the kernel made {made}, {all} arrived"));
            }
        }
        wrong
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
    ///
    /// `scope_of` says whether the machine gave a sequence the scope that is written.
    pub fn finish(&self, scope_of: impl Fn(&str) -> Scope) -> (Vec<Verdict>, Vec<String>) {
        let (mut verdicts, mut wrong) = (Vec::new(), Vec::new());
        for (&check, seen) in &self.seen {
            let mut seqs: Vec<_> = seen.tested.keys().chain(seen.verdicts.keys()).collect();
            seqs.sort();
            seqs.dedup();
            for seq in seqs {
                let nothing = Outcomes::default();
                let tested = seen.tested.get(seq).unwrap_or(&nothing);
                let (class, reason) = classify(check, tested, &seen.controls, scope_of(seq));
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

/// Returns whether a plan has a check, with a sequence if one is named, that is under test there or in it at all.
fn planned(plan: &Plan, check: Check, seq: Option<&str>, is_test: bool) -> Result<(), String> {
    let id = check.id();
    if !plan.checks.contains(&check) {
        return Err(format!("{id} is not in the plan"));
    }
    let Some(seq) = seq else { return Ok(()) };
    let entry = plan.sequences.iter().find(|sequence| sequence.id == seq);
    let entry = entry.ok_or_else(|| format!("{id} with {seq}: no such sequence is in the plan"))?;
    if is_test && !entry.is_tested_by(check) {
        return Err(format!("{id} with {seq}: the plan does not test it by this check"));
    }
    Ok(())
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
        for (seq, role, outcomes) in [
            ("none", Role::NoMaintenance, &STALE),
            ("good", Role::KnownGood, &FAULT),
            ("mine", Role::Test, test),
        ] {
            checks.outcome(check, seq, role, 0, outcomes, None).unwrap();
        }
        if let Some(class) = kernel {
            assert_eq!(checks.verdict(check, "mine", class, "because", None), Ok(1));
        }
        checks
    }

    #[test]
    fn verdicts_are_ours() {
        let (verdicts, wrong) = checks(&FAULT, Some(Class::Pass)).finish(|_| Scope::AsWritten);
        assert_eq!((verdicts.len(), verdicts[0].class, wrong.len()), (1, Class::Pass, 0));
        let (verdicts, wrong) = checks(&STALE, Some(Class::Pass)).finish(|_| Scope::AsWritten);
        assert_eq!(verdicts[0].class, Class::Fail);
        assert_eq!(
            wrong,
            ["cowinvt_el2 with mine: the kernel says pass, its counts say fail"]
        );
        let (_, wrong) = checks(&FAULT, None).finish(|_| Scope::AsWritten);
        assert_eq!(wrong, ["cowinvt_el2 with mine: no verdict arrived"]);
    }

    #[test]
    fn a_check_is_done_when_its_trials_are_and_counts_once() {
        let mut checks = Checks::default();
        let [first, second] = ["cowinvt_el2", "identity_el2"].map(|id| Check::from_id(id).unwrap());
        let none = Outcomes::default();
        checks.outcome(first, "mine", Role::Test, 0, &none, None).unwrap();
        assert_eq!(checks.pace(first, 1000, 5, None), Ok(1));
        assert_eq!(checks.verdict(first, "mine", Class::Pass, "never stale", None), Ok(1));
        assert_eq!(
            checks.verdict(second, "mine", Class::Skipped, "no 1:1 map here", None),
            Ok(2)
        );
    }

    #[test]
    fn what_was_counted_is_held_against_the_plan() {
        let mut checks = checks(&FAULT, Some(Class::Pass));
        assert!(checks.miscounted(5).is_empty());
        let check = Check::from_id("cowinvt_el2").unwrap();
        assert_eq!(checks.miscounted(20).len(), 3);
        assert_eq!(checks.miscounted(20)[0], "cowinvt_el2 with none: 5 trials of 20");
        let twice = checks.outcome(check, "mine", Role::Test, 0, &FAULT, None);
        assert_eq!(twice.unwrap_err(), "cowinvt_el2 with mine: its outcome arrived twice");
        let twice = checks.verdict(check, "mine", Class::Pass, "again", None);
        assert_eq!(twice.unwrap_err(), "cowinvt_el2 with mine: its verdict arrived twice");
        checks.pace(check, 14, 1, None).unwrap();
        assert_eq!(
            checks.miscounted(5),
            ["cowinvt_el2: the kernel made 14 trials, 15 arrived"]
        );
        let unnamed = checks.outcome(check, "other", Role::NoMaintenance, 0, &STALE, None);
        assert_eq!(unnamed.unwrap_err(), "cowinvt_el2 with other: no such control");
    }

    #[test]
    fn a_skipped_check_keeps_the_reason_of_the_kernel() {
        let mut checks = Checks::default();
        let check = Check::from_id("identity_el2").unwrap();
        let taken = checks.verdict(check, "mine", Class::Skipped, "no 1:1 map here", None);
        assert_eq!(taken, Ok(1));
        let (verdicts, wrong) = checks.finish(|_| Scope::AsWritten);
        assert_eq!((verdicts[0].reason.as_str(), wrong.len()), ("no 1:1 map here", 0));
        assert!(
            checks.knows(Check::from_id("identity_el2").unwrap(), "mine")
                && !checks.knows(Check::from_id("wprot_el2").unwrap(), "mine")
        );
    }
}
