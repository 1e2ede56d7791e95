// SPDX-License-Identifier: MIT OR Apache-2.0
//! What several runs say together, in words.

use results::manifest::HARDWARE_LABEL;
use results::verdict::Class;

use super::pairs::{Found, pairs};
use crate::document::headline::class_counts;
use crate::document::{checks, mutants};
use crate::model::{Ratio, Summary};
use crate::number::{grouped, percent, plural, ratio, ratio_and_floor};

/// Pairs of sequences, and machines with mutants, that get a sentence each.
const PAIRS: usize = 3;

/// Returns what the runs say together: each pair of sequences over all runs with one label, the checks, the mutants.
pub fn sentences(runs: &[Summary], names: &[String], labels: &[&str]) -> Vec<String> {
    let mut sentences = Vec::new();
    for label in labels {
        let end = match *label {
            HARDWARE_LABEL => String::new(),
            label => format!(" [{label}]"),
        };
        let mut tested = pairs(runs, names, label);
        tested.retain(|(_, all)| !all[0].comparison.is_twin);
        for (pair, all) in tested.iter().take(PAIRS) {
            sentences.push(format!("{pair}: {}{end}.", over_runs(all)));
        }
        if tested.len() > PAIRS {
            let more = plural((tested.len() - PAIRS) as u64, "further pair is", "further pairs are");
            sentences.push(format!("{more} in the tables{end}."));
        }
    }
    let classes: Vec<Class> = runs.iter().flat_map(checks::classes).collect();
    if !classes.is_empty() {
        let with = runs.iter().filter(|run| checks::classes(run).next().is_some()).count();
        sentences.push(format!(
            "Checks: of {} in {}, {}.",
            grouped(classes.len() as u64),
            plural(with as u64, "run", "runs"),
            class_counts(&classes)
        ));
    }
    let mut scores = mutants::scores(runs);
    let more = scores.len().saturating_sub(PAIRS) as u64;
    scores.truncate(PAIRS);
    sentences.extend(scores);
    if more > 0 {
        sentences.push(format!(
            "Mutants ran on {}.",
            plural(more, "further machine", "further machines")
        ));
    }
    sentences
}

/// Says how often what was found about a pair of sequences, and how far apart the ratios are.
fn over_runs(all: &[Found<'_>]) -> String {
    let mut found: Vec<(&str, u64)> = Vec::new();
    for one in all {
        let word = one.comparison.word(one.run.wording()).0;
        match found.iter_mut().find(|(known, _)| *known == word) {
            Some((_, n)) => *n += 1,
            None => found.push((word, 1)),
        }
    }
    let words = match &found[..] {
        [(word, _)] if all.len() == 1 => (*word).to_owned(),
        [(word, n)] => format!("{word} in all {n} comparisons"),
        several => {
            let each: Vec<String> = several.iter().map(|(word, n)| format!("{word} in {n}")).collect();
            format!("{} of {} comparisons", each.join(", "), all.len())
        }
    };
    let ratios: Vec<Ratio> = all
        .iter()
        .filter_map(|one| one.comparison.net.or(one.comparison.raw))
        .collect();
    let floor = all
        .iter()
        .filter_map(|one| one.comparison.noise_floor)
        .fold(0.0, f64::max);
    let low = ratios
        .iter()
        .map(|ratio| ratio.interval.low)
        .fold(f64::INFINITY, f64::min);
    let high = ratios.iter().map(|ratio| ratio.interval.high).fold(0.0, f64::max);
    // Three decimals would round away what makes a ratio differ from 1.
    let four = |value: f64| {
        if value < 100.0 {
            format!("{value:.4}")
        } else {
            ratio(value)
        }
    };
    match &ratios[..] {
        [] => words,
        [one] => format!("{words} ({})", ratio_and_floor(one, Some(floor))),
        _ => format!(
            "{words} (all intervals of the ratio lie in [{}, {}]; A/A noise floor up to {})",
            four(low),
            four(high),
            percent(floor)
        ),
    }
}
