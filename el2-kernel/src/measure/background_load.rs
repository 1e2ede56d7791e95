// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the other PEs do while one is timed: wait, load in a loop, or broadcast invalidations in a loop.
//!
//! They look at one flag, which nobody writes while samples are taken, and every loop has a `yield` in it.
#![expect(unsafe_code)]
// UNSAFETY: reads pages at raw addresses.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::arch::instructions::{broadcast, sev, yield_now};
use crate::measure::other_pes::{Activity, OtherPes};
use crate::smp::mailbox::{self, Command};
use crate::stub::emit::offset_in_page;

/// Pages that a busy PE loads from, one after the other.
const PAGES: u16 = 64;

static STOP: AtomicBool = AtomicBool::new(false);
static WORKING: AtomicUsize = AtomicUsize::new(0);
/// The first page of the window, and the page that is invalidated.
static PLACES: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];

/// Has the first `others.count` secondaries work, and returns once all do.
pub fn begin(others: OtherPes, window: u64, unused_page: u64) {
    if others.activity == Activity::Wait {
        return;
    }
    STOP.store(false, Ordering::Relaxed);
    WORKING.store(0, Ordering::Relaxed);
    PLACES[0].store(window as usize, Ordering::Relaxed);
    PLACES[1].store(unused_page as usize, Ordering::Relaxed);
    for pe in 1..=others.count {
        mailbox::post(
            pe,
            Command::Work,
            usize::from(others.activity == Activity::Broadcast),
            0,
        );
    }
    mailbox::wait_until(others.count, || WORKING.load(Ordering::Acquire) == others.count);
}

/// Has them stop, and waits until all have.
pub fn end(others: OtherPes) {
    if others.activity == Activity::Wait {
        return;
    }
    STOP.store(true, Ordering::Release);
    sev();
    for pe in 1..=others.count {
        mailbox::wait(pe);
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
