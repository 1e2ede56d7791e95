// SPDX-License-Identifier: MIT OR Apache-2.0
//! The registers that say how a PE translates, and what they say.

use crate::format::{Format, Undecodable};

/// A register that says how addresses are translated, or where exceptions go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Register {
    /// `SCTLR_EL1`.
    SctlrEl1,
    /// `TTBR0_EL1`.
    Ttbr0El1,
    /// `TTBR1_EL1`.
    Ttbr1El1,
    /// `TCR_EL1`.
    TcrEl1,
    /// `VBAR_EL1`.
    VbarEl1,
    /// `SCTLR_EL2`.
    SctlrEl2,
    /// `HCR_EL2`.
    HcrEl2,
    /// `TTBR0_EL2`.
    Ttbr0El2,
    /// `TTBR1_EL2`.
    Ttbr1El2,
    /// `TCR_EL2`.
    TcrEl2,
    /// `VTTBR_EL2`.
    VttbrEl2,
    /// `VTCR_EL2`.
    VtcrEl2,
    /// `VBAR_EL2`.
    VbarEl2,
    /// `MAIR_EL1`.
    MairEl1,
    /// `MAIR_EL2`.
    MairEl2,
}

impl Register {
    /// Returns whether it says where tables are, or how they are walked.
    pub const fn is_of_walks(self) -> bool {
        !matches!(self, Self::VbarEl1 | Self::VbarEl2 | Self::MairEl1 | Self::MairEl2)
    }

    /// Every register, in declaration order.
    pub const ALL: [Self; 15] = [
        Self::SctlrEl1,
        Self::Ttbr0El1,
        Self::Ttbr1El1,
        Self::TcrEl1,
        Self::VbarEl1,
        Self::SctlrEl2,
        Self::HcrEl2,
        Self::Ttbr0El2,
        Self::Ttbr1El2,
        Self::TcrEl2,
        Self::VttbrEl2,
        Self::VtcrEl2,
        Self::VbarEl2,
        Self::MairEl1,
        Self::MairEl2,
    ];

    /// Returns the register's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SctlrEl1 => "sctlr_el1",
            Self::Ttbr0El1 => "ttbr0_el1",
            Self::Ttbr1El1 => "ttbr1_el1",
            Self::TcrEl1 => "tcr_el1",
            Self::VbarEl1 => "vbar_el1",
            Self::SctlrEl2 => "sctlr_el2",
            Self::HcrEl2 => "hcr_el2",
            Self::Ttbr0El2 => "ttbr0_el2",
            Self::Ttbr1El2 => "ttbr1_el2",
            Self::TcrEl2 => "tcr_el2",
            Self::VttbrEl2 => "vttbr_el2",
            Self::VtcrEl2 => "vtcr_el2",
            Self::VbarEl2 => "vbar_el2",
            Self::MairEl1 => "mair_el1",
            Self::MairEl2 => "mair_el2",
        }
    }

    /// Returns the register of EL2 that a name of EL1 stands for at EL2 with `HCR_EL2.E2H` 1.
    const fn of_host(self) -> Self {
        match self {
            Self::SctlrEl1 => Self::SctlrEl2,
            Self::Ttbr0El1 => Self::Ttbr0El2,
            Self::Ttbr1El1 => Self::Ttbr1El2,
            Self::TcrEl1 => Self::TcrEl2,
            Self::VbarEl1 => Self::VbarEl2,
            Self::MairEl1 => Self::MairEl2,
            other => other,
        }
    }
}

/// A register as an instruction names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    register: Register,
    /// `..._EL12`: the register of EL1, named from EL2.
    alias: bool,
}

