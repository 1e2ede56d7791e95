// SPDX-License-Identifier: MIT OR Apache-2.0
//! System instructions and system registers.

use sequences::tlbi::{SysEncoding, TlbiOp};
use sequences::{ExceptionLevel, Feature};

use super::Machine;
use crate::a64::System;
use crate::config::Regime;
use crate::cpu::{Pmu, Power};
use crate::descriptor::Access;
use crate::error::{End, What};
use crate::exception::{Exception, class, switch_stack};
use crate::options::Features;
use crate::psci::{self, Call};
use crate::sysreg::{self, COUNTERS, Id};
use crate::view::{Abort, View};

/// How it goes on after a system instruction.
pub(super) enum Then {
    /// With the next instruction.
    Next,
    /// Where the program counter is now.
    Jump,
    /// With the next instruction, after other PEs.
    Yield,
    /// Not at all.
    Off,
    /// With an exception.
    Exception(Exception),
}

/// Why a system register cannot be used.
enum Refused {
    Undefined,
    Unimplemented,
}

impl Machine {
    /// Executes a system instruction.
    pub(super) fn system(&mut self, pe: usize, system: System) -> Result<Then, End> {
        let el = self.cpus[pe].el;
        let undefined = Then::Exception(Exception::UNDEFINED);
        Ok(match system {
            System::Wfi | System::Yield => Then::Yield,
            System::Sb => Then::Next,
            System::Isb => {
                self.synchronize(pe);
                Then::Next
            }
            System::Dsb { crm, nxs } => {
                self.core.dsb(pe, crm, nxs);
                Then::Next
            }
            System::Dmb(crm) => {
                self.core.dmb(pe, crm);
                Then::Next
            }
            System::Clrex => {
                self.cpus[pe].monitor = None;
                Then::Next
            }
            System::Sev => {
                self.cpus.iter_mut().for_each(|cpu| cpu.event = true);
                Then::Next
            }
            System::Sevl => {
                self.cpus[pe].event = true;
                Then::Next
            }
            System::Wfe => {
                let now = self.ticks();
                let cpu = &mut self.cpus[pe];
                if cpu.event {
                    cpu.event = false;
                    Then::Next
                } else {
                    cpu.power = Power::Waiting(cpu.next_event(now));
                    Then::Yield
                }
            }
            System::Eret if el > 0 => self.back(pe)?,
            System::Eret => undefined,
            System::Svc(imm) => Then::Exception(Exception::new(class::SVC, imm.into(), 1, true)),
            System::Brk(imm) => Then::Exception(Exception::new(class::BRK, imm.into(), 1, false)),
            System::Hvc(_) if el == 0 => undefined,
            System::Hvc(imm) => Then::Exception(Exception::new(class::HVC, imm.into(), 2, true)),
            System::Smc(_) if el == 0 => undefined,
            System::Smc(imm) if el == 1 && self.core.pes[pe].synced.hcr >> 19 & 1 != 0 => {
                Then::Exception(Exception::new(class::SMC, imm.into(), 2, false))
            }
            System::Smc(0) => self.firmware(pe)?,
            System::Smc(_) => return Err(self.unimplemented(pe, What::ExceptionLevel)),
            System::Udf(_) => undefined,
            System::Mrs(id, rt) => match self.read(pe, Id(id)) {
                Ok(value) => {
                    self.set(pe, rt, value);
                    Then::Next
                }
                Err(refused) => return self.refuse(pe, &refused),
            },
            System::Msr(id, rt) => {
                let value = self.get(pe, rt);
                match self.write(pe, Id(id), value) {
                    Ok(()) => Then::Next,
                    Err(refused) => return self.refuse(pe, &refused),
                }
            }
            System::MsrImmediate { op1, op2, imm } => return self.immediate(pe, op1, op2, imm),
            System::Sys { op1, crn, crm, op2, rt } => {
                let operand = self.get(pe, rt);
                let encoding = SysEncoding { op1, crn, crm, op2 };
                return self.maintain(pe, encoding, rt, operand);
            }
        })
    }

    fn get(&self, pe: usize, register: u8) -> u64 {
        self.registers[pe].x.get(usize::from(register)).copied().unwrap_or(0)
    }

