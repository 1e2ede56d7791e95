// SPDX-License-Identifier: MIT OR Apache-2.0
//! TLB invalidation operations: what each one names, and its place in the system instruction space.

mod operation;
mod table;

use crate::operand::Operand;
use core::fmt::{self, Display, Formatter};

/// The exception level in an operation's name, which selects the translation regime (Arm ARM, "TLB maintenance").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ExceptionLevel {
    /// `...e1`: EL1&0 (at EL2 with `HCR_EL2.{E2H,TGE}` = {1,1}, EL2&0 for some operations).
    El1,
    /// `...e2`: EL2, or EL2&0 when `HCR_EL2.E2H` is 1.
    El2,
    /// `...e3`: EL3.
    El3,
}

/// The PEs an operation applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// No suffix: the PE that executes it.
    Local,
    /// `is`: every PE of the Inner Shareable domain.
    InnerShareable,
    /// `os` (FEAT_TLBIOS): every PE of the Outer Shareable domain.
    OuterShareable,
}

/// The entries an operation names, apart from the regime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// `alle<n>`: all entries of the regime (for `alle1`, all VMIDs, stages 1 and 2).
    All,
    /// `vmalle1`: all stage 1 entries of the current VMID.
    Vmall,
    /// `vmalls12e1`: all stage 1 and stage 2 entries of the current VMID.
    VmallS12,
    /// `vmallws2e1` (FEAT_TLBIW): entries of the current VMID with stage 2 write permission.
    VmallWs2,
    /// `vae<n>` / `rvae<n>`: by VA, and ASID where the regime has one.
    Va,
    /// `vale<n>` / `rvale<n>`: the same, last level only.
    VaLast,
    /// `vaae1` / `rvaae1`: by VA, all ASIDs.
    VaAllAsid,
    /// `vaale1` / `rvaale1`: the same, last level only.
    VaAllAsidLast,
    /// `aside1`: by ASID.
    Asid,
    /// `ipas2e1` / `ripas2e1`: stage 2 by IPA, current VMID.
    Ipa,
    /// `ipas2le1` / `ripas2le1`: the same, last level only.
    IpaLast,
    /// `paall` (FEAT_RME): all granule protection table entries.
    PaAll,
    /// `rpaos` (FEAT_RME): by range of physical addresses.
    Pa,
    /// `rpalos` (FEAT_RME): the same, last level only.
    PaLast,
}

impl Target {
    /// Returns whether only last-level entries are named.
    pub const fn is_last_level(self) -> bool {
        matches!(self, Self::VaLast | Self::VaAllAsidLast | Self::IpaLast)
    }
}

/// One TLB invalidation operation, e.g. `vae2is`. Only operations of the architecture can be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TlbiOp {
    pub(crate) target: Target,
    pub(crate) level: ExceptionLevel,
    pub(crate) scope: Scope,
    pub(crate) range: bool,
    pub(crate) nxs: bool,
}

/// A place in the system instruction space: `sys #op1, Cn, Cm, #op2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SysEncoding {
    /// `op1`, bits `[18:16]` of the word.
    pub op1: u8,
    /// `CRn`, bits `[15:12]`.
    pub crn: u8,
    /// `CRm`, bits `[11:8]`.
    pub crm: u8,
    /// `op2`, bits `[7:5]`.
    pub op2: u8,
}

/// What the register of an operation holds (Arm ARM, the operation's "Assigned values").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OperandFormat {
    /// The operation takes no register.
    None,
    /// `VA[55:12]` in bits `[43:0]`, TTL in `[47:44]`, the ASID in `[63:48]` where one applies.
    Va,
    /// `IPA[51:12]` in bits `[39:0]`, TTL in `[47:44]`.
    Ipa,
    /// The ASID in bits `[63:48]`.
    Asid,
    /// Base address, TTL, `NUM`, `SCALE`, granule and, for stage 1, ASID of a range.
    Range,
    /// Base physical address and size of a range.
    PaRange,
}

/// An operation and what it is applied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tlbi {
    /// The operation.
    pub op: TlbiOp,
    /// Its operand; [`Operand::None`] exactly when the operation takes no register.
    pub operand: Operand,
}

impl Tlbi {
    /// Returns the operation with an operand it [accepts](TlbiOp::accepts).
    pub const fn new(op: TlbiOp, operand: Operand) -> Option<Self> {
        if op.accepts(operand) {
            Some(Self { op, operand })
        } else {
            None
        }
    }

    /// Returns whether this names an address, and that of page 0: the second half of a "repeat TLBI" work-around for an
    /// erratum, which is about no entry in particular.
    pub const fn is_dummy(&self) -> bool {
        let by_address = matches!(self.op.operand_format(), OperandFormat::Va | OperandFormat::Ipa);
        by_address && matches!(self.operand, Operand::Xzr)
    }
}

impl Display for Tlbi {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "tlbi {}", self.op)?;
        match self.operand {
            Operand::None => Ok(()),
            operand => write!(f, ", {operand}"),
        }
    }
}
