// SPDX-License-Identifier: MIT OR Apache-2.0
//! The switch to the runtime address: relocation, MMU on, jump. It stands in the one page that the 1:1 map covers.
#![expect(unsafe_code)]
// UNSAFETY: turns the MMU on, and jumps.

use core::arch::global_asm;

use crate::image::{BOOT_STACK, BOOT_STACK_SIZE};

global_asm!(
    r#"
    .section .head.switch, "ax"
    // x20: TTBR0, x21: TCR, x22: MAIR.
    .macro  set_up_tables el, all
    msr     ttbr0_el\el, x20
    msr     tcr_el\el, x21
    msr     mair_el\el, x22
    isb
    // Nothing cached from before may be used: firmware ran with other tables.
    tlbi    \all
    ic      iallu
    dsb     nsh
    isb
    .endm

    // x18: vectors, x23: SCTLR, x24: whether a PMU counts, x10: where to go on. Leaves the counter before and after in x25
    // and x26.
    .macro  turn_on el
    // From here exceptions are taken at the runtime address, where the vectors stay mapped.
    msr     vbar_el\el, x18
    cbz     x24, 21f
    mrs     x25, pmccntr_el0
    b       22f
21: mrs     x25, cntvct_el0
22: msr     sctlr_el\el, x23
    isb
    cbz     x24, 23f
    mrs     x26, pmccntr_el0
    b       24f
23: mrs     x26, cntvct_el0
24: br      x10
    .endm

    // x0 := Switch; does not return.
    .globl  switch_to_runtime
switch_to_runtime:
    ldp     x19, x20, [x0]          // runtime address, TTBR0
    ldp     x21, x22, [x0, #16]     // TCR, MAIR
    ldp     x23, x24, [x0, #32]     // SCTLR, whether a PMU counts
    ldp     x28, x18, [x0, #48]     // where to go on, vectors there
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
    adr     x2, 10f
    sub     x2, x2, x9
    add     x10, x2, x19            // x10 := runtime address of label 10
    mrs     x4, CurrentEL
    cmp     x4, #(2 << 2)
    b.ne    11f
    set_up_tables 2, alle2
    turn_on 2
11: set_up_tables 1, vmalle1
    turn_on 1
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
    stack = sym BOOT_STACK,
    stack_size = const BOOT_STACK_SIZE,
);

/// What the switch to the runtime address needs. Read by assembly: the order of the fields matters.
#[derive(Debug)]
#[repr(C)]
pub struct Switch {
    /// Runtime address of the image.
    pub runtime: u64,
    /// `TTBR0_ELx`.
    pub ttbr: u64,
    /// `TCR_ELx`.
    pub tcr: u64,
    /// `MAIR_ELx`.
    pub mair: u64,
    /// `SCTLR_ELx`, with the MMU on.
    pub sctlr: u64,
    /// 1 if the PMU's cycle counter counts, else 0.
    pub pmu: u64,
    /// Runtime address of what goes on there: its arguments are counter values before the MMU was on, after it was, and
    /// after the jump.
    pub entry: u64,
    /// Runtime address of the exception vectors.
    pub vectors: u64,
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
