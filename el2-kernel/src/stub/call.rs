// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs emitted stubs: operand registers in, counter values out.
#![expect(unsafe_code)]
// UNSAFETY: jumps to code that was written as data.

use core::arch::asm;

use crate::stub::operands::Operands;

/// Runs a timed stub and returns the counter before and after the words.
///
/// # Safety
///
/// `stub` is the address of an emitted stub whose words are harmless at EL2, with `operands` for its operand registers.
#[inline(always)]
pub unsafe fn run(stub: usize, operands: &Operands) -> (u64, u64) {
    // SAFETY: the caller's promise; a stub without loads does not look at the address of their pages.
    unsafe { run_with_loads(stub, operands, 0) }
}

/// Runs a timed stub whose words may be followed by loads from the pages at `pages`.
///
/// # Safety
///
/// As for [`run`]; and as many pages are mapped there as the stub loads from.
#[inline(always)]
pub unsafe fn run_with_loads(stub: usize, operands: &Operands, pages: u64) -> (u64, u64) {
    let (before, after): (u64, u64);
    // SAFETY: the stub is code (the caller's promise) that changes x0 to x11 only; it is not `nomem`, so page-table
    // writes before it stay before it.
    unsafe {
        asm!(
            "ldp x2, x3, [{operands}]",
            "ldp x4, x5, [{operands}, #16]",
            "ldp x6, x7, [{operands}, #32]",
            "ldp x8, x9, [{operands}, #48]",
            "blr {stub}",
            stub = in(reg) stub,
            operands = in(reg) operands,
            out("x0") before,
            out("x1") after,
            out("x2") _, out("x3") _, out("x4") _, out("x5") _,
            out("x6") _, out("x7") _, out("x8") _, out("x9") _,
            inout("x10") pages => _,
            out("x11") _,
            out("x30") _,
            options(nostack),
        );
    }
    (before, after)
}