impl Named {
    /// Returns what an `msr <register>, x<t>` writes, and the number of the general-purpose register.
    pub fn of_msr(word: u32) -> Option<(Self, u8)> {
        if word & 0xfff0_0000 != 0xd510_0000 {
            return None;
        }
        let field = |shift: u32, mask: u32| word >> shift & mask;
        if field(19, 3) != 3 {
            return None;
        }
        let (op1, rest) = (field(16, 7), (field(12, 15), field(8, 15), field(5, 7)));
        let of_el1 = |rest| {
            Some(match rest {
                (1, 0, 0) => Register::SctlrEl1,
                (2, 0, 0) => Register::Ttbr0El1,
                (2, 0, 1) => Register::Ttbr1El1,
                (2, 0, 2) => Register::TcrEl1,
                (10, 2, 0) => Register::MairEl1,
                (12, 0, 0) => Register::VbarEl1,
                _ => return None,
            })
        };
        let register = match op1 {
            0 | 5 => of_el1(rest)?,
            4 => match rest {
                (1, 0, 0) => Register::SctlrEl2,
                (1, 1, 0) => Register::HcrEl2,
                (2, 0, 0) => Register::Ttbr0El2,
                (2, 0, 1) => Register::Ttbr1El2,
                (2, 0, 2) => Register::TcrEl2,
                (2, 1, 0) => Register::VttbrEl2,
                (2, 1, 2) => Register::VtcrEl2,
                (10, 2, 0) => Register::MairEl2,
                (12, 0, 0) => Register::VbarEl2,
                _ => return None,
            },
            _ => return None,
        };
        let alias = op1 == 5;
        Some((Self { register, alias }, (word & 31) as u8))
    }

    /// Returns the register that is written at an exception level with this `HCR_EL2`.
    pub const fn register(self, el: u8, hcr: u64) -> Register {
        if el >= 2 && hcr & HCR_E2H != 0 && !self.alias {
            self.register.of_host()
        } else {
            self.register
        }
    }
}

/// `HCR_EL2.E2H`.
pub const HCR_E2H: u64 = 1 << 34;
/// `HCR_EL2.TGE`.
pub const HCR_TGE: u64 = 1 << 27;
/// `HCR_EL2.VM`.
pub const HCR_VM: u64 = 1;
const HCR_DC: u64 = 1 << 12;
const SCTLR_M: u64 = 1;
const TCR_A1: u64 = 1 << 22;

/// A place for a root: one of the registers that hold the address of a top-level table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Slot {
    /// `TTBR0_EL1`: EL1&0, the lower half.
    El1Lower,
    /// `TTBR1_EL1`: EL1&0, the upper half.
    El1Upper,
    /// `TTBR0_EL2`: EL2, or EL2&0's lower half.
    El2Lower,
    /// `TTBR1_EL2`: EL2&0, the upper half.
    El2Upper,
    /// `VTTBR_EL2`: stage 2 of EL1&0.
    Stage2,
}

impl Slot {
    /// Every place, in declaration order. Stage 2 stands last, yet is looked at first: stage 1 goes through it.
    pub const ALL: [Self; 5] = [
        Self::El1Lower,
        Self::El1Upper,
        Self::El2Lower,
        Self::El2Upper,
        Self::Stage2,
    ];

    /// Returns the name of the register.
    pub const fn name(self) -> &'static str {
        match self {
            Self::El1Lower => "TTBR0_EL1",
            Self::El1Upper => "TTBR1_EL1",
            Self::El2Lower => "TTBR0_EL2",
            Self::El2Upper => "TTBR1_EL2",
            Self::Stage2 => "VTTBR_EL2",
        }
    }
}

/// What a PE translates by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Load {
    /// Where the root is held.
    pub slot: Slot,
    /// The address of the top-level table, an IPA for stage 1 behind stage 2.
    pub base: u64,
    /// How the tables are written.
    pub format: Format,
    /// The ASID, or the VMID of stage 2; 0 where there is none.
    pub id: u16,
    /// For EL1&0: the VMID in force.
    pub vmid: u16,
    /// `HCR_EL2.E2H` is 1: this is EL2&0.
    pub host: bool,
}

/// The registers of one PE.
#[derive(Debug, Clone, Default)]
pub struct Registers {
    values: [u64; Register::ALL.len()],
    /// `ID_AA64MMFR0_EL1`, `...MMFR1...`, `...MMFR2...`.
    pub id: [u64; 3],
}

impl Registers {
    /// Returns a register's value.
    pub const fn get(&self, register: Register) -> u64 {
        self.values[register as usize]
    }

    /// Writes a register.
    pub const fn set(&mut self, register: Register, value: u64) {
        self.values[register as usize] = value;
    }

    /// Forgets all but the ID registers.
    pub const fn reset(&mut self) {
        self.values = [0; Register::ALL.len()];
    }

