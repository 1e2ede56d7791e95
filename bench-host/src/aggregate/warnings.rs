// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a reader should know before believing a number.

mod checks;
mod comparisons;
mod conditions;
mod series;

use report::model::{Part, Summary};
use report::number::grouped;
use results::order::Places;
use results::record::Event;

/// Most names in one sentence; the others are counted.
const NAMED: usize = 3;

/// Returns the warnings of a run, one sentence each.
pub fn of(summary: &Summary) -> Vec<String> {
    let mut warnings = checks::known_bugs(summary);
    warnings.extend(general(summary));
    warnings.extend(series::clocks(summary));
    warnings.extend(conditions::not_counted(summary));
    warnings.extend(conditions::missing_scenarios(summary));
    warnings.extend(series::lost(summary));
    warnings.extend(series::drift(summary));
    warnings.extend(series::modes(summary));
    warnings.extend(comparisons::too_few(summary));
    warnings.extend(comparisons::twins(summary));
    warnings.extend(comparisons::within_noise(summary));
    warnings.extend(comparisons::correlated(summary));
    warnings.extend(comparisons::local_against_broadcast(summary));
    warnings
}

fn general(summary: &Summary) -> Vec<String> {
    let mut warnings = Vec::new();
    if summary.manifest.simulator && summary.manifest.plan.deterministic {
        warnings.push("deterministic run: the simulator counts instructions here, not time".to_owned());
    }
    if summary.series.iter().any(|series| series.event == Event::TimerTicks) {
        warnings.push("no PMU: counted in ticks of the generic timer, which are coarser than cycles".to_owned());
    }
    for sequence in &summary.manifest.plan.sequences {
        if let Some(reason) = &sequence.skipped {
            warnings.push(format!("{}: not run, {reason}", sequence.id));
        }
    }
    if !summary.series.is_empty() {
        if !summary.series.iter().any(|series| series.part == Part::Empty) {
            warnings.push("the empty frame was not measured, so no overhead is subtracted".to_owned());
        }
        if !summary.series.iter().any(|series| series.part == Part::Baseline) {
            warnings.push("no sequence is the baseline, so nothing is compared".to_owned());
        }
        let plan = &summary.manifest.plan;
        if plan.measure.places == Places::Run && !plan.deterministic && !summary.comparisons.is_empty() {
            warnings.push(
                "each sequence stood at one place in memory for the whole run, so a small difference may be that of \
                 places, which the noise floor need not show"
                    .to_owned(),
            );
        }
    }
    warnings
}

/// Joins what is said of several sequences: all if they are few, else the first ones and how many more.
fn few(said: &[String]) -> String {
    match said.len() {
        n if n > NAMED + 1 => format!("{} and {} more", said[..NAMED].join("; "), grouped((n - NAMED) as u64)),
        _ => said.join("; "),
    }
}
