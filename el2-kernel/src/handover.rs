// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the boot path's first half tells the rest of the kernel.
//!
//! The first half runs at the load address with the MMU off, everything else at the runtime address with the MMU on.
//! Absolute addresses in the image change between the two, so what has to survive is kept as numbers.
#![expect(unsafe_code)]
// UNSAFETY: hands a structure from one to the other through a static.

use core::cell::UnsafeCell;

use results::plan::MAX_PES;
use results::record::Event;

use crate::mmu::identity_slot::IdentitySlot;
use crate::mmu::layout::Layout;
use crate::platform::device_tree::Cpu;
use crate::platform::gic::Gic;
use crate::platform::memory::Memory;
use crate::stub::resident::Stubs;

/// What the first half of the boot path tells the second.
#[derive(Debug, Clone, Copy)]
pub struct Handover {
    /// Load address.
    pub load: u64,
    /// Seed of every random choice of this boot.
    pub seed: u64,
    /// The exception level at entry.
    pub entered_at: usize,
    /// The address that the boot loader passed as that of the device tree.
    pub device_tree: usize,
    /// Bytes of the image in memory.
    pub size: u64,
    /// The runtime region.
    pub layout: Layout,
    /// The top-level entry exclusive to the 1:1 map.
    pub slot: IdentitySlot,
    /// The counter in use.
    pub event: Event,
    /// Counter values: at the start, with the tables built.
    pub marks: [u64; 2],
    /// The emitted stubs.
    pub stubs: Stubs,
    /// The PEs, the boot PE first.
    pub cpus: [Option<Cpu>; MAX_PES as usize],
    /// The memory around the image, if the device tree says.
    pub memory: Option<Memory>,
    /// The interrupt controller, if the device tree names one that the kernel knows.
    pub gic: Option<Gic>,
}

struct HandoverCell(UnsafeCell<Option<Handover>>);

// SAFETY: written by the first half, then read by the second, on one PE.
unsafe impl Sync for HandoverCell {}

static HANDOVER: HandoverCell = HandoverCell(UnsafeCell::new(None));

impl Handover {
    /// Leaves it for the second half.
    ///
    /// # Safety
    ///
    /// One PE runs, and [`Self::take_over`] has not been called yet.
    pub unsafe fn leave(self) {
        // SAFETY: by the caller's promise nobody else refers to it.
        unsafe { *HANDOVER.0.get() = Some(self) };
    }

    /// Returns what the first half has left.
    pub fn take_over() -> Option<&'static Self> {
        // SAFETY: by the promise of `leave` nobody writes it any more.
        unsafe { (*HANDOVER.0.get()).as_ref() }
    }
}
