// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which sequence was running when an exception came that nobody expected: told by where the timed stubs stand, or by whose
//! trial it is.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use results::plan::{MAX_STREAMS, Plan};

use crate::image::plan_area;

/// Where stubs start, ascending: an address in `[63:8]` (it has 56 bits at most), and one more than the index of the
/// sequence in the plan; 0 for what is none. Nothing of this is written or read while anything is timed.
static PLACES: [AtomicU64; 2 * MAX_STREAMS + 1] = [const { AtomicU64::new(0) }; 2 * MAX_STREAMS + 1];
static COUNT: AtomicUsize = AtomicUsize::new(0);
/// One more than the index of the sequence whose trials are made; 0 for none.
static CURRENT: AtomicUsize = AtomicUsize::new(0);

/// Forgets where stubs stand.
pub fn clear() {
    COUNT.store(0, Ordering::Relaxed);
}

/// Says that a stub starts at an address, behind all others that were said to.
pub fn stands(address: usize, sequence: Option<usize>) {
    let count = COUNT.load(Ordering::Relaxed);
    if let Some(place) = PLACES.get(count) {
        let sequence = sequence.map_or(0, |index| index as u64 + 1);
        place.store((address as u64) << 8 | sequence, Ordering::Relaxed);
        COUNT.store(count + 1, Ordering::Relaxed);
    }
}

/// Says which sequence is tried next, in a check or outside of the timed stubs.
pub fn runs(sequence: Option<usize>) {
    CURRENT.store(sequence.map_or(0, |index| index + 1), Ordering::Relaxed);
}

/// Returns the id of the sequence that is the one, at an address; none, if that is not known.
pub fn at(address: u64) -> &'static str {
    let index = match CURRENT.load(Ordering::Relaxed) {
        0 => standing(address),
        current => Some(current - 1),
    };
    let plan = Plan::read(plan_area()).ok().flatten();
    let entry = index.and_then(|index| plan?.entries().nth(index));
    entry.map_or("", |entry| entry.id)
}

fn standing(address: u64) -> Option<usize> {
    let places = &PLACES[..COUNT.load(Ordering::Relaxed).min(PLACES.len())];
    let places = places.iter().map(|place| place.load(Ordering::Relaxed));
    let last = places.take_while(|place| place >> 8 <= address).last()?;
    (last & 0xff).checked_sub(1).map(|index| index as usize)
}
