// SPDX-License-Identifier: MIT OR Apache-2.0
//! Puts a PE into the state in which the checks of a regime run, and back.
#![expect(unsafe_code)]
// UNSAFETY: writes the registers that control translation.

use core::arch::{asm, global_asm};

use aarch64_cpu::registers::{HCR_EL2, Readable};
use results::check::{Granule, Outcome, Regime, Spec, Tag};

use crate::arch::regime::{OwnRegime, flush_own};
use crate::check::guest_map::GuestMap;
use crate::handover::Handover;
use crate::mmu::control::{self, EL1_UPDATES, EL2_UPDATES, SCTLR_EL1_RES1, tcr_el1, vtcr};
use crate::mmu::kernel_tables::tables_base;
use crate::mmu::tables::MAIR;
use crate::platform::watchdog::HCR_IMO;

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
    /// The kernel's own regime.
    pub own: OwnRegime,
    /// The tables of EL1&0 beside the kernel's own, in a regime that has them. Entered at EL1, the kernel has none but its
    /// own.
    pub guest: Option<GuestMap>,
    /// Whether stage 1 entries under test carry an ASID.
    pub tagged: bool,
    /// Whether hardware updates the access flag and dirty state.
    updates: bool,
    /// The kernel's own `TCR_ELx`, with E2H = 0.
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
            own: OwnRegime::current(),
            guest,
            tagged: matches!(spec.tag, Tag::Asid | Tag::OtherAsid),
            updates: spec.has_hardware_updates(),
            tcr: OwnRegime::current().tcr(),
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
            (Regime::El2Host, _) => self.switch(HCR_E2H | hcr_rw()),
            (Regime::El2HostTge, _) => self.switch(HCR_E2H | HCR_TGE | hcr_rw()),
            (_, Some(guest)) => self.enter_guest(guest),
            (_, None) if self.updates => self.set_tcr(self.tcr | control::updates(self.own)),
            (_, None) => {}
        }
        if self.guest.is_none() && (self.regime.is_host() || self.tagged) {
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
            Regime::El2Host | Regime::El2HostTge => {
                self.set_ttbr(self.root);
                self.switch(hcr_rw());
            }
            _ if self.guest.is_some() => set_hcr(hcr_rw()),
            _ if self.updates => self.set_tcr(self.tcr),
            _ if self.tagged => {
                self.set_ttbr(self.root);
                flush_own();
            }
            _ => {}
        }
    }

    fn set_tcr(&self, tcr: u64) {
        // SAFETY: differs from what is there only in who updates descriptors, and no descriptor in use calls for it.
        unsafe { self.own.set_tcr(tcr) };
        // A TLB may keep what the register says.
        flush_own();
    }

    fn set_ttbr(&self, ttbr: u64) {
        // SAFETY: the same tables, and the kernel's own translations are global: the ASID says nothing about them.
        unsafe { self.own.set_ttbr(ttbr) };
    }

    fn switch(&self, hcr: u64) {
        /// `CPTR_EL2` with E2H = 0, its RES1 bits: nothing is trapped. With E2H = 1: FPEN.
        const CPTR: u64 = 0x33ff;
        const CPTR_HOST: u64 = 0b11 << 20;
        let (tcr, cptr) = if hcr & HCR_E2H == 0 {
            (self.tcr, CPTR)
        } else {
            (tcr_el1(Granule::K4), CPTR_HOST)
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
        const SCTLR: u64 = SCTLR_EL1_RES1 | 1 << 12 | 1 << 2;
        const SCTLR_M: u64 = 1;
        let hcr = match self.regime {
            // Without stage 1, DC makes the guest's memory Normal Write-Back instead of Device.
            Regime::Stage2 => hcr_rw() | HCR_VM | HCR_DC,
            regime if regime.has_stage2() => hcr_rw() | HCR_VM,
            _ => hcr_rw(),
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
                tcr = in(reg) tcr_el1(guest.granule()) | updates,
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
            return self.set_ttbr(self.root | asid << TAG_SHIFT);
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

/// Returns `HCR_EL2` as it is between checks, on this PE: lower levels are AArch64, and interrupts go where they went.
fn hcr_rw() -> u64 {
    HCR_RW | HCR_EL2.get() & HCR_IMO
}

fn set_hcr(hcr: u64) {
    // SAFETY: turns stage 2 off; nothing runs at EL1 or EL0 until the next `enter_guest`.
    unsafe { asm!("msr hcr_el2, {}", "isb", in(reg) hcr, options(nostack, preserves_flags)) };
    debug_assert!(HCR_EL2.get() == hcr);
}
