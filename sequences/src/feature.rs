// SPDX-License-Identifier: MIT OR Apache-2.0
//! The optional parts of the architecture a sequence may need.

use core::fmt::{self, Display, Formatter};

/// An optional part of the architecture without which an instruction is UNDEFINED, or a hint ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Feature {
    /// FEAT_TLBIRANGE: range operations (`ID_AA64ISAR0_EL1.TLB` >= 2).
    TlbiRange,
    /// FEAT_TLBIOS: outer shareable operations (`ID_AA64ISAR0_EL1.TLB` >= 1).
    TlbiOs,
    /// FEAT_XS: nXS operations and `dsb ...nxs` (`ID_AA64ISAR1_EL1.XS` >= 1).
    Xs,
    /// FEAT_SB: `sb` (`ID_AA64ISAR1_EL1.SB` >= 1).
    Sb,
    /// FEAT_RME: operations on granule protection tables (`ID_AA64PFR0_EL1.RME` >= 1).
    Rme,
    /// FEAT_TLBIW: `vmallws2e1` (`ID_AA64ISAR3_EL1.TLBIW` >= 1).
    TlbiW,
    /// Execution at EL3: the operation is UNDEFINED at EL2 and EL1.
    El3,
    /// FEAT_TTL: level hints (`ID_AA64MMFR2_EL1.TTL` >= 1). Without it the hint's bits are RES0.
    Ttl,
}

impl Feature {
    /// Every feature, in declaration order.
    pub const ALL: [Self; 8] = [
        Self::TlbiRange,
        Self::TlbiOs,
        Self::Xs,
        Self::Sb,
        Self::Rme,
        Self::TlbiW,
        Self::El3,
        Self::Ttl,
    ];

    /// Returns the name the Arm ARM gives the feature, e.g. `FEAT_TLBIRANGE`; `EL3` for the exception level.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TlbiRange => "FEAT_TLBIRANGE",
            Self::TlbiOs => "FEAT_TLBIOS",
            Self::Xs => "FEAT_XS",
            Self::Sb => "FEAT_SB",
            Self::Rme => "FEAT_RME",
            Self::TlbiW => "FEAT_TLBIW",
            Self::El3 => "EL3",
            Self::Ttl => "FEAT_TTL",
        }
    }
}

impl Display for Feature {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A set of [`Feature`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Features(u8);

impl Features {
    /// The empty set.
    pub const NONE: Self = Self(0);

    /// Returns the set with a feature added.
    #[must_use]
    pub const fn with(self, feature: Feature) -> Self {
        Self(self.0 | 1 << feature as u8)
    }

    /// Returns the features of either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the features of this set that `present` lacks.
    #[must_use]
    pub const fn missing_from(self, present: Self) -> Self {
        Self(self.0 & !present.0)
    }

    /// Returns whether the set has a feature.
    pub const fn contains(self, feature: Feature) -> bool {
        self.0 & 1 << feature as u8 != 0
    }

    /// Returns whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Iterates over the set in declaration order.
    pub fn iter(self) -> impl Iterator<Item = Feature> {
        Feature::ALL.into_iter().filter(move |feature| self.contains(*feature))
    }
}

impl FromIterator<Feature> for Features {
    fn from_iter<I: IntoIterator<Item = Feature>>(features: I) -> Self {
        features.into_iter().fold(Self::NONE, Self::with)
    }
}

/// Writes the names with `, ` between them, or `none`.
impl Display for Features {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        for (index, feature) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{feature}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Feature, Features};

    #[test]
    fn a_set_holds_what_was_put_in() {
        for feature in Feature::ALL {
            assert!(Features::NONE.with(feature).iter().eq([feature]));
        }
        let all: Features = Feature::ALL.into_iter().collect();
        let some = Features::NONE.with(Feature::Xs).with(Feature::TlbiRange);
        assert!(all.iter().eq(Feature::ALL));
        assert!(some.missing_from(all).is_empty());
        assert!(
            all.missing_from(all.missing_from(some))
                .iter()
                .eq([Feature::TlbiRange, Feature::Xs])
        );
    }
}
