// SPDX-License-Identifier: MIT OR Apache-2.0
//! The checks: litmus-style shapes with stable ids, and the outcomes they count.
//!
//! A check is data ([`Spec`]), so that the kernel has one way to make a trial of any of them, and a new one is a row in
//! a table.

mod spec;
mod table;

use core::fmt;

pub use spec::{Access, Change, Granule, Observer, Regime, Spec, Tag};
use table::TABLE;

/// Checks as a set: one bit each, in the order of [`Check::ALL`].
pub type Mask = u128;

/// What one trial of a check observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// The translation from before the change was used.
    Stale,
    /// The translation from after the change was used.
    New,
    /// The access took the fault that the changed descriptor calls for.
    Fault,
    /// Anything else: a wrong value, a fault of another kind.
    Other,
}

/// A change to a translation and the access that follows it: an index into [`Check::ALL`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Check(u8);

impl Check {
    /// Every check, in the order in which a run makes them.
    pub const ALL: [Self; TABLE.len()] = {
        let mut all = [Self(0); TABLE.len()];
        let mut i = 0;
        while i < all.len() {
            all[i] = Self(i as u8);
            i += 1;
        }
        all
    };

    /// Returns everything about it.
    pub const fn spec(self) -> &'static Spec {
        &TABLE[self.0 as usize]
    }

    /// Returns its place in [`Check::ALL`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Returns the stable id, the key in every output.
    pub const fn id(self) -> &'static str {
        self.spec().id
    }

    /// Returns one line that says what changes and what follows.
    pub const fn title(self) -> &'static str {
        self.spec().title
    }

    /// Returns the regime.
    pub const fn regime(self) -> Regime {
        self.spec().regime
    }

    /// Returns how many PEs take part.
    pub const fn pes(self) -> u8 {
        match self.spec().observer {
            Observer::Own => 1,
            Observer::Other | Observer::Loop => 2,
            Observer::Relay => 3,
        }
    }

    /// Returns the outcome the architecture demands after a sufficient sequence.
    pub const fn expected(self) -> Outcome {
        match self.spec().change {
            Change::Remap | Change::Map | Change::Relink | Change::Clean | Change::Age => Outcome::New,
            Change::Unmap
            | Change::Reuse
            | Change::WriteProtect
            | Change::NoExecute
            | Change::AccessFlag
            | Change::RemoveTable
            | Change::Identity
            | Change::IdentityOfSecondaries => Outcome::Fault,
        }
    }

    /// Returns whether an outcome is one that the architecture allows after a sufficient sequence.
    ///
    /// Besides the one it demands: where nothing stands between a new mapping and its first use, the walk may have been
    /// made before the mapping.
    pub fn allows(self, outcome: Outcome) -> bool {
        outcome == self.expected() || outcome == Outcome::Fault && self.spec().late
    }

    /// Returns whether a sequence without TLBI can be too little for it. Of a new mapping nothing can be in a TLB, so only
    /// barriers can be missing.
    pub fn needs_invalidation(self) -> bool {
        self.spec().change != Change::Map
    }

    /// Returns the check with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|check| check.id() == id)
    }

    /// Returns the bit that selects this check in a plan.
    pub const fn mask(self) -> Mask {
        1 << self.0
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// The part a sequence plays in a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The sequence under test.
    Test,
    /// The first bad control: no maintenance at all.
    NoMaintenance,
    /// The second bad control: `dsb sy; isb` and no TLBI. (Runs before schema 3 have no such control.)
    NoInvalidation,
    /// The good control: a sequence known to be sufficient.
    KnownGood,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Test, Self::NoMaintenance, Self::NoInvalidation, Self::KnownGood];

    /// Returns the stable id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::NoMaintenance => "none",
            Self::NoInvalidation => "no_tlbi",
            Self::KnownGood => "good",
        }
    }

    /// Returns the role with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.id() == id)
    }
}

/// A trial that turns a PE off and on counts for this many others.
const TRIALS_PER_START: u32 = 20;

impl Check {
    /// Returns how many trials a run makes with each sequence and control, where the plan asks for `planned`.
    pub fn trials(self, planned: u32) -> u32 {
        if self.spec().change == Change::IdentityOfSecondaries {
            planned.div_ceil(TRIALS_PER_START)
        } else {
            planned
        }
    }
}

