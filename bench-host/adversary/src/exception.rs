// SPDX-License-Identifier: MIT OR Apache-2.0
//! Exceptions and their return (Arm ARM, "Exception handling").

use sequences::tlbi::SysEncoding;

use crate::a64::Registers;
use crate::cpu::Cpu;
use crate::descriptor::Access;
use crate::sysreg::{self, Translation};
use crate::walk::{Fault, FaultKind};

/// An exception to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exception {
    /// The exception class.
    pub class: u64,
    /// The instruction specific syndrome.
    pub syndrome: u64,
    /// The faulting address.
    pub far: Option<u64>,
    /// The faulting intermediate physical address; such an exception goes to EL2.
    pub ipa: Option<u64>,
    /// The exception level it is for at least.
    pub level: u8,
    /// Whether to return behind the instruction.
    pub after: bool,
}

/// Exception classes (`ESR_ELx.EC`).
pub mod class {
    /// Unknown reason: the instruction is UNDEFINED.
    pub const UNDEFINED: u64 = 0x00;
    /// `svc`.
    pub const SVC: u64 = 0x15;
    /// `hvc`.
    pub const HVC: u64 = 0x16;
    /// `smc`, trapped.
    pub const SMC: u64 = 0x17;
    /// `msr`, `mrs` or a system instruction, trapped.
    pub const SYSTEM: u64 = 0x18;
    /// Instruction abort from a lower exception level; one more from the same.
    pub const INSTRUCTION_ABORT: u64 = 0x20;
    /// Misaligned program counter.
    pub const PC_ALIGNMENT: u64 = 0x22;
    /// Data abort from a lower exception level; one more from the same.
    pub const DATA_ABORT: u64 = 0x24;
    /// `brk`.
    pub const BRK: u64 = 0x3c;
}

impl Exception {
    /// Returns an exception without address.
    pub const fn new(class: u64, syndrome: u64, level: u8, after: bool) -> Self {
        Self {
            class,
            syndrome,
            far: None,
            ipa: None,
            level,
            after,
        }
    }

    /// An instruction that is UNDEFINED here.
    pub const UNDEFINED: Self = Self::new(class::UNDEFINED, 0, 1, false);

    /// Returns the trap to EL2 of a system instruction.
    pub const fn trapped(encoding: SysEncoding, rt: u8) -> Self {
        let SysEncoding { op1, crn, crm, op2 } = encoding;
        let syndrome = 1 << 20
            | (op2 as u64) << 17
            | (op1 as u64) << 14
            | (crn as u64) << 10
            | (rt as u64) << 5
            | (crm as u64) << 1;
        Self::new(class::SYSTEM, syndrome, 2, false)
    }

    /// Returns the abort of a fault.
    pub fn abort(fault: &Fault, address: u64, access: Access) -> Self {
        let level = u64::from(fault.level & 3);
        let status = match fault.kind {
            FaultKind::AddressSize => level,
            FaultKind::Translation => 0b00_0100 | level,
            FaultKind::AccessFlag => 0b00_1000 | level,
            FaultKind::Permission => 0b00_1100 | level,
            FaultKind::External if fault.walk => 0b01_0100 | level,
            FaultKind::External => 0b01_0000,
            FaultKind::Alignment => 0b10_0001,
            FaultKind::Conflict => 0b11_0000,
            FaultKind::Unsupported => 0b11_0101,
        };
        let (class, write) = match access {
            Access::Fetch => (class::INSTRUCTION_ABORT, 0),
            Access::Read => (class::DATA_ABORT, 0),
            Access::Write => (class::DATA_ABORT, 1 << 6),
        };
        Self {
            far: Some(address),
            ipa: fault.stage2,
            level: if fault.stage2.is_some() { 2 } else { 1 },
            ..Self::new(class, status | write | u64::from(fault.walk) << 7, 1, false)
        }
    }
}

/// Returns the exception level an exception is taken to.
fn target(cpu: &Cpu, registers: &Translation, exception: &Exception) -> u8 {
    let least = exception.level.max(cpu.el);
    // With TGE set, what would go from EL0 to EL1 goes to EL2.
    if cpu.el == 0 && registers.tge() {
        2
    } else {
        least.max(1)
    }
}

