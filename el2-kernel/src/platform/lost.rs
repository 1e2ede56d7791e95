// SPDX-License-Identifier: MIT OR Apache-2.0
//! The PEs that did not come up, did not come back, or fell silent in the middle of their work.
//!
//! Nobody waits for such a PE again, and it is given nothing to do. But it may wake up later: then it must harm nothing,
//! and above all not speak into the stream of the PE that went on.

use core::sync::atomic::{AtomicU64, Ordering};

use aarch64_cpu::registers::{MPIDR_EL1, Readable};
use results::plan::MAX_PES;
use results::record::Record;

use crate::platform::console;

/// Affinity fields of each lost PE, with [`IS_LOST`].
static LOST: [AtomicU64; MAX_PES as usize] = [const { AtomicU64::new(0) }; MAX_PES as usize];
const IS_LOST: u64 = 1 << 63;

/// Says that a PE is lost.
pub fn give_up(pe: usize, mpidr: u64, reason: &str) {
    if !is_lost(pe) {
        LOST[pe].store(mpidr | IS_LOST, Ordering::Relaxed);
        let pe = pe as u32;
        console::record(&Record::Lost { pe, mpidr, reason });
    }
}

/// Returns whether a PE is lost.
pub fn is_lost(pe: usize) -> bool {
    LOST.get(pe).is_some_and(|lost| lost.load(Ordering::Relaxed) != 0)
}

/// Returns how many are.
pub fn count() -> usize {
    (0..LOST.len()).filter(|&pe| is_lost(pe)).count()
}

/// Returns whether the PE that asks has been given up.
pub fn is_this_pe() -> bool {
    let this = this_mpidr() | IS_LOST;
    LOST.iter().any(|lost| lost.load(Ordering::Relaxed) == this)
}

/// Returns the affinity fields of this PE, as device tree and PSCI name it.
pub fn this_mpidr() -> u64 {
    MPIDR_EL1.get() & 0xff_00ff_ffff
}
