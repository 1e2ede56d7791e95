// SPDX-License-Identifier: MIT OR Apache-2.0
//! The checks: litmus-style shapes with stable ids, and the outcomes they count.
//!
//! A check is data ([`Spec`]), so that the kernel has one way to make a trial of any of them, and a new one is a row in
//! a table.

mod table;

use core::fmt;

use table::TABLE;

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

/// The translation regime that a check changes, and what else is switched on there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Regime {
    /// EL2 stage 1, `HCR_EL2.E2H` = 0.
    El2,
    /// EL2&0, `HCR_EL2.{E2H,TGE}` = {1,0}.
    El2Host,
    /// EL2&0, `HCR_EL2.{E2H,TGE}` = {1,1}.
    El2HostTge,
    /// EL1&0 stage 1, with stage 2 off.
    El1,
    /// EL1&0 stage 1, with stage 2 on and unchanged.
    El1UnderStage2,
    /// EL1&0 stage 2, with the stage 1 MMU off.
    Stage2,
    /// EL1&0 stage 2, with stage 1 on and unchanged: TLBs may hold both as one entry.
    Stage2UnderStage1,
}

impl Regime {
    /// Every regime.
    pub const ALL: [Self; 7] = [
        Self::El2,
        Self::El2Host,
        Self::El2HostTge,
        Self::El1,
        Self::El1UnderStage2,
        Self::Stage2,
        Self::Stage2UnderStage1,
    ];

    /// Returns the stable id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::El2 => "el2",
            Self::El2Host => "el2h",
            Self::El2HostTge => "el2h_tge",
            Self::El1 => "el1",
            Self::El1UnderStage2 => "el1_s2",
            Self::Stage2 => "s2",
            Self::Stage2UnderStage1 => "s2_s1",
        }
    }

    /// Returns the name used in texts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::El2 => "EL2",
            Self::El2Host => "EL2&0 (E2H=1 TGE=0)",
            Self::El2HostTge => "EL2&0 (E2H=1 TGE=1)",
            Self::El1 => "EL1&0 stage 1 (stage 2 off)",
            Self::El1UnderStage2 => "EL1&0 stage 1 (stage 2 on)",
            Self::Stage2 => "stage 2 (stage 1 off)",
            Self::Stage2UnderStage1 => "stage 2 under stage 1",
        }
    }

    /// Returns whether it is a regime of EL1&0, which EL2 controls from outside.
    pub const fn is_guest(self) -> bool {
        !matches!(self, Self::El2 | Self::El2Host | Self::El2HostTge)
    }

    /// Returns whether it is EL2&0, which needs FEAT_VHE.
    pub const fn is_host(self) -> bool {
        matches!(self, Self::El2Host | Self::El2HostTge)
    }

    /// Returns whether the descriptors that change are those of stage 2.
    pub const fn changes_stage2(self) -> bool {
        matches!(self, Self::Stage2 | Self::Stage2UnderStage1)
    }

    /// Returns whether stage 2 translates.
    pub const fn has_stage2(self) -> bool {
        self.changes_stage2() || matches!(self, Self::El1UnderStage2)
    }
}

/// What happens to the descriptors under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Change {
    /// Valid leaf to invalid.
    Unmap,
    /// Break-before-make to another output address: the new descriptor is made after the sequence.
    Remap,
    /// Valid leaf to invalid; after the sequence the page has a new owner, whose data the old address must not reach.
    Reuse,
    /// Read-write to read-only.
    WriteProtect,
    /// Executable to not.
    NoExecute,
    /// Access flag cleared.
    AccessFlag,
    /// Table entry to invalid.
    RemoveTable,
    /// Invalid leaf to valid, of which nothing can be stale in a TLB.
    Map,
    /// The top-level entry exclusive to the 1:1 map to invalid.
    Identity,
    /// The same after other PEs were started through the 1:1 map, which was brought back for them.
    IdentityOfSecondaries,
}

/// The access that follows the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Access {
    /// A load.
    Load,
    /// A store.
    Store,
    /// An instruction fetch.
    Fetch,
}

/// Which ASID or VMID the translations under test carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tag {
    /// Global entries, or a regime without ASIDs.
    Global,
    /// Entries of the current ASID.
    Asid,
    /// Entries of an ASID that is not the current one while the sequence runs.
    OtherAsid,
    /// Entries of a VMID that is not the current one while the sequence runs.
    OtherVmid,
}

/// Who does what, beside the change, which is always made by the first PE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Observer {
    /// One PE changes, runs the sequence and accesses.
    Own,
    /// A second PE accesses, once told that the sequence is done.
    Other,
    /// A second PE runs the sequence, once told of the change; a third accesses, once told by the second.
    Relay,
}

/// Everything that distinguishes a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// Stable id, the key in every output.
    pub id: &'static str,
    /// One line that says what changes and what follows.
    pub title: &'static str,
    /// Name of the shape in the literature on relaxed virtual memory (Simner et al., ESOP 2022), or a plain word.
    pub shape: &'static str,
    /// The regime.
    pub regime: Regime,
    /// The change.
    pub change: Change,
    /// The access.
    pub access: Access,
    /// Whether the access is made at EL0.
    pub el0: bool,
    /// Level of the descriptors that change.
    pub level: u8,
    /// Number of descriptors that change and of addresses accessed.
    pub entries: u8,
    /// Whether the descriptors have the Contiguous bit.
    pub contiguous: bool,
    /// The tag of the translations.
    pub tag: Tag,
    /// Who accesses.
    pub observer: Observer,
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
            Observer::Other => 2,
            Observer::Relay => 3,
        }
    }

    /// Returns the outcome the architecture demands after a sufficient sequence.
    pub const fn expected(self) -> Outcome {
        match self.spec().change {
            Change::Remap | Change::Map => Outcome::New,
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

    /// Returns the check with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|check| check.id() == id)
    }

    /// Returns the bit that selects this check in a plan.
    pub const fn mask(self) -> u64 {
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
        assert!(Check::ALL.len() <= 64, "a plan selects checks with 64 bits");
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
            let has_asid = regime.is_guest() && !regime.changes_stage2();
            assert!(!matches!(spec.tag, Tag::Asid | Tag::OtherAsid) || has_asid, "{check:?}");
            assert_eq!(
                spec.change == Change::RemoveTable,
                spec.shape == "table removal",
                "{check:?}"
            );
        }
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
