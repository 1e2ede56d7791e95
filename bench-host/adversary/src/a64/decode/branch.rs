// SPDX-License-Identifier: MIT OR Apache-2.0
//! Branches, exceptions and system instructions.

use super::{bit, bits, register, signed};
use crate::a64::{FlagChange, Instruction, System};

pub(super) fn branch(word: u32) -> Option<Instruction> {
    let rt = register(word, 0);
    Some(match bits(word, 29, 3) {
        0b000 | 0b100 => Instruction::Branch {
            offset: signed(word, 0, 26) << 2,
            link: bit(word, 31),
        },
        0b001 | 0b101 if !bit(word, 25) => Instruction::CompareBranch {
            offset: signed(word, 5, 19) << 2,
            wide: bit(word, 31),
            not_zero: bit(word, 24),
            rt,
        },
        0b001 | 0b101 => Instruction::TestBranch {
            offset: signed(word, 5, 14) << 2,
            bit: (bits(word, 31, 1) << 5 | bits(word, 19, 5)) as u8,
            set: bit(word, 24),
            rt,
        },
        0b010 if bits(word, 24, 2) == 0 && !bit(word, 4) => Instruction::BranchConditional {
            offset: signed(word, 5, 19) << 2,
            condition: bits(word, 0, 4) as u8,
        },
        0b110 => return system(word),
        _ => return None,
    })
}

fn system(word: u32) -> Option<Instruction> {
    let imm = bits(word, 5, 16) as u16;
    let system = match bits(word, 22, 4) {
        // Exceptions: opc and LL.
        0b0000..=0b0011 if bits(word, 24, 2) == 0 => match (bits(word, 21, 3), bits(word, 0, 5)) {
            (0, 1) => System::Svc(imm),
            (0, 2) => System::Hvc(imm),
            (0, 3) => System::Smc(imm),
            (1, 0) => System::Brk(imm),
            _ => return None,
        },
        0b0100 => return system_register(word),
        _ => {
            let rn = register(word, 5);
            return Some(match word & 0xffff_fc1f {
                0xd61f_0000 | 0xd65f_0000 => Instruction::BranchRegister { rn, link: false },
                0xd63f_0000 => Instruction::BranchRegister { rn, link: true },
                _ if word == 0xd69f_03e0 => Instruction::System(System::Eret),
                _ => return None,
            });
        }
    };
    Some(Instruction::System(system))
}

fn system_register(word: u32) -> Option<Instruction> {
    let (op1, crn, crm, op2, rt) = (
        bits(word, 16, 3) as u8,
        bits(word, 12, 4) as u8,
        bits(word, 8, 4) as u8,
        bits(word, 5, 3) as u8,
        register(word, 0),
    );
    let id = (word >> 5) as u16 & 0x7fff | 0x8000;
    let system = match (bits(word, 19, 3), op1, crn, rt) {
        // L, op0.
        (0b000, 3, 2, 31) => match (crm, op2) {
            (0, 1) => System::Yield,
            (0, 2) => System::Wfe,
            (0, 3) => System::Wfi,
            (0, 4) => System::Sev,
            (0, 5) => System::Sevl,
            _ => return Some(Instruction::Nothing),
        },
        (0b000, 3, 3, 31) => match op2 {
            1 if crm & 3 == 2 => System::Dsb { crm, nxs: true },
            2 => System::Clrex,
            4 => System::Dsb { crm, nxs: false },
            5 => System::Dmb(crm),
            6 => System::Isb,
            7 if crm == 0 => System::Sb,
            _ => return None,
        },
        (0b000, 0, 4, 31) if op2 < 3 => {
            let change = [
                FlagChange::InvertCarry,
                FlagChange::FromExternal,
                FlagChange::ToExternal,
            ][usize::from(op2)];
            return (crm == 0).then_some(Instruction::ChangeFlags { change });
        }
        (0b000, _, 4, 31) => System::MsrImmediate { op1, op2, imm: crm },
        (0b001, 3, 7, _) if (crm, op2) == (4, 1) => return Some(Instruction::ZeroLine { rt }),
        (0b001, ..) => System::Sys { op1, crn, crm, op2, rt },
        (0b010 | 0b011, ..) => System::Msr(id, rt),
        (0b110 | 0b111, ..) => System::Mrs(id, rt),
        _ => return None,
    };
    Some(Instruction::System(system))
}
