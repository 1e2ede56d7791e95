// SPDX-License-Identifier: MIT OR Apache-2.0
//! Puts a PE into the state in which the checks of a regime run, and back.
#![expect(unsafe_code)]
// UNSAFETY: writes the registers that control translation.

use core::arch::{asm, global_asm};

use aarch64_cpu::registers::{HCR_EL2, ID_AA64MMFR0_EL1, Readable, TCR_EL2};
use results::check::{Granule, Outcome, Regime, Spec, Tag};

use crate::arch::instructions::flush_el2;
use crate::check::guest_map::GuestMap;
use crate::handover::Handover;
use crate::mmu::kernel_tables::tables_base;
use crate::mmu::large_granule;
use crate::mmu::tables::MAIR;

/// ASID of the translations under test that are not global, and one that nothing else uses.
pub const ASIDS: [u64; 2] = [1, 2];
/// VMID of the translations under test, and one that nothing else uses.
pub const VMIDS: [u64; 2] = [1, 2];

const TAG_SHIFT: u32 = 48;
const HCR_VM: u64 = 1 << 0;
const HCR_DC: u64 = 1 << 12;
const HCR_TGE: u64 = 1 << 27;
const HCR_RW: u64 = 1 << 31;
const HCR_E2H: u64 = 1 << 34;

global_asm!(
    r#"
    // In the one page of the 1:1 map: the MMU is off while the format of the translation registers changes.
    .section .head.regime, "ax"
    // x0: HCR_EL2, x1: TCR_EL2, x2: CPTR_EL2, x3: load address minus runtime address
    .globl  switch_el2_regime
switch_el2_regime:
    mrs     x4, sctlr_el2
    bic     x5, x4, #1
    adr     x6, 1f
    add     x6, x6, x3
    dsb     sy
    br      x6
1:  msr     sctlr_el2, x5
    isb
    msr     hcr_el2, x0
    isb
    msr     tcr_el2, x1
    msr     cptr_el2, x2
    isb
    tlbi    alle2
    dsb     nsh
    isb
    msr     sctlr_el2, x4
    isb
    ret
    "#
);

/// How a regime is set up: made by the boot PE, the same for every PE.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// The regime.
    pub regime: Regime,
    /// The tables of EL1&0, in a regime that has them.
    pub guest: Option<GuestMap>,
    /// Whether stage 1 entries under test carry an ASID.
    pub tagged: bool,
    /// Whether hardware updates the access flag and dirty state.
    updates: bool,
    /// `TCR_EL2` with E2H = 0.
    tcr: u64,
    /// Physical address of the kernel's own level 0 table.
    root: u64,
    /// Load address minus runtime address.
    to_identity: u64,
}

impl Setup {
    /// Returns the setup that a check needs.
    pub fn new(spec: &Spec, guest: Option<GuestMap>, boot: &Handover) -> Self {
        Self {
            regime: spec.regime,
            guest,
            tagged: matches!(spec.tag, Tag::Asid | Tag::OtherAsid),
            updates: spec.has_hardware_updates(),
            tcr: TCR_EL2.get(),
            root: tables_base(boot.load),
            to_identity: boot.load.wrapping_sub(boot.layout.image),
        }
    }

    /// Puts this PE into the regime's state.
    ///
    /// # Safety
    ///
    /// For EL2&0: the 1:1 map is there.
    pub unsafe fn enter(&self) {
        match (self.regime, &self.guest) {
            (Regime::El2Host, _) => self.switch(HCR_E2H | HCR_RW),
            (Regime::El2HostTge, _) => self.switch(HCR_E2H | HCR_TGE | HCR_RW),
            (_, Some(guest)) => self.enter_guest(guest),
            (_, None) if self.updates => set_tcr(self.tcr | EL2_UPDATES),
            (_, None) => {}
        }
        if self.regime.is_host() {
            self.use_asid(0);
        }
    }

    /// Puts this PE back into the state between checks.
    ///
    /// # Safety
    ///
    /// As [`Self::enter`].
    pub unsafe fn leave(&self) {
        match self.regime {
            Regime::El2 if self.updates => set_tcr(self.tcr),
            Regime::El2 => {}
            Regime::El2Host | Regime::El2HostTge => {
                set_ttbr(self.root);
                self.switch(HCR_RW);
            }
            _ => set_hcr(HCR_RW),
        }
    }

    fn switch(&self, hcr: u64) {
        /// `CPTR_EL2` with E2H = 0, its RES1 bits: nothing is trapped. With E2H = 1: FPEN.
        const CPTR: u64 = 0x33ff;
        const CPTR_HOST: u64 = 0b11 << 20;
        let (tcr, cptr) = if hcr & HCR_E2H == 0 {
            (self.tcr, CPTR)
        } else {
            (guest_tcr(Granule::K4), CPTR_HOST)
        };
        // SAFETY: the routine is in the 1:1 map, which is there by the caller's promise; it uses no stack and leaves
        // the MMU as it was, with the same tables.
        unsafe {
            asm!(
                "bl switch_el2_regime",
                in("x0") hcr,
                in("x1") tcr,
                in("x2") cptr,
                in("x3") self.to_identity,
                out("x4") _,
                out("x5") _,
                out("x6") _,
                out("x30") _,
                options(nostack),
            );
        }
    }

