// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a TLB invalidation is applied to: the register operand, by what it holds.

use core::fmt::{self, Display, Formatter};

/// A translation table level hint (FEAT_TTL), bits `[47:44]` of a by-VA or by-IPA operand.
///
/// The granule half of the hint (bits `[47:46]`) is that of the tables in use; the text names the level only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ttl {
    /// Level 0 (only with a 52-bit output address or a 4 KiB granule where a level 0 leaf exists).
    Level0,
    /// Level 1.
    Level1,
    /// Level 2.
    Level2,
    /// Level 3.
    Level3,
}

impl Ttl {
    /// Every level.
    pub const ALL: [Self; 4] = [Self::Level0, Self::Level1, Self::Level2, Self::Level3];

    /// Returns the level, 0 to 3: bits `[45:44]` of a by-VA or by-IPA operand, bits `[38:37]` of a range operand.
    pub const fn level(self) -> u8 {
        self as u8
    }

    /// Returns the hint for a level from 0 to 3.
    pub fn from_level(level: u8) -> Option<Self> {
        Self::ALL.get(usize::from(level)).copied()
    }
}

/// What a `tlbi` is applied to. Values come from the check or the bench that runs the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operand {
    /// The operation takes no register (`alle2`, `vmalle1is`, ...).
    None,
    /// `xzr`: a zero operand, the dummy of the "repeat TLBI" errata work-arounds.
    Xzr,
    /// `{va}`: the virtual address under test, `VA[55:12]` in bits `[43:0]`, with the ASID where one applies.
    Va(Option<Ttl>),
    /// `{ipa}`: the intermediate physical address under test.
    Ipa(Option<Ttl>),
    /// `{asid}`: the ASID under test, in bits `[63:48]`.
    Asid,
    /// `{range}`: the range under test, in the format of the range operations.
    Range(Option<Ttl>),
    /// `{page}`: the page of the enclosing `for page in {range}`.
    Page(Option<Ttl>),
    /// `{va!}`: the virtual address under test *not* shifted right by 12: the classic mistake, kept for mutants.
    VaUnshifted,
    /// `{ipa!}`: the intermediate physical address under test *not* shifted right by 12.
    IpaUnshifted,
    /// `{asid!}`: the ASID under test in bits `[15:0]`, where the operation does not look: it names ASID 0.
    AsidUnshifted,
}

impl Operand {
    /// Returns the level hint, if the operand has one.
    pub const fn ttl(self) -> Option<Ttl> {
        match self {
            Self::Va(ttl) | Self::Ipa(ttl) | Self::Range(ttl) | Self::Page(ttl) => ttl,
            Self::None | Self::Xzr | Self::Asid | Self::VaUnshifted | Self::IpaUnshifted | Self::AsidUnshifted => None,
        }
    }

    /// Returns whether a register must be loaded before the sequence runs.
    pub const fn needs_register(self) -> bool {
        !matches!(self, Self::None | Self::Xzr)
    }
}

/// Writes the canonical text: `{va}`, `{va, ttl=3}`, `{va!}`, `xzr`; nothing for [`Operand::None`].
impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::None => return Ok(()),
            Self::Xzr => return f.write_str("xzr"),
            Self::Va(_) => "va",
            Self::Ipa(_) => "ipa",
            Self::Asid => "asid",
            Self::Range(_) => "range",
            Self::Page(_) => "page",
            Self::VaUnshifted => "va!",
            Self::IpaUnshifted => "ipa!",
            Self::AsidUnshifted => "asid!",
        };
        match self.ttl() {
            None => write!(f, "{{{name}}}"),
            Some(ttl) => write!(f, "{{{name}, ttl={}}}", ttl.level()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Ttl;

    #[test]
    fn levels_are_those_of_the_architecture() {
        for (level, ttl) in (0..).zip(Ttl::ALL) {
            assert_eq!((ttl.level(), Ttl::from_level(level)), (level, Some(ttl)));
        }
        assert_eq!(Ttl::from_level(4), None);
    }
}
