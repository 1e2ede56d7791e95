// SPDX-License-Identifier: MIT OR Apache-2.0
//! Descriptors of translation tables (Arm ARM, VMSAv8-64 descriptor formats), and what may be done with what they map.

/// What a descriptor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It translates nothing.
    Invalid,
    /// It leads to a table at this address.
    Table(u64),
    /// It maps a block or a page.
    Leaf,
}

/// Bits 47 to 12: addresses of tables and pages.
const ADDRESS: u64 = 0x0000_ffff_ffff_f000;
/// The access flag.
pub const ACCESS_FLAG: u64 = 1 << 10;
/// nG.
const NOT_GLOBAL: u64 = 1 << 11;
/// The dirty bit modifier.
pub const DIRTY_BIT_MODIFIER: u64 = 1 << 51;
/// The Contiguous bit.
pub const CONTIGUOUS: u64 = 1 << 52;
/// `AP[2]`: read-only, in stage 1.
pub const READ_ONLY: u64 = 1 << 7;
/// `S2AP[1]`: writable, in stage 2.
pub const STAGE2_WRITE: u64 = 1 << 7;

/// Returns the size, as a power of two, of what an entry of a level translates.
pub const fn level_shift(granule: u8, level: u8) -> u8 {
    granule + (3 - level) * (granule - 3)
}

/// Returns what a descriptor of a level is.
pub const fn kind(descriptor: u64, level: u8, granule: u8) -> Kind {
    let lowest_block = if granule == 12 { 1 } else { 2 };
    match (descriptor & 3, level) {
        (3, 3) => Kind::Leaf,
        (3, _) => Kind::Table(descriptor & ADDRESS & !((1 << granule) - 1)),
        (1, ..=2) if level >= lowest_block => Kind::Leaf,
        _ => Kind::Invalid,
    }
}

/// Returns the address that a leaf leads to for an input address.
pub const fn output(descriptor: u64, level: u8, granule: u8, input: u64) -> u64 {
    let offset = (1 << level_shift(granule, level)) - 1;
    descriptor & ADDRESS & !offset | input & offset
}

/// Returns whether a TLB may keep a descriptor: a valid one, and if it is a leaf, with the access flag set.
pub const fn is_cacheable(descriptor: u64, level: u8, granule: u8) -> bool {
    match kind(descriptor, level, granule) {
        Kind::Invalid => false,
        Kind::Table(_) => true,
        Kind::Leaf => descriptor & ACCESS_FLAG != 0,
    }
}

/// Returns whether a stage 1 leaf is for every ASID.
pub const fn is_global(descriptor: u64) -> bool {
    descriptor & NOT_GLOBAL == 0
}

/// What is done with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// A load.
    Read,
    /// A store.
    Write,
    /// An instruction fetch.
    Fetch,
}

/// What tables say about everything behind them (`APTable`, `UXNTable`, `PXNTable`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Inherited(u64);

impl Inherited {
    /// Nothing.
    pub const EMPTY: Self = Self(0);

    /// Adds what another table says.
    pub const fn and(self, table: u64) -> Self {
        Self(self.0 | table >> 59 & 0xf)
    }

    const fn pxn(self) -> bool {
        self.0 & 1 != 0
    }

    const fn uxn(self) -> bool {
        self.0 & 2 != 0
    }

    const fn no_el0(self) -> bool {
        self.0 & 4 != 0
    }

    const fn read_only(self) -> bool {
        self.0 & 8 != 0
    }
}

/// Who accesses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accessor {
    /// At EL0, or as if.
    pub el0: bool,
    /// The regime has no EL0.
    pub single: bool,
    /// `SCTLR_ELx.WXN`.
    pub wxn: bool,
}

/// Returns whether stage 1 permits an access. `dirty`: hardware makes a clean page writable.
pub const fn stage1_permits(descriptor: u64, inherited: Inherited, access: Access, by: Accessor, dirty: bool) -> bool {
    let clean = dirty && descriptor & DIRTY_BIT_MODIFIER != 0;
    let writable = (descriptor & READ_ONLY == 0 || clean) && !inherited.read_only();
    let for_el0 = !by.single && descriptor & 1 << 6 != 0 && !inherited.no_el0();
    let visible = !by.el0 || for_el0;
    match access {
        Access::Read => visible,
        Access::Write => visible && writable,
        Access::Fetch => {
            let never = if by.single || by.el0 {
                descriptor & 1 << 54 != 0 || inherited.uxn()
            } else {
                // What EL0 can write, EL1 does not execute.
                descriptor & 1 << 53 != 0 || inherited.pxn() || writable && for_el0
            };
            !(never || by.wxn && writable)
        }
    }
}