    fn enter_guest(&self, guest: &GuestMap) {
        /// Little-endian, no traps, MMU and caches on; the RES1 bits of `SCTLR_EL1`.
        const SCTLR: u64 = 0x30d0_0800 | 1 << 12 | 1 << 2;
        const SCTLR_M: u64 = 1;
        let hcr = match self.regime {
            // Without stage 1, DC makes the guest's memory Normal Write-Back instead of Device.
            Regime::Stage2 => HCR_RW | HCR_VM | HCR_DC,
            regime if regime.has_stage2() => HCR_RW | HCR_VM,
            _ => HCR_RW,
        };
        let sctlr = if self.regime == Regime::Stage2 {
            SCTLR
        } else {
            SCTLR | SCTLR_M
        };
        let (updates, stage2_updates) = if self.updates {
            (EL1_UPDATES, EL2_UPDATES)
        } else {
            (0, 0)
        };
        // SAFETY: EL1 and EL0 are entered by `crate::check::guest` only, after this.
        unsafe {
            asm!(
                "msr hcr_el2, {hcr}",
                "msr vtcr_el2, {vtcr}",
                "msr mair_el1, {mair}",
                "msr tcr_el1, {tcr}",
                "msr sctlr_el1, {sctlr}",
                "msr vbar_el1, {vbar}",
                "isb",
                hcr = in(reg) hcr,
                vtcr = in(reg) vtcr(guest.granule()) | stage2_updates,
                mair = in(reg) MAIR,
                tcr = in(reg) guest_tcr(guest.granule()) | updates,
                sctlr = in(reg) sctlr,
                vbar = in(reg) guest.code(),
                options(nostack, preserves_flags),
            );
        }
        self.use_asid(0);
        self.use_vmid(0);
        // SAFETY: what any VMID and ASID had cached on this PE goes.
        unsafe {
            asm!(
                "dsb sy",
                "tlbi alle1",
                "dsb sy",
                "isb",
                options(nostack, preserves_flags)
            )
        };
    }

    /// Makes one of [`ASIDS`] the current one.
    pub fn use_asid(&self, which: usize) {
        let asid = if self.tagged { ASIDS[which] } else { 0 };
        let Some(guest) = &self.guest else {
            return set_ttbr(self.root | asid << TAG_SHIFT);
        };
        // SAFETY: as `enter_guest`.
        unsafe {
            asm!(
                "msr ttbr0_el1, {ttbr}",
                "isb",
                ttbr = in(reg) guest.stage1_root() | asid << TAG_SHIFT,
                options(nostack, preserves_flags),
            );
        }
    }

    /// Makes one of [`VMIDS`] the current one.
    pub fn use_vmid(&self, which: usize) {
        let Some(guest) = &self.guest else { return };
        // SAFETY: as `enter_guest`.
        unsafe {
            asm!(
                "msr vttbr_el2, {vttbr}",
                "isb",
                vttbr = in(reg) guest.stage2_root() | VMIDS[which] << TAG_SHIFT,
                options(nostack, preserves_flags),
            );
        }
    }
}

/// Puts a PE into the state of the [`Setup`] that the argument is the address of. A job.
///
/// # Safety
///
/// As [`Setup::enter`], and the setup stays until the job is done.
pub unsafe fn enter(setup: usize, _pe: usize) -> Outcome {
    // SAFETY: the caller's promise.
    unsafe { (*(setup as *const Setup)).enter() };
    Outcome::New
}

/// Takes a PE out of the state of the [`Setup`] that the argument is the address of. A job.
///
/// # Safety
///
/// As [`enter`].
pub unsafe fn leave(setup: usize, _pe: usize) -> Outcome {
    // SAFETY: the caller's promise.
    unsafe { (*(setup as *const Setup)).leave() };
    Outcome::New
}

fn set_hcr(hcr: u64) {
    // SAFETY: turns stage 2 off; nothing runs at EL1 or EL0 until the next `enter_guest`.
    unsafe { asm!("msr hcr_el2, {}", "isb", in(reg) hcr, options(nostack, preserves_flags)) };
    debug_assert!(HCR_EL2.get() == hcr);
}

/// HA and HD of `TCR_EL2` with E2H = 0, and of `VTCR_EL2`.
const EL2_UPDATES: u64 = 0b11 << 21;
/// HA and HD of `TCR_EL1`.
const EL1_UPDATES: u64 = 0b11 << 39;

fn set_tcr(tcr: u64) {
    // SAFETY: differs from what is there only in who updates descriptors, and no descriptor in use calls for it.
    unsafe { asm!("msr tcr_el2, {}", "isb", in(reg) tcr, options(nostack, preserves_flags)) };
    // A TLB may keep what the register says.
    flush_el2();
}

fn set_ttbr(ttbr: u64) {
    // SAFETY: the same tables, and the kernel's own translations are global: the ASID says nothing about them.
    unsafe { asm!("msr ttbr0_el2, {}", "isb", in(reg) ttbr, options(nostack, preserves_flags)) };
}

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
fn guest_tcr(granule: Granule) -> u64 {
    const T1SZ: u64 = (64 - 48) << 16;
    const EPD1: u64 = 1 << 23;
    const TG1_4K: u64 = 0b10 << 30;
    output_size() << 32 | TG1_4K | EPD1 | T1SZ | tg0(granule) | WALKS | t0sz(granule, 48)
}

/// Returns `VTCR_EL2`: 32-bit intermediate addresses and walks that start at level 1, or with larger granules 36 bits and
/// level 2.
fn vtcr(granule: Granule) -> u64 {
    const RES1: u64 = 1 << 31;
    /// Level 1 with the 4 KiB granule, level 2 with the others.
    const START: u64 = 0b01 << 6;
    RES1 | output_size() << 16 | tg0(granule) | WALKS | START | t0sz(granule, 32)
}
