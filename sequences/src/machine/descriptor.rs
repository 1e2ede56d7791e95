// SPDX-License-Identifier: MIT OR Apache-2.0
//! Translation table descriptors, reduced to the fields that decide whether and where an access goes.

use super::program::HardwareUpdates;

/// The bits of a stage 1 descriptor (Arm ARM, "Translation table descriptor formats").
pub(crate) mod bits {
    /// `Valid`.
    pub(crate) const VALID: i64 = 1;
    /// `AP[1]`.
    pub(crate) const EL0: i64 = 1 << 6;
    /// `AP[2]`.
    pub(crate) const READ_ONLY: i64 = 1 << 7;
    /// `AF`.
    pub(crate) const AF: i64 = 1 << 10;
    /// `DBM`.
    pub(crate) const DBM: i64 = 1 << 51;
    /// All of them.
    pub(crate) const ALL: [i64; 5] = [VALID, EL0, READ_ONLY, AF, DBM];
}

/// A name of a litmus test or of a generated program: a page, its physical frame, or its descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol(pub u8);

/// The memory attributes of a descriptor, as far as a sequence can depend on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Attribute(pub u8);

impl Attribute {
    /// Normal, write-back, inner shareable: the default.
    pub const NORMAL: Self = Self(0);
    /// Set for an access with the XS attribute (FEAT_XS): nXS maintenance does not wait for it.
    pub const XS: Self = Self(0x80);

    /// Returns whether accesses through the descriptor have the XS attribute.
    pub const fn has_xs(self) -> bool {
        self.0 & Self::XS.0 != 0
    }
}

/// Why a translation does not give an address (Arm ARM, "MMU fault types").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultKind {
    /// The descriptor is invalid.
    Translation,
    /// The access flag is clear.
    AccessFlag,
    /// The access is not permitted.
    Permission,
    /// The instruction is undefined; no fault of the MMU.
    Undefined,
}

impl FaultKind {
    /// Returns whether a walk that ends in this fault cannot be cached in a TLB (Arm ARM, "TLB maintenance").
    pub const fn is_uncacheable(self) -> bool {
        matches!(self, Self::Translation | Self::AccessFlag)
    }
}

/// What an access does to memory, which is what a descriptor permits or denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AccessKind {
    Read,
    Write,
    Execute,
    /// An atomic instruction that turns out to write nothing: it needs the permission to write, but the dirty state
    /// need not change.
    FailedWrite,
}

/// A last-level descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Descriptor {
    /// The frame it maps.
    pub output: Symbol,
    /// Bit 0.
    pub valid: bool,
    /// The access flag.
    pub af: bool,
    /// The dirty bit as herd names it: writable (`AP[2]` clear).
    pub db: bool,
    /// The dirty bit modifier: where hardware manages the dirty state, a write sets `db` instead of faulting.
    pub dbm: bool,
    /// Accessible at EL0 (`AP[1]`).
    pub el0: bool,
    /// Executable (XN clear).
    pub x: bool,
    /// Memory type and shareability.
    pub attribute: Attribute,
}

impl Descriptor {
    /// Returns the valid, writable, executable mapping of `output`: what every page has until a test says otherwise.
    pub const fn mapping(output: Symbol) -> Self {
        Self {
            output,
            valid: true,
            af: true,
            db: true,
            dbm: false,
            el0: true,
            x: true,
            attribute: Attribute::NORMAL,
        }
    }

    /// Returns whether a TLB may hold it.
    pub const fn is_cacheable(&self) -> bool {
        self.valid && self.af
    }

    /// Translates an access: the frame and, where the walker must change it first, the descriptor it leaves; or the
    /// fault.
    pub(super) fn translate(
        &self,
        access: AccessKind,
        user: bool,
        updates: HardwareUpdates,
    ) -> Result<(Symbol, Option<Self>), FaultKind> {
        if !self.valid {
            return Err(FaultKind::Translation);
        }
        if !self.af && updates == HardwareUpdates::None {
            return Err(FaultKind::AccessFlag);
        }
        let managed = self.dbm && updates == HardwareUpdates::Dirty;
        let permitted = match access {
            AccessKind::Read => true,
            AccessKind::Write | AccessKind::FailedWrite => self.db || managed,
            AccessKind::Execute => self.x,
        };
        if !permitted || (user && !self.el0) {
            return Err(FaultKind::Permission);
        }
        let left = Self {
            af: true,
            db: self.db || (access == AccessKind::Write && managed),
            ..*self
        };
        Ok((self.output, (left != *self).then_some(left)))
    }

    /// Returns the value of the one bit in `mask`; `None` for bits this description does not keep apart.
    pub(crate) const fn bit(&self, mask: i64) -> Option<bool> {
        Some(match mask {
            bits::VALID => self.valid,
            bits::EL0 => self.el0,
            bits::READ_ONLY => !self.db,
            bits::AF => self.af,
            bits::DBM => self.dbm,
            _ => return None,
        })
    }

    /// Returns the descriptor with the one bit in `mask` set or cleared.
    pub(crate) fn with_bit(mut self, mask: i64, set: bool) -> Option<Self> {
        match mask {
            bits::VALID => self.valid = set,
            bits::EL0 => self.el0 = set,
            bits::READ_ONLY => self.db = !set,
            bits::AF => self.af = set,
            bits::DBM => self.dbm = set,
            _ => return None,
        }
        Some(self)
    }
}
