// SPDX-License-Identifier: MIT OR Apache-2.0
//! The events: walks, loads, stores, faults, and a TLBI reaching one PE.

use super::descriptor::{AccessKind, Descriptor, FaultKind};
use super::order::{Effect, applies_to};
use super::program::{Alu, FaultHandling, Op, Page, Program, Value};
use super::settle::covered;
use super::state::{NONE, State, flag};
use alloc::vec::Vec;
use core::fmt;

/// An event, by the PE and the operation it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The walker, or the TLB, gives the access its translation.
    Walk {
        /// The PE.
        thread: u8,
        /// The operation.
        pc: u16,
        /// The page.
        page: Page,
        /// The descriptor used, by index.
        descriptor: u8,
        /// The descriptor came from the TLB and is no longer the one in memory.
        stale: bool,
    },
    /// A load is satisfied.
    Load {
        /// The PE.
        thread: u8,
        /// The operation.
        pc: u16,
        /// The value.
        value: Value,
        /// The frame or table read: frames first, then tables.
        location: u8,
    },
    /// A store reaches memory, where every PE and walker sees it.
    Store {
        /// The PE.
        thread: u8,
        /// The operation.
        pc: u16,
        /// The value.
        value: Value,
        /// The frame or table written: frames first, then tables.
        location: u8,
    },
    /// An exception is taken.
    Fault {
        /// The PE.
        thread: u8,
        /// The operation.
        pc: u16,
        /// The fault.
        kind: FaultKind,
    },
    /// A TLBI takes effect on a PE.
    Invalidate {
        /// The PE that executed it.
        thread: u8,
        /// The operation.
        pc: u16,
        /// The PE whose TLB it reaches.
        on: u8,
    },
}

/// Why a program cannot be explored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MachineError {
    /// A path has more operations than the limit.
    PathTooLong {
        /// The PE.
        thread: u8,
        /// The limit.
        limit: usize,
    },
    /// There are more states than the limit.
    TooManyStates {
        /// The limit.
        limit: usize,
    },
    /// An operation on values this machine does not calculate with.
    Arithmetic {
        /// The PE.
        thread: u8,
        /// The operation.
        pc: u16,
    },
    /// An access to something that is neither a page nor a descriptor.
    Address {
        /// The PE.
        thread: u8,
        /// The operation.
        pc: u16,
    },
    /// A store of something else than a descriptor to a table.
    NotADescriptor {
        /// The PE.
        thread: u8,
        /// The operation.
        pc: u16,
    },
}

impl fmt::Display for MachineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PathTooLong { thread, limit } => write!(f, "P{thread} executes more than {limit} instructions"),
            Self::TooManyStates { limit } => write!(f, "more than {limit} states"),
            Self::Arithmetic { thread, pc } => {
                write!(
                    f,
                    "P{thread}, instruction {pc}: arithmetic on an address or a descriptor is not modelled"
                )
            }
            Self::Address { thread, pc } => {
                write!(
                    f,
                    "P{thread}, instruction {pc}: accesses something that is not the start of a page"
                )
            }
            Self::NotADescriptor { thread, pc } => {
                write!(
                    f,
                    "P{thread}, instruction {pc}: stores something else than a descriptor to a table"
                )
            }
        }
    }
}

impl core::error::Error for MachineError {}

/// Calculates; `None` where the machine has no such value.
pub(super) fn evaluate(op: Alu, a: Value, b: Value) -> Option<Value> {
    if op == Alu::Move {
        return Some(b);
    }
    if op == Alu::ExclusiveOr && a == b {
        return Some(Value::Int(0));
    }
    match (op, a, b) {
        (_, value, Value::Int(0)) if op != Alu::And => Some(value),
        (Alu::And, _, Value::Int(0)) | (Alu::And, Value::Int(0), _) => Some(Value::Int(0)),
        (Alu::Add | Alu::ExclusiveOr, Value::Int(0), value) => Some(value),
        (Alu::ShiftRight, Value::Address(page), Value::Int(12)) => Some(Value::Operand(page)),
        (_, Value::Int(a), Value::Int(b)) => Some(Value::Int(match op {
            Alu::Move => b,
            Alu::ShiftRight => u32::try_from(b).ok().and_then(|by| (a as u64).checked_shr(by))? as i64,
            Alu::ExclusiveOr => a ^ b,
            Alu::And => a & b,
            Alu::Add => a.wrapping_add(b),
        })),
        _ => None,
    }
}

