// SPDX-License-Identifier: MIT OR Apache-2.0
//! The switch to the runtime address: relocation, MMU on, jump. It stands in the one page that the 1:1 map covers.
#![expect(unsafe_code)]
// UNSAFETY: turns the MMU on, and jumps.

use core::arch::global_asm;

use crate::image::{BOOT_STACK, BOOT_STACK_SIZE};
use crate::platform::exception::vectors;

global_asm!(
    r#"
    .section .head.switch, "ax"
    // x0 := Switch; does not return.
    .globl  switch_to_runtime
switch_to_runtime:
    ldp     x19, x20, [x0]          // runtime address, TTBR0_EL2
    ldp     x21, x22, [x0, #16]     // TCR_EL2, MAIR_EL2
    ldp     x23, x24, [x0, #32]     // SCTLR_EL2, whether a PMU counts
    ldr     x28, [x0, #48]          // where to go on
    mov     x0, x19
    bl      relocate

    // Everything up to here was written with the caches off. Caches may hold older clean copies of the same lines:
    // discard them, or the first cached read would find those.
    mrs     x2, ctr_el0
    ubfx    x2, x2, #16, #4
    mov     x3, #4
    lsl     x2, x3, x2              // smallest data cache line
    adr     x0, image_start
    adrp    x1, image_end
9:  dc      ivac, x0
    add     x0, x0, x2
    cmp     x0, x1
    b.lo    9b
    dsb     sy

    adr     x9, image_start
    adrp    x1, {vectors}
    add     x1, x1, :lo12:{vectors}
    sub     x1, x1, x9
    add     x1, x1, x19
    adr     x2, 10f
    sub     x2, x2, x9
    add     x10, x2, x19            // x10 := runtime address of label 10
    msr     ttbr0_el2, x20
    msr     tcr_el2, x21
    msr     mair_el2, x22
    isb
    // Nothing cached from before may be used: firmware ran with other tables.
    tlbi    alle2
    ic      iallu
    dsb     nsh
    isb
    // From here exceptions are taken at the runtime address, where the vectors stay mapped.
    msr     vbar_el2, x1
    cbz     x24, 11f
    mrs     x25, pmccntr_el0
    b       12f
11: mrs     x25, cntvct_el0
12: msr     sctlr_el2, x23
    isb
    cbz     x24, 13f
    mrs     x26, pmccntr_el0
    b       14f
13: mrs     x26, cntvct_el0
14: br      x10
10: isb
    cbz     x24, 15f
    mrs     x27, pmccntr_el0
    b       16f
15: mrs     x27, cntvct_el0
16: adrp    x0, {stack}
    add     sp, x0, #{stack_size}
    mov     x0, x25
    mov     x1, x26
    mov     x2, x27
    blr     x28
17: wfe
    b       17b
    "#,
    vectors = sym vectors,
    stack = sym BOOT_STACK,
    stack_size = const BOOT_STACK_SIZE,
);

/// What the switch to the runtime address needs. Read by assembly: the order of the fields matters.
#[derive(Debug)]
#[repr(C)]
pub struct Switch {
    /// Runtime address of the image.
    pub runtime: u64,
    /// `TTBR0_EL2`.
    pub ttbr: u64,
    /// `TCR_EL2`.
    pub tcr: u64,
    /// `MAIR_EL2`.
    pub mair: u64,
    /// `SCTLR_EL2`, with the MMU on.
    pub sctlr: u64,
    /// 1 if the PMU's cycle counter counts, else 0.
    pub pmu: u64,
    /// Runtime address of what goes on there: its arguments are counter values before the MMU was on, after it was, and
    /// after the jump.
    pub entry: u64,
}

unsafe extern "C" {
    /// Relocates the image to its runtime address, turns MMU and caches on, and enters [`Switch::entry`] there
    /// on a fresh stack.
    ///
    /// # Safety
    ///
    /// The MMU is off; the tables map the entry page 1:1 (or the runtime address is the physical one) and the image at
    /// its runtime address; `entry` does not return.
    pub fn switch_to_runtime(switch: &Switch) -> !;
}
