// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the registers of a sequence hold.

/// What the kernel puts into an operand register before it runs a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperandKind {
    /// `VA[55:12]` of the page under test.
    Va,
    /// `IPA[47:12]` of the page under test.
    Ipa,
    /// The ASID under test in bits `[63:48]`.
    Asid,
    /// The range under test in the format of the range operations.
    Range,
    /// The first page of the range under test, as a by-VA operand.
    Page,
    /// The VA under test, not shifted.
    VaUnshifted,
    /// As [`Self::Range`], of intermediate physical addresses.
    IpaRange,
    /// As [`Self::Page`], by intermediate physical address.
    IpaPage,
    /// The ASID under test in bits `[15:0]`.
    AsidUnshifted,
    /// The IPA under test, not shifted.
    IpaUnshifted,
}

impl OperandKind {
    pub(super) const ALL: [Self; 10] = [
        Self::Va,
        Self::Ipa,
        Self::Asid,
        Self::Range,
        Self::Page,
        Self::VaUnshifted,
        Self::IpaRange,
        Self::IpaPage,
        Self::AsidUnshifted,
        Self::IpaUnshifted,
    ];
}

/// One operand register of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OperandRegister {
    /// Number of the register, 2 to 9.
    pub register: u8,
    /// What it holds.
    pub kind: OperandKind,
    /// Translation table level hint: 0 none, else level + 1.
    pub hint: u8,
}
