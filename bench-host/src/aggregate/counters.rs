// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the event counters counted, and what the clocks say about each other.

use report::model::{Clock, EventCount, NotCounted};
use results::manifest::Manifest;
use results::record::{Event, Support};
use results::store::Run;

use super::AggregateError;
use super::samples::Collected;
use super::series::{is_empty_frame, part};

/// Why an event that a simulator says it implements is not shown.
const ALWAYS_ZERO: &str = "implemented in name only: the simulator counts 0 whatever runs";

/// Returns whether a simulator has an event in its identification registers only. (QEMU's stall events are such.)
fn is_in_name_only(all: &[Collected], manifest: &Manifest, pe: u32, event: Event) -> bool {
    let mut counts = all.iter().filter(|c| (c.pe, c.event) == (pe, event));
    manifest.simulator && counts.all(|c| c.whole.max() == Some(0))
}

/// Returns what every event counter counted during every sequence.
pub fn events(all: &[Collected], manifest: &Manifest) -> Vec<EventCount> {
    let counted = |c: &&Collected| c.event.number().is_some() && !is_in_name_only(all, manifest, c.pe, c.event);
    let mean = |c: &Collected| c.whole.mean();
    let mut events: Vec<_> = all
        .iter()
        .filter(counted)
        .filter_map(|c| {
            let source = (c.pe, c.event, c.scenario);
            let mut beside = all
                .iter()
                .filter(|other| (other.pe, other.event, other.scenario) == source);
            let frame = beside.find(|other| is_empty_frame(&other.seq, manifest));
            let is_frame = is_empty_frame(&c.seq, manifest);
            Some(EventCount {
                seq: c.seq.clone(),
                part: part(&c.seq, manifest),
                scenario: c.scenario.to_string(),
                pe: c.pe,
                event: c.event,
                samples: c.whole.count(),
                mean: mean(c)?,
                median: c.whole.median()?,
                net_mean: match frame.filter(|_| !is_frame).and_then(mean) {
                    Some(frame) => Some((mean(c)? - frame).max(0.0)),
                    None => None,
                },
            })
        })
        .collect();
    let place = |event: &EventCount| {
        let sequences = &manifest.plan.sequences;
        sequences
            .iter()
            .position(|planned| planned.id == event.seq)
            .map_or(0, |at| at + 1)
    };
    let scenario = |event: &EventCount| {
        let scenarios = &manifest.plan.measure.scenarios;
        scenarios
            .iter()
            .position(|planned| planned.id.to_string() == event.scenario)
    };
    events.sort_by_key(|event| (event.pe, event.event, scenario(event), place(event)));
    events
}

/// Returns the events that were asked for and not counted.
pub fn not_counted(all: &[Collected], manifest: &Manifest) -> Vec<NotCounted> {
    let mut absent = Vec::new();
    for pe in &manifest.pes {
        for (&event, &support) in &pe.events {
            let reason = if support != Support::Counted {
                support.phrase()
            } else if is_in_name_only(all, manifest, pe.pe, event) {
                ALWAYS_ZERO
            } else {
                continue;
            };
            absent.push(NotCounted {
                pe: pe.pe,
                event,
                reason: reason.to_owned(),
            });
        }
    }
    absent
}

/// Holds the cycle counter of every PE against the generic timer.
pub fn clocks(run: &Run) -> Result<Vec<Clock>, AggregateError> {
    let mut clocks: Vec<Clock> = Vec::new();
    for row in run.batches()?.into_iter().flatten() {
        let row = row?;
        let timer = run
            .manifest
            .pes
            .iter()
            .find(|pe| pe.pe == row.pe)
            .and_then(|pe| pe.frequency);
        let Some(timer) = timer.filter(|_| row.ticks > 0) else {
            continue;
        };
        let frequency = row.cycles as f64 / row.ticks as f64 * timer as f64;
        let at = clocks.iter().position(|clock| clock.pe == row.pe).unwrap_or_else(|| {
            clocks.push(Clock {
                pe: row.pe,
                frequencies: Vec::new(),
                median: 0.0,
                spread: 0.0,
            });
            clocks.len() - 1
        });
        clocks[at].frequencies.push((row.batch, frequency));
    }
    for clock in &mut clocks {
        let mut sorted: Vec<f64> = clock.frequencies.iter().map(|&(_, frequency)| frequency).collect();
        sorted.sort_by(f64::total_cmp);
        clock.median = stats::bootstrap::median_of_sorted(&sorted).unwrap_or_default();
        let ends = sorted.first().zip(sorted.last());
        clock.spread = ends.map_or(0.0, |(low, high)| (high - low) / clock.median);
    }
    Ok(clocks)
}