impl State {
    pub(super) fn access_kind(&self, program: &Program, thread: usize, at: usize) -> AccessKind {
        match self.op(program, thread, at) {
            Op::Store { .. } => AccessKind::Write,
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
                    Op::Load { .. } | Op::Store { .. } | Op::Fetch(_) if !slot.has(flag::WALKED) => {
                        self.walk(program, thread, at, out);
                    }
                    Op::Load { .. } | Op::Store { .. } | Op::Fetch(_) if slot.has(flag::FAULTS) => {
                        self.take_fault(program, thread, at, out);
                    }
                    Op::Load { .. } => self.load(program, thread, at, out),
                    Op::Store { .. } => self.store(program, thread, at, out)?,
                    Op::Tlbi { .. } => self.invalidate(program, thread, at, out),
                    Op::SetContext { page, descriptor } if self.may_execute(program, thread, at) => {
                        let mut next = self.clone();
                        let location = program.frames.len() + usize::from(page.0);
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
        Ok(())
    }

    fn walk(&self, program: &Program, thread: usize, at: usize, out: &mut Vec<(Event, State)>) {
        if !self.may_walk(program, thread, at) {
            return;
        }
        let Some(page) = self.page_of(program, thread, at) else {
            return;
        };
        let place = usize::from(page.0);
        let Value::Descriptor(current) = self.table(program, page.0) else {
            return;
        };
        let held = self.stale[thread * program.tables.len() + place].leaf;
        let (access, user) = (self.access_kind(program, thread, at), self.user(program, thread));
        let translate = |index: u8| program.descriptors[usize::from(index)].translate(access, user);
        let mut outcomes: Vec<Result<_, _>> = Vec::with_capacity(2);
        let candidates = core::iter::once(current).chain((0..64).filter(|bit| held & (1 << bit) != 0));
        for (number, descriptor) in candidates.enumerate() {
            let outcome = translate(descriptor);
            if outcomes.contains(&outcome) {
                continue;
            }
            outcomes.push(outcome);
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
                Ok(frame) => {
                    slot.location = frame.0;
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

    fn load(&self, program: &Program, thread: usize, at: usize, out: &mut Vec<(Event, State)>) {
        if !self.may_access(program, thread, at, Effect::Load) {
            return;
        }
        let slots = &self.pes[thread].slots;
        let location = slots[at].location;
        let same = |slot: &super::state::Slot| slot.location == location && !slot.has(flag::FAULTS);
        let is_store = |index: usize| matches!(self.op(program, thread, index), Op::Store { .. });
        let own = (0..at)
            .rev()
            .find(|index| is_store(*index) && same(&slots[*index]) && !slots[*index].has(flag::DONE));
        let (value, version, forwarded) = match own {
            Some(store) => {
                let Op::Store { from, .. } = *self.op(program, thread, store) else {
                    return;
                };
                let Some(value) = self.input(program, thread, store, 2, from) else {
                    return;
                };
                (value, 0, store as u8)
            }
            None => {
                let (value, version) = self.memory[usize::from(location)];
                // Coherence: a later load of the location that was satisfied first saw the same store.
                for (later, slot) in slots.iter().enumerate().skip(at + 1) {
                    if !same(slot) {
                        continue;
                    }
                    if is_store(later) {
                        break;
                    }
                    if slot.has(flag::DONE) && slot.version != version {
                        return;
                    }
                }
                (value, version, NONE)
            }
        };
        let mut next = self.clone();
        let slot = &mut next.pes[thread].slots[at];
        slot.flags |= flag::DONE;
        slot.value = value;
        slot.version = version;
        slot.forwarded = forwarded;
        slot.awaited_access = 0;
        out.push((
            Event::Load {
                thread: thread as u8,
                pc: slot.pc,
                value,
                location,
            },
            next,
        ));
    }

    fn store(
        &self,
        program: &Program,
        thread: usize,
        at: usize,
        out: &mut Vec<(Event, State)>,
    ) -> Result<(), MachineError> {
        let slot = self.pes[thread].slots[at];
        let Op::Store { from, .. } = *self.op(program, thread, at) else {
            return Ok(());
        };
        let Some(value) = self.input(program, thread, at, 2, from) else {
            return Ok(());
        };
        if !self.may_access(program, thread, at, Effect::Store) {
            return Ok(());
        }
        // A later load of the location that did not take this store's value went wrong.
        let overtaken = self.pes[thread]
            .slots
            .iter()
            .enumerate()
            .skip(at + 1)
            .any(|(later, slot)| {
                matches!(self.op(program, thread, later), Op::Load { .. })
                    && slot.has(flag::DONE)
                    && !slot.has(flag::FAULTS)
                    && slot.location == self.pes[thread].slots[at].location
                    && (slot.forwarded == NONE || usize::from(slot.forwarded) < at)
            });
        if overtaken {
            return Ok(());
        }
        let mut next = self.clone();
        let location = usize::from(slot.location);
        if let Some(page) = location.checked_sub(program.frames.len()) {
            let (Value::Descriptor(_), Value::Descriptor(old)) = (value, self.memory[location].0) else {
                return Err(MachineError::NotADescriptor {
                    thread: thread as u8,
                    pc: slot.pc,
                });
            };
            if program.descriptors[usize::from(old)].is_cacheable() {
                let layered = program.layered.contains(super::Symbol(page as u8));
                for pe in 0..self.pes.len() {
                    let held = &mut next.stale[pe * program.tables.len() + page];
                    held.leaf |= 1 << old;
                    held.upper |= if layered { 1 << old } else { 0 };
                }
            }
        }
        let version = self.memory[location].1.saturating_add(1);
        next.memory[location] = (value, version);
        for later in &mut next.pes[thread].slots[at + 1..] {
            if usize::from(later.forwarded) == at {
                later.version = version;
            }
        }
        next.pes[thread].slots[at].flags |= flag::DONE;
        next.pes[thread].slots[at].awaited_access = 0;
        out.push((
            Event::Store {
                thread: thread as u8,
                pc: slot.pc,
                value,
                location: slot.location,
            },
            next,
        ));
        Ok(())
    }

    fn invalidate(&self, program: &Program, thread: usize, at: usize, out: &mut Vec<(Event, State)>) {
        let slot = self.pes[thread].slots[at];
        let Op::Tlbi {
            id,
            scope,
            nxs,
            target,
            layers,
        } = *self.op(program, thread, at)
        else {
            return;
        };
        if !self.completion_follows(program, thread, at) || !self.may_invalidate(program, thread, at) {
            return;
        }
        let pages = covered(program, self, thread, at, target);
        let written = pages.0 & program.written.0;
        for on in 0..self.pes.len() {
            if slot.applied & (1 << on) != 0 || !applies_to(program, thread, on, scope) {
                continue;
            }
            let mut next = self.clone();
            for page in (0..program.tables.len()).filter(|page| written & (1 << page) != 0) {
                let held = &mut next.stale[on * program.tables.len() + page];
                let kept = if nxs { keep_xs(&program.descriptors) } else { 0 };
                if layers.upper {
                    held.upper &= kept;
                }
                if layers.leaf {
                    held.leaf = (held.leaf & kept) | held.upper;
                }
            }
            // A leaf that only the upper part was removed from stays in use; nothing waits for its users.
            if on != thread && layers.leaf {
                next.await_users(program, on, super::Pages(written), 1 << id);
            }
            next.pes[thread].slots[at].applied |= 1 << on;
            out.push((
                Event::Invalidate {
                    thread: thread as u8,
                    pc: slot.pc,
                    on: on as u8,
                },
                next,
            ));
        }
    }

    /// Returns whether a DSB that could complete the TLBI at `at` follows it on this path.
    ///
    /// A TLBI that nothing waits for may as well never take effect: its effect only removes behaviours.
    fn completion_follows(&self, program: &Program, thread: usize, at: usize) -> bool {
        (at + 1..self.pes[thread].slots.len()).any(|later| {
            matches!(self.op(program, thread, later), Op::Dsb(_) | Op::DsbNxs(_))
                && !self.pes[thread].slots[later].has(flag::DONE)
        })
    }

    /// Marks what relies on a translation that a TLBI is removing: the TLBI is not complete before these accesses are,
    /// nor before earlier accesses of the same PE have been translated.
    fn await_users(&mut self, program: &Program, on: usize, pages: super::Pages, bit: u32) {
        let mut walked_later = false;
        for at in (0..self.pes[on].slots.len()).rev() {
            let is_access = matches!(
                self.op(program, on, at),
                Op::Load { .. } | Op::Store { .. } | Op::Fetch(_)
            );
            if !is_access {
                continue;
            }
            let page = self.page_of(program, on, at);
            let covered = page.is_some_and(|page| pages.contains(page));
            let slot = &mut self.pes[on].slots[at];
            let (walked, done) = (slot.has(flag::WALKED), slot.has(flag::DONE));
            if walked && covered {
                walked_later |= !slot.faults();
                if !done {
                    slot.awaited_access |= bit;
                }
            } else if !walked && walked_later {
                slot.awaited_walk |= bit;
            }
        }
    }
}

impl super::state::PeState {
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

/// Returns the descriptors an nXS invalidation need not remove, as bits of their index.
fn keep_xs(descriptors: &[Descriptor]) -> u64 {
    descriptors
        .iter()
        .enumerate()
        .filter(|(_, descriptor)| descriptor.attribute.has_xs())
        .fold(0, |kept, (index, _)| kept | (1 << index))
}
