// SPDX-License-Identifier: MIT OR Apache-2.0
//! Translation table descriptors, reduced to the fields that decide whether and where an access goes.

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
    /// The dirty bit modifier; kept, without effect while hardware does not manage the dirty state.
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

    /// Translates an access: the frame, or the fault.
    pub(super) fn translate(&self, access: AccessKind, user: bool) -> Result<Symbol, FaultKind> {
        if !self.valid {
            return Err(FaultKind::Translation);
        }
        if !self.af {
            return Err(FaultKind::AccessFlag);
        }
        let permitted = match access {
            AccessKind::Read => true,
            AccessKind::Write => self.db,
            AccessKind::Execute => self.x,
        };
        if permitted && (self.el0 || !user) {
            Ok(self.output)
        } else {
            Err(FaultKind::Permission)
        }
    }
}
