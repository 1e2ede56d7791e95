// SPDX-License-Identifier: MIT OR Apache-2.0
//! Accesses that may fault, and say so instead of ending the run.
#![expect(unsafe_code)]
// UNSAFETY: the exception vectors recognize a probe by its address, so it must be assembly.

use core::arch::{asm, global_asm};

use results::plan::Width;

/// Bytes from `probe_start` to the end of the last instruction that may fault.
pub const SIZE: usize = 48;

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
    // As probe_read, for registers of devices, which are accessed in their own width.
probe_read_byte:
    ldrb    w0, [x0]
    b       1f
probe_read_half:
    ldrh    w0, [x0]
    b       1f
probe_read_word:
    ldr     w0, [x0]
    b       1f
    // A read that is UNDEFINED, or trapped by who controls the PMU, comes back as an exception too.
probe_cycles:
    mrs     x0, pmccntr_el0
    b       1f
probe_end:
1:  mov     x1, xzr
probe_fault:
    ret
    // x0: address of a function. Returns what it returns in x0 and 0, or the syndrome of the fault, in x1.
    .globl  probe_fetch_fault
probe_fetch:
    mov     x17, x30
    msr     tpidr_el1, x0           // the vectors recognize the fault by its address
    blr     x0
    mov     x1, xzr
probe_fetch_fault:
    mov     x30, x17
    mov     x17, #-1                // no instruction is there
    msr     tpidr_el1, x17
    ret
    .if (probe_end - probe_start) - 48
    .error "probe::SIZE is wrong"
    .endif
    "#
);

/// What became of an access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probed {
    /// It succeeded; for a load, with this value.
    Done(u64),
    /// It faulted.
    Fault(Syndrome),
}

/// What an abort was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A translation fault.
    Translation,
    /// An access flag fault.
    AccessFlag,
    /// A permission fault.
    Permission,
}

/// The syndrome of an abort.
///
/// Only the exception class and the fault status are looked at: other bits differ between QEMU versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Syndrome(pub u64);

impl Syndrome {
    /// Exception classes (Arm ARM, `ESR_ELx.EC`).
    const INSTRUCTION_ABORT_LOWER_EL: u64 = 0x20;
    const INSTRUCTION_ABORT_SAME_EL: u64 = 0x21;
    const DATA_ABORT_LOWER_EL: u64 = 0x24;
    const DATA_ABORT_SAME_EL: u64 = 0x25;

    /// Returns the exception class.
    pub const fn class(self) -> u64 {
        self.0 >> 26 & 0x3f
    }

    /// Returns whether it is an abort of a data access (`false`) or an instruction fetch (`true`).
    const fn is_fetch(self) -> Option<bool> {
        match self.class() {
            Self::INSTRUCTION_ABORT_LOWER_EL | Self::INSTRUCTION_ABORT_SAME_EL => Some(true),
            Self::DATA_ABORT_LOWER_EL | Self::DATA_ABORT_SAME_EL => Some(false),
            _ => None,
        }
    }

    /// Returns whether it is an abort of this kind at this level, of a fetch or of a data access.
    pub fn is(self, fault: Fault, level: u8, fetch: bool) -> bool {
        let class = match fault {
            Fault::Translation => 0b0001,
            Fault::AccessFlag => 0b0010,
            Fault::Permission => 0b0011,
        };
        let status = self.0 & 0x3f;
        self.is_fetch() == Some(fetch) && status == class << 2 | u64::from(level & 3)
    }

    /// Returns the level of a translation fault of a load or store.
    pub fn translation_level(self) -> Option<u64> {
        (0..4)
            .find(|&level| self.is(Fault::Translation, level, false))
            .map(u64::from)
    }
}

/// Prepares this PE for probes.
pub fn init() {
    // SAFETY: nobody else uses the register, at EL2 or at EL1; no instruction is at an odd address.
    unsafe { asm!("msr tpidr_el1, {}", in(reg) u64::MAX, options(nostack, preserves_flags)) };
}

/// Loads 8 bytes from `va`.
#[inline(always)]
pub fn read(va: u64) -> Probed {
    let (value, syndrome): (u64, u64);
    // SAFETY: a fault is caught by the vectors; a load from device memory does no harm at the addresses probed.
    unsafe {
        asm!("bl probe_read", inout("x0") va => value, out("x1") syndrome, out("x30") _, options(nostack));
    }
    if syndrome == 0 {
        Probed::Done(value)
    } else {
        Probed::Fault(Syndrome(syndrome))
    }
}

/// Loads a register of a device at `va`, in its width.
#[inline(always)]
pub fn read_register(va: u64, width: Width) -> Probed {
    macro_rules! load {
        ($routine:literal) => {{
            let (value, syndrome): (u64, u64);
            // SAFETY: a fault is caught by the vectors; what the load does to the device is the caller's choice.
            unsafe {
                asm!(concat!("bl ", $routine), inout("x0") va => value, out("x1") syndrome, out("x30") _, options(nostack));
            }
            (value, syndrome)
        }};
    }
    let (value, syndrome) = match width {
        Width::Byte => load!("probe_read_byte"),
        Width::Half => load!("probe_read_half"),
        Width::Word => load!("probe_read_word"),
    };
    if syndrome == 0 {
        Probed::Done(value)
    } else {
        Probed::Fault(Syndrome(syndrome))
    }
}

/// Reads the cycle counter, if it is there for this exception level; whatever the exception, it is answered.
pub fn read_cycles() -> Probed {
    let (value, syndrome): (u64, u64);
    // SAFETY: an exception is caught by the vectors; reading a counter changes nothing.
    unsafe {
        asm!("bl probe_cycles", out("x0") value, out("x1") syndrome, out("x30") _, options(nostack));
    }
    if syndrome == 0 {
        Probed::Done(value)
    } else {
        Probed::Fault(Syndrome(syndrome))
    }
}

/// Stores 8 bytes to `va`.
///
/// # Safety
///
/// No Rust object lives at `va`.
#[inline(always)]
pub unsafe fn write(va: u64, value: u64) -> Probed {
    let syndrome: u64;
    // SAFETY: a fault is caught by the vectors; what lies at `va` is the caller's promise.
    unsafe {
        asm!("bl probe_write", inout("x0") va => _, inout("x1") value => syndrome, out("x30") _, options(nostack));
    }
    if syndrome == 0 {
        Probed::Done(value)
    } else {
        Probed::Fault(Syndrome(syndrome))
    }
}

/// Calls the function at `va`.
///
/// # Safety
///
/// If `va` is executable, what is there changes `x0` only and returns.
#[inline(always)]
pub unsafe fn fetch(va: u64) -> Probed {
    let (value, syndrome): (u64, u64);
    // SAFETY: a fault is caught by the vectors; what lies at `va` is the caller's promise.
    unsafe {
        asm!("bl probe_fetch", inout("x0") va => value, out("x1") syndrome, out("x17") _, out("x30") _, options(nostack));
    }
    if syndrome == 0 {
        Probed::Done(value)
    } else {
        Probed::Fault(Syndrome(syndrome))
    }
}
