// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs emitted stubs: operand registers in, counter values out.
#![expect(unsafe_code)]
// UNSAFETY: jumps to code that was written as data.

use core::arch::asm;

use results::plan::{EntryRef, MAX_OPERANDS, OperandKind, OperandRegister};

/// Values of `x2` to `x9` for one run of a stub.
pub type Operands = [u64; MAX_OPERANDS];

/// The stubs of one sequence, as offsets into the arena.
#[derive(Debug, Clone, Copy)]
pub struct Stub {
    /// Runs the words between two reads of the counter.
    pub timed: Option<u32>,
    /// Runs the words.
    pub plain: Option<u32>,
}

/// Returns the operand registers of a sequence applied to the page at `va`.
///
/// Formats: Arm ARM, "TLB maintenance instructions": `VA[55:12]` in bits [43:0], the TTL hint in bits [47:44] (4 KiB
/// granule: 0b01 and the level), the ASID in bits [63:48]; for a range, the granule in bits [47:46], SCALE and NUM zero
/// (two pages), the TTL hint in bits [38:37], the base in bits [36:0].
pub fn operands(entry: &EntryRef<'_>, va: u64) -> Operands {
    let page = va >> 12 & ((1 << 44) - 1);
    let mut values = [0; MAX_OPERANDS];
    for OperandRegister { register, kind, hint } in entry.operands() {
        let level = u64::from(hint.saturating_sub(1)) & 3;
        let ttl = if hint == 0 { 0 } else { 1 << 46 | level << 44 };
        values[usize::from(register) - 2] = match kind {
            OperandKind::Va | OperandKind::Page | OperandKind::Ipa => page | ttl,
            OperandKind::Asid => 0,
            OperandKind::Range => page & ((1 << 37) - 1) | level << 37 | 1 << 46,
            OperandKind::VaUnshifted => va,
        };
    }
    values
}

/// Runs a timed stub and returns the counter before and after the words.
///
/// # Safety
///
/// `stub` is the address of an emitted stub whose words are harmless at EL2, with `operands` for its operand registers.
#[inline(always)]
pub unsafe fn run(stub: usize, operands: &Operands) -> (u64, u64) {
    let (before, after): (u64, u64);
    // SAFETY: the stub is code (the caller's promise) that changes x0 to x9 only; it is not `nomem`, so page-table
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
            out("x30") _,
            options(nostack),
        );
    }
    (before, after)
}
