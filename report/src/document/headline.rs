// SPDX-License-Identifier: MIT OR Apache-2.0
//! The result in words.

use results::manifest::HARDWARE_LABEL;
use results::verdict::Class;

use super::Block;
use crate::model::{Comparison, Finding, Net, Part, Summary};
use crate::number::{count, percent, plural, ratio_interval};
use crate::table::Tone;

/// Returns the first section: banners, the result, the warnings.
pub fn blocks(summary: &Summary) -> Vec<Block> {
    let mut blocks = Vec::new();
    if !summary.reservations.is_empty() {
        let mut lines = summary.reservations.clone();
        let stream = &summary.manifest.stream;
        lines.push(format!(
            "{} lost, {} damaged",
            plural(stream.lost_lines, "line", "lines"),
            stream.damaged
        ));
        blocks.push(Block::Banner {
            tone: Tone::Bad,
            title: "INCOMPLETE: these numbers are not a result".to_owned(),
            lines,
        });
    }
    if summary.label() != HARDWARE_LABEL {
        let words = match summary.manifest.simulator {
            true => {
                "Counts come from a simulator. They say nothing about how long a sequence takes on hardware; the checks \
                 below do test what the simulator models."
            }
            false => "Where these counts come from was not stated, so they are no evidence of timing on any machine.",
        };
        blocks.push(Block::Banner {
            tone: Tone::Care,
            title: summary.label().to_owned(),
            lines: vec![words.to_owned()],
        });
    }
    blocks.extend(headline(summary).into_iter().map(Block::Lead));
    if !summary.warnings.is_empty() {
        blocks.push(Block::List(
            summary.warnings.iter().map(|w| format!("Note: {w}.")).collect(),
        ));
    }
    blocks
}

/// Returns the result: one sentence on timing per comparison (the first few), one on the checks, one on the proofs.
pub fn headline(summary: &Summary) -> Vec<String> {
    const MOST: usize = 4;
    let naming = summary.naming();
    let tested: Vec<&Comparison> = summary.comparisons.iter().filter(|c| !c.is_twin).collect();
    // The first sentence is the one that gets quoted elsewhere, so it carries what must not be left behind.
    let so_far = if summary.reservations.is_empty() {
        ""
    } else {
        "So far, "
    };
    let label = match summary.label() {
        HARDWARE_LABEL => String::new(),
        label => format!(" [{label}]"),
    };
    let sentence = |c: &&Comparison| {
        let name = naming.of_comparison(c);
        format!("{so_far}{name} beside {}: {}{label}.", c.baseline, finding(c))
    };
    let mut sentences: Vec<String> = tested.iter().take(MOST).map(sentence).collect();
    if tested.len() > MOST {
        sentences.push(format!(
            "{} are in the tables.",
            plural(
                (tested.len() - MOST) as u64,
                "further comparison",
                "further comparisons"
            )
        ));
    }
    if tested.is_empty() {
        sentences.extend(alone(summary).map(|text| format!("{text}{label}.")));
    }
    sentences.push(checks_line(summary));
    if !summary.proofs.is_empty() {
        let holds = summary.proofs.iter().filter(|proof| proof.holds).count();
        sentences.push(match summary.proofs.len() {
            all if all == holds => format!("Boot path: {holds} of {} hold.", plural(all as u64, "proof", "proofs")),
            all => format!("Boot path: {} of {all} proofs FAILED.", all - holds),
        });
    }
    sentences
}

/// Returns the medians when there is nothing to compare.
fn alone(summary: &Summary) -> Option<String> {
    let timed = summary.series.iter().filter(|series| series.part != Part::Empty);
    let parts: Vec<String> = timed
        .filter_map(|series| {
            let net = match series.stats?.net {
                Net::Resolved(net) => format!("{} {} net", count(net), series.event.id()),
                Net::BelowResolution(_) => "below resolution".to_owned(),
                Net::NoFrame | Net::IsFrame => format!("{} {} raw", count(series.stats?.median), series.event.id()),
            };
            Some(format!("{} {net}", series.seq))
        })
        .take(6)
        .collect();
    (!parts.is_empty()).then(|| format!("Medians: {}", parts.join(", ")))
}

/// Says what may be said about a comparison, with the ratio, its interval and the noise floor.
pub fn finding(c: &Comparison) -> String {
    let ratio = c.net.or(c.raw);
    let numbers = match (ratio, c.noise_floor) {
        (Some(ratio), Some(floor)) => format!("ratio {}, A/A noise floor {}", ratio_interval(&ratio), percent(floor)),
        (Some(ratio), None) => format!("ratio {}", ratio_interval(&ratio)),
        (None, _) => String::new(),
    };
    let by = ratio.map_or(String::new(), |ratio| percent((ratio.estimate - 1.0).abs()));
    match c.finding {
        Finding::Faster => format!("faster by {by} ({numbers})"),
        Finding::Slower => format!("slower by {by} ({numbers})"),
        Finding::Indistinguishable if c.is_within_noise() => {
            format!("indistinguishable: the noise floor is above the effect of {by} ({numbers})")
        }
        Finding::Indistinguishable => format!("indistinguishable ({numbers})"),
        Finding::BelowResolution => "below resolution: no more than the spread of the empty frame is left".to_owned(),
        Finding::TooFewSamples { have, need } => {
            format!(
                "too few samples: {} paired, {need} needed for {}",
                plural(have, "batch", "batches"),
                plural(c.family, "comparison", "comparisons")
            )
        }
        Finding::NoNoiseFloor if ratio.is_some() => format!("no claim without a noise floor ({numbers})"),
        Finding::NoNoiseFloor => "no claim without a noise floor".to_owned(),
    }
}

/// Says how many checks ended how, in one sentence.
pub fn checks_line(summary: &Summary) -> String {
    let total = summary.classes().count();
    if total == 0 {
        return "No check was made.".to_owned();
    }
    let of = |class: Class| summary.classes().filter(|&other| other == class).count();
    let words = [
        (Class::Fail, "FAIL"),
        (Class::Pass, "pass"),
        (Class::NotObservable, "not observable here"),
        (Class::Skipped, "skipped"),
    ];
    let parts: Vec<String> = words
        .into_iter()
        .filter(|&(class, _)| of(class) > 0)
        .map(|(class, words)| format!("{} {words}", of(class)))
        .collect();
    format!("Checks: of {total}, {}.", parts.join(", "))
}
