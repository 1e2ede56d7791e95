// SPDX-License-Identifier: MIT OR Apache-2.0
//! Another boot without a boot loader: back to the state in which one enters the kernel, and in at the entry point.
//!
//! What the boot path relies on is made true again: the MMU is off, memory holds what the caches held, and no other PE
//! runs. The rest it does not rely on: it zeroes its data, relocates what is relocated, and builds new tables. (Data that
//! is neither zero at the start nor constant: the pen's, which `smp::power` puts back, and what is written anew before it
//! is read.)
#![expect(unsafe_code)]
// UNSAFETY: turns the MMU off.

use core::arch::global_asm;

use crate::arch::instructions::{dsb_ishst, isb};
use crate::arch::regime::OwnRegime;
use crate::handover::Handover;
use crate::image::image;
use crate::mmu::control;
use crate::mmu::identity::Identity;

global_asm!(
    r#"
    .section .head.again, "ax"
    // x0: device tree, x1: exception level at the first entry, x2: load address, x3 and x4: the image, x5: how to run
    // without MMU. Nothing is stored from here on, so that what is cleaned stays so.
enter_again:
    mrs     x7, ctr_el0
    ubfx    x7, x7, #16, #4
    mov     x6, #4
    lsl     x7, x6, x7              // smallest data cache line
1:  dc      civac, x3
    add     x3, x3, x7
    cmp     x3, x4
    b.lo    1b
    dsb     sy
    adr     x6, 2f
    adr     x7, image_start
    sub     x6, x6, x7
    add     x6, x6, x2
    br      x6                      // into the 1:1 map
2:  mrs     x6, CurrentEL
    cmp     x6, #(2 << 2)
    b.eq    3f
    msr     sctlr_el1, x5
    isb
    tlbi    vmalle1
    b       4f
3:  msr     sctlr_el2, x5
    isb
    tlbi    alle2
4:  ic      iallu
    dsb     nsh
    isb
    mov     x23, x1
    b       entry_again
    "#
);

unsafe extern "C" {
    fn enter_again(device_tree: usize, entered_at: usize, load: u64, start: usize, end: usize, sctlr: u64) -> !;
}

/// Boots again.
///
/// # Safety
///
/// No other PE runs, and the device tree is still where the boot loader left it.
pub unsafe fn boot_again(boot: &Handover, identity: Option<&Identity>) -> ! {
    if let Some(identity) = identity {
        identity.entry.set(identity.descriptor);
        dsb_ishst();
        isb();
    }
    let (start, size) = image();
    // SAFETY: the caller's promise; the entry page is mapped 1:1, or runs there already.
    unsafe {
        enter_again(
            boot.device_tree,
            boot.entered_at,
            boot.load,
            start,
            start + size,
            control::sctlr_off(OwnRegime::current()),
        )
    }
}
