// SPDX-License-Identifier: MIT OR Apache-2.0
//! The instructions of the language: barriers, `nop`, and TLB invalidations.

use crate::tlbi::Tlbi;

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

/// A domain and an access type: the option of a `dsb` or `dmb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Barrier {
    /// The shareability domain.
    pub domain: Domain,
    /// The ordered accesses.
    pub access: Access,
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
}

/// A translation table level hint (FEAT_TTL), bits [47:44] of a by-VA or by-IPA operand.
///
/// The granule half of the hint (bits [47:46]) is that of the tables in use; the text names the level only.
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

/// What a `tlbi` is applied to. Values come from the check or the bench that runs the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operand {
    /// The operation takes no register (`alle2`, `vmalle1is`, ...).
    None,
    /// `xzr`: a zero operand, the dummy of the "repeat TLBI" errata work-arounds.
    Xzr,
    /// `{va}`: the virtual address under test, `VA[55:12]` in bits [43:0], with the ASID where one applies.
    Va(Option<Ttl>),
    /// `{ipa}`: the intermediate physical address under test.
    Ipa(Option<Ttl>),
    /// `{asid}`: the ASID under test, in bits [63:48].
    Asid,
    /// `{range}`: the range under test, in the format of the range operations.
    Range(Option<Ttl>),
    /// `{page}`: the page of the enclosing `for page in {range}`.
    Page(Option<Ttl>),
    /// `{va!}`: the virtual address under test *not* shifted right by 12: the classic mistake, kept for mutants.
    VaUnshifted,
}