    fn set(&mut self, pe: usize, register: u8, value: u64) {
        if let Some(place) = self.registers[pe].x.get_mut(usize::from(register)) {
            *place = value;
        }
    }

    fn refuse(&mut self, pe: usize, refused: &Refused) -> Result<Then, End> {
        match refused {
            Refused::Undefined => Ok(Then::Exception(Exception::UNDEFINED)),
            Refused::Unimplemented => Err(self.unimplemented(pe, What::System)),
        }
    }

    /// Returns the register an access is about.
    fn resolve(&self, pe: usize, id: Id) -> Result<Id, Refused> {
        let el = self.cpus[pe].el;
        let e2h = self.core.pes[pe].written.e2h();
        match (id.op1(), el) {
            (3, _) => Ok(id),
            (_, 0) | (6, _) | (4 | 5, 1) => Err(Refused::Undefined),
            (_, 2) if e2h => sysreg::redirect(id).ok_or(Refused::Unimplemented),
            (5, _) => Err(Refused::Undefined),
            _ => Ok(id),
        }
    }

    fn read(&mut self, pe: usize, id: Id) -> Result<u64, Refused> {
        let id = self.resolve(pe, id)?;
        let now = self.ticks();
        let registers = &self.registers[pe];
        let cpu = &mut self.cpus[pe];
        if let Some(value) = sysreg::identification(id, pe, &self.options.features) {
            // VPIDR_EL2 and VMPIDR_EL2 are for guests that look; none of EL1 is run by this name yet.
            return Ok(value);
        }
        if let Some(place) = self.core.pes[pe].written.place(id) {
            return Ok(*place);
        }
        if let Some(value) = cpu.plain.get(id) {
            return Ok(value);
        }
        if let Some(n) = sysreg::event_counter(id) {
            cpu.count();
            return Ok(cpu.pmu.events[n]);
        }
        if let Some(n) = sysreg::event_type(id) {
            return Ok(cpu.pmu.types[n]);
        }
        Ok(match id {
            sysreg::CURRENT_EL => u64::from(cpu.el) << 2,
            sysreg::SPSEL => cpu.own_stack.into(),
            sysreg::NZCV => registers.nzcv.into(),
            sysreg::DAIF => cpu.daif,
            sysreg::FPCR => registers.fpcr.into(),
            sysreg::FPSR => registers.fpsr.into(),
            sysreg::SP_EL0 if cpu.stack() != 0 => cpu.stacks[0],
            sysreg::SP_EL1 => cpu.stacks[1],
            sysreg::CNTPCTSS_EL0 | sysreg::CNTVCTSS_EL0 if !self.options.features.ecv => {
                return Err(Refused::Undefined);
            }
            sysreg::CNTPCT_EL0 | sysreg::CNTPCTSS_EL0 => now,
            sysreg::CNTVCT_EL0 | sysreg::CNTVCTSS_EL0 => now.wrapping_sub(cpu.virtual_offset),
            sysreg::CNTVOFF_EL2 => cpu.virtual_offset,
            sysreg::PMCCNTR_EL0 => {
                cpu.count();
                cpu.pmu.cycles
            }
            sysreg::PMCR_EL0 => cpu.pmu.control | (COUNTERS as u64) << 11,
            sysreg::PMCNTENSET_EL0 | sysreg::PMCNTENCLR_EL0 => cpu.pmu.enabled,
            sysreg::PMSELR_EL0 => cpu.pmu.selected,
            sysreg::PMOVSCLR_EL0 => 0,
            sysreg::LORID_EL1 => return Err(Refused::Undefined),
            _ => return Err(Refused::Unimplemented),
        })
    }

