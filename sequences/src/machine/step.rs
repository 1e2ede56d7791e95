// SPDX-License-Identifier: MIT OR Apache-2.0
//! One step: the events that may happen next, and walks and faults among them.

use super::descriptor::{AccessKind, FaultKind};
use super::event::{Event, MachineError};
use super::order::Effect;
use super::program::{Atomic, FaultHandling, HardwareUpdates, Op, Program, Value};
use super::state::{NONE, PeState, State, flag};
use alloc::vec::Vec;

impl State {
    pub(super) fn access_kind(&self, program: &Program, thread: usize, at: usize) -> AccessKind {
        match self.op(program, thread, at) {
            Op::Store { .. } | Op::Atomic { .. } => AccessKind::Write,
            Op::Fetch(_) => AccessKind::Execute,
            _ => AccessKind::Read,
        }
    }

    /// Pushes every state one event away, with the event.
    pub(super) fn successors(&self, program: &Program, out: &mut Vec<(Event, State)>) -> Result<(), MachineError> {
        for thread in 0..self.pes.len() {
            for at in 0..self.pes[thread].slots.len() {
                let slot = &self.pes[thread].slots[at];
                if slot.has(flag::DONE) {
                    continue;
                }
                match *self.op(program, thread, at) {
                    Op::Load { .. } | Op::Store { .. } | Op::Fetch(_) | Op::Atomic { .. }
                        if !slot.has(flag::WALKED) =>
                    {
                        self.walk(program, thread, at, out)?;
                    }
                    Op::Load { .. } | Op::Store { .. } | Op::Fetch(_) | Op::Atomic { .. } if slot.has(flag::FAULTS) => {
                        self.take_fault(program, thread, at, out);
                    }
                    Op::Atomic { .. } if !slot.has(flag::READ) => self.load(program, thread, at, out),
                    Op::Load { .. } => self.load(program, thread, at, out),
                    Op::Store { .. } | Op::Atomic { .. } => self.store(program, thread, at, out)?,
                    Op::Tlbi { .. } => self.invalidate(program, thread, at, out),
                    Op::SetContext {
                        page,
                        descriptor,
                        stale,
                    } if self.may_execute(program, thread, at) => {
                        let mut next = self.clone();
                        let location = program.frames.len() + usize::from(page.0);
                        if let (true, Value::Descriptor(old)) = (stale, self.memory[location].0)
                            && program.descriptors[usize::from(old)].is_cacheable()
                        {
                            let held = &mut next.stale[thread * program.tables.len() + usize::from(page.0)];
                            held.leaf |= 1 << old;
                        }
                        let value = Value::Descriptor(descriptor);
                        next.memory[location] = (value, self.memory[location].1.saturating_add(1));
                        next.pes[thread].slots[at].flags |= flag::DONE;
                        let (thread, pc, location) = (thread as u8, slot.pc, location as u8);
                        out.push((
                            Event::Store {
                                thread,
                                pc,
                                value,
                                location,
                            },
                            next,
                        ));
                    }
                    _ => {}
                }
            }
        }
        if program.has_updates() {
            self.walker_writes(program, out);
        }
        Ok(())
    }

