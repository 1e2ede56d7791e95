// SPDX-License-Identifier: MIT OR Apache-2.0
//! The instructions of the language: barriers, `nop`, and TLB invalidations.

use crate::feature::{Feature, Features};
use crate::operand::Operand;
use crate::register::{ContextRegister, ContextValue};
use crate::tlbi::{Scope, Tlbi};
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

    /// Returns the narrowest domain that covers the PEs of a scope: the one a DSB needs to complete an operation.
    pub const fn covering(scope: Scope) -> Self {
        match scope {
            Scope::Local => Self::NonShareable,
            Scope::InnerShareable => Self::InnerShareable,
            Scope::OuterShareable => Self::OuterShareable,
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

    /// Returns whether this is a `tlbi` that applies to other PEs too.
    pub const fn is_broadcast(&self) -> bool {
        matches!(self, Self::Tlbi(tlbi) if !matches!(tlbi.op.scope(), Scope::Local))
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

#[cfg(test)]
mod tests {
    use super::Barrier;

    #[test]
    fn options_are_found_by_name_in_any_case() {
        assert_eq!(Barrier::all().count(), 12);
        for barrier in Barrier::all() {
            assert_eq!(Barrier::from_name(barrier.name()), Some(barrier));
            assert_eq!(Barrier::from_name(&barrier.name().to_ascii_uppercase()), Some(barrier));
        }
        assert_eq!(Barrier::from_name("synxs"), None);
    }
}
