// SPDX-License-Identifier: MIT OR Apache-2.0
//! Instructions to instruction words.
//!
//! Source: Arm ARM (DDI 0487), "A64 Base Instruction Descriptions": DSB, DMB, ISB, SB, NOP, SYS, ADD (immediate).

use crate::instruction::{Access, Barrier, Domain, Instruction};
use crate::operand::Operand;

/// The register number of `xzr`, and of an absent operand.
pub const XZR: u8 = 31;

pub(crate) const DSB: u32 = 0xd503_309f;
pub(crate) const DSB_NXS: u32 = 0xd503_323f;
pub(crate) const DMB: u32 = 0xd503_30bf;
pub(crate) const ISB: u32 = 0xd503_3fdf;
pub(crate) const SB: u32 = 0xd503_30ff;
pub(crate) const NOP: u32 = 0xd503_201f;
pub(crate) const SYS: u32 = 0xd508_0000;
/// `msr` with `op0` 3.
pub(crate) const MSR: u32 = 0xd518_0000;
/// `add x0, x0, #1`.
pub(crate) const INCREMENT: u32 = 0x9100_0400;

impl Instruction {
    /// Returns the instruction word, with `rt` (0 to 31) as the register of an operand.
    ///
    /// Instructions without an operand and `xzr` use register 31 whatever `rt` is. Only the low five bits count.
    pub fn encode(self, rt: u8) -> u32 {
        match self {
            Self::Dsb(barrier) => DSB | barrier.crm() << 8,
            Self::DsbNxs(domain) => DSB_NXS | domain.bits() << 10,
            Self::Dmb(barrier) => DMB | barrier.crm() << 8,
            Self::Isb => ISB,
            Self::Sb => SB,
            Self::Nop => NOP,
            Self::Tlbi(tlbi) => {
                let encoding = tlbi.op.encoding();
                let rt = if tlbi.operand.needs_register() { rt & 31 } else { XZR };
                SYS | u32::from(encoding.op1) << 16
                    | u32::from(encoding.crn) << 12
                    | u32::from(encoding.crm) << 8
                    | u32::from(encoding.op2) << 5
                    | u32::from(rt)
            }
            Self::Msr(register, _) => {
                let [op1, crn, crm, op2] = register.encoding().map(u32::from);
                MSR | op1 << 16 | crn << 12 | crm << 8 | op2 << 5 | u32::from(rt & 31)
            }
        }
    }
}

/// Returns the word of `add xN, xN, #1`, which moves a by-VA or by-IPA operand to the next 4 KiB page.
pub const fn increment(register: u8) -> u32 {
    let register = register as u32 & 31;
    INCREMENT | register << 5 | register
}

impl Barrier {
    /// Returns the `CRm` field: the domain in bits `[3:2]`, the access type in bits `[1:0]`.
    const fn crm(self) -> u32 {
        let access = match self.access {
            Access::Loads => 1,
            Access::Stores => 2,
            Access::All => 3,
        };
        self.domain.bits() << 2 | access
    }
}

impl Domain {
    const fn bits(self) -> u32 {
        match self {
            Self::OuterShareable => 0,
            Self::NonShareable => 1,
            Self::InnerShareable => 2,
            Self::FullSystem => 3,
        }
    }

    pub(crate) const fn from_bits(bits: u32) -> Self {
        match bits & 3 {
            0 => Self::OuterShareable,
            1 => Self::NonShareable,
            2 => Self::InnerShareable,
            _ => Self::FullSystem,
        }
    }
}

impl Operand {
    /// Returns whether register `rt` can hold the operand: 31 exactly for [`Operand::None`] and [`Operand::Xzr`].
    pub const fn fits_register(self, rt: u8) -> bool {
        self.needs_register() == (rt != XZR)
    }
}

#[cfg(test)]
mod tests {
    use super::increment;
    use crate::instruction::{Access, Barrier, Domain, Instruction};
    use crate::operand::Operand;
    use crate::tlbi::{Tlbi, TlbiOp};

    #[test]
    fn the_sequence_of_the_xen_patch_has_the_words_an_assembler_gives_it() {
        let dsb = |domain, access| Instruction::Dsb(Barrier::new(domain, access)).encode(0);
        let alle2 = Tlbi::new(TlbiOp::from_name("alle2").unwrap(), Operand::None).unwrap();
        assert_eq!(dsb(Domain::NonShareable, Access::Stores), 0xd503_369f);
        assert_eq!(Instruction::Tlbi(alle2).encode(0), 0xd50c_871f);
        assert_eq!(dsb(Domain::NonShareable, Access::All), 0xd503_379f);
        assert_eq!(Instruction::Isb.encode(0), 0xd503_3fdf);
        assert_eq!(increment(2), 0x9100_0442);
    }
}
