// SPDX-License-Identifier: MIT OR Apache-2.0
//! Accesses that may fault, and say so instead of ending the run.
#![expect(unsafe_code)]
// UNSAFETY: the exception vectors recognize a probe by its address, so it must be assembly.

use core::arch::{asm, global_asm};

/// Bytes from `probe_start` to the end of the last instruction that may fault.
pub const SIZE: usize = 16;

global_asm!(
    r#"
    .section .text.probe, "ax"
    .balign 64
    .globl  probe_start
    .globl  probe_fault
    // x0: address. Returns the value in x0 and 0, or the syndrome of the fault, in x1.
probe_start:
probe_read:
    ldr     x0, [x0]
    b       1f
    // x0: address, x1: value. Returns 0, or the syndrome of the fault, in x1.
probe_write:
    str     x1, [x0]
    b       1f
probe_end:
1:  mov     x1, xzr
probe_fault:
    ret
    .if (probe_end - probe_start) - 16
    .error "probe::SIZE is wrong"
    .endif
    "#
);

/// What became of an access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It succeeded; for a load, with this value.
    Done(u64),
    /// It faulted.
    Fault(Syndrome),
}

/// The syndrome of a data abort.
///
/// Only the exception class and the fault status are looked at: other bits differ between QEMU versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Syndrome(pub u64);

impl Syndrome {
    const DATA_ABORT_SAME_EL: u64 = 0x25;

    /// Returns the level of a translation fault.
    pub const fn translation_level(self) -> Option<u64> {
        self.level_of(0b0001)
    }

    /// Returns the level of a permission fault.
    pub const fn permission_level(self) -> Option<u64> {
        self.level_of(0b0011)
    }

    const fn level_of(self, class: u64) -> Option<u64> {
        let status = self.0 & 0x3f;
        if self.0 >> 26 == Self::DATA_ABORT_SAME_EL && status >> 2 == class {
            Some(status & 3)
        } else {
            None
        }
    }
}

/// Loads 8 bytes from `va`.
#[inline(always)]
pub fn read(va: u64) -> Access {
    let (value, syndrome): (u64, u64);
    // SAFETY: a fault is caught by the vectors; a load from device memory does no harm at the addresses probed.
    unsafe {
        asm!("bl probe_read", inout("x0") va => value, out("x1") syndrome, out("x30") _, options(nostack));
    }
    if syndrome == 0 {
        Access::Done(value)
    } else {
        Access::Fault(Syndrome(syndrome))
    }
}

/// Stores 8 bytes to `va`.
///
/// # Safety
///
/// No Rust object lives at `va`.
#[inline(always)]
pub unsafe fn write(va: u64, value: u64) -> Access {
    let syndrome: u64;
    // SAFETY: a fault is caught by the vectors; what lies at `va` is the caller's promise.
    unsafe {
        asm!("bl probe_write", inout("x0") va => _, inout("x1") value => syndrome, out("x30") _, options(nostack));
    }
    if syndrome == 0 {
        Access::Done(value)
    } else {
        Access::Fault(Syndrome(syndrome))
    }
}
