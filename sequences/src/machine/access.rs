// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loads and stores, and the coherence of one location.

use super::event::{Event, MachineError};
use super::order::Effect;
use super::program::{Op, Program, Value};
use super::state::{NONE, Slot, State, flag};
use alloc::vec::Vec;

impl State {
    pub(super) fn load(&self, program: &Program, thread: usize, at: usize, out: &mut Vec<(Event, State)>) {
        if !self.may_access(program, thread, at, Effect::Load) {
            return;
        }
        let slots = &self.pes[thread].slots;
        let location = slots[at].location;
        let same = |slot: &Slot| slot.location == location && !slot.has(flag::FAULTS);
        let is_store = |index: usize| matches!(self.op(program, thread, index), Op::Store { .. });
        let forwarding = (0..at)
            .rev()
            .find(|index| is_store(*index) && same(&slots[*index]) && !slots[*index].has(flag::DONE));
        let (value, version, forwarded) = match forwarding {
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

    pub(super) fn store(
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
}