    fn walk(
        &self,
        program: &Program,
        thread: usize,
        at: usize,
        out: &mut Vec<(Event, State)>,
    ) -> Result<(), MachineError> {
        if !self.may_walk(program, thread, at) {
            return Ok(());
        }
        let Some(page) = self.page_of(program, thread, at) else {
            return Ok(());
        };
        let table = usize::from(page.0);
        let Value::Descriptor(current) = self.table(program, page.0) else {
            return Ok(());
        };
        let held = self.stale[thread * program.tables.len() + table].leaf;
        let (access, user) = (self.access_kind(program, thread, at), self.user(program, thread));
        let updates = program.threads[thread].updates;
        let translate = |index: u8, access| program.descriptors[usize::from(index)].translate(access, user, updates);
        let mut outcomes: Vec<(AccessKind, Result<_, _>)> = Vec::with_capacity(2);
        let compares = matches!(
            self.op(program, thread, at),
            Op::Atomic {
                op: Atomic::CompareAndSwap,
                ..
            }
        );
        let kinds = [
            Some(access),
            (compares && updates == HardwareUpdates::Dirty).then_some(AccessKind::FailedWrite),
        ];
        let candidates = core::iter::once(current).chain((0..64).filter(|bit| held & (1 << bit) != 0));
        let candidates = candidates
            .enumerate()
            .flat_map(|(number, descriptor)| kinds.iter().flatten().map(move |kind| (number, descriptor, *kind)));
        for (number, descriptor, kind) in candidates {
            let outcome = translate(descriptor, kind);
            // A walker writes back what it has read: a TLB entry that would have to change is of no use to it.
            let written = match outcome {
                Ok((_, Some(left))) if number == 0 && !self.is_being_updated(program, page) => {
                    match program.index_of(&left) {
                        Some(index) => index,
                        None => continue,
                    }
                }
                Ok((_, Some(_))) => continue,
                _ => NONE,
            };
            if outcomes.contains(&(kind, outcome)) {
                continue;
            }
            outcomes.push((kind, outcome));
            if let Err(kind) = outcome
                && !self.fault_may_be_walked(program, thread, at, kind)
            {
                continue;
            }
            let mut next = self.clone();
            let slot = &mut next.pes[thread].slots[at];
            slot.awaited_walk = 0;
            slot.flags |= flag::WALKED;
            match outcome {
                Ok((frame, _)) => {
                    let offset = self.offset(program, thread, at);
                    let Some(location) = program.location_in(frame, offset) else {
                        return Err(MachineError::Address {
                            thread: thread as u8,
                            pc: slot.pc,
                        });
                    };
                    slot.location = location;
                    slot.update = written;
                    if kind == AccessKind::FailedWrite {
                        slot.flags |= flag::FAILS;
                    }
                    if matches!(self.op(program, thread, at), Op::Fetch(_)) {
                        slot.flags |= flag::DONE;
                    }
                }
                Err(kind) => {
                    if !next.fault(program, thread, at, kind) {
                        continue;
                    }
                }
            }
            let pc = self.pes[thread].slots[at].pc;
            let event = Event::Walk {
                thread: thread as u8,
                pc,
                page,
                descriptor,
                stale: number > 0,
            };
            out.push((event, next));
        }
        Ok(())
    }

    /// Ends the path of a PE at an access that faults, and goes on where the exception leads. Returns whether such a
    /// path exists.
    pub(super) fn fault(&mut self, program: &Program, thread: usize, at: usize, kind: FaultKind) -> bool {
        let pe = &mut self.pes[thread];
        // A TLBI past this instruction was never executed; the path that let it take effect does not exist.
        if pe.slots[at + 1..].iter().any(|later| later.applied != 0) {
            return false;
        }
        pe.slots.truncate(at + 1);
        pe.slots[at].fault = Some(kind);
        pe.slots[at].flags |= flag::WALKED | flag::FAULTS;
        pe.slots[at].value = Value::Code(thread as u8, pe.slots[at].pc);
        let (pc, again) = (pe.slots[at].pc, pe.slots[at].has(flag::AGAIN));
        pe.ended = false;
        // What was fetched past this instruction may have entered or left a handler.
        pe.in_handler = pe.in_handler_at(program, thread, at);
        match (program.threads[thread].handler, pe.in_handler, program.rules.faults) {
            (Some(_), true, _) => return false,
            (Some(handler), false, _) => {
                pe.in_handler = true;
                pe.return_to = pc;
                pe.pc = handler;
                pe.rounds += 1;
            }
            (None, _, FaultHandling::Fatal) => {
                pe.ended = true;
                pe.pc = pc;
            }
            (None, _, FaultHandling::Handled) if again => return false,
            (None, _, FaultHandling::Handled) => {
                pe.pc = pc;
                pe.again = true;
            }
            (None, _, FaultHandling::Skip) => pe.pc = pc + 1,
        }
        true
    }

    fn take_fault(&self, program: &Program, thread: usize, at: usize, out: &mut Vec<(Event, State)>) {
        let slot = self.pes[thread].slots[at];
        let Some(kind) = slot.fault else { return };
        if !self.may_access(program, thread, at, Effect::Fault) {
            return;
        }
        let mut next = self.clone();
        next.pes[thread].slots[at].flags |= flag::DONE;
        next.pes[thread].slots[at].awaited_access = 0;
        out.push((
            Event::Fault {
                thread: thread as u8,
                pc: slot.pc,
                kind,
            },
            next,
        ));
    }
}

impl PeState {
    fn in_handler_at(&self, program: &Program, thread: usize, at: usize) -> bool {
        let code = &program.threads[thread];
        self.slots[..at]
            .iter()
            .fold(false, |inside, slot| match code.ops[usize::from(slot.pc)] {
                Op::Eret => false,
                _ if slot.faults() => code.handler.is_some(),
                _ => inside,
            })
    }
}
