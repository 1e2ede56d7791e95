// SPDX-License-Identifier: MIT OR Apache-2.0
//! What machine to make: its PEs, its features, and how nasty it is.

use crate::a64::Extension;

/// The most PEs a machine can have.
pub const MAX_PES: usize = 8;

/// Everything a machine is made from beside the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Number of PEs, 1 to [`MAX_PES`].
    pub pes: usize,
    /// What they implement.
    pub features: Features,
    /// How it chooses among what the architecture permits.
    pub choices: Choices,
    /// Instructions after which the run is given up, all PEs together.
    pub budget: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            pes: 1,
            features: Features::ALL,
            choices: Choices::Latest,
            budget: 1_000_000_000_000,
        }
    }
}

/// How the machine chooses among what the architecture permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choices {
    /// Always the worst: everything takes effect as late as it may, and a stale translation is used while there is one.
    #[default]
    Latest,
    /// Always the kindest: everything takes effect at once, and the TLB holds only what was used, as an emulator's.
    Earliest,
    /// A coin for each choice. The same seed gives the same run.
    Random(u64),
}

/// What the PEs implement. The identification registers say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// FEAT_VHE: `HCR_EL2.E2H`, the EL2&0 regime.
    pub vhe: bool,
    /// FEAT_HAFDBS: hardware updates of the access flag.
    pub access_flag: bool,
    /// FEAT_HAFDBS: hardware updates of the dirty state too.
    pub dirty_state: bool,
    /// FEAT_TTL: level hints.
    pub ttl: bool,
    /// FEAT_TLBIRANGE (with FEAT_TLBIOS).
    pub tlbi_range: bool,
    /// FEAT_TLBIOS.
    pub tlbi_os: bool,
    /// FEAT_XS.
    pub xs: bool,
    /// FEAT_ETS2: a DSB is enough for later data accesses of the PE.
    pub ets2: bool,
    /// FEAT_BBM: level 0 to 2.
    pub bbm: u8,
    /// The 16 KiB granule.
    pub granule_16k: bool,
    /// The 64 KiB granule.
    pub granule_64k: bool,
    /// FEAT_CRC32.
    pub crc32: bool,
    /// FEAT_LSE.
    pub lse: bool,
    /// FEAT_LOR, with no regions.
    pub lor: bool,
    /// FEAT_LRCPC and FEAT_LRCPC2.
    pub lrcpc: bool,
    /// FEAT_FlagM and FEAT_FlagM2.
    pub flag_m: bool,
    /// FEAT_SB.
    pub sb: bool,
    /// FEAT_ECV: counters that need no ISB before them.
    pub ecv: bool,
}

impl Features {
    /// Everything the machine has, except what makes it kinder: no FEAT_ETS2, no FEAT_BBM.
    pub const ALL: Self = Self {
        vhe: true,
        access_flag: true,
        dirty_state: true,
        ttl: true,
        tlbi_range: true,
        tlbi_os: true,
        xs: true,
        ets2: false,
        bbm: 0,
        granule_16k: true,
        granule_64k: true,
        crc32: true,
        lse: true,
        lor: true,
        lrcpc: true,
        flag_m: true,
        sb: true,
        ecv: true,
    };

    /// Those of a Cortex-A72, an Armv8.0 processor.
    pub const ARMV8_0: Self = Self {
        vhe: false,
        access_flag: false,
        dirty_state: false,
        ttl: false,
        tlbi_range: false,
        tlbi_os: false,
        xs: false,
        ets2: false,
        bbm: 0,
        granule_16k: false,
        granule_64k: true,
        crc32: true,
        lse: false,
        lor: false,
        lrcpc: false,
        flag_m: false,
        sb: false,
        ecv: false,
    };

    /// Returns whether instructions of an extension are there.
    #[must_use]
    pub const fn executes(&self, extension: Extension) -> bool {
        match extension {
            Extension::Crc32 => self.crc32,
            Extension::Lse => self.lse,
            Extension::Lor => self.lor,
            Extension::Lrcpc | Extension::Lrcpc2 => self.lrcpc,
            Extension::FlagM | Extension::FlagM2 => self.flag_m,
            Extension::Sb => self.sb,
            Extension::Xs => self.xs,
        }
    }
}
