// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which TLB entries a TLBI names: regime, VMID, ASID, address, level, XS (Arm ARM, section D8.17 "TLB maintenance", and
//! the description of each operation).

use sequences::tlbi::{OperandFormat, Scope, Target, TlbiOp};

use crate::config::Regime;

/// Bits of an address that count in a comparison.
pub const ADDRESS_BITS: u64 = (1 << 56) - 1;

/// What an operation names within its regime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    /// Everything, of every VMID.
    All,
    /// Everything of stage 1, and with `true` of stage 2 too, of the VMID.
    Vmid(bool),
    /// What has the ASID.
    Asid,
    /// Addresses of stage 1, of the ASID or (`true`) of any.
    Address(bool),
    /// Addresses of stage 2.
    Ipa,
}

/// A TLBI with what its register and the state of its PE say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Op {
    regime: Regime,
    named: Named,
    vmid: u16,
    asid: u16,
    /// First address.
    start: u64,
    /// Pages from there on, and their size, for a range; one page of the entry's own granule otherwise.
    range: Option<(u64, u8)>,
    /// Level hint.
    level: Option<u8>,
    last_level: bool,
    nxs: bool,
    /// Whether every PE is meant.
    pub broadcast: bool,
    /// The operation, for stories.
    pub operation: TlbiOp,
}

/// The state of a PE that an operation depends on.
#[derive(Debug, Clone, Copy)]
pub struct State {
    /// The regime that operations of EL1 are about.
    pub el1: Regime,
    /// The regime that operations of EL2 are about.
    pub el2: Regime,
    /// The VMID in use.
    pub vmid: u16,
    /// The bits of an ASID that count, by the regime of EL1 operations and of EL2 operations.
    pub asid_mask: [u16; 2],
    /// `HCR_EL2.FB` at EL1.
    pub force_broadcast: bool,
    /// FEAT_TTL.
    pub ttl: bool,
}

/// An entry of stage 1, or of both stages together.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The regime.
    pub regime: Regime,
    /// The VMID; 0 where there is none.
    pub vmid: u16,
    /// The ASID; `None` for an entry that is for all.
    pub asid: Option<u16>,
    /// First address.
    pub base: u64,
    /// Size, as a power of two.
    pub shift: u8,
    /// Level of the descriptor.
    pub level: u8,
    /// The granule, as a power of two.
    pub granule: u8,
    /// The XS attribute.
    pub xs: bool,
}

impl Op {
    /// Reads the operand of an operation. `None`: it is none of EL1 or EL2.
    pub fn new(operation: TlbiOp, operand: u64, state: &State) -> Option<Self> {
        use sequences::ExceptionLevel::{El1, El2, El3};
        let (mut regime, mask) = match operation.level() {
            El1 => (state.el1, state.asid_mask[0]),
            El2 => (state.el2, state.asid_mask[1]),
            El3 => return None,
        };
        let named = match (operation.target(), operation.level()) {
            (Target::All, _) => Named::All,
            (Target::Vmall, _) => Named::Vmid(false),
            (Target::VmallS12, _) => Named::Vmid(true),
            (Target::Asid, _) => Named::Asid,
            (Target::Va | Target::VaLast, _) => Named::Address(false),
            (Target::VaAllAsid | Target::VaAllAsidLast, _) => Named::Address(true),
            (Target::Ipa | Target::IpaLast, _) => Named::Ipa,
            _ => return None,
        };
        // With E2H and TGE set these stay about EL1&0.
        if matches!(named, Named::All | Named::Vmid(true) | Named::Ipa) && operation.level() == El1 {
            regime = Regime::El10;
        }
        // Addresses are sign-extended from their highest bit.
        let extend = |field: u64, bits: u32, shift: u32| {
            ((field << (64 - bits)) as i64 >> (64 - bits - shift)) as u64 >> shift << shift & ADDRESS_BITS
        };
        let (mut start, mut range, mut level) = (0, None, None);
        match operation.operand_format() {
            OperandFormat::Va | OperandFormat::Ipa => {
                start = if named == Named::Ipa {
                    (operand & ((1 << 40) - 1)) << 12
                } else {
                    (operand & ((1 << 44) - 1)) << 12
                };
                level = hint(operand >> 44 & 15).filter(|_| state.ttl);
            }
            OperandFormat::Range => {
                let granule = match operand >> 46 & 3 {
                    1 => 12,
                    2 => 14,
                    3 => 16,
                    // Reserved: nothing can be relied on.
                    _ => 0,
                };
                let (scale, number) = (operand >> 44 & 3, operand >> 39 & 31);
                start = if named == Named::Ipa {
                    (operand & ((1 << 37) - 1)) << granule
                } else {
                    extend(operand & ((1 << 37) - 1), 37, granule)
                };
                range = Some(((number + 1) << (5 * scale + 1), granule as u8));
                level = Some((operand >> 37 & 3) as u8).filter(|&level| level != 0 && state.ttl);
            }
            _ => {}
        }
        Some(Self {
            regime,
            named,
            vmid: if regime == Regime::El10 { state.vmid } else { 0 },
            asid: (operand >> 48) as u16 & mask,
            start,
            range,
            level,
            last_level: operation.target().is_last_level(),
            nxs: operation.is_nxs(),
            broadcast: operation.scope() != Scope::Local || state.force_broadcast && operation.level() == El1,
            operation,
        })
    }

