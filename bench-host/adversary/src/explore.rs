// SPDX-License-Identifier: MIT OR Apache-2.0
//! All choices up to a bound: the shortest schedule that makes a run fail.
//!
//! A run without deviations uses what is visible in memory at every choice. From there on each run deviates at one more
//! point: first all that deviate once, then all that deviate twice. The first that fails is a shortest one.

use std::sync::{Arc, Mutex};

use crate::choice::{Choice, Point, Scripted};
use crate::error::{End, Error};
use crate::machine::Machine;
use crate::options::Options;
use crate::story::{Entry, Event, Which};

/// How far to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// The most deviations of a run.
    pub deviations: usize,
    /// The most points at which a run may deviate.
    pub points: usize,
    /// The most runs.
    pub runs: u64,
}

impl Default for Bound {
    fn default() -> Self {
        Self {
            deviations: 2,
            points: 2000,
            runs: 20_000,
        }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explored {
    /// A schedule that fails.
    Fails(Schedule),
    /// No run fails.
    Holds {
        /// How many runs were made.
        runs: u64,
        /// Whether those were all within [`Bound::deviations`].
        complete: bool,
    },
}

/// A schedule that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// How many choices are not what is visible in memory.
    pub deviations: usize,
    /// What happened, up to the last of them.
    pub events: Vec<Entry>,
    /// What the guest printed, from where the exploration began.
    pub printed: Vec<u8>,
    /// How many runs it took to find it.
    pub runs: u64,
}

/// A choice that can be read after the run.
struct Shared(Arc<Mutex<Scripted>>);

impl Choice for Shared {
    fn choose(&mut self, point: Point) -> usize {
        match self.0.lock() {
            Ok(mut scripted) => scripted.choose(point),
            Err(_) => point.current,
        }
    }
}

/// Explores the runs of an image.
///
/// `begins` is asked with everything printed so far, and says when the part to be explored begins; `fails` is asked with
/// everything printed from there to the end.
pub fn explore(
    image: &[u8],
    options: &Options,
    bound: &Bound,
    mut begins: impl FnMut(&[u8]) -> bool,
    fails: impl Fn(&[u8]) -> bool,
) -> Result<Explored, Error> {
    let plain = || Box::new(Shared(Arc::default()));
    let mut first = Machine::with_choice(image, options, plain())?;
    let mut printed = Vec::new();
    let end = first.run(&mut |bytes| {
        printed.extend_from_slice(bytes);
        !begins(&printed)
    });
    let mut runs = 0;
    if end != End::Stopped {
        return Ok(Explored::Holds { runs, complete: true });
    }
    let mut complete = true;
    let mut frontier: Vec<Vec<(u64, usize)>> = vec![Vec::new()];
    for deviations in 0..=bound.deviations {
        let mut next = Vec::new();
        for script in &frontier {
            if runs == bound.runs {
                return Ok(Explored::Holds { runs, complete: false });
            }
            runs += 1;
            let scripted = Arc::new(Mutex::new(Scripted {
                deviations: script.clone(),
                bound: bound.points,
                ..Scripted::default()
            }));
            let mut machine = first.fork(Box::new(Shared(Arc::clone(&scripted))));
            machine.keep_story();
            let mut printed = Vec::new();
            machine.run(&mut |bytes| {
                printed.extend_from_slice(bytes);
                true
            });
            if fails(&printed) {
                let events = machine.story().map(|story| story.entries().copied().collect());
                return Ok(Explored::Fails(Schedule {
                    deviations,
                    events: shorten(events.unwrap_or_default()),
                    printed,
                    runs,
                }));
            }
            let Ok(seen) = scripted.lock() else { continue };
            complete &= seen.seen.len() < bound.points;
            for &(at, point) in &seen.seen {
                let others = (0..point.options).filter(|&option| option != point.current);
                next.extend(others.map(|option| {
                    let mut script = script.clone();
                    script.push((at, option));
                    script
                }));
            }
        }
        frontier = next;
    }
    Ok(Explored::Holds { runs, complete })
}

/// Returns the events up to the last deviation, from the store that it is about on.
fn shorten(mut events: Vec<Entry>) -> Vec<Entry> {
    const AROUND: usize = 40;
    let is_use = |entry: &Entry| matches!(entry.event, Event::Use { .. });
    let last = events.iter().rposition(is_use);
    events.truncate(last.map_or(events.len(), |last| last + 1));
    let places: Vec<u64> = events
        .iter()
        .filter_map(|entry| match entry.event {
            Event::Use {
                which: Which::Held { place, .. } | Which::Early { place } | Which::Arrived { place },
                ..
            } => Some(place),
            _ => None,
        })
        .collect();
    let about = |entry: &Entry| matches!(entry.event, Event::Store { place, .. } if places.contains(&place));
    let first_use = events.iter().position(is_use).unwrap_or(0);
    let store = events[..first_use].iter().rposition(about);
    let start = store
        .unwrap_or(first_use.saturating_sub(AROUND))
        .max(first_use.saturating_sub(AROUND));
    events.drain(..start);
    events
}