    fn write(&mut self, pe: usize, id: Id, value: u64) -> Result<(), Refused> {
        let id = self.resolve(pe, id)?;
        if let Some(place) = self.core.pes[pe].written.place(id) {
            let old = std::mem::replace(place, value);
            if self.core.kind {
                self.synchronize_kindly(pe, id, old, value);
            }
            return Ok(());
        }
        let registers = &mut self.registers[pe];
        let cpu = &mut self.cpus[pe];
        cpu.count();
        if cpu.plain.set(id, value) {
            return Ok(());
        }
        if let Some(n) = sysreg::event_counter(id) {
            cpu.pmu.events[n] = value & 0xffff_ffff;
            return Ok(());
        }
        if let Some(n) = sysreg::event_type(id) {
            cpu.pmu.types[n] = value;
            return Ok(());
        }
        const COUNTERS_MASK: u64 = 1 << 31 | ((1 << COUNTERS) - 1);
        match id {
            sysreg::SPSEL => {
                let el = cpu.el;
                switch_stack(cpu, registers, el, value & 1 != 0);
            }
            sysreg::NZCV => registers.nzcv = value as u32 & 0xf000_0000,
            sysreg::DAIF => cpu.daif = value & 0xf << 6,
            sysreg::FPCR => registers.fpcr = value as u32,
            sysreg::FPSR => registers.fpsr = value as u32,
            sysreg::SP_EL0 if cpu.stack() != 0 => cpu.stacks[0] = value,
            sysreg::SP_EL1 => cpu.stacks[1] = value,
            sysreg::CNTVOFF_EL2 => cpu.virtual_offset = value,
            sysreg::PMCCNTR_EL0 => cpu.pmu.cycles = value,
            sysreg::PMCR_EL0 => {
                /// E, D, X, DP, LC, LP: what is kept.
                const KEPT: u64 = 0xf9;
                cpu.pmu.control = value & KEPT;
                if value & Pmu::RESET_CYCLES != 0 {
                    cpu.pmu.cycles = 0;
                }
                if value & Pmu::RESET_EVENTS != 0 {
                    cpu.pmu.events = [0; COUNTERS];
                }
            }
            sysreg::PMCNTENSET_EL0 => cpu.pmu.enabled |= value & COUNTERS_MASK,
            sysreg::PMCNTENCLR_EL0 => cpu.pmu.enabled &= !value,
            sysreg::PMSELR_EL0 => cpu.pmu.selected = value & 31,
            sysreg::PMOVSCLR_EL0 => {}
            _ => return Err(Refused::Unimplemented),
        }
        Ok(())
    }

    /// On a kind machine a translation register takes effect at once, and what an emulator has no tags for goes.
    fn synchronize_kindly(&mut self, pe: usize, id: Id, old: u64, value: u64) {
        let changed = |mask: u64| (old ^ value) & mask != 0;
        const ASID: u64 = 0xffff << 48;
        match id {
            sysreg::TTBR0_EL1 | sysreg::TTBR1_EL1 if changed(ASID) => {
                self.core.flush_kindly(pe, Some(Regime::El10));
            }
            sysreg::TTBR0_EL2 | sysreg::TTBR1_EL2 if changed(ASID) => {
                self.core.flush_kindly(pe, Some(Regime::El20));
            }
            sysreg::VTTBR_EL2 if changed(u64::MAX) => self.core.flush_kindly(pe, Some(Regime::El10)),
            sysreg::SCTLR_EL1 | sysreg::SCTLR_EL2 | sysreg::TCR_EL1 | sysreg::TCR_EL2 | sysreg::HCR_EL2
                if changed(u64::MAX) =>
            {
                self.core.flush_kindly(pe, None);
            }
            _ => {}
        }
        self.synchronize(pe);
    }

    fn immediate(&mut self, pe: usize, op1: u8, op2: u8, imm: u8) -> Result<Then, End> {
        let cpu = &mut self.cpus[pe];
        if cpu.el == 0 {
            return Ok(Then::Exception(Exception::UNDEFINED));
        }
        match (op1, op2) {
            (0, 5) => {
                let el = cpu.el;
                switch_stack(cpu, &mut self.registers[pe], el, imm & 1 != 0);
            }
            (3, 6) => cpu.daif |= u64::from(imm) << 6,
            (3, 7) => cpu.daif &= !(u64::from(imm) << 6),
            _ => return Err(self.unimplemented(pe, What::System)),
        }
        Ok(Then::Next)
    }

