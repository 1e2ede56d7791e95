// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loads and stores, and the coherence of one location.

use super::alu::evaluate;
use super::event::{Event, MachineError};
use super::order::Effect;
use super::program::{Atomic, Op, Page, Program, Value};
use super::state::{NONE, Slot, State, flag};
use alloc::vec::Vec;

impl State {
    /// Satisfies a load, or the load of an atomic instruction.
    pub(super) fn load(&self, program: &Program, thread: usize, at: usize, out: &mut Vec<(Event, State)>) {
        if !self.may_access(program, thread, at, Effect::Load) {
            return;
        }
        let slots = &self.pes[thread].slots;
        let location = slots[at].location;
        let same = |slot: &Slot| slot.location == location && !slot.has(flag::FAULTS);
        let is_store = |index: usize| matches!(self.op(program, thread, index), Op::Store { .. } | Op::Atomic { .. });
        let forwarding = (0..at)
            .rev()
            .find(|index| is_store(*index) && same(&slots[*index]) && !slots[*index].has(flag::DONE));
        let (value, version, forwarded) = match forwarding {
            Some(store) => {
                let Some(value) = self.stored(program, thread, store) else {
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
                    let read = slot.flags & (flag::READ | flag::DONE) != 0 && self.reads(program, thread, later);
                    if read && slot.version != version {
                        return;
                    }
                    if is_store(later) {
                        break;
                    }
                }
                (value, version, NONE)
            }
        };
        let atomic = matches!(self.op(program, thread, at), Op::Atomic { .. });
        let mut next = self.clone();
        let slot = &mut next.pes[thread].slots[at];
        slot.flags |= if atomic { flag::READ } else { flag::DONE };
        slot.value = value;
        slot.version = version;
        slot.forwarded = forwarded;
        if !atomic {
            slot.awaited_access = 0;
        }
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

    fn reads(&self, program: &Program, thread: usize, at: usize) -> bool {
        matches!(self.op(program, thread, at), Op::Load { .. } | Op::Atomic { .. })
    }

    /// Returns the value the instruction at `at` will store, once it is known that it stores one.
    fn stored(&self, program: &Program, thread: usize, at: usize) -> Option<Value> {
        let slot = &self.pes[thread].slots[at];
        match *self.op(program, thread, at) {
            Op::Store { from, .. } => self.input(program, thread, at, 2, from),
            Op::Atomic { op, from, to, .. } if slot.has(flag::READ) => {
                let data = self.input(program, thread, at, 2, from)?;
                match op {
                    Atomic::Swap => Some(data),
                    Atomic::CompareAndSwap => {
                        let compared = self.input(program, thread, at, 1, to)?;
                        (compared == slot.value && !slot.has(flag::FAILS)).then_some(data)
                    }
                    Atomic::Operation(op) => evaluate(program, op, slot.value, data),
                }
            }
            _ => None,
        }
    }

    /// Performs a store, or the store of an atomic instruction whose load has happened.
    pub(super) fn store(
        &self,
        program: &Program,
        thread: usize,
        at: usize,
        out: &mut Vec<(Event, State)>,
    ) -> Result<(), MachineError> {
        let slot = self.pes[thread].slots[at];
        let Some(value) = self.stored(program, thread, at) else {
            return match *self.op(program, thread, at) {
                Op::Atomic {
                    op: Atomic::Operation(_),
                    from,
                    ..
                } if slot.has(flag::READ) && self.input(program, thread, at, 2, from).is_some() => {
                    Err(MachineError::Arithmetic {
                        thread: thread as u8,
                        pc: slot.pc,
                    })
                }
                _ => Ok(()),
            };
        };
        if !self.may_access(program, thread, at, Effect::Store) {
            return Ok(());
        }
        // Nothing comes between the load and the store of an atomic instruction.
        let location = usize::from(slot.location);
        if slot.has(flag::READ) {
            let arrived = slot.forwarded == NONE || self.pes[thread].slots[usize::from(slot.forwarded)].has(flag::DONE);
            if !arrived || self.memory[location].1 != slot.version {
                return Ok(());
            }
        }
        // A later load of the location that did not take this store's value went wrong.
        let overtaken = self.pes[thread]
            .slots
            .iter()
            .enumerate()
            .skip(at + 1)
            .any(|(later, slot)| {
                self.reads(program, thread, later)
                    && slot.flags & (flag::DONE | flag::READ) != 0
                    && !slot.has(flag::FAULTS)
                    && slot.location == self.pes[thread].slots[at].location
                    && (slot.forwarded == NONE || usize::from(slot.forwarded) < at)
            });
        if overtaken {
            return Ok(());
        }
        let mut next = self.clone();
        if let Some(page) = program.table_at(location) {
            let Value::Descriptor(new) = value else {
                return Err(MachineError::NotADescriptor {
                    thread: thread as u8,
                    pc: slot.pc,
                });
            };
            if !next.change_table(program, page, new) {
                return Ok(());
            }
        } else {
            next.memory[location] = (value, self.memory[location].1.saturating_add(1));
        }
        let version = next.memory[location].1;
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

    /// Writes a page's descriptor. What it overwrites becomes stale in every TLB.
    ///
    /// Returns false where a walker has read the old descriptor and still has to write back what it makes of it: its
    /// read and its write are one, so that this order of events does not exist.
    pub(super) fn change_table(&mut self, program: &Program, page: Page, new: u8) -> bool {
        let location = program.frames.len() + usize::from(page.0);
        let (Value::Descriptor(old), version) = self.memory[location] else {
            return false;
        };
        if self.is_being_updated(program, page) {
            return false;
        }
        if program.descriptors[usize::from(old)].is_cacheable() {
            let layered = program.layered.contains(page);
            for pe in 0..self.pes.len() {
                let held = &mut self.stale[pe * program.tables.len() + usize::from(page.0)];
                held.leaf |= 1 << old;
                held.upper |= if layered { 1 << old } else { 0 };
            }
        }
        self.memory[location] = (Value::Descriptor(new), version.saturating_add(1));
        true
    }

    /// Returns whether a walker has still to write back a page's descriptor.
    pub(super) fn is_being_updated(&self, program: &Program, page: Page) -> bool {
        (0..self.pes.len()).any(|pe| {
            let slots = &self.pes[pe].slots;
            (0..slots.len()).any(|at| slots[at].update != NONE && self.page_of(program, pe, at) == Some(page))
        })
    }

    /// Pushes the walker's own writes that may happen next: the ones accesses wait for, and an access flag set for no
    /// access at all, which a walker that manages it may do at any time.
    pub(super) fn walker_writes(&self, program: &Program, out: &mut Vec<(Event, State)>) {
        for thread in 0..self.pes.len() {
            for at in 0..self.pes[thread].slots.len() {
                let slot = self.pes[thread].slots[at];
                if slot.update == NONE || !self.may_update(program, thread, at) {
                    continue;
                }
                let Some(page) = self.page_of(program, thread, at) else {
                    continue;
                };
                let mut next = self.clone();
                next.pes[thread].slots[at].update = NONE;
                if next.change_table(program, page, slot.update) {
                    let by = Some((thread as u8, slot.pc));
                    let descriptor = slot.update;
                    out.push((Event::Update { by, page, descriptor }, next));
                }
            }
        }
        for page in 0..program.tables.len() {
            let page = super::Symbol(page as u8);
            let Value::Descriptor(old) = self.table(program, page.0) else {
                continue;
            };
            let old = program.descriptors[usize::from(old)];
            if !old.valid || old.af {
                continue;
            }
            if let Some(descriptor) = program.index_of(&super::Descriptor { af: true, ..old }) {
                let mut next = self.clone();
                if next.change_table(program, page, descriptor) {
                    out.push((
                        Event::Update {
                            by: None,
                            page,
                            descriptor,
                        },
                        next,
                    ));
                }
            }
        }
    }
}
