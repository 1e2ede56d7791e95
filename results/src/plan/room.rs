// SPDX-License-Identifier: MIT OR Apache-2.0
//! How much executable memory a plan needs, so that the host can say before a boot what the kernel has no room for.

use super::is_tlbi;
use crate::scenario::{Axis, Scenario};

/// Bytes for the timed stubs, in whatever order they stand.
pub const TIMED_ARENA: usize = 1024 * 1024;
/// Bytes for the stubs of the boot path and of the checks.
pub const BOOT_ARENA: usize = 512 * 1024;
/// Bytes of a page: a stub that fits into one does not cross its end.
pub const PAGE: usize = 4096;
/// Every stub starts at a multiple of this many bytes.
pub const ALIGN: usize = 256;
/// Pages that the loads of a stub reach from one base address.
pub const PAGES_IN_REACH: u16 = 8;

/// Words of a frame around those under test: `isb; mrs; isb`, and `isb; mrs; ret`.
const FRAME: usize = 6;

/// Returns the bytes of the stub that times a sequence under a scenario.
pub fn timed_size(scenario: &Scenario, words: impl Iterator<Item = u32>) -> usize {
    let axis = |axis| usize::from(scenario.get(axis));
    let once: usize = words
        .map(|word| if is_tlbi(word) { axis(Axis::Tlbis) } else { 1 })
        .sum();
    // One load from each page, and a step of the base address wherever the next page is out of reach.
    let pages = axis(Axis::Refill);
    let steps = pages.saturating_sub(1) / usize::from(PAGES_IN_REACH);
    4 * (FRAME + axis(Axis::Repeat) * once + pages + steps)
}

/// Returns the bytes of the stub that runs so many words and nothing else.
pub const fn plain_size(words: usize) -> usize {
    4 * (words + 1)
}

/// Returns how many bytes stubs of these sizes take at most, in whatever order they stand.
///
/// A page is left for the next one when a stub does not fit any more: so all of it is in use but for less than the
/// largest stub takes, and of two pages in a row more than one page is. A stub that is longer than a page starts one,
/// and may leave most of the one before unused.
pub fn room_in_any_order(sizes: impl Iterator<Item = usize> + Clone) -> usize {
    let small = sizes.clone().filter(|&size| size <= PAGE);
    let small = small.map(|size| size.next_multiple_of(ALIGN));
    let large = sizes.filter(|&size| size > PAGE);
    let large = large.map(|size| size.next_multiple_of(PAGE) + PAGE);
    let used_of_a_page = (PAGE + ALIGN - small.clone().max().unwrap_or(ALIGN)).max(PAGE / 2);
    (small.sum::<usize>() / used_of_a_page + 1) * PAGE + large.sum::<usize>()
}
