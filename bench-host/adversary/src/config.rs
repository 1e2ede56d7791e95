// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the translation registers of a PE say: its regime, its tables, its tags.

use crate::options::Features;
use crate::sysreg::Translation;

/// A translation regime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Regime {
    /// EL1&0.
    El10,
    /// EL2, with `HCR_EL2.E2H` = 0.
    El2,
    /// EL2&0, with `HCR_EL2.E2H` = 1.
    El20,
}

impl Regime {
    /// How many there are.
    pub const COUNT: usize = 3;
}

/// A tree of tables: one that a register points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Root {
    /// Whether it is of stage 2.
    pub stage2: bool,
    /// The regime.
    pub regime: Regime,
    /// The address of the first table: physical, or intermediate physical for stage 1 above stage 2.
    pub table: u64,
    /// The level of the first table.
    pub start: u8,
    /// Bits of the addresses it translates.
    pub bits: u8,
    /// The granule, as a power of two.
    pub granule: u8,
    /// Whether it translates the upper half of the addresses.
    pub upper: bool,
    /// The tree of stage 2 that the addresses of its tables go through, by its number.
    pub under: Option<usize>,
}

/// The tags of a TLB entry, and what they were given for: what decides which tables may be cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// The regime.
    pub regime: Regime,
    /// The VMID; 0 where there is none.
    pub vmid: u16,
    /// The ASID; 0 where there is none.
    pub asid: u16,
    /// The trees in use, by number: lower half, upper half, stage 2.
    pub roots: [Option<usize>; 3],
}

/// How a PE translates in its present state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Its tags and trees, by number.
    pub space: usize,
    /// The regime.
    pub regime: Regime,
    /// Whether it is at EL0.
    pub el0: bool,
    /// Whether stage 1 is on.
    pub stage1: bool,
    /// Whether stage 2 is on.
    pub stage2: bool,
    /// Whether memory is Normal where stage 1 is off (`HCR_EL2.DC`).
    pub default_cacheable: bool,
    /// `MAIR_ELx`.
    pub mair: u64,
    /// `SCTLR_ELx.WXN`.
    pub wxn: bool,
    /// `SCTLR_ELx.A`: every access must be aligned.
    pub aligned: bool,
    /// `SCTLR_ELx.SA` or `SA0`: the stack pointer must be.
    pub stack_aligned: bool,
    /// Hardware updates of the access flag and the dirty state, in stage 1.
    pub updates: [bool; 2],
    /// The same in stage 2.
    pub stage2_updates: [bool; 2],
    /// Top byte ignored, in the lower and upper half.
    pub tbi: [bool; 2],
}

/// What the registers say, before the trees and tags have numbers.
#[derive(Debug, Clone, Copy)]
pub struct Described {
    /// Everything but [`Config::space`], which is 0.
    pub config: Config,
    /// The trees: lower half, upper half, stage 2. Stage 1 trees lack [`Root::under`].
    pub roots: [Option<Root>; 3],
    /// The VMID.
    pub vmid: u16,
    /// The ASID.
    pub asid: u16,
}

const fn bit(value: u64, at: u32) -> bool {
    value >> at & 1 != 0
}

/// Returns the granule of a `TG0` field.
const fn granule0(field: u64) -> u8 {
    match field & 3 {
        1 => 16,
        2 => 14,
        _ => 12,
    }
}

/// Returns the granule of a `TG1` field.
const fn granule1(field: u64) -> u8 {
    match field & 3 {
        1 => 14,
        3 => 16,
        _ => 12,
    }
}

/// Returns the address bits of a `TxSZ` field, at most 48.
const fn bits(field: u64) -> u8 {
    let size = field as u8 & 63;
    if size < 16 { 48 } else { 64 - size }
}

/// Returns the level at which a stage 1 walk starts.
const fn start_level(bits: u8, granule: u8) -> u8 {
    let index = granule - 3;
    4 - (bits - granule).div_ceil(index)
}

const fn table(ttbr: u64, bits: u8, start: u8, granule: u8) -> u64 {
    let entries = bits - crate::descriptor::level_shift(granule, start);
    let align = if entries + 3 > 6 { entries + 3 } else { 6 };
    ttbr & 0x0000_ffff_ffff_fffe & !((1 << align) - 1)
}

/// Returns the regime of an exception level.
pub const fn regime(registers: &Translation, el: u8) -> Regime {
    match el {
        2 if registers.e2h() => Regime::El20,
        2 => Regime::El2,
        0 if registers.e2h() && registers.tge() => Regime::El20,
        _ => Regime::El10,
    }
}

/// Returns the VMID in use.
pub const fn vmid(registers: &Translation) -> u16 {
    let vmid = (registers.vttbr >> 48) as u16;
    if bit(registers.vtcr, 19) { vmid } else { vmid & 0xff }
}