    /// Returns whether the EL2 regime is EL2&0.
    pub const fn is_host(&self) -> bool {
        self.get(Register::HcrEl2) & HCR_E2H != 0
    }

    /// Returns whether EL1&0 has a stage 2.
    pub const fn has_stage_2(&self) -> bool {
        self.get(Register::HcrEl2) & HCR_VM != 0
    }

    /// Returns the VMID in force.
    pub const fn vmid(&self) -> u16 {
        (self.get(Register::VttbrEl2) >> 48) as u16
    }

    /// Returns what a place holds; `None` where it is not used for translation.
    ///
    /// # Errors
    ///
    /// The tables have a format that is not known.
    pub fn load(&self, slot: Slot) -> Result<Option<Load>, Undecodable> {
        let hcr = self.get(Register::HcrEl2);
        let host = self.is_host();
        let on = match slot {
            Slot::El1Lower | Slot::El1Upper => {
                // With TGE, EL1 does not run; EL0 is translated by EL2&0.
                self.get(Register::SctlrEl1) & SCTLR_M != 0 && hcr & (HCR_DC | HCR_TGE) == 0
            }
            Slot::El2Lower => self.get(Register::SctlrEl2) & SCTLR_M != 0,
            Slot::El2Upper => host && self.get(Register::SctlrEl2) & SCTLR_M != 0,
            Slot::Stage2 => hcr & HCR_VM != 0 && hcr & HCR_TGE == 0,
        };
        if !on {
            return Ok(None);
        }
        let (ttbr, tcr) = match slot {
            Slot::El1Lower => (Register::Ttbr0El1, Register::TcrEl1),
            Slot::El1Upper => (Register::Ttbr1El1, Register::TcrEl1),
            Slot::El2Lower => (Register::Ttbr0El2, Register::TcrEl2),
            Slot::El2Upper => (Register::Ttbr1El2, Register::TcrEl2),
            Slot::Stage2 => (Register::VttbrEl2, Register::VtcrEl2),
        };
        let (ttbr, tcr) = (self.get(ttbr), self.get(tcr));
        let format = match slot {
            Slot::Stage2 => Format::of_vtcr(tcr, self.id[0])?,
            Slot::El2Lower if !host => Format::of_tcr_el2(tcr, self.id[0])?,
            Slot::El1Upper | Slot::El2Upper => match Format::of_tcr(tcr, true, self.id[0])? {
                Some(format) => format,
                None => return Ok(None),
            },
            Slot::El1Lower | Slot::El2Lower => match Format::of_tcr(tcr, false, self.id[0])? {
                Some(format) => format,
                None => return Ok(None),
            },
        };
        let id = match slot {
            Slot::Stage2 => (ttbr >> 48) as u16,
            Slot::El2Lower if !host => 0,
            Slot::El1Lower | Slot::El1Upper => self.asid(Register::Ttbr0El1, Register::Ttbr1El1, Register::TcrEl1),
            Slot::El2Lower | Slot::El2Upper => self.asid(Register::Ttbr0El2, Register::Ttbr1El2, Register::TcrEl2),
        };
        let vmid = match slot {
            Slot::El1Lower | Slot::El1Upper if self.has_stage_2() => self.vmid(),
            Slot::Stage2 => id,
            _ => 0,
        };
        Ok(Some(Load {
            slot,
            base: format.base(ttbr),
            format,
            id,
            vmid,
            host: host && matches!(slot, Slot::El2Lower | Slot::El2Upper),
        }))
    }

    fn asid(&self, lower: Register, upper: Register, tcr: Register) -> u16 {
        let holder = if self.get(tcr) & TCR_A1 != 0 { upper } else { lower };
        (self.get(holder) >> 48) as u16
    }

    /// Returns whether hardware sets the access flag in the tables of a place.
    pub const fn hardware_access_flag(&self, slot: Slot) -> bool {
        let bit = match slot {
            Slot::El1Lower | Slot::El1Upper => self.get(Register::TcrEl1) >> 39,
            Slot::El2Lower | Slot::El2Upper if self.is_host() => self.get(Register::TcrEl2) >> 39,
            Slot::El2Lower | Slot::El2Upper => self.get(Register::TcrEl2) >> 21,
            Slot::Stage2 => self.get(Register::VtcrEl2) >> 21,
        };
        bit & 1 != 0
    }

