// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes of translation registers: which tables, under which VMID or ASID, and in which regime.
//!
//! Such a write is no access and is ordered by no DSB. What depends on the register, a table walk or a TLBI that applies
//! to "the current VMID", may go by the old value until the next context synchronization event (Arm ARM,
//! "Synchronization requirements for AArch64 System registers"). That is why an ISB stands between
//! `msr vttbr_el2` and `tlbi vmalls12e1`.

use core::fmt::{self, Display, Formatter};

use crate::tlbi::ExceptionLevel;

/// A register that decides what a translation, or a TLBI, is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum ContextRegister {
    SctlrEl1,
    Ttbr0El1,
    Ttbr1El1,
    TcrEl1,
    MairEl1,
    SctlrEl2,
    HcrEl2,
    Ttbr0El2,
    Ttbr1El2,
    TcrEl2,
    VttbrEl2,
    VtcrEl2,
    MairEl2,
    SctlrEl3,
    Ttbr0El3,
    TcrEl3,
    MairEl3,
}

/// What a register is written with, seen from the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContextValue {
    /// `{new}`: the context the question is about.
    New,
    /// `{old}`: another one, such as the context that was there before.
    Old,
}

impl ContextRegister {
    /// Every register with its name and its place in the encoding space: `op1`, `CRn`, `CRm`, `op2`.
    const TABLE: [(Self, &'static str, [u8; 4]); 17] = [
        (Self::SctlrEl1, "sctlr_el1", [0, 1, 0, 0]),
        (Self::Ttbr0El1, "ttbr0_el1", [0, 2, 0, 0]),
        (Self::Ttbr1El1, "ttbr1_el1", [0, 2, 0, 1]),
        (Self::TcrEl1, "tcr_el1", [0, 2, 0, 2]),
        (Self::MairEl1, "mair_el1", [0, 10, 2, 0]),
        (Self::SctlrEl2, "sctlr_el2", [4, 1, 0, 0]),
        (Self::HcrEl2, "hcr_el2", [4, 1, 1, 0]),
        (Self::Ttbr0El2, "ttbr0_el2", [4, 2, 0, 0]),
        (Self::Ttbr1El2, "ttbr1_el2", [4, 2, 0, 1]),
        (Self::TcrEl2, "tcr_el2", [4, 2, 0, 2]),
        (Self::VttbrEl2, "vttbr_el2", [4, 2, 1, 0]),
        (Self::VtcrEl2, "vtcr_el2", [4, 2, 1, 2]),
        (Self::MairEl2, "mair_el2", [4, 10, 2, 0]),
        (Self::SctlrEl3, "sctlr_el3", [6, 1, 0, 0]),
        (Self::Ttbr0El3, "ttbr0_el3", [6, 2, 0, 0]),
        (Self::TcrEl3, "tcr_el3", [6, 2, 0, 2]),
        (Self::MairEl3, "mair_el3", [6, 10, 2, 0]),
    ];

    /// Iterates over every register.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::TABLE.into_iter().map(|(register, _, _)| register)
    }

    const fn row(self) -> (Self, &'static str, [u8; 4]) {
        Self::TABLE[self as usize]
    }

    /// Returns the name, lowercase.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().1
    }

    /// Returns the register of this name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|register| register.name().eq_ignore_ascii_case(name))
    }

    /// Returns `op1`, `CRn`, `CRm` and `op2`; `op0` is 3.
    pub(crate) const fn encoding(self) -> [u8; 4] {
        self.row().2
    }

    /// Returns the lowest exception level that may write it.
    #[must_use]
    pub const fn level(self) -> ExceptionLevel {
        match self.encoding()[0] {
            0 => ExceptionLevel::El1,
            4 => ExceptionLevel::El2,
            _ => ExceptionLevel::El3,
        }
    }
}

impl Display for ContextRegister {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Writes `{new}` or `{old}`.
impl Display for ContextValue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::New => "{new}",
            Self::Old => "{old}",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::ContextRegister;

    #[test]
    fn rows_stand_in_the_order_of_the_variants() {
        for (number, register) in ContextRegister::all().enumerate() {
            assert_eq!(register as usize, number);
            assert_eq!(ContextRegister::from_name(register.name()), Some(register));
        }
        assert_eq!(ContextRegister::from_name("ttbr0"), None);
    }
}
