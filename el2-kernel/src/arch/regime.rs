// SPDX-License-Identifier: MIT OR Apache-2.0
//! The translation regime that the kernel itself runs in, its registers, and the conservative invalidations of it.
//!
//! The kernel runs at EL2 if it is let, with the regime of EL2; entered at EL1, with that of EL1&0. Everything it does with
//! its own tables is the same in both, so the rest of the kernel names them here and nowhere else. (Assembly that runs
//! with the MMU off looks at `CurrentEL` itself.)
#![expect(unsafe_code)]
// UNSAFETY: writes registers that control translation, and invalidates.

use core::arch::asm;

use aarch64_cpu::registers::{
    MAIR_EL1, MAIR_EL2, Readable, SCTLR_EL1, SCTLR_EL2, TCR_EL1, TCR_EL2, TTBR0_EL1, TTBR0_EL2,
};

use crate::arch::instructions::current_el;

/// The regime that the kernel's own tables are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnRegime {
    /// EL2. (In some checks it is EL2&0 for a while.)
    El2,
    /// EL1&0. Stage 2, if there is one, is a hypervisor's.
    El1,
}

impl OwnRegime {
    /// Returns the one in use, by the current exception level.
    pub fn current() -> Self {
        match current_el() {
            1 => Self::El1,
            _ => Self::El2,
        }
    }

    /// Returns the exception level.
    pub const fn level(self) -> u8 {
        match self {
            Self::El1 => 1,
            Self::El2 => 2,
        }
    }

    /// Returns `SCTLR_ELx`.
    pub fn sctlr(self) -> u64 {
        match self {
            Self::El1 => SCTLR_EL1.get(),
            Self::El2 => SCTLR_EL2.get(),
        }
    }

    /// Returns `TCR_ELx`.
    pub fn tcr(self) -> u64 {
        match self {
            Self::El1 => TCR_EL1.get(),
            Self::El2 => TCR_EL2.get(),
        }
    }

    /// Returns `MAIR_ELx`.
    pub fn mair(self) -> u64 {
        match self {
            Self::El1 => MAIR_EL1.get(),
            Self::El2 => MAIR_EL2.get(),
        }
    }

    /// Returns `TTBR0_ELx`.
    pub fn ttbr(self) -> u64 {
        match self {
            Self::El1 => TTBR0_EL1.get(),
            Self::El2 => TTBR0_EL2.get(),
        }
    }

    /// Writes `TCR_ELx`, and synchronizes. What a TLB keeps of the old value stays.
    ///
    /// # Safety
    ///
    /// Everything that is mapped and in use stays so.
    pub unsafe fn set_tcr(self, tcr: u64) {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Self::El1 => asm!("msr tcr_el1, {}", "isb", in(reg) tcr, options(nostack, preserves_flags)),
                Self::El2 => asm!("msr tcr_el2, {}", "isb", in(reg) tcr, options(nostack, preserves_flags)),
            }
        }
    }

    /// Writes `TTBR0_ELx`, and synchronizes. What a TLB holds by the old value stays.
    ///
    /// # Safety
    ///
    /// As for [`Self::set_tcr`].
    pub unsafe fn set_ttbr(self, ttbr: u64) {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Self::El1 => asm!("msr ttbr0_el1, {}", "isb", in(reg) ttbr, options(nostack, preserves_flags)),
                Self::El2 => asm!("msr ttbr0_el2, {}", "isb", in(reg) ttbr, options(nostack, preserves_flags)),
            }
        }
    }
}

/// Defines the conservative invalidations: a full system barrier on both sides.
macro_rules! flush {
    ($(#[$doc:meta])* $name:ident, $el1:literal, $el2:literal) => {
        $(#[$doc])*
        pub fn $name() {
            // SAFETY: invalidation makes the next access walk the tables, and has no other effect.
            unsafe {
                match OwnRegime::current() {
                    OwnRegime::El1 => asm!("dsb sy", $el1, "dsb sy", "isb", options(nostack, preserves_flags)),
                    OwnRegime::El2 => asm!("dsb sy", $el2, "dsb sy", "isb", options(nostack, preserves_flags)),
                }
            }
        }
    };
}

flush!(
    /// Invalidates all entries of the kernel's own regime, on this PE.
    flush_own,
    "tlbi vmalle1",
    "tlbi alle2"
);
flush!(
    /// Invalidates all entries of the kernel's own regime, on every PE.
    flush_own_is,
    "tlbi vmalle1is",
    "tlbi alle2is"
);

/// Returns the operand of an invalidation by address, of all ASIDs where the regime has some.
const fn operand(va: u64) -> u64 {
    va >> 12 & ((1 << 44) - 1)
}

/// Invalidates the entries of one page in the kernel's own regime, on this PE or on every PE; full system barriers on both
/// sides.
pub fn flush_own_page(va: u64, everywhere: bool) {
    macro_rules! flush {
        ($operation:literal) => {
            asm!("dsb sy", concat!("tlbi ", $operation, ", {}"), "dsb sy", "isb", in(reg) operand(va), options(nostack, preserves_flags))
        };
    }
    // SAFETY: as above.
    unsafe {
        match (OwnRegime::current(), everywhere) {
            (OwnRegime::El1, true) => flush!("vaae1is"),
            (OwnRegime::El1, false) => flush!("vaae1"),
            (OwnRegime::El2, true) => flush!("vae2is"),
            (OwnRegime::El2, false) => flush!("vae2"),
        }
    }
}

/// Invalidates one page of the kernel's own regime on every PE, and waits for it: `dsb ishst; tlbi vae2is; dsb ish`, or
/// `vaae1is`.
pub fn broadcast(va: u64) {
    macro_rules! flush {
        ($operation:literal) => {
            asm!("dsb ishst", concat!("tlbi ", $operation, ", {}"), "dsb ish", in(reg) operand(va), options(nostack, preserves_flags))
        };
    }
    // SAFETY: as above.
    unsafe {
        match OwnRegime::current() {
            OwnRegime::El1 => flush!("vaae1is"),
            OwnRegime::El2 => flush!("vae2is"),
        }
    }
}
