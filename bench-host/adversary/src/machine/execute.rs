// SPDX-License-Identifier: MIT OR Apache-2.0
//! The loop that executes instructions.

use super::Machine;
use super::system::Then;
use crate::a64::{self, Flow, Instruction};
use crate::core::Core;
use crate::descriptor::Access;
use crate::error::{End, Unimplemented, What};
use crate::exception::{self, Exception, class, take};
use crate::micro::Way;
use crate::ram::Frame;
use crate::view::{Abort, View};
use crate::walk::{Fault, FaultKind};

/// Why a fetch gave nothing.
enum NoFetch {
    Exception(Exception),
    Unimplemented,
}

impl Machine {
    /// Has a PE execute up to so many instructions.
    pub(super) fn execute(&mut self, pe: usize, turn: u64) -> Result<(), End> {
        let mut left = turn;
        while left > 0 {
            let (done, then) = self.straight(pe, left);
            left -= done.min(left);
            self.cpus[pe].instructions += done;
            self.core.pes[pe].instructions = self.cpus[pe].instructions;
            self.instructions += done;
            match then {
                Stop::Turn => {}
                Stop::System(system) => match self.system(pe, system)? {
                    Then::Next => self.registers[pe].pc = self.registers[pe].pc.wrapping_add(4),
                    Then::Jump => {}
                    Then::Yield => {
                        self.registers[pe].pc = self.registers[pe].pc.wrapping_add(4);
                        return Ok(());
                    }
                    Then::Off => return Ok(()),
                    Then::Exception(exception) => self.take(pe, &exception),
                },
                Stop::Exception(exception) => self.take(pe, &exception),
                Stop::Abort(Abort::Fault { fault, address, access }) => {
                    self.take(pe, &Exception::abort(&fault, address, access));
                }
                Stop::Abort(Abort::Unimplemented(what)) => return Err(self.unimplemented(pe, what)),
                Stop::Unimplemented => return Err(self.unimplemented(pe, What::Instruction)),
            }
            if self.core.overgrown {
                return Err(self.unimplemented(pe, What::Translation));
            }
        }
        Ok(())
    }

    /// Executes instructions as long as nothing but memory and general registers is concerned.
    fn straight(&mut self, pe: usize, most: u64) -> (u64, Stop) {
        let registers = &mut self.registers[pe];
        let config = self.core.pes[pe].config;
        let of = &self.core.configs[usize::from(config)];
        let strict = of.aligned || !of.stage1 && !of.stage2 && !of.default_cacheable;
        let mut view = View {
            core: &mut self.core,
            pe,
            config,
            strict,
            monitor: &mut self.cpus[pe].monitor,
        };
        let mut done = 0;
        while done < most {
            let pc = registers.pc;
            let code = match view.core.pes[pe].micro.get(Way::Fetch, pc, config) {
                Some(code) => code.0 as usize,
                None => match fetch(view.core, pe, pc, config) {
                    Ok(code) => code,
                    Err(NoFetch::Exception(exception)) => return (done + 1, Stop::Exception(exception)),
                    Err(NoFetch::Unimplemented) => return (done + 1, Stop::Unimplemented),
                },
            };
            let Some(instruction) = view.core.code[code].at(pc) else {
                return (done + 1, Stop::Unimplemented);
            };
            done += 1;
            view.core.pes[pe].pc = pc;
            view.core.pes[pe].code = code;
            match step(registers, &mut view, instruction) {
                Ok(Flow::Next) => registers.pc = pc.wrapping_add(4),
                Ok(Flow::Branch(target)) => registers.pc = target,
                Ok(Flow::System(system)) => return (done, Stop::System(system)),
                Err(abort) => return (done, Stop::Abort(abort)),
            }
        }
        (done, Stop::Turn)
    }

    /// Takes an exception.
    pub(super) fn take(&mut self, pe: usize, exception: &Exception) {
        let translation = self.core.pes[pe].synced;
        take(&mut self.cpus[pe], &mut self.registers[pe], &translation, exception);
        self.synchronize(pe);
    }

    /// Synchronizes context.
    pub(super) fn synchronize(&mut self, pe: usize) {
        let el = self.cpus[pe].el;
        self.core.tell(pe, || crate::story::Event::Synchronize);
        self.core.synchronize(pe, el);
    }

    /// Returns how a run ends at what is not implemented.
    pub(super) fn unimplemented(&mut self, pe: usize, what: What) -> End {
        let address = self.registers[pe].pc;
        let word = self.word(pe, address).unwrap_or(0);
        End::Unimplemented(Unimplemented {
            pe,
            address,
            word,
            what,
        })
    }

    /// Reads the instruction word at an address.
    fn word(&mut self, pe: usize, address: u64) -> Option<u32> {
        let mapped = self.core.translate(pe, address, Access::Fetch, false).ok()?;
        let frame = self.core.ram.frame(mapped.physical)?;
        let bytes = self.core.ram.page(frame)[(address % 4096) as usize..].first_chunk()?;
        Some(u32::from_le_bytes(*bytes))
    }

    /// Returns from an exception.
    pub(super) fn back(&mut self, pe: usize) -> Result<Then, End> {
        if exception::back(&mut self.cpus[pe], &mut self.registers[pe]) {
            self.synchronize(pe);
            Ok(Then::Jump)
        } else {
            Err(self.unimplemented(pe, What::ExceptionLevel))
        }
    }
}

/// Why straight execution stopped.
enum Stop {
    /// Its turn is over.
    Turn,
    System(a64::System),
    Exception(Exception),
    Abort(Abort),
    Unimplemented,
}

#[inline(always)]
fn step(registers: &mut a64::Registers, view: &mut View<'_>, instruction: Instruction) -> Result<Flow, Abort> {
    a64::execute(registers, view, instruction)
}

/// Finds the code page of an address, by a walk.
#[cold]
fn fetch(core: &mut Core, pe: usize, pc: u64, config: u16) -> Result<usize, NoFetch> {
    core.pes[pe].pc = pc;
    if pc & 3 != 0 {
        return Err(NoFetch::Exception(Exception {
            far: Some(pc),
            ..Exception::new(class::PC_ALIGNMENT, 0, 1, false)
        }));
    }
    const LINE: u64 = 64;
    if let Some((line, code)) = core.pes[pe].fetched
        && line == pc / LINE
        && !core.kind
    {
        return Ok(code);
    }
    let abort = |fault: &Fault| NoFetch::Exception(Exception::abort(fault, pc, Access::Fetch));
    let mapped = core
        .translate(pe, pc, Access::Fetch, false)
        .map_err(|fault| abort(&fault))?;
    let external = Fault::new(FaultKind::External, 0);
    let frame = core.ram.frame(mapped.physical).ok_or_else(|| abort(&external))?;
    let code = core.code_page(frame);
    if mapped.single {
        let code = u32::try_from(code).map_err(|_| NoFetch::Unimplemented)?;
        core.pes[pe].micro.set(Way::Fetch, pc, config, Frame(code));
    } else {
        core.pes[pe].fetched = Some((pc / LINE, code));
    }
    Ok(code)
}