    /// Returns whether it is of the nXS kind, which a `dsb` of that kind completes.
    pub const fn is_nxs(&self) -> bool {
        self.nxs
    }

    /// Returns the regime it is about.
    pub const fn regime(&self) -> Regime {
        self.regime
    }

    /// Returns whether nothing of stage 1 in its reach survives it.
    pub const fn covers_all_addresses(&self) -> bool {
        matches!(self.named, Named::All | Named::Vmid(_))
    }

    const fn is_about(&self, regime: Regime, vmid: u16) -> bool {
        self.regime as u8 == regime as u8 && (matches!(self.named, Named::All) || self.vmid == vmid)
    }

    /// Returns whether an address of the operation lies in a range of addresses.
    const fn touches(&self, base: u64, shift: u8, granule: u8) -> bool {
        let (start, size) = match self.range {
            None => (self.start & !((1 << granule) - 1), 1 << granule),
            Some((pages, of)) if of == granule => (self.start, pages << granule),
            Some(_) => return false,
        };
        let end = base.wrapping_add(1 << shift);
        start < end && base < start.saturating_add(size)
    }

    /// Returns whether it removes a last-level entry, with stage 1 alone or with both stages in one.
    pub fn covers_last_level(&self, entry: &Entry) -> bool {
        if !self.is_about(entry.regime, entry.vmid) || self.nxs && entry.xs {
            return false;
        }
        let own_asid = || entry.asid.is_none_or(|asid| asid == self.asid);
        match self.named {
            Named::All | Named::Vmid(_) => true,
            Named::Asid => entry.asid == Some(self.asid),
            Named::Address(any) => {
                self.touches(entry.base, entry.shift, entry.granule)
                    && (any || own_asid())
                    && self.level.is_none_or(|level| level == entry.level)
            }
            Named::Ipa => false,
        }
    }

    /// Returns whether it removes a cached table descriptor of stage 1. Those carry the ASID even if what they lead to
    /// is global. A level hint says that the entry is a leaf, so nothing can be relied on.
    pub fn covers_table(&self, entry: &Entry) -> bool {
        if !self.is_about(entry.regime, entry.vmid) {
            return false;
        }
        let own_asid = || entry.asid.is_none_or(|asid| asid == self.asid);
        match self.named {
            Named::All | Named::Vmid(_) => true,
            Named::Asid => own_asid(),
            Named::Address(any) => {
                !self.last_level
                    && self.level.is_none()
                    && (any || own_asid())
                    && self.touches(entry.base, entry.shift, entry.granule)
            }
            Named::Ipa => false,
        }
    }

    /// Returns whether it removes an entry of stage 2 alone.
    pub fn covers_stage2(&self, entry: &Entry, leaf: bool) -> bool {
        if !self.is_about(entry.regime, entry.vmid) || self.nxs && entry.xs {
            return false;
        }
        match self.named {
            Named::All | Named::Vmid(true) => true,
            Named::Ipa => {
                self.touches(entry.base, entry.shift, entry.granule)
                    && match self.level {
                        None => leaf || !self.last_level,
                        Some(level) => leaf && level == entry.level,
                    }
            }
            _ => false,
        }
    }
}

