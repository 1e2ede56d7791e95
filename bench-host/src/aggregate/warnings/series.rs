// SPDX-License-Identifier: MIT OR Apache-2.0
//! Warnings about series by themselves, and about the clock they were timed with.

use report::model::{Modes, Part, Series, Summary};
use report::number::{count, grouped, percent, plural};

use super::few;

/// Batch medians that move by more than this over a run are worth a word.
const DRIFT: f64 = 0.05;
/// So is a cycle counter whose frequency varies by more than this against the generic timer.
const CLOCK: f64 = 0.02;
/// Modes of which every batch has its part: between these shares, batches as a whole are of one or the other.
const SWITCHING: std::ops::RangeInclusive<f64> = 0.1..=0.9;

/// Says which clocks did not keep their frequency.
pub fn clocks(summary: &Summary) -> Vec<String> {
    let several = summary.clocks.len() > 1;
    let unstable = summary.clocks.iter().filter(|clock| clock.spread > CLOCK);
    unstable
        .map(|clock| {
            let of = |pick: fn(f64, f64) -> f64| {
                let hertz = clock.frequencies.iter().map(|&(_, hertz)| hertz).reduce(pick);
                count(hertz.unwrap_or(clock.median) / 1e6)
            };
            let pe = if several { format!(" of PE {}", clock.pe) } else { String::new() };
            format!(
                "unstable clock: the cycle counter{pe} ran at {} to {} MHz against the generic timer, so a cycle is not \
                 the same time throughout the run; ratios are of cycles",
                of(f64::min),
                of(f64::max)
            )
        })
        .collect()
}

/// Says what was left out.
pub fn lost(summary: &Summary) -> Vec<String> {
    let naming = summary.naming();
    let lost = summary.series.iter().filter(|series| series.short_batches > 0);
    lost.map(|series| {
        let batches = plural(series.short_batches, "batch", "batches");
        format!("{}: {batches} left out because samples were lost", naming.of(series))
    })
    .collect()
}

/// Says which series moved over the run, and whether all moved together.
pub fn drift(summary: &Summary) -> Vec<String> {
    let naming = summary.naming();
    let drift = |series: &Series| series.stats.and_then(|stats| stats.drift);
    let mut sources: Vec<_> = summary.series.iter().map(|s| (s.pe, s.event)).collect();
    sources.dedup();
    let mut warnings = Vec::new();
    for source in sources {
        let here = || summary.series.iter().filter(move |s| (s.pe, s.event) == source);
        // The empty frame is too short to be moved by what moves the others, but must not move the other way.
        let timed: Vec<f64> = here().filter(|s| s.part != Part::Empty).filter_map(drift).collect();
        let together =
            timed.len() > 2 && (timed.iter().all(|&drift| drift > DRIFT) || timed.iter().all(|&drift| drift < -DRIFT));
        if together {
            let pe = if naming.pe {
                format!(" on PE {}", source.0)
            } else {
                String::new()
            };
            let ends = |pick: fn(f64, f64) -> f64| timed.iter().map(|drift| drift.abs()).reduce(pick).unwrap_or(0.0);
            warnings.push(format!(
                "unstable clock or busy machine: all sequences{pe} {} together, by {} to {}, from the first to the last \
                 third of the run; ratios are paired by batch and keep it out, medians do not",
                if timed[0] > 0.0 { "rise" } else { "fall" },
                percent(ends(f64::min)),
                percent(ends(f64::max)),
            ));
            continue;
        }
        let moved = here().filter_map(|series| Some((series, drift(series)?)));
        let said: Vec<String> = moved
            .filter(|(_, drift)| drift.abs() > DRIFT)
            .map(|(series, drift)| {
                let way = if drift > 0.0 { "rises" } else { "falls" };
                format!("{} {way} by {}", naming.of(series), percent(drift.abs()))
            })
            .collect();
        if !said.is_empty() {
            let said = few(&said);
            warnings.push(format!(
                "the batch median moves from the first to the last third of the run: {said}"
            ));
        }
    }
    warnings
}

/// Says which series have two modes.
pub fn modes(summary: &Summary) -> Vec<String> {
    let naming = summary.naming();
    let found = summary.series.iter().filter_map(|series| {
        let modes = series.stats?.modes?;
        Some(format!("{} {}", naming.of(series), two(&modes)))
    });
    let said: Vec<String> = found.collect();
    if said.is_empty() {
        return Vec::new();
    }
    vec![format!(
        "two modes, of which one median describes neither: {}",
        few(&said)
    )]
}

fn two(modes: &Modes) -> String {
    let switching = match SWITCHING.contains(&modes.upper_batches) {
        true => "whole batches",
        false => "within batches",
    };
    format!(
        "{} and, in {} of the samples, {} ({switching})",
        grouped(modes.low),
        percent(modes.upper_share),
        grouped(modes.high)
    )
}
