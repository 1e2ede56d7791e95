// SPDX-License-Identifier: MIT OR Apache-2.0
//! Instruction words to what they are. The operand's meaning is not in the word; its register is.

use crate::encode::{DMB, DSB, DSB_NXS, INCREMENT, ISB, NOP, SB, SYS, XZR, increment};
use crate::feature::{Feature, Features};
use crate::instruction::{Access, Barrier, Domain, Instruction};
use crate::operand::Operand;
use crate::tlbi::{SysEncoding, Tlbi, TlbiOp};
use core::fmt::{self, Display, Formatter};

/// What an instruction word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decoded {
    /// `dsb <option>`.
    Dsb(Barrier),
    /// `dsb <domain>nxs`.
    DsbNxs(Domain),
    /// `dmb <option>`.
    Dmb(Barrier),
    /// `isb`.
    Isb,
    /// `sb`.
    Sb,
    /// `nop`.
    Nop,
    /// `tlbi <op>[, x<rt>]`.
    Tlbi {
        /// The operation.
        op: TlbiOp,
        /// The register of the operand, 0 to 30; 31 for `xzr`, and always 31 for an operation without operand.
        rt: u8,
    },
    /// `add x<N>, x<N>, #1`: the step between the repetitions of a `for page`.
    Increment(u8),
}

/// Returns what a word is, or `None` if it is no instruction of the language.
///
/// Reserved barrier options are none, nor are `dsb #0` (SSBB) and `dsb #4` (PSSBB); nor is an operation without
/// operand that names a register other than 31, which is CONSTRAINED UNPREDICTABLE.
pub fn decode(word: u32) -> Option<Decoded> {
    const CRM: u32 = 0xf << 8;
    const CRM_DOMAIN: u32 = 0x3 << 10;
    match word {
        ISB => return Some(Decoded::Isb),
        SB => return Some(Decoded::Sb),
        NOP => return Some(Decoded::Nop),
        _ => {}
    }
    if word & !CRM == DSB {
        return barrier(word).map(Decoded::Dsb);
    }
    if word & !CRM == DMB {
        return barrier(word).map(Decoded::Dmb);
    }
    if word & !CRM_DOMAIN == DSB_NXS {
        return Some(Decoded::DsbNxs(Domain::from_bits(word >> 10)));
    }
    let rt = (word & 31) as u8;
    if word & !0x3ff == INCREMENT && word == increment(rt) && rt != XZR {
        return Some(Decoded::Increment(rt));
    }
    tlbi(word)
        .filter(|op| op.takes_operand() || rt == XZR)
        .map(|op| Decoded::Tlbi { op, rt })
}

fn barrier(word: u32) -> Option<Barrier> {
    let access = match word >> 8 & 3 {
        1 => Access::Loads,
        2 => Access::Stores,
        3 => Access::All,
        _ => return None,
    };
    Some(Barrier::new(Domain::from_bits(word >> 10), access))
}

fn tlbi(word: u32) -> Option<TlbiOp> {
    const FIELDS: u32 = 0x0007_ffff;
    if word & !FIELDS != SYS {
        return None;
    }
    let field = |shift: u32, mask: u32| (word >> shift & mask) as u8;
    TlbiOp::from_encoding(SysEncoding {
        op1: field(16, 7),
        crn: field(12, 15),
        crm: field(8, 15),
        op2: field(5, 7),
    })
}

impl Decoded {
    /// Returns the instruction this word can stand for, given the operand that its register holds.
    ///
    /// `None` for an increment, which is a step of a repetition, and for an operand that the operation does not take.
    pub const fn instruction(self, operand: Operand) -> Option<Instruction> {
        Some(match self {
            Self::Dsb(barrier) => Instruction::Dsb(barrier),
            Self::DsbNxs(domain) => Instruction::DsbNxs(domain),
            Self::Dmb(barrier) => Instruction::Dmb(barrier),
            Self::Isb => Instruction::Isb,
            Self::Sb => Instruction::Sb,
            Self::Nop => Instruction::Nop,
            Self::Increment(_) => return None,
            Self::Tlbi { op, rt } => match Tlbi::new(op, operand) {
                Some(tlbi) if operand.fits_register(rt) => Instruction::Tlbi(tlbi),
                _ => return None,
            },
        })
    }