/// Returns the level of a TTL field of four bits (FEAT_TTL): the granule in two, and the level.
const fn hint(ttl: u64) -> Option<u8> {
    // Level 0 is reserved without 52-bit addresses, and counts as no hint.
    if ttl >> 2 == 0 || ttl & 3 == 0 {
        None
    } else {
        Some((ttl & 3) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: State = State {
        el1: Regime::El10,
        el2: Regime::El2,
        vmid: 1,
        asid_mask: [0xff, 0],
        force_broadcast: false,
        ttl: true,
    };
    const PAGE: Entry = Entry {
        regime: Regime::El10,
        vmid: 1,
        asid: Some(1),
        base: 0x1234_5000,
        shift: 12,
        level: 3,
        granule: 12,
        xs: false,
    };

    fn op(name: &str, operand: u64) -> Op {
        Op::new(TlbiOp::from_name(name).unwrap(), operand, &STATE).unwrap()
    }

    #[test]
    fn addresses_and_asids_are_compared() {
        let covers = |name, operand| op(name, operand).covers_last_level(&PAGE);
        assert!(covers("vae1", 1 << 48 | 0x12345) && !covers("vae1", 1 << 48 | 0x12346));
        assert!(!covers("vae1", 2 << 48 | 0x12345) && covers("vaae1", 2 << 48 | 0x12345));
        assert!(covers("aside1", 1 << 48) && !covers("aside1", 2 << 48));
        assert!(covers("vmalle1", 0) && covers("vmalls12e1", 0) && covers("alle1", 0));
        assert!(!covers("alle2", 0) && !covers("vae2", 0x12345) && !covers("ipas2e1", 0x12345));
        let global = Entry { asid: None, ..PAGE };
        assert!(op("vae1", 2 << 48 | 0x12345).covers_last_level(&global));
        assert!(!op("aside1", 1 << 48).covers_last_level(&global));
    }

    #[test]
    fn level_hints_and_last_level_forms_are_honored() {
        let hinted = |level: u64| op("vae1", 1 << 48 | (4 | level) << 44 | 0x12345);
        assert!(hinted(3).covers_last_level(&PAGE) && !hinted(2).covers_last_level(&PAGE));
        let table = Entry {
            shift: 21,
            level: 2,
            base: 0x1220_0000,
            ..PAGE
        };
        assert!(op("vae1", 1 << 48 | 0x12345).covers_table(&table));
        assert!(!op("vale1", 1 << 48 | 0x12345).covers_table(&table) && !hinted(2).covers_table(&table));
    }

    #[test]
    fn ranges_are_counted_in_pages_of_their_granule() {
        // TG 4 KiB, scale 0, num 1: four pages from 0x12344 on.
        let range = |granule: u64, first: u64| op("rvae1", 1 << 48 | granule << 46 | 1 << 39 | first);
        assert!(range(1, 0x12344).covers_last_level(&PAGE) && !range(1, 0x12346).covers_last_level(&PAGE));
        assert!(range(1, 0x12342).covers_last_level(&PAGE) && !range(1, 0x12341).covers_last_level(&PAGE));
        assert!(!range(3, 0x1234).covers_last_level(&PAGE), "another granule");
    }

    #[test]
    fn xs_entries_survive_nxs_operations() {
        let xs = Entry { xs: true, ..PAGE };
        assert!(op("vmalle1nxs", 0).covers_last_level(&PAGE) && !op("vmalle1nxs", 0).covers_last_level(&xs));
    }

    #[test]
    fn stage_2_is_removed_by_ipa_or_with_its_vmid() {
        let covers = |name, operand| op(name, operand).covers_stage2(&PAGE, true);
        assert!(covers("ipas2e1", 0x12345) && !covers("ipas2e1", 0x12346) && covers("vmalls12e1", 0));
        assert!(!covers("vmalle1", 0) && !covers("vae1", 1 << 48 | 0x12345) && covers("alle1", 0));
        assert!(!op("ipas2le1", 0x12345).covers_stage2(&PAGE, false));
    }
}
