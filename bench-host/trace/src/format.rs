// SPDX-License-Identifier: MIT OR Apache-2.0
//! How translation tables are written: granule, levels, and what a descriptor says (Arm ARM, sections D8.2 and D8.3).
//!
//! A format that is not known is refused: a wrong guess would make findings out of nothing.

/// Why a PE's tables are not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Undecodable {
    /// `TCR_ELx.TG` or `VTCR_EL2.TG` holds a reserved value.
    Granule,
    /// The size of the address range fits no start level.
    Size,
}

/// The format of the tables under one root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Format {
    /// Bits of an address within a page: 12, 14 or 16.
    pub page: u8,
    /// The level of the top-level table, -1 to 3.
    pub start: i8,
    /// Bits of an input address.
    pub input: u8,
    /// Stage 2.
    pub stage_2: bool,
    /// Addresses of 52 bits by `TCR_ELx.DS` (FEAT_LPA2; 4 and 16 KiB).
    pub ds: bool,
    /// Addresses of 52 bits by the 64 KiB granule (FEAT_LPA).
    pub lpa: bool,
    /// The upper half of the address space.
    pub upper: bool,
    /// The regime has two halves, so entries may be global or not.
    pub asid: bool,
}

/// What a descriptor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Entry {
    /// Nothing is mapped, or the walk faults.
    Invalid,
    /// A table of the next level, at this address.
    Table(u64),
    /// A page or block, at this address.
    Leaf(u64),
}

/// `nG`: the entry belongs to an ASID.
pub const NOT_GLOBAL: u64 = 1 << 11;
/// `AF`: the access flag.
pub const ACCESS_FLAG: u64 = 1 << 10;
/// `Contiguous`.
pub const CONTIGUOUS: u64 = 1 << 52;
/// `AP[1]`: EL0 has access.
pub const EL0: u64 = 1 << 6;
/// `AP[2]`: read-only (stage 1).
pub const READ_ONLY: u64 = 1 << 7;
/// `DBM`: hardware may clear `AP[2]`.
pub const DIRTY_MODIFIER: u64 = 1 << 51;
const STAGE_2_READ: u64 = 1 << 6;
const STAGE_2_WRITE: u64 = 1 << 7;
const XN: u64 = 1 << 54;
const PXN: u64 = 1 << 53;

impl Format {
    /// Reads `TCR_EL1`, or `TCR_EL2` of EL2&0; `None` where walks of this half are disabled.
    ///
    /// # Errors
    ///
    /// The format is not known.
    pub const fn of_tcr(tcr: u64, upper: bool, mmfr0: u64) -> Result<Option<Self>, Undecodable> {
        let (size, disabled, page) = if upper {
            let page = match tcr >> 30 & 3 {
                1 => 14,
                2 => 12,
                3 => 16,
                _ => return Err(Undecodable::Granule),
            };
            (tcr >> 16 & 63, tcr >> 23 & 1 != 0, page)
        } else {
            let page = match tcr >> 14 & 3 {
                0 => 12,
                1 => 16,
                2 => 14,
                _ => return Err(Undecodable::Granule),
            };
            (tcr & 63, tcr >> 7 & 1 != 0, page)
        };
        if disabled {
            return Ok(None);
        }
        let (ds, wide) = (tcr >> 59 & 1 != 0, tcr >> 32 & 7 == 6);
        match Self::stage_1(size, page, ds, wide, upper, true, mmfr0) {
            Ok(format) => Ok(Some(format)),
            Err(error) => Err(error),
        }
    }

    /// Reads `TCR_EL2` of the EL2 regime.
    ///
    /// # Errors
    ///
    /// The format is not known.
    pub const fn of_tcr_el2(tcr: u64, mmfr0: u64) -> Result<Self, Undecodable> {
        let page = match tcr >> 14 & 3 {
            0 => 12,
            1 => 16,
            2 => 14,
            _ => return Err(Undecodable::Granule),
        };
        Self::stage_1(
            tcr & 63,
            page,
            tcr >> 32 & 1 != 0,
            tcr >> 16 & 7 == 6,
            false,
            false,
            mmfr0,
        )
    }

