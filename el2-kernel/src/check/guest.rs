// SPDX-License-Identifier: MIT OR Apache-2.0
//! Accesses at EL1 and EL0: one instruction there, and back to EL2; or, entered at EL1, at EL0 and back.
//!
//! The kernel leaves its return address in `x16`, which nothing at EL1 or EL0 touches; the vector for exceptions from lower
//! levels branches to it. So a round trip saves and restores nothing.
#![expect(unsafe_code)]
// UNSAFETY: enters another exception level.

use core::arch::{asm, global_asm};

use aarch64_cpu::registers::{ESR_EL1, Readable};
use results::check::Access;

use crate::arch::probe::{Probed, Syndrome};
use crate::check::message::{OBSERVER, READY};
use crate::image::image;
use crate::stub::operands::Operands;

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
    // x10: stub, x2 to x9: its operands, x12: address, x13: value. In the order of results::check::Access, 16 bytes each.
    .balign 16
    blr     x10
    ldr     x0, [x12]
    hvc     #0
    .balign 16
    blr     x10
    str     x13, [x12]
    hvc     #0
    .balign 16
    blr     x10
    blr     x12
    hvc     #0
    // x0: address, x1: flag, x4: flag that says "begun", w2: what they are to hold. Leaves in w3 what the flag held before
    // the last access. First for EL1, 32 bytes, then for EL0.
    .balign 32
1:  ldr     w3, [x1]
    dmb     ishld
    ldr     x5, [x0]
    str     w2, [x4]
    yield
    cmp     w3, w2
    b.ne    1b
    hvc     #0
1:  ldr     w3, [x1]
    dmb     ishld
    ldr     x5, [x0]
    str     w2, [x4]
    yield
    cmp     w3, w2
    b.ne    1b
    svc     #0
    .balign 4096
    "#
);

/// Offset of the first access in the page.
const ACCESSES: u64 = 16 * 128;
/// Offset of the first sequence with its access: after six accesses of 8 bytes.
const SEQUENCES: u64 = ACCESSES + 6 * 8;
/// Offset of the first loop: after three of 16 bytes, at a multiple of 32.
const LOOPS: u64 = (SEQUENCES + 3 * 16).next_multiple_of(32);
/// Exception classes of the calls back (Arm ARM, `ESR_ELx.EC`).
const SVC: u64 = 0x15;
const HVC: u64 = 0x16;
/// `SPSR_ELx`: all interrupts masked, and EL1 with its own stack pointer, or EL0.
const EL1: u64 = 0x3c5;
const EL0: u64 = 0x3c0;
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

/// Makes one access at EL0, from EL1.
///
/// `code` is where the page of guest code is mapped.
///
/// # Safety
///
/// As for [`access`]; this is EL1.
#[inline(always)]
pub unsafe fn access_from_el1(code: u64, kind: Access, va: u64, value: u64) -> Probed {
    let target = code + ACCESSES + 8 * (kind as u64 + 3);
    let (result, esr): (u64, u64);
    // SAFETY: as in `access`.
    unsafe {
        asm!(
            "msr elr_el1, {target}",
            "msr spsr_el1, {spsr}",
            "adr x16, 2f",
            "eret",
            "2:",
            target = in(reg) target,
            spsr = in(reg) EL0,
            inout("x0") va => result,
            inout("x1") value => _,
            out("x2") esr,
            out("x16") _,
            out("x30") _,
            options(nostack),
        );
    }
    match Syndrome(esr) {
        syndrome if syndrome.class() == SVC => Probed::Done(result),
        syndrome => Probed::Fault(syndrome),
    }
}

/// Runs a sequence at EL1, and makes one access right behind it.
///
/// `code` is where the page of guest code is mapped there, and `stub` where the sequence is.
///
/// # Safety
///
/// As for [`access`]; and the stub holds validated words only.
#[inline(always)]
pub unsafe fn run_and_access(code: u64, stub: u64, operands: &Operands, kind: Access, va: u64, value: u64) -> Probed {
    let target = code + SEQUENCES + 16 * kind as u64;
    let (result, esr): (u64, u64);
    // SAFETY: what runs there is the stub, which changes x0 to x11 only, one access and a call back; it is the caller's
    // promise that they are mapped.
    unsafe {
        asm!(
            "msr elr_el2, {target}",
            "msr spsr_el2, {spsr}",
            "ldp x2, x3, [{operands}]",
            "ldp x4, x5, [{operands}, #16]",
            "ldp x6, x7, [{operands}, #32]",
            "ldp x8, x9, [{operands}, #48]",
            "adr x16, 2f",
            "eret",
            "2:",
            target = in(reg) target,
            spsr = in(reg) EL1,
            operands = in(reg) operands,
            out("x0") result,
            out("x1") _,
            out("x2") esr,
            out("x3") _, out("x4") _, out("x5") _, out("x6") _, out("x7") _, out("x8") _, out("x9") _,
            inout("x10") stub => _,
            out("x11") _,
            inout("x12") va => _,
            inout("x13") value => _,
            out("x16") _,
            out("x30") _,
            options(nostack),
        );
    }
    decode(esr, result)
}

/// What a loop of loads came to.
#[derive(Debug, Clone, Copy)]
pub struct Watched {
    /// Whether the last load came after the message.
    pub told: bool,
    /// The last load.
    pub access: Probed,
}

/// Loads from an address at EL1 or EL0 until a flag has a value, and once more, or until a load faults.
///
/// `code` and `flags` are where the pages of guest code and of the flags are mapped there.
///
/// # Safety
///
/// As for [`access`].
pub unsafe fn watch(code: u64, el0: bool, va: u64, flags: u64, value: u32) -> Watched {
    let target = code + LOOPS + if el0 { 32 } else { 0 };
    let (flag, result, esr): (u64, u64, u64);
    // SAFETY: what runs there is loads, a store to a flag, and a call back; it is the caller's promise that all is mapped.
    unsafe {
        asm!(
            "msr elr_el2, {target}",
            "msr spsr_el2, {spsr}",
            "adr x16, 2f",
            "eret",
            "2:",
            target = in(reg) target,
            spsr = in(reg) if el0 { EL0 } else { EL1 },
            inout("x0") va => _,
            inout("x1") flags + OBSERVER => _,
            inout("x2") u64::from(value) => esr,
            out("x3") flag,
            inout("x4") flags + READY => _,
            out("x5") result,
            out("x16") _,
            out("x30") _,
            options(nostack),
        );
    }
    Watched {
        told: flag as u32 == value,
        access: decode(esr, result),
    }
}

fn decode(esr: u64, value: u64) -> Probed {
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
