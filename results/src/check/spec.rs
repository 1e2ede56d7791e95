// SPDX-License-Identifier: MIT OR Apache-2.0
//! What distinguishes one check from another.

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

/// The size of the smallest page of the tables under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Granule {
    /// 4 KiB.
    K4,
    /// 16 KiB.
    K16,
    /// 64 KiB.
    K64,
}

impl Granule {
    /// Returns the size of a page and of a table, as a power of two.
    pub const fn shift(self) -> u32 {
        match self {
            Self::K4 => 12,
            Self::K16 => 14,
            Self::K64 => 16,
        }
    }

    /// Returns the size of what one entry of a level translates, as a power of two.
    pub const fn level_shift(self, level: u8) -> u32 {
        // A table of 8-byte descriptors fills a page.
        self.shift() + (self.shift() - 3) * (3 - level as u32)
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
    /// A table taken out, one of its entries rewritten meanwhile, and the table put back: old entry, new table entry.
    Relink,
    /// Dirty to clean, with hardware management of dirty state: the next store must mark the descriptor again.
    Clean,
    /// Access flag cleared, with hardware management of it: the next access must set it again.
    Age,
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
    /// A second PE accesses all the time, from before the change until it has seen that the sequence is done. So the
    /// regime is in use there, and may walk its tables, while the sequence runs.
    Loop,
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
    /// The granule of the tables.
    pub granule: Granule,
    /// Whether the sequence runs at EL1, with the access right behind it: no exception entry or return between them
    /// synchronizes the context.
    pub in_el1: bool,
    /// Break-before-make whose new mapping is used without an ISB of the check's own: the only one is the sequence's.
    pub late: bool,
}

impl Spec {
    /// Returns whether a block descriptor changes: a leaf above level 3.
    pub const fn is_block(&self) -> bool {
        let of_table = matches!(
            self.change,
            Change::RemoveTable | Change::Relink | Change::Identity | Change::IdentityOfSecondaries
        );
        self.level < 3 && !of_table
    }

    /// Returns whether hardware updates descriptors while the check is made.
    pub const fn has_hardware_updates(&self) -> bool {
        matches!(self.change, Change::Clean | Change::Age)
    }
}
