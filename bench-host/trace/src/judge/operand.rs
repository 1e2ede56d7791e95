// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a TLBI's register names: address, range, ASID, level.

use sequences::{Operand, OperandFormat, TlbiOp, Ttl};

/// Bits of an address that a TLBI looks at.
pub const ADDRESS: u64 = 0x00ff_ffff_ffff_f000;

/// A TLBI with what its register holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// The operation.
    pub op: TlbiOp,
    /// The first address, and how many bytes; `None` for an operation without address.
    pub range: Option<(u64, u64)>,
    /// The ASID, where the operation takes one.
    pub asid: u16,
    /// The level hint.
    pub hint: Option<Ttl>,
}

impl Named {
    /// Reads the register of an operation.
    pub fn of(op: TlbiOp, value: u64) -> Self {
        let asid = (value >> 48) as u16;
        let (range, hint) = match op.operand_format() {
            OperandFormat::Va => (Some(((value << 12) & ADDRESS, 0x1000)), hint(value >> 44 & 15)),
            OperandFormat::Ipa => (
                Some(((value << 12) & 0x000f_ffff_ffff_f000, 0x1000)),
                hint(value >> 44 & 15),
            ),
            OperandFormat::Range => of_range(value),
            OperandFormat::None | OperandFormat::Asid | OperandFormat::PaRange => (None, None),
        };
        Self { op, range, asid, hint }
    }

    /// Returns the operand as the language writes it.
    pub fn operand(&self) -> Operand {
        match self.op.operand_format() {
            OperandFormat::None => Operand::None,
            OperandFormat::Va => Operand::Va(self.hint),
            OperandFormat::Ipa => Operand::Ipa(self.hint),
            OperandFormat::Asid => Operand::Asid,
            OperandFormat::Range => Operand::Range(self.hint.filter(|hint| *hint != Ttl::Level0)),
            OperandFormat::PaRange => Operand::Range(None),
        }
    }

    /// Returns whether the operation applies to one ASID only.
    pub fn is_by_asid(&self) -> bool {
        use sequences::Target;
        matches!(self.op.target(), Target::Va | Target::VaLast | Target::Asid)
    }

    /// Returns whether an address that the operation names is among these, and whether all of them are.
    pub fn names(&self, first: u64, bytes: u64) -> (bool, bool) {
        let Some((start, length)) = self.range else {
            return (true, true);
        };
        let first = first & ADDRESS;
        let (last, end) = (first + (bytes - 1), start + (length - 1));
        (start <= last && first <= end, start <= first && last <= end)
    }
}

/// Reads a hint: the granule, 0 for no hint, and the level. A hint for level 0 is reserved without FEAT_LPA2, and is none.
fn hint(bits: u64) -> Option<Ttl> {
    if bits >> 2 == 0 {
        None
    } else {
        Ttl::from_level((bits & 3) as u8)
    }
}

fn of_range(value: u64) -> (Option<(u64, u64)>, Option<Ttl>) {
    let page = match value >> 46 & 3 {
        1 => 12,
        2 => 14,
        3 => 16,
        // Reserved: nothing is known to be invalidated.
        _ => return (Some((0, 1)), None),
    };
    let (scale, number) = (value >> 44 & 3, value >> 39 & 31);
    let base = value & 0x1f_ffff_ffff;
    let bytes = (number + 1) << (5 * scale + 1) << page;
    let hint = match value >> 37 & 3 {
        0 => None,
        level => Ttl::from_level(level as u8),
    };
    // The base has 37 bits, and is the low part of the page number, sign-extended.
    let address = ((base as i64) << 27 >> 27) as u64;
    (
        Some(((address & 0x1f_ffff_ffff) << page & ADDRESS | sign(base, page), bytes)),
        hint,
    )
}

/// The bits above those of the base.
const fn sign(base: u64, page: u32) -> u64 {
    if base >> 36 & 1 != 0 {
        (u64::MAX << (37 + page)) & ADDRESS
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::Named;
    use sequences::{TlbiOp, Ttl};

    fn of(name: &str, value: u64) -> Named {
        Named::of(TlbiOp::from_name(name).unwrap(), value)
    }

    #[test]
    fn addresses_are_pages() {
        let named = of(
            "vale1is",
            0x0003_0000_0000_0000 | 0xb << 44 | 0x0f_ffff_fe00_0010 & 0xfff_ffff_ffff,
        );
        assert_eq!((named.asid, named.hint), (3, None.or(Ttl::from_level(3))));
        let upper = of("vae2", 0xfff_8000_8001);
        assert_eq!(upper.names(0xffff_8000_8000_1000, 0x1000), (false, false));
        let upper = of("vae1", 0xffff_8000_8000_1000 >> 12 & 0xfff_ffff_ffff);
        assert_eq!(upper.names(0xffff_8000_8000_1000, 0x1000), (true, true));
        assert_eq!(upper.names(0xffff_8000_8000_0000, 0x20_0000), (true, false));
        assert_eq!(upper.names(0xffff_8000_8000_2000, 0x1000), (false, false));
    }

    #[test]
    fn ranges_are_counted_in_their_granule() {
        // 4 KiB, scale 0, num 3: eight pages from page 0x40000.
        let range = of("rvae1is", 1 << 46 | 3 << 39 | 0x40000);
        assert_eq!(range.range, Some((0x4000_0000, 0x8000)));
        assert_eq!(range.names(0x4000_7000, 0x1000), (true, true));
        assert_eq!(range.names(0x4000_8000, 0x1000), (false, false));
        // 64 KiB, scale 1.
        assert_eq!(of("rvae1is", 3 << 46 | 1 << 44).range, Some((0, 64 << 16)));
        let upper = of("rvaae1is", 1 << 46 | (0xffff_8000_0000_0000 >> 12 & 0x1f_ffff_ffff));
        assert!(upper.names(0xffff_8000_0000_1000, 0x1000).0);
    }
}