    /// Returns the memory types that the indices in the tables of a place stand for.
    pub const fn memory_types(&self, slot: Slot) -> u64 {
        match slot {
            Slot::El1Lower | Slot::El1Upper | Slot::Stage2 => self.get(Register::MairEl1),
            Slot::El2Lower | Slot::El2Upper => self.get(Register::MairEl2),
        }
    }

    /// Returns the level of FEAT_BBM: 0, 1 or 2.
    pub const fn bbm(&self) -> u8 {
        (self.id[2] >> 52 & 15) as u8
    }

    /// Returns whether FEAT_ETS2 is there.
    pub const fn ets2(&self) -> bool {
        self.id[1] >> 36 & 15 >= 2
    }
}

#[cfg(test)]
mod tests {
    use super::{HCR_E2H, Named, Register, Registers, Slot};

    #[test]
    fn msr_words_name_registers() {
        let of = |word, el, hcr| Named::of_msr(word).map(|(named, t)| (named.register(el, hcr), t));
        // msr ttbr0_el1, x0; msr ttbr0_el2, x3; msr vttbr_el2, x1; msr ttbr1_el12, x2; msr vbar_el2, x4.
        assert_eq!(of(0xd518_2000, 1, 0), Some((Register::Ttbr0El1, 0)));
        assert_eq!(of(0xd518_2000, 2, HCR_E2H), Some((Register::Ttbr0El2, 0)));
        assert_eq!(of(0xd51c_2003, 2, 0), Some((Register::Ttbr0El2, 3)));
        assert_eq!(of(0xd51c_2101, 2, 0), Some((Register::VttbrEl2, 1)));
        assert_eq!(of(0xd51d_2022, 2, HCR_E2H), Some((Register::Ttbr1El1, 2)));
        assert_eq!(of(0xd51c_c004, 2, 0), Some((Register::VbarEl2, 4)));
        // msr mair_el1, x5; msr mair_el2, x6.
        assert_eq!(of(0xd518_a205, 1, 0), Some((Register::MairEl1, 5)));
        assert_eq!(of(0xd518_a205, 2, HCR_E2H), Some((Register::MairEl2, 5)));
        assert_eq!(of(0xd51c_a206, 2, 0), Some((Register::MairEl2, 6)));
        // mrs x0, ttbr0_el1; msr tpidr_el1, x0; tlbi vmalle1.
        for word in [0xd538_2000, 0xd518_d080, 0xd508_871f] {
            assert_eq!(of(word, 1, 0), None, "{word:#x}");
        }
    }

    #[test]
    fn nothing_is_loaded_before_the_mmu_is_on() {
        let mut registers = Registers::default();
        registers.set(Register::Ttbr0El2, 0x4008_0000);
        registers.set(Register::TcrEl2, 16);
        assert_eq!(registers.load(Slot::El2Lower), Ok(None));
        registers.set(Register::SctlrEl2, 1);
        let load = registers.load(Slot::El2Lower).unwrap().unwrap();
        assert_eq!((load.base, load.format.start, load.id), (0x4008_0000, 0, 0));
        assert_eq!(registers.load(Slot::El2Upper), Ok(None));
    }

    #[test]
    fn the_asid_is_in_the_register_that_tcr_names() {
        let mut registers = Registers::default();
        registers.set(Register::SctlrEl1, 1);
        registers.set(Register::Ttbr0El1, 0x4008_0000 | 3 << 48);
        registers.set(Register::Ttbr1El1, 0x4009_0000 | 7 << 48);
        registers.set(Register::TcrEl1, 16 | 16 << 16 | 0b10 << 30);
        assert_eq!(registers.load(Slot::El1Lower).unwrap().unwrap().id, 3);
        registers.set(Register::TcrEl1, 16 | 16 << 16 | 0b10 << 30 | 1 << 22);
        assert_eq!(registers.load(Slot::El1Lower).unwrap().unwrap().id, 7);
        assert_eq!(registers.load(Slot::El1Upper).unwrap().unwrap().base, 0x4009_0000);
    }
}
