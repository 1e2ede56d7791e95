// SPDX-License-Identifier: MIT OR Apache-2.0
//! What checks saw of the two sides of a change, on this machine or in stored runs.
//!
//! A check fits a change if it is about the same regime and stage, and the entry is held by the same kind of PEs. Its
//! class says what was shown: a pass only where the bad control was stale, and `not_observable` where nothing could be.

use crate::check::mutants::{Fate, Fates};
use crate::check::question::{is_about, question};
use crate::check::tally::Case;
use crate::review::evaluate::{Evaluated, SideVerdict};
use report::model::Summary;
use results::check::Check;
use results::verdict::Class;
use sequences::Sequence;
use sequences::judge::{Change, Observers, Question, Verdict};

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
}

impl Mutants {
    /// Sums up the fates of mutants.
    pub fn of(check: Check, fates: &Fates) -> Self {
        let count = |wanted: &[Fate]| fates.iter().filter(|(_, fate)| wanted.contains(fate)).count();
        Self {
            check,
            mistakes: count(&[Fate::KilledByRun, Fate::KilledByJudge]),
            shown: count(&[Fate::KilledByRun]),
            disagreements: count(&[Fate::Disagreement]),
        }
    }
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
    let enough = |check: &Check| crate::check::question::is_enough(*check, sequence) == Some(true);
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

/// Puts cases of a run beside each other; `before` and `after` are the ids of the sides.
pub fn seen(cases: &[Case], before: &str, after: &str) -> Vec<Seen> {
    let mut all: Vec<Seen> = Vec::new();
    for case in cases.iter().filter(|case| case.seq == before || case.seq == after) {
        let at = all.iter().position(|seen| seen.check == case.check).unwrap_or_else(|| {
            all.push(Seen {
                check: case.check,
                before: None,
                after: None,
                known: None,
            });
            all.len() - 1
        });
        if case.seq == before {
            all[at].before = Some(case.class);
        }
        if case.seq == after {
            all[at].after = Some(case.class);
            all[at].known = case.known;
        }
    }
    all
}

/// Returns what stored runs saw of a change.
pub fn stored(runs: &[Summary], change: &Evaluated) -> Vec<Trials> {
    let mut all = Vec::new();
    for run in runs {
        let id = |side: &Option<SideVerdict>| {
            let wanted = &side.as_ref().filter(|side| !side.is_part)?.sequence;
            let same = |text: &str| text.parse::<Sequence>().is_ok_and(|known| known == *wanted);
            let known = run.manifest.plan.sequences.iter().find(|known| same(&known.text))?;
            Some(known.id.clone())
        };
        let (before, after) = (id(&change.before), id(&change.after));
        let mut list: Vec<Seen> = Vec::new();
        for check in &run.checks {
            let Some(known) = Check::from_id(&check.id) else {
                continue;
            };
            let class = |id: &Option<String>| {
                let rows = || check.rows.iter();
                id.as_ref()
                    .and_then(|id| Some(rows().find(|row| row.seq == *id)?.class))
            };
            let (before, after) = (class(&before), class(&after));
            let fits = sides(change)
                .iter()
                .any(|(_, side)| fitting(&change.question, &side.sequence).contains(&known));
            if fits && (before.is_some() || after.is_some()) {
                list.push(Seen {
                    check: known,
                    before,
                    after,
                    known: None,
                });
            }
        }
        if !list.is_empty() {
            all.push(Trials {
                machine: run.name.clone(),
                simulator: run.manifest.simulator,
                seen: list,
                mutants: None,
            });
        }
    }
    all
}

/// Returns evidence in lines: each machine's, or the sum of stored runs where there are many.
pub fn lines(all: &[Trials], long: bool) -> Vec<String> {
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