fn state(cpu: &Cpu, registers: &Registers) -> u64 {
    let mode = u64::from(cpu.el) << 2 | u64::from(cpu.own_stack && cpu.el > 0);
    u64::from(registers.nzcv) | cpu.daif | mode
}

/// Makes another stack pointer the one in use.
pub fn switch_stack(cpu: &mut Cpu, registers: &mut Registers, el: u8, own_stack: bool) {
    cpu.stacks[cpu.stack()] = registers.sp;
    cpu.el = el;
    cpu.own_stack = own_stack;
    registers.sp = cpu.stacks[cpu.stack()];
}

/// Takes an exception. The caller synchronizes context.
pub fn take(cpu: &mut Cpu, registers: &mut Registers, translation: &Translation, exception: &Exception) {
    cpu.count();
    let to = target(cpu, translation, exception);
    let el2 = to == 2;
    let pick = |el1, of_el2| if el2 { of_el2 } else { el1 };
    let vectors = cpu.plain.read(pick(sysreg::VBAR_EL1, sysreg::VBAR_EL2));
    let from_lower = cpu.el < to;
    let offset = match (from_lower, cpu.own_stack) {
        (true, _) => 0x400,
        (false, true) => 0x200,
        (false, false) => 0,
    };
    let is_abort = matches!(exception.class, class::INSTRUCTION_ABORT | class::DATA_ABORT);
    let class = exception.class + u64::from(is_abort && !from_lower);
    let syndrome = class << 26 | 1 << 25 | exception.syndrome;
    let back = registers.pc.wrapping_add(if exception.after { 4 } else { 0 });
    let saved = state(cpu, registers);
    cpu.plain.set(pick(sysreg::ESR_EL1, sysreg::ESR_EL2), syndrome);
    cpu.plain.set(pick(sysreg::ELR_EL1, sysreg::ELR_EL2), back);
    cpu.plain.set(pick(sysreg::SPSR_EL1, sysreg::SPSR_EL2), saved);
    if let Some(far) = exception.far {
        cpu.plain.set(pick(sysreg::FAR_EL1, sysreg::FAR_EL2), far);
    }
    if let Some(ipa) = exception.ipa {
        cpu.plain.set(sysreg::HPFAR_EL2, ipa >> 12 << 4);
    }
    switch_stack(cpu, registers, to, true);
    cpu.daif = 0xf << 6;
    cpu.monitor = None;
    registers.pc = (vectors & !0x7ff) + offset;
}

/// Returns from an exception. `false`: to a state that is not there. The caller synchronizes context.
pub fn back(cpu: &mut Cpu, registers: &mut Registers) -> bool {
    cpu.count();
    let el2 = cpu.el == 2;
    let pick = |el1, of_el2| if el2 { of_el2 } else { el1 };
    let saved = cpu.plain.read(pick(sysreg::SPSR_EL1, sysreg::SPSR_EL2));
    let address = cpu.plain.read(pick(sysreg::ELR_EL1, sysreg::ELR_EL2));
    let (el, own_stack) = ((saved >> 2 & 3) as u8, saved & 1 != 0);
    if saved & 0b1_0010 != 0 || el > cpu.el || cpu.el == 0 || el == 0 && own_stack {
        return false;
    }
    switch_stack(cpu, registers, el, own_stack);
    cpu.daif = saved & 0xf << 6;
    registers.nzcv = (saved & 0xf << 28) as u32;
    registers.pc = address;
    cpu.event = true;
    cpu.monitor = None;
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trapped_tlbi_says_which_it_was() {
        // tlbi vae1is, x3: op0 1, op1 0, CRn 8, CRm 3, op2 1, a write.
        let encoding = SysEncoding {
            op1: 0,
            crn: 8,
            crm: 3,
            op2: 1,
        };
        let trap = Exception::trapped(encoding, 3);
        assert_eq!((trap.class, trap.level, trap.after), (0x18, 2, false));
        assert_eq!(trap.syndrome, 1 << 20 | 1 << 17 | 8 << 10 | 3 << 5 | 3 << 1);
    }
}