    /// Executes a TLBI, or an instruction that maintains caches.
    fn maintain(&mut self, pe: usize, encoding: SysEncoding, rt: u8, operand: u64) -> Result<Then, End> {
        let el = self.cpus[pe].el;
        if let Some(op) = TlbiOp::from_encoding(encoding) {
            let required = op.required_features();
            let too_low = el == 0 || el == 1 && encoding.op1 == 4 || op.level() == ExceptionLevel::El3;
            if too_low
                || !required
                    .iter()
                    .all(|feature| implements(&self.options.features, feature))
            {
                return Ok(Then::Exception(Exception::UNDEFINED));
            }
            /// `HCR_EL2.TTLB`.
            const TRAPPED: u64 = 1 << 25;
            if el == 1 && self.core.pes[pe].synced.hcr & TRAPPED != 0 {
                return Ok(Then::Exception(Exception::trapped(encoding, rt)));
            }
            if !self.core.issue(pe, op, operand, el) {
                return Err(self.unimplemented(pe, What::System));
            }
            return Ok(Then::Next);
        }
        let SysEncoding { op1, crn, crm, op2 } = encoding;
        match (op1, crn, crm, op2) {
            // IC IALLUIS, IALLU; DC ISW, CSW, CISW: caches hold nothing that memory does not.
            (0, 7, 1 | 5, 0) | (0, 7, 6 | 10 | 14, 2) if el > 0 => Ok(Then::Next),
            // DC IVAC; IC IVAU; DC CVAC, CVAU, CIVAC.
            (0, 7, 6, 1) if el > 0 => self.touch(pe, operand),
            (3, 7, 5, 1) | (3, 7, 10 | 11 | 14, 1) => self.touch(pe, operand),
            _ => Err(self.unimplemented(pe, What::System)),
        }
    }

    /// Cache maintenance by address takes a translation, and its fault.
    fn touch(&mut self, pe: usize, address: u64) -> Result<Then, End> {
        let config = self.core.pes[pe].config;
        let mut view = View {
            core: &mut self.core,
            pe,
            config,
            strict: false,
            monitor: &mut self.cpus[pe].monitor,
        };
        match view.touch(address) {
            Ok(()) => Ok(Then::Next),
            Err(Abort::Fault { fault, address, .. }) => {
                /// CM, and WnR, which is set for these.
                const MAINTENANCE: u64 = 1 << 8;
                let abort = Exception::abort(&fault, address, Access::Write);
                Ok(Then::Exception(Exception {
                    syndrome: abort.syndrome | MAINTENANCE,
                    ..abort
                }))
            }
            Err(Abort::Unimplemented(what)) => Err(self.unimplemented(pe, what)),
        }
    }

    /// Answers a call of the firmware.
    fn firmware(&mut self, pe: usize) -> Result<Then, End> {
        let [x0, x1, x2, x3, ..] = self.registers[pe].x;
        let position = |affinity: u64| {
            let affinity = usize::try_from(affinity).ok();
            affinity.filter(|&affinity| affinity < self.options.pes)
        };
        let result = match psci::call([x0, x1, x2, x3]) {
            Call::Return(value) => value,
            Call::SystemOff => return Err(End::Off),
            Call::SystemReset => return Err(End::Reset),
            Call::Off => {
                self.cpus[pe].power = Power::Off;
                // What it has stored and issued takes effect; firmware sees to that.
                self.core.dsb(pe, 15, false);
                self.core.enter_space(pe, None);
                return Ok(Then::Off);
            }
            Call::Affinity(affinity) => match position(affinity) {
                None => psci::INVALID_PARAMETERS,
                Some(target) => i64::from(self.cpus[target].power == Power::Off),
            },
            Call::On {
                affinity,
                entry,
                context,
            } => match position(affinity) {
                None => psci::INVALID_PARAMETERS,
                Some(target) if self.cpus[target].power != Power::Off => psci::ALREADY_ON,
                Some(target) => {
                    self.start(target, entry, context);
                    psci::SUCCESS
                }
            },
        };
        self.registers[pe].x[0] = result as u64;
        // To EL3 and back.
        self.synchronize(pe);
        Ok(Then::Next)
    }
}

fn implements(features: &Features, feature: Feature) -> bool {
    match feature {
        Feature::TlbiOs => features.tlbi_os || features.tlbi_range,
        Feature::TlbiRange => features.tlbi_range,
        Feature::Xs => features.xs,
        Feature::Sb => features.sb,
        Feature::Ttl => features.ttl,
        _ => false,
    }
}
