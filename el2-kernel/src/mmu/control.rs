// SPDX-License-Identifier: MIT OR Apache-2.0
//! The values of the registers that control translation: of the kernel's own regime, and of tables of EL1&0.

use aarch64_cpu::registers::{ID_AA64MMFR0_EL1, Readable};
use results::check::Granule;

use crate::arch::regime::OwnRegime;
use crate::mmu::large_granule;

/// `SCTLR_ELx`: MMU, data and unified caches, alignment of the stack pointer, instruction caches.
const M: u64 = 1 << 0;
const C: u64 = 1 << 2;
const SA: u64 = 1 << 3;
const I: u64 = 1 << 12;
/// RES1 bits of `SCTLR_EL2` with E2H = 0.
const SCTLR_EL2_RES1: u64 = 0x30c5_0830;
/// RES1 bits of `SCTLR_EL1`. SPAN is among them: an exception leaves PAN as it is.
pub const SCTLR_EL1_RES1: u64 = 0x30d0_0800;

/// Returns `SCTLR_ELx` with the MMU and the caches off.
pub const fn sctlr_off(own: OwnRegime) -> u64 {
    match own {
        OwnRegime::El1 => SCTLR_EL1_RES1,
        OwnRegime::El2 => SCTLR_EL2_RES1,
    }
}

/// Returns `SCTLR_ELx` with the MMU and the caches on.
pub const fn sctlr(own: OwnRegime) -> u64 {
    sctlr_off(own) | I | SA | C | M
}

/// Returns the `TCR_ELx` that the kernel runs with: 48-bit addresses, 4 KiB granule, inner shareable write-back walks, as
/// many output bits as the PE has (at most 48).
pub fn tcr(own: OwnRegime) -> u64 {
    /// RES1 bits of `TCR_EL2` with E2H = 0.
    const RES1: u64 = 1 << 31 | 1 << 23;
    match own {
        OwnRegime::El1 => tcr_el1(Granule::K4),
        OwnRegime::El2 => RES1 | output_size() << 16 | WALKS | t0sz(Granule::K4, 48),
    }
}

/// Returns the bits of the kernel's own `TCR_ELx` that have hardware update the access flag and dirty state.
pub const fn updates(own: OwnRegime) -> u64 {
    match own {
        OwnRegime::El1 => EL1_UPDATES,
        OwnRegime::El2 => EL2_UPDATES,
    }
}

/// HA and HD of `TCR_EL2` with E2H = 0, and of `VTCR_EL2`.
pub const EL2_UPDATES: u64 = 0b11 << 21;
/// HA and HD of `TCR_EL1`.
pub const EL1_UPDATES: u64 = 0b11 << 39;

/// Inner shareable, Write-Back walks: the same bits in every TCR.
const WALKS: u64 = 0b11 << 12 | 0b01 << 10 | 0b01 << 8;

/// Returns the physical address size for a TCR, at most 48 bits.
fn output_size() -> u64 {
    ID_AA64MMFR0_EL1.read(ID_AA64MMFR0_EL1::PARange).min(0b101)
}

/// Returns the size of the addresses to translate, as a TCR has it, for stage 1 or stage 2.
const fn t0sz(granule: Granule, bits: u64) -> u64 {
    64 - match granule {
        Granule::K4 => bits,
        Granule::K16 | Granule::K64 => large_granule::ADDRESS_BITS,
    }
}

/// Returns TG0 of any TCR.
const fn tg0(granule: Granule) -> u64 {
    let field = match granule {
        Granule::K4 => 0b00,
        Granule::K64 => 0b01,
        Granule::K16 => 0b10,
    };
    field << 14
}

/// Returns `TCR_EL1`, and `TCR_EL2` for E2H = 1, which has the same layout: 48-bit addresses (less with larger
/// granules), no upper half.
pub fn tcr_el1(granule: Granule) -> u64 {
    const T1SZ: u64 = (64 - 48) << 16;
    const EPD1: u64 = 1 << 23;
    const TG1_4K: u64 = 0b10 << 30;
    output_size() << 32 | TG1_4K | EPD1 | T1SZ | tg0(granule) | WALKS | t0sz(granule, 48)
}

/// Returns `VTCR_EL2`: 32-bit intermediate addresses and walks that start at level 1, or with larger granules 36 bits and
/// level 2.
pub fn vtcr(granule: Granule) -> u64 {
    const RES1: u64 = 1 << 31;
    /// Level 1 with the 4 KiB granule, level 2 with the others.
    const START: u64 = 0b01 << 6;
    RES1 | output_size() << 16 | tg0(granule) | WALKS | START | t0sz(granule, 32)
}
