// SPDX-License-Identifier: MIT OR Apache-2.0
//! The statistics of every series by itself.

use report::model::{Interval, Modes, Net, Part, Series, Statistics};
use results::manifest::Manifest;
use results::plan::EMPTY_FRAME;
use results::record::Event;
use results::scenario::Scenario;

use super::samples::Collected;
use stats::bootstrap::SplitMix64;
use stats::overhead::{self, Overhead};
use stats::{Histogram, batch, median_interval, modes, moments};

/// Modes no farther apart than this many times those of the empty frame say something about the counter only.
const BEYOND_FRAME: f64 = 1.5;

/// Computes the plain series of a clock, in the order of the plan, the empty frame first.
pub fn evaluate(collected: &[Collected], manifest: &Manifest) -> Vec<Series> {
    let plain = |c: &&Collected| c.scenario == Scenario::PLAIN && c.event.number().is_none();
    let mut collected: Vec<&Collected> = collected.iter().filter(plain).collect();
    let place = |seq: &str| {
        let found = manifest.plan.sequences.iter().position(|planned| planned.id == seq);
        found.unwrap_or(usize::MAX)
    };
    collected.sort_by_key(|c| (c.pe, c.event, !is_empty_frame(&c.seq, manifest), place(&c.seq)));
    let frame = |c: &Collected| {
        let mut frames = collected.iter().filter(|other| is_empty_frame(&other.seq, manifest));
        let frame = frames.find(|other| (other.pe, other.event) == (c.pe, c.event));
        frame.and_then(|frame| Overhead::of(&frame.whole))
    };
    let mut all: Vec<Series> = collected.iter().map(|c| one_series(c, frame(c), manifest)).collect();
    find_modes(&mut all);
    all
}

/// Finds the series that have two modes.
fn find_modes(all: &mut [Series]) {
    let steps = steps(all);
    let apart = |modes: &Modes| (modes.high - modes.low) as f64;
    for index in 0..all.len() {
        let series = &all[index];
        let step = steps
            .iter()
            .find(|(event, _)| *event == series.event)
            .map_or(1, |&(_, step)| step);
        let modes = two_modes(&series.distribution, step, &series.batches);
        // The frame comes first, so what it shows is known by now.
        let of_frame = all[..index]
            .iter()
            .find(|other| (other.pe, other.event) == (series.pe, series.event) && other.part == Part::Empty)
            .and_then(|frame| frame.stats?.modes);
        let least = of_frame.map_or(0.0, |frame| BEYOND_FRAME * apart(&frame));
        if let Some(stats) = &mut all[index].stats {
            stats.modes = modes.filter(|modes| apart(modes) > least);
        }
    }
}

/// Returns what the counter of each event advances by.
fn steps(series: &[Series]) -> Vec<(Event, u64)> {
    let mut events: Vec<Event> = series.iter().map(|series| series.event).collect();
    events.sort_unstable();
    events.dedup();
    let of = |event| {
        let same = series.iter().filter(move |series| series.event == event);
        (event, modes::step(same.map(|series| series.distribution.as_slice())))
    };
    events.into_iter().map(of).collect()
}

fn two_modes(distribution: &[(u64, u64)], step: u64, batches: &[(u32, f64)]) -> Option<Modes> {
    let found = modes::two_modes(distribution, step)?;
    let upper = batches
        .iter()
        .filter(|&&(_, median)| median > found.split as f64)
        .count();
    Some(Modes {
        low: found.low,
        high: found.high,
        upper_share: found.upper_share,
        upper_batches: upper as f64 / batches.len() as f64,
    })
}

/// Returns whether a series is that of the empty frame.
pub fn is_empty_frame(seq: &str, manifest: &Manifest) -> bool {
    let planned = manifest.sequence(seq);
    planned.map_or(seq == EMPTY_FRAME, |planned| planned.words.trim().is_empty())
}

/// Returns the part that a sequence plays.
pub fn part(seq: &str, manifest: &Manifest) -> Part {
    match manifest.sequence(seq) {
        _ if is_empty_frame(seq, manifest) => Part::Empty,
        Some(planned) if planned.baseline => Part::Baseline,
        Some(planned) => planned.aa_of.clone().map_or(Part::Test, Part::Twin),
        None => Part::Test,
    }
}

fn one_series(c: &Collected, frame: Option<Overhead>, manifest: &Manifest) -> Series {
    let part = part(&c.seq, manifest);
    let random = SplitMix64::named(
        manifest.plan.seed.0,
        &format!("net {} {} {}", c.seq, c.pe, c.event.id()),
    );
    Series {
        stats: statistics(&c.whole, &c.batches, &part, frame, random),
        text: manifest
            .sequence(&c.seq)
            .map(|planned| planned.text.clone())
            .unwrap_or_default(),
        seq: c.seq.clone(),
        part,
        pe: c.pe,
        event: c.event,
        short_batches: c.short_batches,
        distribution: c.whole.iter().collect(),
        batches: c.batches.clone(),
    }
}

fn statistics(
    h: &Histogram,
    batches: &[(u32, f64)],
    part: &Part,
    frame: Option<Overhead>,
    random: SplitMix64,
) -> Option<Statistics> {
    let median = h.median()?;
    let medians: Vec<f64> = batches.iter().map(|&(_, median)| median).collect();
    let net = match frame {
        _ if *part == Part::Empty => Net::IsFrame,
        None => Net::NoFrame,
        Some(frame) => match frame.subtract(median) {
            overhead::Net::Resolved(net) => Net::Resolved(net),
            overhead::Net::BelowResolution => Net::BelowResolution(frame.spread),
        },
    };
    let net_interval = match (net, frame) {
        (Net::Resolved(net), Some(frame)) => median_interval(&medians, random).map(|(_, i)| Interval {
            // The median of all samples is not quite the median of the batch medians: never outside its own interval.
            low: (i.low - frame.median).min(net).max(0.0),
            high: (i.high - frame.median).max(net),
        }),
        _ => None,
    };
    Some(Statistics {
        samples: h.count(),
        min: h.min()?,
        p1: h.quantile(1, 100)?,
        p10: h.quantile(10, 100)?,
        median,
        p90: h.quantile(90, 100)?,
        p99: h.quantile(99, 100)?,
        p999: h.quantile(999, 1000)?,
        max: h.max()?,
        mean: h.mean()?,
        mad: h.mad()?,
        net,
        net_interval,
        drift: batch::drift(&medians),
        trimmed_mean: moments::trimmed_mean(h)?,
        deviation: moments::standard_deviation(h),
        modes: None,
    })
}
