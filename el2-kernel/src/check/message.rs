// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a PE tells another one that a step of a trial is done: by a flag, and with no barrier of its own.
//!
//! A barrier here would do the work of one that is missing in the sequence under test. So the receiver waits for the flag
//! from before the change on, and the flag is all that comes between the sequence and what the receiver does. Like the
//! judge's message it is a plain store; where the sequence is the receiver's to run, a store-release, because without one
//! nothing that the receiver does could be enough.
//!
//! Receivers poll, with a `yield` for emulators that run every PE in one thread. An event would have to come after its flag,
//! and so after a barrier.

use core::sync::atomic::{AtomicU32, Ordering};

use crate::arch::instructions::{dmb_ishld, yield_now};
use crate::smp::mailbox::wait_until;

/// A flag in cache lines of its own: the number of the last trial for which it was set.
#[repr(C, align(256))]
struct Flag(AtomicU32);

/// A page of its own: guests map it, and nothing else that is written.
#[repr(C, align(4096))]
struct Flags {
    told: [Flag; 2],
    ready: Flag,
}

/// Offset in the page of the flag that [`Receiver::Observer`] waits for.
pub const OBSERVER: u64 = 0;
/// Offset in the page of the flag by which a looping observer says that it has begun.
pub const READY: u64 = 512;
const _: () = assert!(core::mem::offset_of!(Flags, ready) == READY as usize);

static FLAGS: Flags = Flags {
    told: [const { Flag(AtomicU32::new(0)) }; 2],
    ready: Flag(AtomicU32::new(0)),
};

/// Number of the last trial.
static TRIAL: AtomicU32 = AtomicU32::new(0);

/// Who waits for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receiver {
    /// The PE that accesses.
    Observer,
    /// The PE that runs the sequence for another one.
    Relay,
}

impl Receiver {
    fn flag(self) -> &'static AtomicU32 {
        &FLAGS.told[self as usize].0
    }
}

/// Returns the page of the flags.
pub fn page() -> *const () {
    (&raw const FLAGS).cast()
}

/// Returns a number that no flag has.
pub fn new_trial() -> u32 {
    // Only the boot PE makes trials. Never 0, which the flags start with.
    let number = TRIAL.load(Ordering::Relaxed).wrapping_add(1).max(1);
    TRIAL.store(number, Ordering::Relaxed);
    number
}

/// Tells a PE that it is its turn in a trial.
#[inline(always)]
pub fn tell(receiver: Receiver, trial: u32) {
    let order = match receiver {
        Receiver::Observer => Ordering::Relaxed,
        Receiver::Relay => Ordering::Release,
    };
    receiver.flag().store(trial, order);
}

/// Returns whether this PE has been told; its later accesses come after the look at the flag.
#[inline(always)]
pub fn is_told(receiver: Receiver, trial: u32) -> bool {
    let told = receiver.flag().load(Ordering::Relaxed) == trial;
    dmb_ishld();
    told
}

/// Waits until this PE is told.
#[inline(always)]
pub fn wait(receiver: Receiver, trial: u32) {
    while !is_told(receiver, trial) {
        yield_now();
    }
}

/// Says that this PE loops.
pub fn say_ready(trial: u32) {
    FLAGS.ready.0.store(trial, Ordering::Release);
}

/// Waits until a PE loops, unless it falls silent.
pub fn wait_ready(pe: usize, trial: u32) {
    _ = wait_until(pe, || FLAGS.ready.0.load(Ordering::Acquire) == trial);
}
