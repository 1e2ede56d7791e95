// SPDX-License-Identifier: MIT OR Apache-2.0
//! One step: the events that may happen next, and walks and faults among them.

use super::descriptor::{AccessKind, FaultKind};
use super::event::{Event, MachineError};
use super::order::Effect;
use super::program::{Alu, Atomic, FaultHandling, FlagCondition, HardwareUpdates, Op, Program, Value};
use super::state::{NONE, PeState, State, flag};
use alloc::vec::Vec;

/// Calculates; `None` where the machine has no such value.
pub(super) fn evaluate(program: &Program, op: Alu, a: Value, b: Value) -> Option<Value> {
    match op {
        Alu::Move => return Some(b),
        Alu::Compare => return Some(Value::Int(compare(a, b))),
        Alu::ExclusiveOr | Alu::Subtract if a == b => return Some(Value::Int(0)),
        _ => {}
    }
    if let (Value::Descriptor(index), Value::Int(mask)) = (a, b)
        && mask != 0
    {
        return on_descriptor(program, op, index, mask);
    }
    match (op, a, b) {
        // The next instruction; a fetch is no instruction of its own.
        (Alu::Add, Value::Code(thread, pc), Value::Int(4)) => {
            let ops = &program.threads.get(usize::from(thread))?.ops;
            let plain = !matches!(ops.get(usize::from(pc))?, Op::Fetch(_) | Op::End);
            plain.then_some(Value::Code(thread, pc + 1))
        }
        (_, value, Value::Int(0)) if op != Alu::And => Some(value),
        (Alu::And, _, Value::Int(0)) | (Alu::And, Value::Int(0), _) => Some(Value::Int(0)),
        (Alu::Add | Alu::ExclusiveOr | Alu::Or, Value::Int(0), value) => Some(value),
        (Alu::ShiftRight, Value::Address(page) | Value::Element(page, _), Value::Int(12)) => Some(Value::Operand(page)),
        (Alu::ShiftLeft, Value::Operand(page), Value::Int(12)) => Some(Value::Address(page)),
        (Alu::Add, Value::Address(page), Value::Int(offset)) | (Alu::Add, Value::Int(offset), Value::Address(page)) => {
            u16::try_from(offset)
                .ok()
                .filter(|offset| *offset < 4096)
                .map(|offset| Value::Element(page, offset))
        }
        (_, Value::Int(a), Value::Int(b)) => Some(Value::Int(match op {
            Alu::Move | Alu::Compare => b,
            Alu::ShiftRight => u32::try_from(b).ok().and_then(|by| (a as u64).checked_shr(by))? as i64,
            Alu::ExclusiveOr => a ^ b,
            Alu::And => a & b,
            Alu::Add => a.wrapping_add(b),
            Alu::ShiftLeft => u32::try_from(b).ok().and_then(|by| a.checked_shl(by))?,
            Alu::Or => a | b,
            Alu::BitClear => a & !b,
            Alu::Subtract => a.wrapping_sub(b),
        })),
        _ => None,
    }
}

/// Calculates with one bit of a descriptor.
fn on_descriptor(program: &Program, op: Alu, index: u8, mask: i64) -> Option<Value> {
    let descriptor = program.descriptors[usize::from(index)];
    let bit = descriptor.bit(mask)?;
    let changed = match op {
        Alu::And => return Some(Value::Int(if bit { mask } else { 0 })),
        Alu::Or => descriptor.with_bit(mask, true)?,
        Alu::BitClear => descriptor.with_bit(mask, false)?,
        Alu::ExclusiveOr => descriptor.with_bit(mask, !bit)?,
        _ => return None,
    };
    program.index_of(&changed).map(Value::Descriptor)
}

/// The bits of [`compare`]'s result.
const NEGATIVE: i64 = 8;
const ZERO: i64 = 4;
const CARRY: i64 = 2;
const OVERFLOW: i64 = 1;

/// Returns the flags of a subtraction. Of values that are no numbers only `Z` means something.
fn compare(a: Value, b: Value) -> i64 {
    let (Value::Int(x), Value::Int(y)) = (a, b) else {
        return if a == b { ZERO | CARRY } else { 0 };
    };
    let (difference, overflow) = x.overflowing_sub(y);
    let flags = [
        (difference < 0, NEGATIVE),
        (difference == 0, ZERO),
        (x as u64 >= y as u64, CARRY),
        (overflow, OVERFLOW),
    ];
    flags.iter().filter(|(set, _)| *set).fold(0, |all, (_, bit)| all | bit)
}

/// Returns whether a condition holds on flags.
pub(super) fn condition_holds(condition: FlagCondition, flags: Value) -> Option<bool> {
    let Value::Int(flags) = flags else { return None };
    let set = |bit: i64| flags & bit != 0;
    let (negative, zero, carry, overflow) = (set(NEGATIVE), set(ZERO), set(CARRY), set(OVERFLOW));
    Some(match condition {
        FlagCondition::Eq => zero,
        FlagCondition::Ne => !zero,
        FlagCondition::Cs => carry,
        FlagCondition::Cc => !carry,
        FlagCondition::Mi => negative,
        FlagCondition::Pl => !negative,
        FlagCondition::Vs => overflow,
        FlagCondition::Vc => !overflow,
        FlagCondition::Hi => carry && !zero,
        FlagCondition::Ls => !carry || zero,
        FlagCondition::Ge => negative == overflow,
        FlagCondition::Lt => negative != overflow,
        FlagCondition::Gt => !zero && negative == overflow,
        FlagCondition::Le => zero || negative != overflow,
    })
}

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
        let place = usize::from(page.0);
        let Value::Descriptor(current) = self.table(program, page.0) else {
            return Ok(());
        };
        let held = self.stale[thread * program.tables.len() + place].leaf;
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
