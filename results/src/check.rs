// SPDX-License-Identifier: MIT OR Apache-2.0
//! The checks: litmus-style shapes with stable ids, and the outcomes they count.

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

/// A change to a translation and the access that follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Check {
    /// A valid level 3 descriptor becomes invalid; a load follows.
    CoWinvTEl2,
    /// Break-before-make to another output address; a load follows the make.
    BbmOaEl2,
    /// A read-write page becomes read-only; a store follows.
    WprotEl2,
    /// A level 2 table descriptor is zeroed; a load through it follows.
    TableL2El2,
    /// The top-level entry exclusive to the 1:1 map is zeroed; a load from a 1:1 address follows.
    IdentityEl2,
}

impl Check {
    /// Every check, in the order in which a run makes them.
    pub const ALL: [Self; 5] = [
        Self::CoWinvTEl2,
        Self::BbmOaEl2,
        Self::WprotEl2,
        Self::TableL2El2,
        Self::IdentityEl2,
    ];

    /// Returns the stable id, the key in every output.
    pub const fn id(self) -> &'static str {
        match self {
            Self::CoWinvTEl2 => "cowinvt_el2",
            Self::BbmOaEl2 => "bbm_oa_el2",
            Self::WprotEl2 => "wprot_el2",
            Self::TableL2El2 => "table_l2_el2",
            Self::IdentityEl2 => "identity_el2",
        }
    }

    /// Returns one line that says what changes and what follows.
    pub const fn title(self) -> &'static str {
        match self {
            Self::CoWinvTEl2 => "EL2 page: valid to invalid, then load",
            Self::BbmOaEl2 => "EL2 page: break-before-make to another output address, then load",
            Self::WprotEl2 => "EL2 page: read-write to read-only, then store",
            Self::TableL2El2 => "EL2 level 2 table entry removed, then load through it",
            Self::IdentityEl2 => "EL2 1:1 map removed at its top-level entry, then load from it",
        }
    }

    /// Returns the outcome the architecture demands after a sufficient sequence.
    pub const fn expected(self) -> Outcome {
        match self {
            Self::BbmOaEl2 => Outcome::New,
            Self::CoWinvTEl2 | Self::WprotEl2 | Self::TableL2El2 | Self::IdentityEl2 => Outcome::Fault,
        }
    }

    /// Returns the check with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|check| check.id() == id)
    }

    /// Returns the bit that selects this check in a plan.
    pub const fn mask(self) -> u64 {
        1 << self as u64
    }
}

/// The part a sequence plays in a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The sequence under test.
    Test,
    /// The bad control: no maintenance at all.
    NoMaintenance,
    /// The good control: a sequence known to be sufficient.
    KnownGood,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Test, Self::NoMaintenance, Self::KnownGood];

    /// Returns the stable id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::NoMaintenance => "none",
            Self::KnownGood => "good",
        }
    }

    /// Returns the role with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.id() == id)
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
        self.stale + self.new + self.fault + self.other
    }
}
