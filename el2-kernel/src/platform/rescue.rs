// SPDX-License-Identifier: MIT OR Apache-2.0
//! Calls what may take an exception, never return, or take the kernel's own mapping away, and comes back all the same.
//!
//! For the time of the call the exception vectors are a page that is mapped a second time, at an address with tables of its
//! own: they can be fetched where the image can not. They put translation tables into use that nobody has changed
//! (`mmu::known_good`), forget all that the TLB holds, and go on behind the call. What was true of registers is put back
//! from the stack. (An address space in which not even that page is mapped is beyond help: then the host ends the run.)
#![expect(unsafe_code)]
// UNSAFETY: leaves a function in its middle.

use core::arch::{asm, global_asm};

use aarch64_cpu::registers::{ELR_EL1, ELR_EL2, ESR_EL1, ESR_EL2, FAR_EL1, FAR_EL2, Readable};

use crate::arch::regime::OwnRegime;
use crate::image::{Raw, image};

/// The stack pointer to go back to: in the image, which is mapped again by the time it is read.
static STACK: Raw<4096> = Raw::new();

global_asm!(
    r#"
    .section .text.rescue, "ax"
    .balign 4096
    .globl  rescue_page
rescue_page:
    .set    n, 1
    .rept   16
    .balign 128
    mov     x0, n
    b       1f
    .set    n, n + 1
    .endr
    .balign 128
    // Nothing is loaded or stored before the tables are good: registers alone say where to go.
1:  mrs     x1, CurrentEL
    tbz     x1, #3, 2f
    mrs     x1, tpidrro_el0
    msr     ttbr0_el2, x1
    isb
    dsb     sy
    tlbi    alle2
    b       3f
2:  mrs     x1, tpidrro_el0
    msr     ttbr0_el1, x1
    isb
    dsb     sy
    tlbi    vmalle1
3:  ic      iallu
    dsb     sy
    isb
    mrs     x1, tpidr_el0
    br      x1

    // x0: what to call, x1: its operand registers, x2: the vectors, x3: the tables, x4: whether interrupts may come.
    // Returns 0 in x0, or one more than the vector.
    .balign 64
    .globl  rescue_call
rescue_call:
    stp     x29, x30, [sp, #-112]!
    stp     x19, x20, [sp, #16]
    stp     x21, x22, [sp, #32]
    stp     x23, x24, [sp, #48]
    stp     x25, x26, [sp, #64]
    stp     x27, x28, [sp, #80]
    mrs     x7, CurrentEL
    mrs     x5, vbar_el1
    tbz     x7, #3, 5f
    mrs     x5, vbar_el2
5:  str     x5, [sp, #96]
    adrp    x5, {stack}
    add     x5, x5, :lo12:{stack}
    mov     x6, sp
    str     x6, [x5]
    adr     x5, 3f
    msr     tpidr_el0, x5           // nobody else uses these two but the vectors in use otherwise
    msr     tpidrro_el0, x3
    tbz     x7, #3, 5f
    msr     vbar_el2, x2
    b       6f
5:  msr     vbar_el1, x2
6:  dsb     sy
    isb
    mov     x10, x0
    mov     x11, x1
    cbz     x4, 2f
    msr     daifclr, #2
2:  ldp     x2, x3, [x11]
    ldp     x4, x5, [x11, #16]
    ldp     x6, x7, [x11, #32]
    ldp     x8, x9, [x11, #48]
    mov     x0, x2
    blr     x10
    mov     x0, xzr
    b       4f
3:  adrp    x5, {stack}
    add     x5, x5, :lo12:{stack}
    ldr     x6, [x5]
    mov     sp, x6
4:  msr     daifset, #0xf
    ldr     x5, [sp, #96]
    mrs     x7, CurrentEL
    tbz     x7, #3, 5f
    msr     vbar_el2, x5
    b       6f
5:  msr     vbar_el1, x5
6:  isb
    ldp     x19, x20, [sp, #16]
    ldp     x21, x22, [sp, #32]
    ldp     x23, x24, [sp, #48]
    ldp     x25, x26, [sp, #64]
    ldp     x27, x28, [sp, #80]
    ldp     x29, x30, [sp], #112
    ret
    "#,
    stack = sym STACK,
);

unsafe extern "C" {
    static rescue_page: u8;
}

/// Returns how far into the image the page stands that [`Rescue::page`] maps.
pub fn offset_in_image() -> u64 {
    (&raw const rescue_page as usize - image().0) as u64
}

/// What a call that did not return was ended by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caught {
    /// The exception vector, 0 to 15.
    pub vector: usize,
    /// `ESR_ELx`.
    pub esr: u64,
    /// `ELR_ELx`.
    pub elr: u64,
    /// `FAR_ELx`.
    pub far: u64,
}

impl Caught {
    /// Returns whether it was an interrupt.
    pub const fn is_interrupt(&self) -> bool {
        self.vector & 3 == 1
    }
}

/// How to come back.
#[derive(Debug, Clone, Copy)]
pub struct Rescue {
    /// The second address of the page of vectors.
    pub page: u64,
    /// `TTBR0_ELx` for tables that nobody has changed.
    pub ttbr: u64,
    /// Whether an interrupt ends a call.
    pub interrupts: bool,
}

impl Rescue {
    /// Calls what is at `target`, with the values for `x2` to `x9` (the first of them in `x0` too). After an exception the
    /// tables of [`Self::ttbr`] are in use.
    ///
    /// # Safety
    ///
    /// Both addresses are what they say, and of the regime that the kernel runs in. What is called is a function of assembly,
    /// or a small one without floating point, and nothing depends on its being done.
    pub unsafe fn call(&self, target: usize, operands: &[u64; 8]) -> Result<(), Caught> {
        let vector: usize;
        // SAFETY: the caller's promise; all that a function need not keep is said to be changed.
        unsafe {
            asm!(
                "bl rescue_call",
                inout("x0") target => vector,
                inout("x1") operands => _,
                inout("x2") self.page => _,
                inout("x3") self.ttbr => _,
                inout("x4") u64::from(self.interrupts) => _,
                clobber_abi("C"),
            );
        }
        match vector {
            0 => Ok(()),
            vector => {
                let (esr, elr, far) = match OwnRegime::current() {
                    OwnRegime::El1 => (ESR_EL1.get(), ELR_EL1.get(), FAR_EL1.get()),
                    OwnRegime::El2 => (ESR_EL2.get(), ELR_EL2.get(), FAR_EL2.get()),
                };
                Err(Caught {
                    vector: vector - 1,
                    esr,
                    elr,
                    far,
                })
            }
        }
    }
}