    /// Returns what a PE needs for the word not to be UNDEFINED. A level hint is in the register, not in the word.
    pub const fn required_features(self) -> Features {
        match self {
            Self::DsbNxs(_) => Features::NONE.with(Feature::Xs),
            Self::Sb => Features::NONE.with(Feature::Sb),
            Self::Tlbi { op, .. } => op.required_features(),
            _ => Features::NONE,
        }
    }
}

/// Writes the assembler's spelling, with registers for operands.
impl Display for Decoded {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Increment(register) => write!(f, "add x{register}, x{register}, #1"),
            Self::Tlbi { op, .. } if !op.takes_operand() => write!(f, "tlbi {op}"),
            Self::Tlbi { op, rt: XZR } => write!(f, "tlbi {op}, xzr"),
            Self::Tlbi { op, rt } => write!(f, "tlbi {op}, x{rt}"),
            Self::Dsb(_) | Self::DsbNxs(_) | Self::Dmb(_) | Self::Isb | Self::Sb | Self::Nop => {
                match self.instruction(Operand::None) {
                    Some(instruction) => instruction.fmt(f),
                    None => Err(fmt::Error),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Decoded, decode};
    use crate::encode::{DMB, DSB, ISB, increment};
    use crate::instruction::{Barrier, Domain, Instruction};
    use crate::operand::Operand;
    use crate::tlbi::{Tlbi, TlbiOp};

    #[test]
    fn every_word_decodes_to_what_was_encoded() {
        for barrier in Barrier::all() {
            assert_eq!(decode(Instruction::Dsb(barrier).encode(0)), Some(Decoded::Dsb(barrier)));
            assert_eq!(decode(Instruction::Dmb(barrier).encode(0)), Some(Decoded::Dmb(barrier)));
        }
        for domain in Domain::ALL {
            assert_eq!(
                decode(Instruction::DsbNxs(domain).encode(0)),
                Some(Decoded::DsbNxs(domain))
            );
        }
        for instruction in [Instruction::Isb, Instruction::Sb, Instruction::Nop] {
            let decoded = decode(instruction.encode(0)).unwrap();
            assert_eq!(decoded.instruction(Operand::None), Some(instruction));
        }
        for register in 0..31 {
            assert_eq!(decode(increment(register)), Some(Decoded::Increment(register)));
        }
        for op in TlbiOp::all() {
            let operand = if op.takes_operand() {
                Operand::Page(None)
            } else {
                Operand::None
            };
            let instruction = Instruction::Tlbi(Tlbi { op, operand });
            for rt in 0..31 {
                let expected = if op.takes_operand() { rt } else { 31 };
                assert_eq!(decode(instruction.encode(rt)), Some(Decoded::Tlbi { op, rt: expected }));
            }
        }
    }

    #[test]
    fn what_is_not_of_the_language_is_refused() {
        // Reserved options, among them SSBB (0) and PSSBB (4).
        for crm in [0, 4, 8, 12] {
            assert_eq!(decode(DSB & !0xf00 | crm << 8), None);
            assert_eq!(decode(DMB & !0xf00 | crm << 8), None);
        }
        // isb with a reserved option; isb is sy only.
        assert_eq!(decode(ISB & !0xf00 | 0xb << 8), None);
        let refused = [
            0xd50c_8700_u32, // tlbi alle2 with x0
            0xd508_751f,     // ic iallu
            0xd503_205f,     // wfe
            0x9100_0462,     // add x2, x3, #1
            0x9100_07ff,     // add sp, sp, #1
            0x9100_0842,     // add x2, x2, #2
            0xd65f_03c0,     // ret
            0xd518_2000,     // msr ttbr0_el1, x0
            0xd528_8720,     // the sysl form of a tlbi
            0,
            u32::MAX,
        ];
        for word in refused {
            assert_eq!(decode(word), None, "{word:#x}");
        }
    }
}
