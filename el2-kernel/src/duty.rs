// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the other PEs do while one is timed: wait, load in a loop, or broadcast invalidations in a loop.
//!
//! They look at one flag, which nobody writes while samples are taken, and every loop has a `yield` in it.
#![expect(unsafe_code)]
// UNSAFETY: reads pages at raw addresses.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use results::scenario::{Axis, Scenario};

use crate::arch::{broadcast, sev, yield_now};
use crate::emit::offset_in_page;
use crate::pe::{self, Command};

/// Pages that a busy PE loads from, one after the other.
const PAGES: u16 = 64;

/// What other PEs do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Wait in WFE, as they do between commands.
    Wait,
    /// Load from pages in a loop.
    Load,
    /// Invalidate a page that nobody uses, on every PE, in a loop.
    Broadcast,
}

/// What the PEs other than the timed one are and do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Others {
    /// How many there are, at least.
    pub count: usize,
    /// What they do.
    pub work: Work,
}

impl Others {
    /// Returns what a scenario wants.
    pub fn of(scenario: &Scenario) -> Self {
        let work = if scenario.get(Axis::Busy) > 0 {
            Work::Load
        } else if scenario.get(Axis::Broadcast) > 0 {
            Work::Broadcast
        } else {
            Work::Wait
        };
        Self {
            count: usize::from(scenario.other_pes()),
            work,
        }
    }
}

static STOP: AtomicBool = AtomicBool::new(false);
static WORKING: AtomicUsize = AtomicUsize::new(0);
/// The first page of the window, and the page that is invalidated.
static PLACES: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];

/// Has the first `others.count` secondaries work, and returns once all do.
pub fn begin(others: Others, window: u64, unused_page: u64) {
    if others.work == Work::Wait {
        return;
    }
    STOP.store(false, Ordering::Relaxed);
    WORKING.store(0, Ordering::Relaxed);
    PLACES[0].store(window as usize, Ordering::Relaxed);
    PLACES[1].store(unused_page as usize, Ordering::Relaxed);
    for pe in 1..=others.count {
        pe::post(pe, Command::Work, usize::from(others.work == Work::Broadcast), 0);
    }
    pe::wait_until(others.count, || WORKING.load(Ordering::Acquire) == others.count);
}

/// Has them stop, and waits until all have.
pub fn end(others: Others) {
    if others.work == Work::Wait {
        return;
    }
    STOP.store(true, Ordering::Release);
    sev();
    for pe in 1..=others.count {
        pe::wait(pe);
    }
}

/// Works until told to stop: loads, or with a `kind` other than 0 broadcasts.
pub fn work(kind: usize) {
    let [window, unused] = [0, 1].map(|i: usize| PLACES[i].load(Ordering::Relaxed) as u64);
    WORKING.fetch_add(1, Ordering::Release);
    sev();
    while !STOP.load(Ordering::Relaxed) {
        if kind == 0 {
            for page in 0..PAGES {
                let place = window + 4096 * u64::from(page) + offset_in_page(page);
                // SAFETY: the window is mapped readable, and reading it changes nothing.
                unsafe { (place as *const u64).read_volatile() };
            }
        } else {
            broadcast(unused);
        }
        yield_now();
    }
}
