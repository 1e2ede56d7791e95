// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the things stand that other PEs look at in their jobs.
//!
//! A PE that falls silent may wake up when everybody else has gone on, and go on where it stopped. What it was given must
//! not have become something else by then: on a stack it would have. So each number of lost PEs has a place of its own, and
//! the place in use when a PE was lost is never written again.
#![expect(unsafe_code)]
// UNSAFETY: static memory, lent to other PEs.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;

use results::plan::MAX_PES;

use crate::platform::lost;

/// A place for a value, and a further one for each PE that may be lost.
#[derive(Debug)]
pub struct Kept<T>(UnsafeCell<[MaybeUninit<T>; MAX_PES as usize]>);

// SAFETY: written by the boot PE only, while no other uses the place: the promise of whoever calls `put`.
unsafe impl<T> Sync for Kept<T> {}

impl<T: Copy> Kept<T> {
    /// Creates it empty.
    pub const fn new() -> Self {
        Self(UnsafeCell::new([const { MaybeUninit::uninit() }; MAX_PES as usize]))
    }

    /// Keeps a value.
    ///
    /// # Safety
    ///
    /// Nobody uses what was put here before, except a PE that has been lost since.
    pub unsafe fn put(&'static self, value: T) -> &'static T {
        let places: *mut MaybeUninit<T> = self.0.get().cast();
        // The boot PE is never lost, so there is one place more than lost PEs.
        // SAFETY: in bounds, and by the caller's promise nobody uses it: one that is lost uses an earlier place.
        let place = unsafe { &mut *places.add(lost::count()) };
        place.write(value)
    }
}
