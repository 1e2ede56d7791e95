// SPDX-License-Identifier: MIT OR Apache-2.0
//! The instructions of the language: barriers, `nop`, and TLB invalidations.

use crate::feature::{Feature, Features};
use crate::register::{ContextRegister, ContextValue};
use crate::tlbi::Tlbi;
use core::fmt::{self, Display, Formatter};

/// The shareability domain of a barrier (Arm ARM, "Data Synchronization Barrier (DSB)").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Domain {
    /// `nsh`: this PE.
    NonShareable,
    /// `ish`: the Inner Shareable domain.
    InnerShareable,
    /// `osh`: the Outer Shareable domain.
    OuterShareable,
    /// `sy`, `ld`, `st`: the full system.
    FullSystem,
}

/// The accesses a barrier orders, both before and after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Access {
    /// `ld`: loads before it; loads and stores after it.
    Loads,
    /// `st`: stores only.
    Stores,
    /// No suffix: loads and stores.
    All,
}

impl Domain {
    /// Every domain, narrowest first.
    pub const ALL: [Self; 4] = [
        Self::NonShareable,
        Self::InnerShareable,
        Self::OuterShareable,
        Self::FullSystem,
    ];

    /// Returns the option that names the domain for loads and stores: `nsh`, `ish`, `osh`, `sy`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NonShareable => "nsh",
            Self::InnerShareable => "ish",
            Self::OuterShareable => "osh",
            Self::FullSystem => "sy",
        }
    }
}

impl Access {
    /// Every access type.
    pub const ALL: [Self; 3] = [Self::Loads, Self::Stores, Self::All];
}

/// A domain and an access type: the option of a `dsb` or `dmb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Barrier {
    /// The shareability domain.
    pub domain: Domain,
    /// The ordered accesses.
    pub access: Access,
}

impl Barrier {
    /// Returns the barrier of a domain and an access type.
    pub const fn new(domain: Domain, access: Access) -> Self {
        Self { domain, access }
    }

    /// Iterates over the twelve options, narrowest domain first.
    pub fn all() -> impl Iterator<Item = Self> {
        Domain::ALL
            .into_iter()
            .flat_map(|domain| Access::ALL.into_iter().map(move |access| Self { domain, access }))
    }

    /// Returns the option's name in the assembly language, lowercase, e.g. `nshst`.
    pub const fn name(self) -> &'static str {
        match (self.domain, self.access) {
            (domain, Access::All) => domain.name(),
            (Domain::NonShareable, Access::Loads) => "nshld",
            (Domain::NonShareable, Access::Stores) => "nshst",
            (Domain::InnerShareable, Access::Loads) => "ishld",
            (Domain::InnerShareable, Access::Stores) => "ishst",
            (Domain::OuterShareable, Access::Loads) => "oshld",
            (Domain::OuterShareable, Access::Stores) => "oshst",
            (Domain::FullSystem, Access::Loads) => "ld",
            (Domain::FullSystem, Access::Stores) => "st",
        }
    }

    /// Returns the option of this name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|barrier| barrier.name().eq_ignore_ascii_case(name))
    }
}

impl Display for Barrier {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One instruction of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Instruction {
    /// `dsb <option>`.
    Dsb(Barrier),
    /// `dsb <domain>nxs` (FEAT_XS): does not wait for accesses with the XS attribute.
    DsbNxs(Domain),
    /// `dmb <option>`.
    Dmb(Barrier),
    /// `isb`.
    Isb,
    /// `sb` (FEAT_SB).
    Sb,
    /// `nop`.
    Nop,
    /// `tlbi <op>[, <operand>]`.
    Tlbi(Tlbi),
    /// `msr <register>, <value>`: a write of a translation register. It is judged, and never run.
    Msr(ContextRegister, ContextValue),
}

impl Instruction {
    /// Returns what a PE needs for the instruction not to be UNDEFINED, and for its hint to count.
    pub const fn required_features(self) -> Features {
        match self {
            Self::DsbNxs(_) => Features::NONE.with(Feature::Xs),
            Self::Sb => Features::NONE.with(Feature::Sb),
            Self::Tlbi(tlbi) => {
                let features = tlbi.op.required_features();
                if tlbi.operand.ttl().is_some() {
                    features.with(Feature::Ttl)
                } else {
                    features
                }
            }
            Self::Dsb(_) | Self::Dmb(_) | Self::Isb | Self::Nop | Self::Msr(..) => Features::NONE,
        }
    }

    /// Returns the operand of a `tlbi`; [`Operand::None`] for every other instruction.
    pub const fn operand(self) -> Operand {
        match self {
            Self::Tlbi(tlbi) => tlbi.operand,
            _ => Operand::None,
        }
    }

    /// Returns the invalidation, where this is a `tlbi`.
    pub const fn tlbi(self) -> Option<Tlbi> {
        match self {
            Self::Tlbi(tlbi) => Some(tlbi),
            _ => None,
        }
    }

    /// Returns whether this is a `dsb`, whatever it orders.
    pub const fn is_dsb(&self) -> bool {
        matches!(self, Self::Dsb(_) | Self::DsbNxs(_))
    }
}

/// Writes the canonical text: lowercase, one space, `, ` before an operand.
impl Display for Instruction {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dsb(barrier) => write!(f, "dsb {barrier}"),
            Self::DsbNxs(domain) => write!(f, "dsb {}nxs", domain.name()),
            Self::Dmb(barrier) => write!(f, "dmb {barrier}"),
            Self::Isb => f.write_str("isb"),
            Self::Sb => f.write_str("sb"),
            Self::Nop => f.write_str("nop"),
            Self::Tlbi(tlbi) => tlbi.fmt(f),
            Self::Msr(register, value) => write!(f, "msr {register}, {value}"),
        }
    }
}

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
}

impl Operand {
    /// Returns the level hint, if the operand has one.
    pub const fn ttl(self) -> Option<Ttl> {
        match self {
            Self::Va(ttl) | Self::Ipa(ttl) | Self::Range(ttl) | Self::Page(ttl) => ttl,
            Self::None | Self::Xzr | Self::Asid | Self::VaUnshifted => None,
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
        };
        match self.ttl() {
            None => write!(f, "{{{name}}}"),
            Some(ttl) => write!(f, "{{{name}, ttl={}}}", ttl.level()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Barrier, Ttl};

    #[test]
    fn options_are_found_by_name_in_any_case() {
        assert_eq!(Barrier::all().count(), 12);
        for barrier in Barrier::all() {
            assert_eq!(Barrier::from_name(barrier.name()), Some(barrier));
            assert_eq!(Barrier::from_name(&barrier.name().to_ascii_uppercase()), Some(barrier));
        }
        assert_eq!(Barrier::from_name("synxs"), None);
    }

    #[test]
    fn levels_are_those_of_the_architecture() {
        for (level, ttl) in (0..).zip(Ttl::ALL) {
            assert_eq!((ttl.level(), Ttl::from_level(level)), (level, Some(ttl)));
        }
        assert_eq!(Ttl::from_level(4), None);
    }
}
