// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which top-level entry is exclusive to the 1:1 map, and which runtime address makes it so.
//!
//! Xen's `remove_identity_mapping` compares the slot of the load address with Xen's slot at level 0, then 1, then 2.
//! Here the runtime map may span slots, so the comparison is with the range of its slots.

use results::plan::RuntimeCase;

/// Bits of a virtual address.
const VA_BITS: u32 = 48;

/// The size of what one entry of a level translates, as a power of two (4 KiB granule).
pub const fn level_shift(level: usize) -> u32 {
    39 - 9 * level as u32
}

/// A range of virtual addresses in use by the runtime map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// First address.
    pub start: u64,
    /// Size in bytes, not 0.
    pub size: u64,
}

impl Region {
    /// Returns whether an entry of `level` that translates `address` also translates some of the region.
    const fn shares_entry(self, address: u64, level: usize) -> bool {
        let shift = level_shift(level);
        let slot = address >> shift;
        self.start >> shift <= slot && slot <= (self.start + self.size - 1) >> shift
    }
}

/// What a load address and a runtime region have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentitySlot {
    /// The entry at this level (0, 1 or 2) is used by the 1:1 map only.
    Exclusive(usize),
    /// Runtime and physical addresses are equal: there is no 1:1 map.
    NotNeeded,
    /// No entry at levels 0 to 2 is exclusive: the two maps cannot both be built and then be told apart.
    Clash,
}

/// Finds the top-level entry exclusive to the 1:1 map of `load` beside the runtime map of `region`.
pub const fn exclusive(load: u64, region: Region) -> IdentitySlot {
    if load == region.start {
        return IdentitySlot::NotNeeded;
    }
    let mut level = 0;
    while level <= 2 {
        if !region.shares_entry(load, level) {
            return IdentitySlot::Exclusive(level);
        }
        level += 1;
    }
    IdentitySlot::Clash
}

/// Why no runtime address can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Not a multiple of 4 KiB, or the region does not fit below 2^48.
    BadAddress,
    /// No entry is exclusive to the 1:1 map.
    Clash,
    /// From this load address no runtime address gives the case asked for.
    NoSuchCase,
}

/// Chooses the runtime address for a case, so that every case runs from every load address.
///
/// `address` is used by [`RuntimeCase::Address`] only; `size` is that of the runtime region in bytes.
pub fn choose(case: RuntimeCase, address: u64, load: u64, size: u64) -> Result<(Region, IdentitySlot), Refused> {
    let flip = |bits: &[u32], wanted: IdentitySlot| {
        let candidates = bits.iter().map(|bit| Region {
            start: load ^ (1 << bit),
            size,
        });
        let fitting = candidates
            .filter(|region| fits(*region))
            .find(|region| exclusive(load, *region) == wanted);
        fitting.map(|region| (region, wanted)).ok_or(Refused::NoSuchCase)
    };
    match case {
        RuntimeCase::Level0 => flip(&[39, 40, 41, 42], IdentitySlot::Exclusive(0)),
        RuntimeCase::Level1 => flip(&[30, 31, 32, 33], IdentitySlot::Exclusive(1)),
        RuntimeCase::Level2 => flip(&[29, 28, 27, 26], IdentitySlot::Exclusive(2)),
        RuntimeCase::None => known(load, load, size),
        RuntimeCase::Clash => known(load ^ (1 << 12), load, size),
        RuntimeCase::Address => known(address, load, size),
    }
}

fn known(start: u64, load: u64, size: u64) -> Result<(Region, IdentitySlot), Refused> {
    let region = Region { start, size };
    if !fits(region) {
        return Err(Refused::BadAddress);
    }
    match exclusive(load, region) {
        IdentitySlot::Clash => Err(Refused::Clash),
        slot => Ok((region, slot)),
    }
}

const fn fits(region: Region) -> bool {
    region.start.is_multiple_of(4096)
        && match region.start.checked_add(region.size) {
            Some(end) => end <= 1 << VA_BITS,
            None => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: u64 = 0xa0_0000;
    const CASES: [(RuntimeCase, IdentitySlot); 4] = [
        (RuntimeCase::Level0, IdentitySlot::Exclusive(0)),
        (RuntimeCase::Level1, IdentitySlot::Exclusive(1)),
        (RuntimeCase::Level2, IdentitySlot::Exclusive(2)),
        (RuntimeCase::None, IdentitySlot::NotNeeded),
    ];

    /// Load addresses of the boards and loaders in use, odd 4 KiB multiples, and both sides of slot boundaries.
    const LOADS: [u64; 12] = [
        0x8_0000,
        0x20_0000,
        0x40_0000,
        0x4020_0000,
        0x4020_1000,
        0x7ff0_0000,
        0x7fff_f000,
        0x1_ffff_f000,
        0x80_0020_0000,
        0x96_3c73_1000,
        0x100_0020_0000,
        0x7f_ffff_f000,
    ];

    #[test]
    fn every_case_runs_from_every_load_address() {
        for load in LOADS {
            for (case, slot) in CASES {
                let (region, chosen) =
                    choose(case, 0, load, SIZE).unwrap_or_else(|e| panic!("{load:#x} {case:?} {e:?}"));
                assert_eq!(chosen, slot, "{load:#x}");
                assert_eq!(exclusive(load, region), slot, "{load:#x}");
            }
            assert_eq!(
                choose(RuntimeCase::Clash, 0, load, SIZE),
                Err(Refused::Clash),
                "{load:#x}"
            );
        }
    }

    #[test]
    fn known_addresses_fall_into_the_slots_that_qemu_showed() {
        let at = |address| choose(RuntimeCase::Address, address, 0x4020_0000, SIZE).map(|(_, slot)| slot);
        assert_eq!(at(0x20_0000), Ok(IdentitySlot::Exclusive(1)));
        assert_eq!(at(0x4020_0000), Ok(IdentitySlot::NotNeeded));
        assert_eq!(at(0x4080_0000), Ok(IdentitySlot::Exclusive(2)));
        assert_eq!(at(0x80_0020_0000), Ok(IdentitySlot::Exclusive(0)));
        assert_eq!(at(0xfe80_0020_0000), Ok(IdentitySlot::Exclusive(0)));
    }

    #[test]
    fn a_region_that_reaches_into_the_slot_of_the_load_address_clashes() {
        // The region starts two slots below and ends in the slot of the load address.
        assert_eq!(
            choose(RuntimeCase::Address, 0x3fe0_0000, 0x4020_0000, SIZE),
            Err(Refused::Clash)
        );
        assert_eq!(
            choose(RuntimeCase::Address, 0x800, 0x4020_0000, SIZE),
            Err(Refused::BadAddress)
        );
        assert_eq!(
            choose(RuntimeCase::Address, 1 << 48, 0x4020_0000, SIZE),
            Err(Refused::BadAddress)
        );
        assert_eq!(
            choose(RuntimeCase::Address, !0xfff, 0x4020_0000, SIZE),
            Err(Refused::BadAddress)
        );
    }
}