    const fn stage_1(
        size: u64,
        page: u8,
        ds: bool,
        wide: bool,
        upper: bool,
        asid: bool,
        mmfr0: u64,
    ) -> Result<Self, Undecodable> {
        // Without FEAT_LPA2 for the granule, DS is RES0.
        let lpa2 = match page {
            12 => matches!(mmfr0 >> 28 & 15, 1),
            14 => mmfr0 >> 20 & 15 >= 2,
            _ => false,
        };
        let ds = ds && lpa2;
        let lpa = page == 16 && wide && mmfr0 & 15 >= 6;
        // TxSZ below its least value is taken as that value, or faults; above it, it faults (before FEAT_TTST: 39).
        let least = if ds || (page == 16 && mmfr0 & 15 >= 6) { 12 } else { 16 };
        if size > 48 {
            return Err(Undecodable::Size);
        }
        let size = if size < least { least } else { size };
        let input = (64 - size) as u8;
        let start = match start_level(input, page) {
            Some(start) => start,
            None => return Err(Undecodable::Size),
        };
        Ok(Self {
            page,
            start,
            input,
            stage_2: false,
            ds,
            lpa,
            upper,
            asid,
        })
    }

    /// Reads `VTCR_EL2`.
    ///
    /// # Errors
    ///
    /// The format is not known.
    pub const fn of_vtcr(vtcr: u64, mmfr0: u64) -> Result<Self, Undecodable> {
        let page = match vtcr >> 14 & 3 {
            0 => 12,
            1 => 16,
            2 => 14,
            _ => return Err(Undecodable::Granule),
        };
        let ds = vtcr >> 32 & 1 != 0
            && match page {
                12 => mmfr0 >> 28 & 15 == 1,
                14 => mmfr0 >> 20 & 15 >= 2,
                _ => false,
            };
        let size = vtcr & 63;
        if size > 48 {
            return Err(Undecodable::Size);
        }
        let input = (64 - size) as u8;
        // SL0 and, with DS and 4 KiB, SL2.
        let start = match (page, vtcr >> 6 & 3, ds && vtcr >> 33 & 1 != 0) {
            (12, 0, true) => -1,
            (12, 3, false) => 3,
            (12, level, false) => 2 - level as i8,
            (14 | 16, level, _) => 3 - level as i8,
            _ => return Err(Undecodable::Size),
        };
        let format = Self {
            page,
            start,
            input,
            stage_2: true,
            ds,
            lpa: page == 16 && vtcr >> 16 & 7 == 6,
            upper: false,
            asid: false,
        };
        // At most sixteen tables stand one behind the other.
        if input <= format.shift(start) || input - format.shift(start) > format.bits() + 4 {
            return Err(Undecodable::Size);
        }
        Ok(format)
    }

    /// Returns the bits that one level resolves.
    pub const fn bits(&self) -> u8 {
        self.page - 3
    }

    /// Returns the bits of an address below what an entry of a level maps.
    pub const fn shift(&self, level: i8) -> u8 {
        self.page + (3 - level) as u8 * self.bits()
    }

    /// Returns the number of entries of the table at the top.
    pub const fn top_entries(&self) -> usize {
        1 << (self.input - self.shift(self.start))
    }

    /// Returns the number of entries of a table of a level.
    pub const fn entries(&self, level: i8) -> usize {
        if level == self.start {
            self.top_entries()
        } else {
            1 << self.bits()
        }
    }

    /// Returns the address of the table at the top.
    pub const fn base(&self, ttbr: u64) -> u64 {
        let bytes = (self.top_entries() * 8) as u64;
        let align = if bytes < 64 { 64 } else { bytes };
        if self.ds || self.lpa {
            // Bits [5:2] are address bits [51:48].
            let align = if align < 64 { 64 } else { align };
            return (ttbr & 0x0000_ffff_ffff_ffc0 & !(align - 1)) | (ttbr >> 2 & 15) << 48;
        }
        ttbr & 0x0000_ffff_ffff_fffe & !(align - 1)
    }

    /// Returns the first address of the half.
    pub const fn first(&self) -> u64 {
        if self.upper { u64::MAX << self.input } else { 0 }
    }

    /// Returns the address an entry maps, below that of its table.
    pub const fn offset(&self, level: i8, index: usize) -> u64 {
        (index as u64) << self.shift(level)
    }

