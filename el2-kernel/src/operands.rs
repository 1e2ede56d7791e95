// SPDX-License-Identifier: MIT OR Apache-2.0
//! Operand registers of TLB invalidations, from the address that a check or a bench works on.
//!
//! Formats: Arm ARM, "TLB maintenance instructions". By VA or IPA: address bits `[55:12]` in `[43:0]`, TTL hint in `[47:44]`,
//! ASID in `[63:48]`. By range: base in `[36:0]`, TTL hint in `[38:37]`, NUM in `[43:39]`, SCALE in `[45:44]`, granule in `[47:46]`;
//! the range is `(NUM + 1) << (5 * SCALE + 1)` pages long.

use results::plan::{EntryRef, MAX_OPERANDS, OperandKind, OperandRegister};

/// Values of `x2` to `x9` for one run of a stub.
pub type Operands = [u64; MAX_OPERANDS];

/// The 4 KiB granule, in the TTL hint and in range operands.
const GRANULE_4K: u64 = 0b01;

/// Returns the operand registers of a sequence applied to the page at `va`, or the pages that start there.
pub fn operands(entry: &EntryRef<'_>, va: u64) -> Operands {
    let mut values = [0; MAX_OPERANDS];
    for OperandRegister { register, kind, hint } in entry.operands() {
        values[usize::from(register) - 2] = value(kind, hint, va, entry.pages);
    }
    values
}

fn value(kind: OperandKind, hint: u8, va: u64, pages: u16) -> u64 {
    let page = va >> 12 & ((1 << 44) - 1);
    let level = u64::from(hint.saturating_sub(1)) & 3;
    match kind {
        OperandKind::Va | OperandKind::Page | OperandKind::Ipa => {
            let ttl = if hint == 0 { 0 } else { GRANULE_4K << 2 | level };
            page | ttl << 44
        }
        // EL2 has no ASIDs, and the tables of this kernel use ASID 0.
        OperandKind::Asid => 0,
        OperandKind::Range => {
            let (num, scale) = num_and_scale(pages);
            page & ((1 << 37) - 1) | level << 37 | num << 39 | scale << 44 | GRANULE_4K << 46
        }
        OperandKind::VaUnshifted => va,
    }
}

/// Returns the smallest NUM and SCALE that cover a number of pages, 1 to 512. An odd number is rounded up.
const fn num_and_scale(pages: u16) -> (u64, u64) {
    let units = (pages as u64).div_ceil(2);
    if units <= 32 {
        (units - 1, 0)
    } else {
        (units.div_ceil(32) - 1, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VA: u64 = 0x1234_5678_9000;

    #[test]
    fn by_va_operands_are_shifted_and_carry_the_hint() {
        assert_eq!(value(OperandKind::Va, 0, VA, 1), 0x1_2345_6789);
        // Level 3 with a 4 KiB granule is 0b0111.
        assert_eq!(value(OperandKind::Va, 4, VA, 1), 0x7001_2345_6789);
        assert_eq!(value(OperandKind::Ipa, 3, VA, 1), 0x6001_2345_6789);
        // Sign bits of an upper-half address stay out of the hint.
        assert_eq!(value(OperandKind::Page, 0, 0xffff_8000_0000_0000, 1), 0x0ff8_0000_0000);
        assert_eq!(value(OperandKind::VaUnshifted, 0, VA, 1), VA);
    }

    #[test]
    fn ranges_cover_their_pages_and_as_little_more_as_the_format_allows() {
        for pages in 1..=512 {
            let (num, scale) = num_and_scale(pages);
            let covered = (num + 1) << (5 * scale + 1);
            assert!(num < 32 && covered >= u64::from(pages), "{pages}");
            let unit = if pages <= 64 { 2 } else { 64 };
            assert!(covered - u64::from(pages) < unit, "{pages}: {covered}");
        }
        // 8 pages: NUM 3, SCALE 0, granule 4 KiB.
        assert_eq!(
            value(OperandKind::Range, 0, VA, 8),
            0x4000_0000_0000 | 3 << 39 | 0x1_2345_6789
        );
    }
}