/// Reads the translation registers for an exception level.
pub fn describe(registers: &Translation, el: u8, features: &Features) -> Described {
    let regime = regime(registers, el);
    let index = usize::from(regime != Regime::El10);
    let (sctlr, tcr) = (registers.sctlr[index], registers.tcr[index]);
    let of_guest = regime == Regime::El10;
    let default_cacheable = of_guest && bit(registers.hcr, 12);
    let stage1 = bit(sctlr, 0) && !default_cacheable && !(of_guest && registers.tge());
    let stage2 = of_guest && (bit(registers.hcr, 0) || default_cacheable);
    let two_halves = regime != Regime::El2;
    let (ha, hd) = if two_halves { (39, 40) } else { (21, 22) };
    let updates = |tcr, ha, hd| {
        let access_flag = features.access_flag && bit(tcr, ha);
        [access_flag, access_flag && features.dirty_state && bit(tcr, hd)]
    };

    let tree = |ttbr: u64, size: u64, granule: u8, upper: bool| {
        let bits = bits(size).max(granule + 1);
        let start = start_level(bits, granule);
        Root {
            stage2: false,
            regime,
            table: table(ttbr, bits, start, granule),
            start,
            bits,
            granule,
            upper,
            under: None,
        }
    };
    let lower =
        (stage1 && !(two_halves && bit(tcr, 7))).then(|| tree(registers.ttbr0[index], tcr, granule0(tcr >> 14), false));
    let upper = (stage1 && two_halves && !bit(tcr, 23))
        .then(|| tree(registers.ttbr1[index], tcr >> 16, granule1(tcr >> 30), true));
    let second = stage2.then(|| {
        let vtcr = registers.vtcr;
        let granule = granule0(vtcr >> 14);
        let bits = bits(vtcr).max(granule + 1);
        let field = (vtcr >> 6 & 3) as u8;
        let start = match granule {
            12 => 2 - field.min(2),
            _ => 3 - field.min(3),
        };
        Root {
            stage2: true,
            regime,
            table: table(registers.vttbr, bits, start, granule),
            start,
            bits,
            granule,
            upper: false,
            under: None,
        }
    });

    let asid = match (two_halves, bit(tcr, 22)) {
        (false, _) => 0,
        (true, false) => registers.ttbr0[index] >> 48,
        (true, true) => registers.ttbr1[index] >> 48,
    };
    let asid = asid as u16 & asid_mask(registers, regime);
    Described {
        config: Config {
            space: 0,
            regime,
            el0: el == 0,
            stage1,
            stage2,
            default_cacheable,
            mair: registers.mair[index],
            wxn: bit(sctlr, 19),
            aligned: bit(sctlr, 1),
            stack_aligned: bit(sctlr, if el == 0 { 4 } else { 3 }),
            updates: updates(tcr, ha, hd),
            stage2_updates: updates(registers.vtcr, 21, 22),
            tbi: if two_halves {
                [bit(tcr, 37), bit(tcr, 38)]
            } else {
                [bit(tcr, 20); 2]
            },
        },
        roots: [lower, upper, second],
        vmid: if of_guest { vmid(registers) } else { 0 },
        asid,
    }
}

/// Returns the bits of an ASID that count: 16 with `TCR_ELx.AS`, else 8.
pub const fn asid_mask(registers: &Translation, regime: Regime) -> u16 {
    let tcr = match regime {
        Regime::El10 => registers.tcr[0],
        Regime::El2 => return 0,
        Regime::El20 => registers.tcr[1],
    };
    if bit(tcr, 36) { 0xffff } else { 0xff }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_starts_where_the_sizes_say() {
        assert_eq!(
            (start_level(48, 12), start_level(39, 12), start_level(32, 12)),
            (0, 1, 1)
        );
        assert_eq!(
            (start_level(36, 14), start_level(36, 16), start_level(48, 16)),
            (2, 2, 1)
        );
    }

    #[test]
    fn regimes_follow_exception_level_and_hcr() {
        let of = |hcr, el| {
            regime(
                &Translation {
                    hcr,
                    ..Translation::default()
                },
                el,
            )
        };
        let (e2h, tge) = (1 << 34, 1 << 27);
        assert_eq!(
            (of(0, 2), of(0, 1), of(0, 0)),
            (Regime::El2, Regime::El10, Regime::El10)
        );
        assert_eq!((of(e2h, 2), of(e2h, 0)), (Regime::El20, Regime::El10));
        assert_eq!((of(e2h | tge, 0), of(e2h | tge, 1)), (Regime::El20, Regime::El10));
    }

    #[test]
    fn stage_2_of_32_bits_starts_at_level_1() {
        let registers = Translation {
            hcr: 1,
            vtcr: 1 << 6 | 32,
            vttbr: 1 << 48 | 0x4000_1000,
            ..Translation::default()
        };
        let described = describe(&registers, 1, &Features::ALL);
        let root = described.roots[2].unwrap();
        assert_eq!(
            (root.start, root.bits, root.table, described.vmid),
            (1, 32, 0x4000_1000, 1)
        );
        assert!(described.config.stage2 && !described.config.stage1);
    }
}
