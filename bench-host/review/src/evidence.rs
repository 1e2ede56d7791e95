// SPDX-License-Identifier: MIT OR Apache-2.0
//! What stored runs and checks add to a review: timing, and what checks saw of the two sides of a change.
//!
//! Whoever has runs and cases turns them into the counts and classes of this page; how they were gathered is not known
//! here. A check fits a change if it is about the same regime and stage, and the entry is held by the same kind of PEs. Its
//! class says what was shown: a pass only where the bad control was stale, and `not_observable` where nothing could be.

use crate::check_question::{is_about, is_enough, question};
use crate::evaluate::{Evaluated, SideVerdict};
use results::check::Check;
use results::verdict::Class;
use sequences::Sequence;
use sequences::judge::{Change, Observers, Question, Verdict};

/// A ratio from a stored run on hardware, or instruction counts from one on a simulator; where there is neither, the
/// finding says why.
#[derive(Debug, Clone, PartialEq)]
pub struct Timing {
    /// The run.
    pub run: String,
    /// It ran on a simulator: nothing here is hardware timing.
    pub simulator: bool,
    /// The PE.
    pub pe: u32,
    /// After over before: estimate, low and high end of its interval.
    pub ratio: Option<(f64, f64, f64)>,
    /// The noise floor, as a distance from 1.
    pub noise_floor: Option<f64>,
    /// What may be said.
    pub finding: String,
    /// Instructions of the side before and of the side after, where a simulator counted them.
    pub instructions: Option<(u64, u64)>,
}

/// What a check saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The check.
    pub check: Check,
    /// The class of the side before; `None` if it was not run.
    pub before: Option<Class>,
    /// The class of the side after; `None` if it was not run.
    pub after: Option<Class>,
    /// The known bug of the machine that explains a failure.
    pub known: Option<&'static str>,
}

/// Which mistakes, one edit away from the side after, a machine shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mutants {
    /// The check that they ran in.
    pub check: Check,
    /// Mutants that the machine or the judge finds a mistake in.
    pub mistakes: usize,
    /// Those of them that the machine shows.
    pub shown: usize,
    /// Mutants that are stale here where the judge says they cannot be.
    pub disagreements: usize,
}

/// How a check came to fail: the shortest schedule that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// It is about the side after.
    pub after: bool,
    /// The check.
    pub check: Check,
    /// What happened, one event each.
    pub events: Vec<String>,
}

impl Story {
    /// Returns what it is the story of.
    pub fn heading(&self) -> String {
        let side = if self.after { "after" } else { "before" };
        format!("how {side} is stale in {}", self.check.id())
    }
}

/// What the checks that fit saw on one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trials {
    /// The machine, or the stored run.
    pub machine: String,
    /// It is a simulator: what it cannot show, hardware may.
    pub simulator: bool,
    /// The checks.
    pub seen: Vec<Seen>,
    /// The mutants of the side after; `None` if none were run.
    pub mutants: Option<Mutants>,
    /// How a check of the side after, or else of the side before, came to fail, where the machine can tell.
    pub story: Option<Story>,
}

impl Trials {
    /// Returns how many checks have a class on a side.
    pub fn count(&self, after: bool, class: Class) -> usize {
        let side = |seen: &&Seen| if after { seen.after } else { seen.before };
        self.seen.iter().filter(|seen| side(seen) == Some(class)).count()
    }

    /// Returns whether the side after failed a check, and no known bug of the machine explains it.
    pub fn is_failure(&self) -> bool {
        let failed = |seen: &Seen| seen.after == Some(Class::Fail) && seen.known.is_none();
        self.seen.iter().any(failed)
    }

    /// Returns the evidence in lines.
    pub fn lines(&self) -> Vec<String> {
        let side = |name: &str, after: bool| {
            let parts: Vec<String> = [Class::Fail, Class::Pass, Class::NotObservable]
                .into_iter()
                .filter_map(|class| match self.count(after, class) {
                    0 => None,
                    count => Some(format!("{count} {}", class.id())),
                })
                .collect();
            (!parts.is_empty()).then(|| format!("{name} {}", parts.join(" + ")))
        };
        let sides: Vec<_> = [side("before", false), side("after", true)]
            .into_iter()
            .flatten()
            .collect();
        let kind = if self.simulator { " (simulator)" } else { "" };
        let mut lines = vec![format!("{}{kind}: {}", self.machine, sides.join(", "))];
        for (class, word) in [
            (Class::Fail, "fails"),
            (Class::NotObservable, "nothing can be shown in"),
        ] {
            let named: Vec<_> = self.seen.iter().filter(|seen| seen.after == Some(class)).collect();
            if named.is_empty() {
                continue;
            }
            let ids: Vec<_> = named.iter().take(4).map(|seen| seen.check.id()).collect();
            let rest = named.len().saturating_sub(4);
            let more = if rest > 0 {
                format!(" and {rest} more")
            } else {
                String::new()
            };
            let known: Vec<_> = named.iter().filter_map(|seen| seen.known).take(1).collect();
            let known = known.first().map_or(String::new(), |bug| format!("; known bug: {bug}"));
            lines.push(format!("after {word} {}{more}{known}", ids.join(", ")));
        }
        if let Some(mutants) = &self.mutants {
            let odd = match mutants.disagreements {
                0 => String::new(),
                count => format!("; {count} against the judge"),
            };
            lines.push(format!(
                "mutants of after in {}: {} of {} mistakes show here, the rest only to the judge{odd}",
                mutants.check.id(),
                mutants.shown,
                mutants.mistakes
            ));
        }
        lines
    }
}

