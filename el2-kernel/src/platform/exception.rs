// SPDX-License-Identifier: MIT OR Apache-2.0
//! Exception vectors, from the first instruction on.
//!
//! An exception inside [`crate::arch::probe`] is an observation and returns to it; an interrupt is looked at
//! (`platform::watchdog`). Every other one is printed, with the sequence that was running, and ends the run.
#![expect(unsafe_code)]
// UNSAFETY: vectors are assembly.

use core::arch::global_asm;
use core::sync::atomic::{AtomicU8, Ordering};

use aarch64_cpu::registers::{
    ELR_EL1, ELR_EL2, ELR_EL3, ESR_EL1, ESR_EL2, ESR_EL3, FAR_EL1, FAR_EL2, FAR_EL3, Readable,
};
use results::record::Record;

use crate::arch::instructions::current_el;
use crate::arch::regime::OwnRegime;
use crate::image::Raw;
use crate::platform::console;
use crate::platform::end;
use crate::platform::firmware;
use crate::platform::lost;
use crate::platform::phase::Phase;
use crate::platform::suspect;
use crate::platform::watchdog;

/// The emergency stack: the stack in use may be what failed.
static EMERGENCY_STACK: Raw<8192> = Raw::new();

unsafe extern "C" {
    /// The vector table of EL2, and of EL3.
    pub safe static vectors: [u32; 512];
    /// The vector table of EL1.
    pub safe static vectors_el1: [u32; 512];
}