    /// Reads a descriptor.
    pub const fn entry(&self, level: i8, descriptor: u64) -> Entry {
        if descriptor & 1 == 0 {
            return Entry::Invalid;
        }
        let table = descriptor & 2 != 0;
        if level == 3 {
            return if table {
                Entry::Leaf(self.address(descriptor, level))
            } else {
                Entry::Invalid
            };
        }
        if table {
            return Entry::Table(self.address(descriptor, 3));
        }
        let blocks = match self.page {
            12 => level == 1 || level == 2 || (level == 0 && self.ds),
            14 => level == 2 || (level == 1 && self.ds),
            _ => level == 2 || (level == 1 && self.lpa),
        };
        if blocks {
            Entry::Leaf(self.address(descriptor, level))
        } else {
            Entry::Invalid
        }
    }

    /// Returns the address in a descriptor, which is aligned to what an entry of the level maps.
    const fn address(&self, descriptor: u64, level: i8) -> u64 {
        let low = u64::MAX << self.shift(level);
        if self.ds {
            return (descriptor & 0x0003_ffff_ffff_f000 & low) | (descriptor >> 8 & 3) << 50;
        }
        if self.lpa {
            return (descriptor & 0x0000_ffff_ffff_0000 & low) | (descriptor >> 12 & 15) << 48;
        }
        descriptor & 0x0000_ffff_ffff_f000 & low
    }

    /// Returns the bits that hold memory type and shareability.
    pub const fn attributes(&self) -> u64 {
        match (self.stage_2, self.ds) {
            // With DS, bits [9:8] are address bits.
            (false, true) => 0x1c,
            (false, false) => 0x31c,
            (true, true) => 0x3c,
            (true, false) => 0x33c,
        }
    }

    /// Returns whether every access that `old` permits is permitted by `new`, in pages or blocks.
    pub const fn permits_all_of(&self, old: u64, new: u64) -> bool {
        if self.stage_2 {
            let lost = old & !new & (STAGE_2_READ | STAGE_2_WRITE);
            return lost == 0 && (old & (XN | PXN) == new & (XN | PXN) || new & (XN | PXN) == 0);
        }
        let lost = (old & EL0 != 0 && new & EL0 == 0) || (new & !old & READ_ONLY != 0 && new & DIRTY_MODIFIER == 0);
        // With one level of privilege, bit 53 says nothing.
        let never = if self.asid { XN | PXN } else { XN };
        !lost && new & !old & never == 0
    }

    /// Returns whether a page or block can be written.
    pub const fn writable(&self, descriptor: u64) -> bool {
        if self.stage_2 {
            descriptor & STAGE_2_WRITE != 0
        } else {
            descriptor & READ_ONLY == 0 || descriptor & DIRTY_MODIFIER != 0
        }
    }

    /// Returns whether the entries of all ASIDs share a translation.
    pub const fn is_global(&self, descriptor: u64) -> bool {
        !self.asid || descriptor & NOT_GLOBAL == 0
    }
}