impl Trials {
    /// Returns the check whose failure should be told, and whether it is one of the side after.
    pub fn to_tell(&self) -> Option<(Check, bool)> {
        let failed = |class: Option<Class>| class == Some(Class::Fail);
        let after = self.seen.iter().find(|seen| failed(seen.after) && seen.known.is_none());
        let before = self.seen.iter().find(|seen| failed(seen.before));
        after
            .map(|seen| (seen.check, true))
            .or(before.map(|seen| (seen.check, false)))
    }
}

/// Returns the sides that can be run: whole sequences.
pub fn sides(change: &Evaluated) -> Vec<(&'static str, &SideVerdict)> {
    let both = [("before", &change.before), ("after", &change.after)];
    both.into_iter()
        .filter_map(|(name, side)| Some((name, side.as_ref()?)))
        .filter(|(_, side)| !side.is_part)
        .collect()
}

/// Returns the checks about what a change is about.
pub fn fitting(wanted: &Question, sequence: &Sequence) -> Vec<Check> {
    let others = |observers: Observers| observers != Observers::ThisPe;
    let fits = |check: &Check| {
        let asked = question(*check);
        asked.regime == wanted.regime
            && asked.stage == wanted.stage
            && others(asked.observers) == others(wanted.observers)
            && asked.host == wanted.host
            && is_about(*check, sequence)
    };
    Check::ALL.into_iter().filter(fits).collect()
}

/// Returns the check in which the mutants of a sequence are most telling: of the same change, if there is one.
pub fn mutants_check(wanted: &Question, sequence: &Sequence) -> Option<Check> {
    let enough = |check: &Check| is_enough(*check, sequence) == Some(true);
    let mut all: Vec<Check> = fitting(wanted, sequence).into_iter().filter(enough).collect();
    let distance = |check: &Check| {
        let change = question(*check).change;
        match (change == wanted.change, change) {
            (true, _) => 0,
            (false, Change::Invalidate) => 1,
            (false, _) => 2,
        }
    };
    all.sort_by_key(distance);
    all.first().copied()
}

/// Returns evidence in lines: each machine's, or the sum of stored runs where there are many.
pub fn trial_lines(all: &[Trials], long: bool) -> Vec<String> {
    const MANY: usize = 3;
    if long || all.len() < MANY {
        return all.iter().flat_map(Trials::lines).collect();
    }
    let mut lines = Vec::new();
    for (simulator, kind) in [(false, "on hardware"), (true, "on simulators")] {
        let of: Vec<&Trials> = all.iter().filter(|trials| trials.simulator == simulator).collect();
        if of.is_empty() {
            continue;
        }
        let side = |after: bool| {
            let parts: Vec<String> = [Class::Fail, Class::Pass, Class::NotObservable]
                .into_iter()
                .map(|class| (of.iter().map(|trials| trials.count(after, class)).sum::<usize>(), class))
                .filter(|(count, _)| *count > 0)
                .map(|(count, class)| format!("{count} {}", class.id()))
                .collect();
            parts.join(" + ")
        };
        let mut line = format!("{} runs {kind}", of.len());
        for (name, after) in [("before", false), ("after", true)] {
            let counts = side(after);
            if !counts.is_empty() {
                line += &format!("; {name} {counts}");
            }
        }
        lines.push(line);
        let failed: Vec<&str> = of
            .iter()
            .filter(|trials| trials.count(true, Class::Fail) > 0)
            .map(|trials| trials.machine.as_str())
            .collect();
        if let Some(first) = failed.first() {
            lines.push(format!("after fails in {} of them, such as {first}", failed.len()));
        }
    }
    lines
}

/// Returns whether a change is worth running: a side is whole and decided.
pub fn is_worth_running(change: &Evaluated) -> bool {
    sides(change).iter().any(|(_, side)| side.verdict != Verdict::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sequences::judge::{After, Regime};

    fn local() -> Question {
        Question::new(Change::RemoveTable, Regime::El2, Observers::ThisPe, After::FetchHere)
    }

    #[test]
    fn checks_fit_by_regime_and_observers() {
        let sequence: Sequence = "dsb nshst; tlbi alle2; dsb nsh; isb".parse().unwrap();
        let ids: Vec<_> = fitting(&local(), &sequence).into_iter().map(Check::id).collect();
        assert!(
            ids.contains(&"identity_el2") && !ids.iter().any(|id| id.starts_with("mp_")),
            "{ids:?}"
        );
        let inner = Question {
            observers: Observers::Inner,
            ..local()
        };
        let ids: Vec<_> = fitting(&inner, &sequence).into_iter().map(Check::id).collect();
        assert!(ids.contains(&"mp_rt_el2") && !ids.contains(&"identity_el2"), "{ids:?}");
        let check = mutants_check(&local(), &sequence).unwrap();
        assert_eq!(question(check).change, Change::RemoveTable);
    }

    #[test]
    fn a_pass_is_told_apart_from_nothing_shown() {
        let seen = |id: &str, after| Seen {
            check: Check::from_id(id).unwrap(),
            before: Some(Class::Pass),
            after: Some(after),
            known: None,
        };
        let mut trials = Trials {
            machine: "QEMU".into(),
            simulator: true,
            seen: vec![
                seen("cowinvt_el2", Class::Pass),
                seen("identity_el2", Class::NotObservable),
            ],
            mutants: None,
            story: None,
        };
        let lines = trials.lines();
        assert_eq!(
            lines[0],
            "QEMU (simulator): before 2 pass, after 1 pass + 1 not_observable"
        );
        assert_eq!(lines[1], "after nothing can be shown in identity_el2");
        assert!(!trials.is_failure());
        trials.seen[0].after = Some(Class::Fail);
        assert!(trials.is_failure());
        trials.seen[0].known = Some("a bug");
        assert!(!trials.is_failure() && trials.lines()[1].ends_with("known bug: a bug"));
    }
}
