// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keeps the other PEs busy while one is timed: with loads in a loop, or with broadcast invalidations in a loop.
//!
//! They look at one flag, which nobody writes while samples are taken, and every loop has a `yield` in it.
#![expect(unsafe_code)]
// UNSAFETY: reads pages at raw addresses.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use results::check::Outcome;

use crate::arch::instructions::{sev, yield_now};
use crate::arch::regime::broadcast;
use crate::measure::other_pes::{Activity, OtherPes, first_missing};
use crate::smp::bring_up;
use crate::smp::mailbox::{self, Job};
use crate::stub::emit::offset_in_page;

/// Pages that a busy PE loads from, one after the other.
const PAGES: u16 = 64;

static STOP: AtomicBool = AtomicBool::new(false);
/// The PEs that have begun, as a mask.
static WORKING: AtomicU32 = AtomicU32::new(0);

/// Has PEs 1 to `others.count` work, and returns whether all do. They load from the pages at `window`, or invalidate
/// `unused_page`.
pub fn begin(others: OtherPes, window: u64, unused_page: u64) -> bool {
    let (job, address): (Job, _) = match others.activity {
        Activity::Wait => return true,
        Activity::Load => (load, window),
        Activity::Broadcast => (invalidate, unused_page),
    };
    STOP.store(false, Ordering::Relaxed);
    WORKING.store(0, Ordering::Relaxed);
    for pe in 1..=others.count {
        // SAFETY: the jobs take an address, which is mapped from boot to end.
        unsafe { mailbox::post(pe, job, address as usize, 0) };
    }
    // One after the other, so that a time-out names a PE that has not begun.
    while let Some(pe) = first_missing(WORKING.load(Ordering::Acquire), others.count) {
        if !mailbox::wait_until(pe, || WORKING.load(Ordering::Acquire) >> pe & 1 != 0) {
            end(others);
            return false;
        }
    }
    true
}

/// Has them stop, and returns whether all have.
pub fn end(others: OtherPes) -> bool {
    if others.activity == Activity::Wait {
        return true;
    }
    STOP.store(true, Ordering::Release);
    sev();
    for pe in 1..=others.count {
        mailbox::wait(pe);
    }
    bring_up::all_answer(others.count + 1)
}

/// Loads from the pages at `window`, one after the other, until told to stop. A job.
///
/// # Safety
///
/// All of them are mapped readable.
unsafe fn load(window: usize, pe: usize) -> Outcome {
    until_told(pe, || {
        for page in 0..PAGES {
            let address = window as u64 + 4096 * u64::from(page) + offset_in_page(page);
            // SAFETY: the caller's promise; reading changes nothing.
            unsafe { (address as *const u64).read_volatile() };
        }
    })
}

/// Invalidates the page at `page` on every PE until told to stop. A job.
fn invalidate(page: usize, pe: usize) -> Outcome {
    until_told(pe, || broadcast(page as u64))
}

fn until_told(pe: usize, work: impl Fn()) -> Outcome {
    WORKING.fetch_or(1 << pe, Ordering::Release);
    sev();
    while !STOP.load(Ordering::Relaxed) {
        work();
        yield_now();
    }
    Outcome::New
}
