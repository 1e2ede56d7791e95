// SPDX-License-Identifier: MIT OR Apache-2.0
//! Random delays that shift the steps of PEs against each other, and memory traffic that puts caches and TLBs under
//! pressure meanwhile.
#![expect(unsafe_code)]
// UNSAFETY: reads the image's own pages at raw addresses.

use core::hint::spin_loop;

use crate::image::image;

/// Waits for some loop turns, and touches one page of the image in every sixteenth.
pub fn disturb(turns: u32) {
    let (start, size) = image();
    let pages = size / 4096;
    for turn in 0..turns {
        if turn.is_multiple_of(16) {
            let page = (turn as usize / 16).wrapping_mul(0x9e37_79b9) % pages;
            // SAFETY: every page of the image is mapped readable, and reading it changes nothing.
            unsafe { ((start + 4096 * page + 64) as *const u64).read_volatile() };
        } else {
            spin_loop();
        }
    }
}
