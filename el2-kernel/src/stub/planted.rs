// SPDX-License-Identifier: MIT OR Apache-2.0
//! Planted faults: the words that one puts in the place of a sequence, and the operands that make it show.

use results::plan::{Fault, Plan, Planted};

use crate::stub::operands::Operands;

/// An address that no table maps and none could: above all that a regime of 48 bits translates.
const UNMAPPED: u64 = 1 << 52;

/// Returns the fault that a plan plants in a sequence.
pub fn fault(plan: &Plan<'_>, index: usize) -> Option<Fault> {
    match plan.settings.planted {
        Some(Planted::Fault(fault, at)) if at as usize == index => Some(fault),
        _ => None,
    }
}

/// Returns the words of a fault, at EL1 or at EL2. The late ones do nothing while `x2` is zero.
pub const fn words(fault: Fault, at_el1: bool) -> &'static [u32] {
    match (fault, at_el1) {
        // tlbi alle3
        (Fault::Undefined, _) => &[0xd50e_871f],
        // ldr x2, [x2]
        (Fault::Abort, _) => &[0xf940_0042],
        // str xzr, [x2]; dsb sy; tlbi alle2; dsb sy; isb
        (Fault::Unmap, false) => &[0xf900_005f, 0xd503_3f9f, 0xd50c_871f, 0xd503_3f9f, 0xd503_3fdf],
        // the same with tlbi vmalle1
        (Fault::Unmap, true) => &[0xf900_005f, 0xd503_3f9f, 0xd508_871f, 0xd503_3f9f, 0xd503_3fdf],
        // b .
        (Fault::Endless, _) => &[0x1400_0000],
        // cbz x2, .+8; ldr x2, [x2]
        (Fault::LateAbort, _) => &[0xb400_0042, 0xf940_0042],
        // cbnz x2, .
        (Fault::LateEndless, _) => &[0xb500_0002],
    }
}

/// Returns the operands with which a late fault shows, for the sequence that has one.
pub fn late_operands(plan: &Plan<'_>, index: usize) -> Option<Operands> {
    let late = fault(plan, index).is_some_and(Fault::is_late);
    late.then_some([UNMAPPED, 0, 0, 0, 0, 0, 0, 0])
}
