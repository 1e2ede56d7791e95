// SPDX-License-Identifier: MIT OR Apache-2.0
//! The counts of one or several boots, summed up, and what they mean.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use results::check::{Check, Outcomes, Role};
use results::store::{Run, StoreError};
use results::verdict::{Class, Controls, Scope, classify};
use stats::zero_events;

/// Counts of a check on all boots.
#[derive(Debug, Clone, Default)]
struct Seen {
    controls: Controls,
    tested: BTreeMap<String, Outcomes>,
    skipped: BTreeMap<String, String>,
    /// Sequences that a boot may have given a wider scope than is written.
    wider: BTreeSet<String>,
}

/// Sums up boots.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    seen: BTreeMap<Check, Seen>,
}

/// A check with one sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The check.
    pub check: Check,
    /// Stable id of the sequence.
    pub seq: String,
    /// What its trials saw.
    pub test: Outcomes,
    /// What its controls saw.
    pub controls: Controls,
    /// The class.
    pub class: Class,
    /// Why.
    pub reason: String,
    /// The known bug of the machine that explains a failure.
    pub known: Option<&'static str>,
    /// Whether a failure does not count because of it.
    pub excused: bool,
}

/// What one machine saw.
#[derive(Debug, Clone, PartialEq)]
pub struct Suite {
    /// The machine, for people.
    pub machine: String,
    /// The machine as an id: `[a-z0-9_]+`.
    pub id: String,
    /// The label of what it counts.
    pub label: String,
    /// How often it was booted.
    pub boots: u32,
    /// The command that makes its run again.
    pub reproduce: String,
    /// When its first boot began.
    pub started: DateTime<Utc>,
    /// How long its boots took, on this host's clock.
    pub took: Duration,
    /// Every check with every sequence, in the order of the checks.
    pub cases: Vec<Case>,
}

impl Case {
    /// Returns whether it failed and is not excused.
    pub fn is_failure(&self) -> bool {
        self.class == Class::Fail && !self.excused
    }

    /// Returns the id of the case: unique, `[a-z0-9_]+`.
    pub fn id(&self) -> String {
        format!("{}__{}", self.check.id(), self.seq)
    }

    /// For a pass, the 95% upper bound of the rate of stale trials.
    pub fn bound(&self) -> Option<f64> {
        (self.class == Class::Pass).then(|| zero_events::upper_bound(self.test.trials().into()))
    }
}

fn add(sum: &mut Outcomes, more: &Outcomes) {
    sum.stale = sum.stale.saturating_add(more.stale);
    sum.new = sum.new.saturating_add(more.new);
    sum.fault = sum.fault.saturating_add(more.fault);
    sum.other = sum.other.saturating_add(more.other);
}

impl Tally {
    /// Adds the counts of a stored boot.
    pub fn add(&mut self, run: &Run) -> Result<(), StoreError> {
        for row in run.litmus()? {
            let row = row?;
            let seen = self.seen.entry(row.check).or_default();
            let sum = match row.role {
                Role::NoMaintenance => &mut seen.controls.nothing,
                Role::NoInvalidation => seen.controls.no_tlbi.get_or_insert_default(),
                Role::KnownGood => &mut seen.controls.good,
                Role::Test => seen.tested.entry(row.seq.clone()).or_default(),
            };
            add(sum, &row.outcomes());
            if run.manifest.scope_of(&row.seq) == Scope::MayBeWider {
                seen.wider.insert(row.seq);
            }
        }
        for row in run.verdicts()? {
            let row = row?;
            if row.class == Class::Skipped {
                let seen = self.seen.entry(row.check).or_default();
                seen.skipped.insert(row.seq, row.reason);
            }
        }
        for sequence in &run.manifest.plan.sequences {
            if let Some(reason) = &sequence.skipped {
                for &check in sequence.checks.iter().filter(|_| sequence.checked) {
                    let seen = self.seen.entry(check).or_default();
                    // A verdict says more: why the check is out of reach, whatever the sequence.
                    let skipped = seen.skipped.entry(sequence.id.clone());
                    skipped.or_insert_with(|| reason.clone());
                }
            }
        }
        Ok(())
    }

    /// Returns every case, in the order of the checks.
    pub fn cases(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for (&check, seen) in &self.seen {
            for (seq, test) in &seen.tested {
                let scope = if seen.wider.contains(seq) {
                    Scope::MayBeWider
                } else {
                    Scope::AsWritten
                };
                let (class, reason) = classify(check, test, &seen.controls, scope);
                cases.push(Case {
                    check,
                    seq: seq.clone(),
                    test: *test,
                    controls: seen.controls,
                    class,
                    reason: reason.to_owned(),
                    known: None,
                    excused: false,
                });
            }
            let skipped = seen.skipped.iter().filter(|(seq, _)| !seen.tested.contains_key(*seq));
            cases.extend(skipped.map(|(seq, reason)| Case {
                check,
                seq: seq.clone(),
                test: Outcomes::default(),
                controls: seen.controls,
                class: Class::Skipped,
                reason: reason.clone(),
                known: None,
                excused: false,
            }));
        }
        cases
    }
}

/// Counts the cases of a class.
pub fn count(cases: &[Case], class: Class) -> usize {
    cases.iter().filter(|case| case.class == class).count()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// One case of every class.
    pub fn examples() -> Vec<Case> {
        let check = Check::from_id("mp_rt_el2").unwrap();
        let fault = Outcomes {
            fault: 1000,
            ..Outcomes::default()
        };
        let stale = Outcomes {
            stale: 1000,
            ..Outcomes::default()
        };
        let case = |seq: &str, test, bad| {
            let controls = Controls {
                nothing: bad,
                no_tlbi: Some(bad),
                good: fault,
            };
            let (class, reason) = classify(check, &test, &controls, Scope::AsWritten);
            Case {
                check,
                seq: seq.to_owned(),
                test,
                controls,
                class,
                reason: reason.to_owned(),
                known: None,
                excused: false,
            }
        };
        vec![
            case("broadcast", fault, stale),
            case("local", stale, stale),
            case("powerless", fault, fault),
            Case {
                reason: "needs 2 PEs".to_owned(),
                ..case("alone", Outcomes::default(), stale)
            },
        ]
    }

    /// The same on two machines.
    pub fn suites() -> [Suite; 2] {
        ["adversary_latest_max_3pe", "qemu_7_2_max_3pe"].map(|id| Suite {
            machine: format!("machine {id}"),
            id: id.to_owned(),
            label: results::manifest::QEMU_LABEL.to_owned(),
            boots: 1,
            reproduce: "bench-host check".to_owned(),
            started: DateTime::UNIX_EPOCH,
            took: Duration::from_secs(4),
            cases: examples(),
        })
    }

    #[test]
    fn examples_have_every_class_and_only_a_pass_has_a_bound() {
        let cases = examples();
        for class in Class::ALL {
            assert_eq!(count(&cases, class), 1, "{class:?}");
        }
        assert!((cases[0].bound().unwrap() * 1000.0 - 2.9957).abs() < 0.01);
        assert!(cases[1..].iter().all(|case| case.bound().is_none()));
    }
}