const fn start_level(input: u8, page: u8) -> Option<i8> {
    let bits = page - 3;
    let mut level = 3;
    let mut covered = page + bits;
    while covered < input {
        level -= 1;
        covered += bits;
    }
    if level < -1 { None } else { Some(level) }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Format, Undecodable};
    const LPA2: u64 = 1 << 28 | 2 << 20 | 6;

    #[test]
    fn start_levels_are_those_of_the_architecture() {
        let start = |size: u64, granule: u64, ds: u64, id| {
            let tcr = size | granule << 14 | ds << 59 | 6 << 32;
            let format = Format::of_tcr(tcr, false, id).unwrap().unwrap();
            (format.start, format.top_entries())
        };
        // 4 KiB: 48, 39, 40 and 36 bits.
        assert_eq!(start(16, 0, 0, 0), (0, 512));
        assert_eq!(start(25, 0, 0, 0), (1, 512));
        assert_eq!(start(24, 0, 0, 0), (0, 2));
        assert_eq!(start(28, 0, 0, 0), (1, 64));
        // 16 KiB: 47 and 48 bits; 64 KiB: 48 and 52 bits.
        assert_eq!(start(17, 2, 0, 0), (1, 2048));
        assert_eq!(start(16, 2, 0, 0), (0, 2));
        assert_eq!(start(16, 1, 0, 0), (1, 64));
        assert_eq!(start(12, 1, 0, 6), (1, 1024));
        // LPA2: five levels with 4 KiB; where the PE has it not, DS means nothing.
        assert_eq!(start(12, 0, 1, LPA2), (-1, 16));
        assert_eq!(start(12, 2, 1, LPA2), (0, 32));
        assert_eq!(start(12, 0, 1, 0), (0, 512));
    }

    #[test]
    fn what_is_reserved_is_refused() {
        assert_eq!(Format::of_tcr(16 | 3 << 14, false, 0), Err(Undecodable::Granule));
        assert_eq!(Format::of_tcr(16 << 16, true, 0), Err(Undecodable::Granule));
        assert_eq!(Format::of_tcr(60, false, 0), Err(Undecodable::Size));
        assert_eq!(Format::of_tcr(16 | 1 << 7, false, 0), Ok(None));
        // Stage 2 from level 3 with 48 bits: far more than sixteen tables.
        assert_eq!(Format::of_vtcr(16 | 3 << 6, 0), Err(Undecodable::Size));
    }

    #[test]
    fn stage_2_may_begin_with_several_tables() {
        // 40 bits from level 1: two tables; 32 bits from level 2, 4 KiB.
        let format = Format::of_vtcr(24 | 1 << 6, 0).unwrap();
        assert_eq!((format.start, format.top_entries()), (1, 1024));
        assert_eq!(format.base(0x0003_0000_4000_2001), 0x4000_2000);
        assert_eq!(Format::of_vtcr(32, 0).unwrap().start, 2);
        assert_eq!(Format::of_vtcr(12 | 1 << 32 | 1 << 33, LPA2).unwrap().start, -1);
    }

    #[test]
    fn descriptors_say_what_they_map() {
        let four = Format::of_tcr_el2(16, 0).unwrap();
        assert_eq!(four.entry(3, 0x4000_0703), Entry::Leaf(0x4000_0000));
        assert_eq!(four.entry(3, 0x4000_0701), Entry::Invalid);
        assert_eq!(four.entry(2, 0x4020_0701), Entry::Leaf(0x4020_0000));
        assert_eq!(four.entry(2, 0x4020_1003), Entry::Table(0x4020_1000));
        assert_eq!(four.entry(0, 0x4000_0701), Entry::Invalid);
        let lpa = Format::of_tcr(12 | 1 << 14 | 6 << 32, false, 6).unwrap().unwrap();
        assert_eq!(lpa.entry(3, 0x4001_0703 | 0x5000), Entry::Leaf(0x0005_0000_4001_0000));
        assert_eq!(lpa.entry(1, 0x0400_0000_0701), Entry::Leaf(0x0400_0000_0000));
        let lpa2 = Format::of_tcr(12 | 1 << 59, false, LPA2).unwrap().unwrap();
        assert_eq!(lpa2.entry(3, 0x4000_1703), Entry::Leaf(0x000c_0000_4000_1000));
        assert_eq!(lpa2.entry(0, 0x0080_0000_0401), Entry::Leaf(0x0080_0000_0000));
    }

    #[test]
    fn permissions_are_compared_by_what_they_permit() {
        let format = Format::of_tcr(16, false, 0).unwrap().unwrap();
        let (rw, ro, user) = (0x703, 0x783, 0x743);
        assert!(format.permits_all_of(ro, rw) && !format.permits_all_of(rw, ro));
        assert!(format.permits_all_of(rw, user) && !format.permits_all_of(user, rw));
        assert!(!format.permits_all_of(rw, rw | 1 << 54) && format.permits_all_of(rw | 1 << 54, rw));
        // Clean with the dirty bit modifier: hardware makes it writable by itself.
        assert!(format.permits_all_of(rw, ro | 1 << 51) && format.writable(ro | 1 << 51));
        let stage_2 = Format::of_vtcr(24 | 1 << 6, 0).unwrap();
        assert!(!stage_2.permits_all_of(0xc3, 0x43) && stage_2.permits_all_of(0x43, 0xc3));
    }
}