global_asm!(
    r#"
    .section .vectors, "ax"
    // An interrupt: none is expected but the watchdog's. When it goes off for the first time, the machine may have stood
    // still, so it has to do so twice.
    .macro  interrupt n, el, control, deadline
    .balign 128
    msr     tpidr_el0, x0           // as in the synchronous one, which is over when an interrupt comes
    msr     tpidrro_el0, x1
    adrp    x0, {watch}
    add     x0, x0, :lo12:{watch}
    ldr     x1, [x0]
    cbz     x1, 8f
    mrs     x1, \control
    tbz     x1, #2, 6f
    ldr     x1, [x0]
    sub     x1, x1, #1
    cbz     x1, 8f
    str     x1, [x0]
    ldr     x0, [x0, #8]
    isb
    mrs     x1, cntvct_el0
    add     x1, x1, x0
    msr     \deadline, x1
    isb
    b       7f
    // Somebody else's: there are none from here on.
6:  mrs     x1, spsr_el\el
    orr     x1, x1, #0x80
    msr     spsr_el\el, x1
7:  mrs     x0, tpidr_el0
    mrs     x1, tpidrro_el0
    eret
8:  mov     x0, \n
    b       unexpected
    .endm

    // One table for each level the kernel may run at: they differ in the registers that say what happened.
    .macro  vector_table name, el, control, deadline
    .balign 2048
    .globl  \name
\name:
    .set    n, 0
    .rept   4
    .balign 128
    mov     x0, n
    b       unexpected
    .set    n, n + 1
    .endr

    // Current EL with SP_ELx, synchronous.
    .balign 128
    msr     tpidr_el0, x0           // nobody else uses tpidr_el0 and tpidrro_el0
    msr     tpidrro_el0, x1
    mrs     x0, CurrentEL
    cmp     x0, #(\el << 2)
    b.ne    3f
    mrs     x0, elr_el\el
    mrs     x1, tpidr_el1           // where a probe of an instruction fetch has gone
    cmp     x0, x1
    b.eq    4f
    adrp    x1, probe_start
    add     x1, x1, :lo12:probe_start
    sub     x0, x0, x1
    cmp     x0, #{probe_size}
    b.hs    3f
    // A probe faulted: it resumes at its recovery label with the syndrome in x1.
    adrp    x0, probe_fault
    add     x0, x0, :lo12:probe_fault
    msr     elr_el\el, x0
    mrs     x1, esr_el\el
    eret
4:  adrp    x0, probe_fetch_fault
    add     x0, x0, :lo12:probe_fetch_fault
    msr     elr_el\el, x0
    mrs     x1, esr_el\el
    eret
3:  mov     x0, #4
    b       unexpected

    interrupt 5, \el, \control, \deadline
    .set    n, 6
    .rept   2
    .balign 128
    mov     x0, n
    b       unexpected
    .set    n, n + 1
    .endr

    // Lower EL using AArch64, synchronous: a lower level is done, well or with a fault. Only crate::check::guest goes there,
    // and it has left its return address in x16. The exception level is the kernel's by now, so that a branch is enough.
    .balign 128
    mrs     x2, esr_el\el
    br      x16

    interrupt 9, \el, \control, \deadline
    .set    n, 10
    .rept   6
    .balign 128
    mov     x0, n
    b       unexpected
    .set    n, n + 1
    .endr
    .endm

    vector_table vectors, 2, cnthp_ctl_el2, cnthp_cval_el2 // at EL3 too, where all is unexpected
    vector_table vectors_el1, 1, cntv_ctl_el0, cntv_cval_el0

    .balign 128
unexpected:
    mov     x20, x0
    adrp    x1, {stack}
    add     sp, x1, #8192
    // With the MMU still off the image may be relocated already for where it will run, or not at all yet: what follows
    // needs the addresses of where it is.
    mrs     x1, CurrentEL
    cmp     x1, #(2 << 2)
    b.hi    4f
    b.eq    5f
    mrs     x1, sctlr_el1
    b       6f
5:  mrs     x1, sctlr_el2
6:  tbnz    x1, #0, 4f
    adrp    x0, image_start
    bl      relocate
4:  mov     x0, x20
    bl      {unexpected}
2:  wfe
    b       2b
    "#,
    stack = sym EMERGENCY_STACK,
    unexpected = sym unexpected,
    probe_size = const crate::arch::probe::SIZE,
    watch = sym watchdog::WATCH,
);

/// Returns the address of the vector table of a kernel's regime.
pub fn table_of(own: OwnRegime) -> usize {
    match own {
        OwnRegime::El1 => &raw const vectors_el1 as usize,
        OwnRegime::El2 => &raw const vectors as usize,
    }
}

/// Names of the sixteen vectors (Arm ARM, "Exception vectors").
pub const VECTORS: [&str; 16] = [
    "current_sp0_sync",
    "current_sp0_irq",
    "current_sp0_fiq",
    "current_sp0_serror",
    "current_spx_sync",
    "current_spx_irq",
    "current_spx_fiq",
    "current_spx_serror",
    "lower_a64_sync",
    "lower_a64_irq",
    "lower_a64_fiq",
    "lower_a64_serror",
    "lower_a32_sync",
    "lower_a32_irq",
    "lower_a32_fiq",
    "lower_a32_serror",
];

/// Exceptions taken; a second one means that printing the first one failed.
static NESTING: AtomicU8 = AtomicU8::new(0);

extern "C" fn unexpected(vector: usize) -> ! {
    if lost::is_this_pe() {
        // It woke up behind everybody's back, and finds its surroundings changed.
        firmware::park();
    }
    let nesting = NESTING.load(Ordering::Relaxed);
    NESTING.store(nesting.saturating_add(1), Ordering::Relaxed);
    let el = current_el();
    let (esr, elr, far) = match el {
        1 => (ESR_EL1.get(), ELR_EL1.get(), FAR_EL1.get()),
        2 => (ESR_EL2.get(), ELR_EL2.get(), FAR_EL2.get()),
        _ => (ESR_EL3.get(), ELR_EL3.get(), FAR_EL3.get()),
    };
    match nesting {
        0 => {
            console::break_line();
            let phase = Phase::current().name();
            // Of an interrupt, neither register says anything.
            let endless = vector & 3 == 1 && el < 3 && watchdog::is_due();
            console::record(&Record::Exception {
                phase,
                vector: if endless { "watchdog" } else { VECTORS[vector & 15] },
                el,
                esr: if endless { 0 } else { esr },
                elr,
                far: if endless { 0 } else { far },
                seq: suspect::at(elr),
            });
            end::end(false)
        }
        1 => firmware::power_off(),
        _ => firmware::park(),
    }
}
