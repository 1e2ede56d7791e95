// SPDX-License-Identifier: MIT OR Apache-2.0
//! What checks saw of the two sides of a change, gathered from a machine's cases and from stored runs.

use report::model::{Fate, Summary};
use results::check::Check;
use review::evaluate::{Evaluated, SideVerdict};
use review::evidence::{Mutants, Seen, Trials, fitting, sides};
use sequences::Sequence;

use crate::check::mutants::Fates;
use crate::check::tally::Case;

/// Sums up the fates of mutants.
pub fn mutants(check: Check, fates: &Fates) -> Mutants {
    let count = |wanted: &[Fate]| fates.iter().filter(|(_, fate)| wanted.contains(fate)).count();
    Mutants {
        check,
        mistakes: count(&[Fate::CaughtByRun, Fate::CaughtByJudge]),
        shown: count(&[Fate::CaughtByRun]),
        disagreements: count(&[Fate::Disagreement]),
    }
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
                story: None,
            });
        }
    }
    all
}
