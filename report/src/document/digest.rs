// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is in a folded section, in a few words: whether it is worth unfolding.

use results::verdict::Class;

use super::checks::classes;
use super::headline::class_counts;
use crate::model::Summary;
use crate::number::{grouped, plural};

/// Says how many sequences there are.
pub fn sequences(summary: &Summary) -> String {
    let planned = &summary.manifest.plan.sequences;
    let own = planned.iter().filter(|sequence| sequence.aa_of.is_none());
    plural(own.count() as u64, "sequence", "sequences")
}

/// Says what is told of the timing.
pub fn timing(summary: &Summary) -> String {
    let samples: u64 = summary.series.iter().filter_map(|s| s.stats).map(|s| s.samples).sum();
    match samples {
        0 => String::new(),
        samples => format!(
            "medians, percentiles, ratios, shifts, spread and drift of {} samples",
            grouped(samples)
        ),
    }
}

/// Says under how many conditions was timed.
pub fn conditions(summary: &Summary) -> String {
    match summary.sweeps.is_empty() {
        true => "counters beside the clock".to_owned(),
        false => String::new(),
    }
}

/// Says how the checks ended.
pub fn checks(summary: &Summary) -> String {
    let classes: Vec<Class> = classes(summary).collect();
    class_counts(&classes)
}

/// Says what the boot path proved.
pub fn boot(summary: &Summary) -> String {
    let holds = summary.proofs.iter().filter(|proof| proof.holds).count() as u64;
    let phases = plural(summary.boot.len() as u64, "phase", "phases");
    match summary.proofs.len() as u64 {
        0 => phases,
        all => format!(
            "{phases}; {} of {} hold",
            grouped(holds),
            plural(all, "proof", "proofs")
        ),
    }
}

/// Says what arrived.
pub fn stream(summary: &Summary) -> String {
    let s = &summary.manifest.stream;
    format!(
        "{}, {} lost, {} damaged",
        plural(s.lines, "line", "lines"),
        grouped(s.lost_lines),
        grouped(s.damaged)
    )
}
