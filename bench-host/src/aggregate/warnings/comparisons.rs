// SPDX-License-Identifier: MIT OR Apache-2.0
//! Warnings about comparisons: what cannot be said, and why.

use report::model::{Comparison, Finding, Summary};
use report::number::{percent, plural, ratio_interval};

use super::few;

/// A sequence and its copy may differ by this much by chance without a word: one interval in 20 excludes 1.
const UNEQUAL: f64 = 0.01;
/// A noise floor above this hides what most patches change.
const NOISE: f64 = 0.10;
/// Consecutive batch ratios correlated by more than this make an interval too narrow by a third or more.
const CORRELATED: f64 = 0.3;

/// Says where there are too few batches for a finding.
pub fn too_few(summary: &Summary) -> Vec<String> {
    let mut warnings: Vec<String> = summary
        .comparisons
        .iter()
        .filter(|comparison| !comparison.is_twin)
        .filter_map(|comparison| match comparison.finding {
            Finding::TooFewSamples { have, need } => Some(format!(
                "too few samples: {} paired where {need} are needed for {}; raise --iterations or lower --batch",
                plural(have, "batch is", "batches are"),
                plural(comparison.family, "comparison", "comparisons")
            )),
            _ => None,
        })
        .collect();
    warnings.dedup();
    warnings
}

/// Says what the A/A twins show.
pub fn twins(summary: &Summary) -> Vec<String> {
    let naming = summary.naming();
    let mut warnings = Vec::new();
    for twin in summary.comparisons.iter().filter(|comparison| comparison.is_twin) {
        let name = naming.name(&twin.baseline, twin.pe, twin.event);
        if let Some(ratio) = twin.ratio()
            && twin.noise_floor.is_some_and(|floor| floor > UNEQUAL)
            && !(ratio.interval.low..=ratio.interval.high).contains(&1.0)
        {
            let ratio = ratio_interval(ratio);
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

/// Says which effects the noise floor is above.
pub fn within_noise(summary: &Summary) -> Vec<String> {
    let naming = summary.naming();
    let hidden = summary
        .comparisons
        .iter()
        .filter(|comparison| !comparison.is_twin && comparison.finding == Finding::WithinNoise);
    let said: Vec<String> = hidden
        .filter_map(|comparison| {
            let by = (comparison.ratio()?.estimate - 1.0).abs();
            let floor = percent(comparison.noise_floor?);
            Some(format!(
                "{} ({} of {floor})",
                naming.of_comparison(comparison),
                percent(by)
            ))
        })
        .collect();
    if said.is_empty() {
        return Vec::new();
    }
    vec![format!(
        "noise floor above the effect, so no difference is claimed: {}",
        few(&said)
    )]
}

/// Says which comparisons are of a local sequence and a broadcast one, where a hypervisor may have made them alike.
pub fn local_against_broadcast(summary: &Summary) -> Vec<String> {
    let naming = summary.naming();
    let scope = |id: &str| summary.manifest.scope_of(id);
    let unlike = summary
        .comparisons
        .iter()
        .filter(|comparison| scope(&comparison.baseline) != scope(&comparison.seq));
    let said: Vec<String> = unlike.map(|comparison| naming.of_comparison(comparison)).collect();
    if said.is_empty() {
        return Vec::new();
    }
    vec![format!(
        "local against broadcast, which a hypervisor may have made alike, so no conclusion about scope: {}",
        few(&said)
    )]
}

/// Says where consecutive batches were not independent.
pub fn correlated(summary: &Summary) -> Vec<String> {
    let naming = summary.naming();
    let above = |comparison: &&Comparison| {
        // Three standard errors: one in 700 by chance.
        let chance = comparison.raw.map_or(1.0, |ratio| 3.0 / (ratio.batches as f64).sqrt());
        comparison.correlation.is_some_and(|r| r > chance.max(CORRELATED))
    };
    let said: Vec<String> = summary
        .comparisons
        .iter()
        .filter(above)
        .filter_map(|comparison| {
            let r = comparison.correlation?;
            let factor = ((1.0 + r) / (1.0 - r)).sqrt();
            Some(format!("{} (by about {factor:.1})", naming.of_comparison(comparison)))
        })
        .collect();
    if said.is_empty() {
        return Vec::new();
    }
    vec![format!(
        "consecutive batches are not independent, so the interval is too narrow: {}",
        few(&said)
    )]
}
