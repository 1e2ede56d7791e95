// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a reader should know before believing a number.

use report::model::{Part, Summary};
use report::number::{percent, plural, ratio_interval};
use results::record::Event;

/// Batch medians that move by more than this over a run are worth a word.
const DRIFT: f64 = 0.05;
/// A sequence and its copy may differ by this much by chance without a word: one interval in 20 excludes 1.
const UNEQUAL: f64 = 0.01;
/// A noise floor above this hides what most patches change.
const NOISE: f64 = 0.10;

/// Returns the warnings of a run, one sentence each.
pub fn of(summary: &Summary) -> Vec<String> {
    let mut warnings = Vec::new();
    let naming = summary.naming();
    if summary.manifest.simulator && summary.manifest.plan.deterministic {
        warnings.push("deterministic run: the simulator counts instructions here, not time".to_owned());
    }
    if summary.series.iter().any(|series| series.event == Event::TimerTicks) {
        warnings.push("no PMU: counted in ticks of the generic timer, which are coarser than cycles".to_owned());
    }
    if !summary.series.is_empty() {
        if !summary.series.iter().any(|series| series.part == Part::Empty) {
            warnings.push("the empty frame was not measured, so no overhead is subtracted".to_owned());
        }
        if !summary.series.iter().any(|series| series.part == Part::Baseline) {
            warnings.push("no sequence is the baseline, so nothing is compared".to_owned());
        }
    }
    for series in &summary.series {
        let name = naming.of(series);
        if series.short_batches > 0 {
            let batches = plural(series.short_batches, "batch", "batches");
            warnings.push(format!("{name}: {batches} left out because samples were lost"));
        }
        if let Some(drift) = series
            .stats
            .and_then(|stats| stats.drift)
            .filter(|drift| drift.abs() > DRIFT)
        {
            let (way, by) = (if drift > 0.0 { "rises" } else { "falls" }, percent(drift.abs()));
            warnings.push(format!(
                "{name}: the batch median {way} by {by} from the first to the last third of the run"
            ));
        }
    }
    for twin in summary.comparisons.iter().filter(|comparison| comparison.is_twin) {
        let name = naming.name(&twin.baseline, twin.pe, twin.event);
        if let Some(ratio) = twin.net.or(twin.raw)
            && twin.noise_floor.is_some_and(|floor| floor > UNEQUAL)
            && !(ratio.interval.low..=ratio.interval.high).contains(&1.0)
        {
            let ratio = ratio_interval(&ratio);
            warnings.push(format!(
                "{name}: differs from its own copy, ratio {ratio}; the noise floor accounts for it"
            ));
        }
        if let Some(floor) = twin.noise_floor.filter(|&floor| floor > NOISE) {
            warnings.push(format!(
                "{name}: the noise floor of {} hides smaller differences",
                percent(floor)
            ));
        }
    }
    warnings
}