/// How often each outcome was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcomes {
    /// Trials that used the old translation.
    pub stale: u32,
    /// Trials that used the new translation.
    pub new: u32,
    /// Trials that took the expected fault.
    pub fault: u32,
    /// Trials that did anything else.
    pub other: u32,
}

impl Outcomes {
    /// Counts one trial.
    pub fn add(&mut self, outcome: Outcome) {
        *match outcome {
            Outcome::Stale => &mut self.stale,
            Outcome::New => &mut self.new,
            Outcome::Fault => &mut self.fault,
            Outcome::Other => &mut self.other,
        } += 1;
    }

    /// Returns how often `outcome` was seen.
    pub const fn count(&self, outcome: Outcome) -> u32 {
        match outcome {
            Outcome::Stale => self.stale,
            Outcome::New => self.new,
            Outcome::Fault => self.fault,
            Outcome::Other => self.other,
        }
    }

    /// Returns the number of trials.
    pub const fn trials(&self) -> u32 {
        let sum = self.stale.saturating_add(self.new).saturating_add(self.fault);
        sum.saturating_add(self.other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_well_formed_and_round_trip() {
        for check in Check::ALL {
            assert_eq!(Check::from_id(check.id()), Some(check));
            let id_byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            assert!(check.id().bytes().all(id_byte), "{check:?}");
        }
        assert!(
            Check::ALL.len() <= Mask::BITS as usize,
            "a plan selects checks with one bit each"
        );
    }

    #[test]
    fn every_row_makes_sense() {
        for check in Check::ALL {
            let spec = check.spec();
            let regime = spec.regime;
            assert!(
                (1..=3).contains(&spec.level) || spec.change == Change::Identity,
                "{check:?}"
            );
            assert!(
                !spec.contiguous || spec.entries == 16,
                "{check:?}: 16 entries are contiguous at 4 KiB"
            );
            assert!(
                !spec.el0 || regime.is_guest() || regime == Regime::El2HostTge,
                "{check:?}: no EL0 there"
            );
            assert!(spec.tag != Tag::OtherVmid || regime.changes_stage2(), "{check:?}");
            let has_asid = (regime.is_guest() && !regime.changes_stage2()) || regime.is_host();
            assert!(!matches!(spec.tag, Tag::Asid | Tag::OtherAsid) || has_asid, "{check:?}");
            assert_eq!(
                spec.change == Change::RemoveTable,
                spec.shape == "table removal",
                "{check:?}"
            );
            assert!(
                spec.granule == Granule::K4 || matches!(regime, Regime::El1 | Regime::Stage2) && spec.level > 1,
                "{check:?}: the kernel's own tables have 4 KiB, the others two levels"
            );
            assert!(
                !spec.late || spec.change == Change::Remap && spec.observer == Observer::Own && !regime.is_guest(),
                "{check:?}: the make is late on the PE that makes it"
            );
            assert!(
                !spec.in_el1 || spec.observer == Observer::Own && regime.is_guest() && !regime.changes_stage2(),
                "{check:?}: EL1 maintains its own stage only"
            );
            assert!(
                !spec.in_el1 || !matches!(spec.change, Change::Remap | Change::Relink | Change::Reuse),
                "{check:?}: EL2 does not come between the sequence and the access"
            );
            assert!(
                spec.observer != Observer::Loop || spec.access == Access::Load && spec.entries == 1,
                "{check:?}: what loops is one load"
            );
            assert!(
                spec.change != Change::Clean || spec.access == Access::Store,
                "{check:?}"
            );
        }
    }

    #[test]
    fn levels_translate_what_the_architecture_says() {
        let sizes = |granule: Granule| [3, 2, 1].map(|level| granule.level_shift(level));
        assert_eq!(sizes(Granule::K4), [12, 21, 30]);
        assert_eq!(sizes(Granule::K16), [14, 25, 36]);
        assert_eq!(sizes(Granule::K64), [16, 29, 42]);
    }

    #[test]
    fn every_regime_and_every_number_of_pes_has_a_check() {
        for regime in Regime::ALL {
            assert!(Check::ALL.iter().any(|check| check.regime() == regime), "{regime:?}");
        }
        for pes in 1..=3 {
            assert!(Check::ALL.iter().any(|check| check.pes() == pes), "{pes}");
        }
    }
}
