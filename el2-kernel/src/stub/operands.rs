// SPDX-License-Identifier: MIT OR Apache-2.0
//! Operand registers of TLB invalidations, from the address that a check or a bench works on.
//!
//! Formats: Arm ARM, "TLB maintenance instructions". By VA or IPA: address bits `[55:12]` in `[43:0]`, TTL hint in `[47:44]`,
//! ASID in `[63:48]`. By range: base in `[36:0]`, TTL hint in `[38:37]`, NUM in `[43:39]`, SCALE in `[45:44]`, granule in `[47:46]`;
//! the range is `(NUM + 1) << (5 * SCALE + 1)` pages long.

use results::check::Granule;
use results::plan::{EntryRef, MAX_OPERANDS, OperandKind, OperandRegister};

/// Values of `x2` to `x9` for one run of a stub.
pub type Operands = [u64; MAX_OPERANDS];

/// Returns a granule as the TTL hint and range operands have it.
const fn granule_field(granule: Granule) -> u64 {
    match granule {
        Granule::K4 => 0b01,
        Granule::K16 => 0b10,
        Granule::K64 => 0b11,
    }
}

/// What a sequence is applied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// Virtual address of the first page.
    pub va: u64,
    /// Its intermediate physical address, in a regime with stage 2.
    pub ipa: u64,
    /// Its ASID, if it is not global.
    pub asid: u64,
    /// The granule of its tables.
    pub granule: Granule,
}

impl Subject {
    /// Returns the subject at an address of EL2, which has no ASIDs.
    pub const fn at(va: u64) -> Self {
        Self {
            va,
            ipa: 0,
            asid: 0,
            granule: Granule::K4,
        }
    }
}

/// Returns the operand registers of a sequence applied to a page, or the pages that start there.
pub fn operands(entry: &EntryRef<'_>, subject: &Subject) -> Operands {
    let mut values = [0; MAX_OPERANDS];
    for OperandRegister { register, kind, hint } in entry.operands() {
        values[usize::from(register) - 2] = value(kind, hint, subject, entry.pages);
    }
    values
}

fn value(kind: OperandKind, hint: u8, subject: &Subject, pages: u16) -> u64 {
    const ASID_SHIFT: u32 = 48;
    let &Subject { va, ipa, asid, granule } = subject;
    let by_ipa = matches!(kind, OperandKind::Ipa | OperandKind::IpaPage | OperandKind::IpaRange);
    // By IPA there is no ASID: the field is reserved, or holds other things.
    let (address, tag) = if by_ipa { (ipa, 0) } else { (va, asid << ASID_SHIFT) };
    let page = address >> 12 & ((1 << 44) - 1);
    let level = u64::from(hint.saturating_sub(1)) & 3;
    let granule_bits = granule_field(granule);
    match kind {
        OperandKind::Va | OperandKind::Page | OperandKind::Ipa | OperandKind::IpaPage => {
            let ttl = if hint == 0 { 0 } else { granule_bits << 2 | level };
            tag | page | ttl << 44
        }
        OperandKind::Asid => asid << ASID_SHIFT,
        OperandKind::Range | OperandKind::IpaRange => {
            let (num, scale) = num_and_scale(pages);
            let base = address >> granule.shift() & ((1 << 37) - 1);
            tag | base | level << 37 | num << 39 | scale << 44 | granule_bits << 46
        }
        OperandKind::VaUnshifted => va,
        OperandKind::IpaUnshifted => ipa,
        OperandKind::AsidUnshifted => asid,
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
    const AT: Subject = Subject::at(VA);

    #[test]
    fn by_va_operands_are_shifted_and_carry_the_hint() {
        assert_eq!(value(OperandKind::Va, 0, &AT, 1), 0x1_2345_6789);
        // Level 3 with a 4 KiB granule is 0b0111.
        assert_eq!(value(OperandKind::Va, 4, &AT, 1), 0x7001_2345_6789);
        let other = Subject {
            va: 0,
            ipa: VA,
            asid: 7,
            granule: Granule::K4,
        };
        assert_eq!(value(OperandKind::Ipa, 3, &other, 1), 0x6001_2345_6789);
        assert_eq!(value(OperandKind::Va, 0, &other, 1), 7 << 48);
        assert_eq!(value(OperandKind::Asid, 0, &other, 1), 7 << 48);
        assert_eq!(value(OperandKind::IpaPage, 0, &other, 1), 0x1_2345_6789);
        assert_eq!(
            value(OperandKind::IpaRange, 0, &other, 2),
            0x4000_0000_0000 | 0x1_2345_6789
        );
        // Sign bits of an upper-half address stay out of the hint.
        assert_eq!(
            value(OperandKind::Page, 0, &Subject::at(0xffff_8000_0000_0000), 1),
            0x0ff8_0000_0000
        );
        assert_eq!(value(OperandKind::VaUnshifted, 0, &AT, 1), VA);
        assert_eq!(value(OperandKind::IpaUnshifted, 0, &other, 1), VA);
        assert_eq!(value(OperandKind::AsidUnshifted, 0, &other, 1), 7);
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
            value(OperandKind::Range, 0, &AT, 8),
            0x4000_0000_0000 | 3 << 39 | 0x1_2345_6789
        );
    }

    #[test]
    fn other_granules_are_named_in_hints_and_ranges() {
        let at = |granule| Subject { granule, ..AT };
        // By VA the address is in units of 4 KiB, whatever the granule; by range in units of the granule.
        assert_eq!(value(OperandKind::Va, 0, &at(Granule::K64), 1), 0x1_2345_6789);
        assert_eq!(value(OperandKind::Va, 4, &at(Granule::K16), 1), 0xb001_2345_6789);
        assert_eq!(value(OperandKind::Va, 4, &at(Granule::K64), 1), 0xf001_2345_6789);
        assert_eq!(
            value(OperandKind::Range, 0, &at(Granule::K64), 2),
            0xc000_0000_0000 | VA >> 16
        );
    }
}
