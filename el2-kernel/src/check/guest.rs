// SPDX-License-Identifier: MIT OR Apache-2.0
//! Accesses at EL1 and EL0: one instruction there, and back to EL2.
//!
//! EL2 leaves its return address in `x16`, which nothing at EL1 or EL0 touches; the vector for exceptions from lower
//! levels branches to it. So a round trip saves and restores nothing.
#![expect(unsafe_code)]
// UNSAFETY: enters another exception level.

use core::arch::{asm, global_asm};

use aarch64_cpu::registers::{ESR_EL1, Readable};
use results::check::Access;

use crate::arch::probe::{Probed, Syndrome};
use crate::image::image;

global_asm!(
    r#"
    .section .text.guest, "ax"
    // A page of its own: guests map it, and nothing else of the kernel.
    .balign 4096
    .globl  guest_page
guest_page:
    // VBAR_EL1. Whatever happens goes on to EL2, with the vector's number.
    .set    n, 0
    .rept   16
    .balign 128
    hvc     #(0x10 + n)
    .set    n, n + 1
    .endr
    .balign 128
    // x0: address, x1: value. In the order of results::check::Access, 8 bytes each; first for EL1, then for EL0.
    ldr     x0, [x0]
    hvc     #0
    str     x1, [x0]
    hvc     #0
    blr     x0
    hvc     #0
    ldr     x0, [x0]
    svc     #0
    str     x1, [x0]
    svc     #0
    blr     x0
    svc     #0
    .balign 4096
    "#
);

/// Offset of the first access in the page.
const ACCESSES: u64 = 16 * 128;
/// `hvc` from the vectors: synchronous exceptions from EL1 itself (with `SP_EL1`) and from EL0.
const FROM_EL1: u64 = 0x10 + 4;
const FROM_EL0: u64 = 0x10 + 8;

/// Returns the runtime address of the page of guest code.
pub fn code_page() -> u64 {
    unsafe extern "C" {
        static guest_page: u8;
    }
    &raw const guest_page as u64
}

/// Returns the physical address of the page of guest code for an image loaded at `load`.
pub fn code_page_physical(load: u64) -> u64 {
    code_page() - image().0 as u64 + load
}

/// Makes one access at EL1 or EL0.
///
/// `code` is where the page of guest code is mapped there.
///
/// # Safety
///
/// The regime of EL1 and EL0 is set up and maps `code`; no Rust object lives at what `va` leads to.
#[inline(always)]
pub unsafe fn access(code: u64, kind: Access, el0: bool, va: u64, value: u64) -> Probed {
    /// `SPSR_EL2`: all interrupts masked, and EL1 with its own stack pointer, or EL0.
    const EL1: u64 = 0x3c5;
    const EL0: u64 = 0x3c0;
    let target = code + ACCESSES + 8 * (kind as u64 + if el0 { 3 } else { 0 });
    let (result, esr): (u64, u64);
    // SAFETY: what runs there is one access and a call back; it is the caller's promise that it is mapped.
    unsafe {
        asm!(
            "msr elr_el2, {target}",
            "msr spsr_el2, {spsr}",
            "adr x16, 2f",
            "eret",
            "2:",
            target = in(reg) target,
            spsr = in(reg) if el0 { EL0 } else { EL1 },
            inout("x0") va => result,
            inout("x1") value => _,
            out("x2") esr,
            out("x16") _,
            out("x30") _,
            options(nostack),
        );
    }
    decode(esr, result)
}

fn decode(esr: u64, value: u64) -> Probed {
    const SVC: u64 = 0x15;
    const HVC: u64 = 0x16;
    match (Syndrome(esr).class(), esr & 0xffff) {
        (HVC, 0) | (SVC, _) => Probed::Done(value),
        (HVC, FROM_EL1) => Probed::Fault(Syndrome(ESR_EL1.get())),
        (HVC, FROM_EL0) => match Syndrome(ESR_EL1.get()) {
            syndrome if syndrome.class() == SVC => Probed::Done(value),
            syndrome => Probed::Fault(syndrome),
        },
        _ => Probed::Fault(Syndrome(esr)),
    }
}
