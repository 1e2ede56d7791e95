// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is said of a sequence beside the baseline under one condition.

use results::record::Event;

use crate::model::{BaselineRatio, Part, Summary, Sweep};
use crate::number::ratio_and_floor;
use crate::table::Tone;
use crate::wording::Wording;

/// Returns what the finding is called, and how it is meant.
pub fn verdict(baseline_ratio: &BaselineRatio, wording: Wording) -> (&'static str, Tone) {
    baseline_ratio.finding.wording(wording)
}

/// Returns ratio and noise floor in words.
pub fn numbers(baseline_ratio: &BaselineRatio) -> String {
    match &baseline_ratio.ratio {
        Some(ratio) => ratio_and_floor(ratio, baseline_ratio.noise_floor),
        None => "no ratio".to_owned(),
    }
}

/// Says what may be said: `faster (ratio ..., A/A noise floor ...)`.
pub fn words(baseline_ratio: &BaselineRatio, wording: Wording) -> String {
    format!("{} ({})", verdict(baseline_ratio, wording).0, numbers(baseline_ratio))
}

/// Returns the id of the baseline that sweeps of a PE are held against.
pub fn baseline(summary: &Summary, pe: u32, event: Event) -> Option<&str> {
    let same = |other: &&Sweep| (other.pe, other.event) == (pe, event) && other.part == Part::Baseline;
    summary.sweeps.iter().find(same).map(|sweep| sweep.seq.as_str())
}