/// Returns whether stage 2 permits an access.
pub const fn stage2_permits(descriptor: u64, access: Access, dirty: bool) -> bool {
    match access {
        Access::Read => descriptor & 1 << 6 != 0,
        Access::Write => descriptor & STAGE2_WRITE != 0 || dirty && descriptor & DIRTY_BIT_MODIFIER != 0,
        Access::Fetch => descriptor & 1 << 6 != 0 && descriptor & 1 << 54 == 0,
    }
}

/// A memory type, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryType {
    /// Device memory: accesses must be aligned.
    pub device: bool,
    /// The XS attribute: invalidations of the nXS kind leave its translations.
    pub xs: bool,
}

impl MemoryType {
    /// Normal, Write-Back cacheable memory.
    pub const NORMAL: Self = Self {
        device: false,
        xs: false,
    };
    /// Device memory.
    pub const DEVICE: Self = Self { device: true, xs: true };

    /// Returns the type that an attribute of `MAIR_ELx` stands for.
    pub const fn of_attribute(attribute: u8) -> Self {
        match attribute {
            0x00..=0x0f => Self::DEVICE,
            // Inner and outer Write-Back.
            attribute
                if attribute & 0x44 == 0x44 && attribute != 0x44 && attribute >> 4 != 4 && attribute & 15 != 4 =>
            {
                Self::NORMAL
            }
            // FEAT_XS: Normal memory without the XS attribute that is not Write-Back.
            0x40 | 0xa0 => Self::NORMAL,
            _ => Self {
                device: false,
                xs: true,
            },
        }
    }

    /// Returns the type by the attribute of a stage 2 descriptor.
    pub const fn of_stage2(descriptor: u64) -> Self {
        match descriptor >> 2 & 15 {
            0b1111 => Self::NORMAL,
            0b0000..=0b0011 => Self::DEVICE,
            _ => Self {
                device: false,
                xs: true,
            },
        }
    }

    /// Returns the type that both stages together give.
    pub const fn with(self, stage2: Self) -> Self {
        Self {
            device: self.device || stage2.device,
            xs: self.xs || stage2.xs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_are_told_apart_by_level_and_granule() {
        assert_eq!(kind(0, 3, 12), Kind::Invalid);
        assert_eq!(kind(1, 3, 12), Kind::Invalid);
        assert_eq!(kind(0x1003, 3, 12), Kind::Leaf);
        assert_eq!(kind(0x1003, 2, 12), Kind::Table(0x1000));
        assert_eq!(kind(1, 1, 12), Kind::Leaf);
        assert_eq!(kind(1, 0, 12), Kind::Invalid);
        assert_eq!(kind(1, 1, 14), Kind::Invalid);
        assert_eq!(kind(1, 2, 16), Kind::Leaf);
        assert_eq!(output(0x4020_0001, 2, 12, 0x1f_f123), 0x403f_f123);
        assert_eq!(
            (level_shift(12, 2), level_shift(16, 2), level_shift(14, 2)),
            (21, 29, 25)
        );
    }

    #[test]
    fn a_leaf_without_access_flag_is_not_kept() {
        assert!(!is_cacheable(0x1003, 3, 12) && is_cacheable(0x1403, 3, 12));
        assert!(is_cacheable(0x1003, 2, 12) && !is_cacheable(0x1400, 3, 12));
    }

    #[test]
    fn memory_types_are_those_of_mair() {
        assert_eq!(MemoryType::of_attribute(0xff), MemoryType::NORMAL);
        assert_eq!(MemoryType::of_attribute(0x04), MemoryType::DEVICE);
        assert!(MemoryType::of_attribute(0x44).xs && !MemoryType::of_attribute(0x44).device);
        assert!(MemoryType::of_attribute(0xbb).xs);
    }

    #[test]
    fn permissions_follow_privilege() {
        let (el2, el1, el0) = (
            Accessor {
                el0: false,
                single: true,
                wxn: false,
            },
            Accessor {
                el0: false,
                single: false,
                wxn: false,
            },
            Accessor {
                el0: true,
                single: false,
                wxn: false,
            },
        );
        let permits = |descriptor, access, by| stage1_permits(descriptor, Inherited::default(), access, by, false);
        assert!(permits(0, Access::Write, el2) && !permits(READ_ONLY, Access::Write, el2));
        assert!(!permits(1 << 54, Access::Fetch, el2) && permits(1 << 54, Access::Fetch, el1));
        assert!(!permits(0, Access::Read, el0) && permits(1 << 6, Access::Read, el0));
        assert!(!permits(1 << 6, Access::Fetch, el1), "writable at EL0");
        assert!(stage1_permits(
            READ_ONLY | DIRTY_BIT_MODIFIER,
            Inherited::default(),
            Access::Write,
            el2,
            true
        ));
        assert!(!stage1_permits(
            0,
            Inherited::default().and(1 << 62),
            Access::Write,
            el2,
            false
        ));
    }
}
