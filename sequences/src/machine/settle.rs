// SPDX-License-Identifier: MIT OR Apache-2.0
//! What happens without a choice: fetching, evaluating registers, finishing barriers.
//!
//! Fetching runs ahead of execution and assumes that no access faults; a conditional branch whose register is not
//! known yet is followed both ways, and the wrong way dies when the register becomes known. That is speculation
//! without roll-back: a speculated store or TLBI waits for the branch, a speculated load has no effect to undo.

use super::descriptor::FaultKind;
use super::event::MachineError;
use super::order::{applies_to, inputs};
use super::program::{Condition, FaultHandling, Op, Pages, Program, Source, TlbiTarget, Value, ZERO_REGISTER};
use super::state::{NONE, Slot, State, flag};
use alloc::vec::Vec;

/// The longest path of one PE, counting repetitions.
pub(super) const PATH_LIMIT: usize = 96;
/// How often a path may branch backward or take a handled exception, as herd's default.
const ROUND_LIMIT: u8 = 2;

/// Settles `state`; pushes every resulting state. `cut` is set when a loop was cut off.
pub(super) fn settle(
    program: &Program,
    mut state: State,
    out: &mut Vec<State>,
    cut: &mut bool,
) -> Result<(), MachineError> {
    let mut forks: Vec<State> = Vec::new();
    loop {
        match settle_one(program, &mut state, &mut forks, cut)? {
            Settled::Dead => {}
            Settled::Live => out.push(state),
        }
        match forks.pop() {
            Some(next) => state = next,
            None => return Ok(()),
        }
    }
}

enum Settled {
    Live,
    Dead,
}

fn settle_one(
    program: &Program,
    state: &mut State,
    forks: &mut Vec<State>,
    cut: &mut bool,
) -> Result<Settled, MachineError> {
    loop {
        let mut changed = false;
        for thread in 0..state.pes.len() {
            match fetch(program, state, thread, forks, cut)? {
                None => return Ok(Settled::Dead),
                Some(fetched) => changed |= fetched,
            }
            for at in 0..state.pes[thread].slots.len() {
                match evaluate_slot(program, state, thread, at)? {
                    None => return Ok(Settled::Dead),
                    Some(progress) => changed |= progress,
                }
            }
        }
        if !changed {
            return Ok(Settled::Live);
        }
    }
}

/// Fetches up to the end of the thread. Returns `None` where the path is cut off.
fn fetch(
    program: &Program,
    state: &mut State,
    thread: usize,
    forks: &mut Vec<State>,
    cut: &mut bool,
) -> Result<Option<bool>, MachineError> {
    let code = &program.threads[thread];
    let mut fetched = false;
    while !state.pes[thread].ended {
        let at = state.pes[thread].slots.len();
        if at >= PATH_LIMIT {
            return Err(MachineError::PathTooLong {
                thread: thread as u8,
                limit: PATH_LIMIT,
            });
        }
        fetched = true;
        let pe = &mut state.pes[thread];
        let pc = pe.pc;
        let op = &code.ops[usize::from(pc)];
        let mut flags = if core::mem::take(&mut pe.again) { flag::AGAIN } else { 0 };
        let mut next = pc + 1;
        match op {
            Op::End => {
                pe.ended = true;
                continue;
            }
            Op::Nop => {
                pe.pc = next;
                continue;
            }
            Op::Eret => {
                next = pe.return_to;
                pe.in_handler = false;
            }
            Op::Svc => {
                flags |= flag::FAULTS | flag::DONE;
                match (code.handler, pe.in_handler) {
                    (Some(_), true) => return Ok(None),
                    (Some(handler), false) => {
                        pe.return_to = next;
                        pe.in_handler = true;
                        next = handler;
                    }
                    (None, _) if program.rules.faults == FaultHandling::Fatal => pe.ended = true,
                    (None, _) => {}
                }
            }
            Op::Branch {
                condition: Condition::Always,
                target,
            } => {
                flags |= flag::DONE | flag::TAKEN;
                next = *target;
            }
            _ => {}
        }
        let mut slot = Slot {
            pc,
            flags,
            fault: None,
            location: NONE,
            version: 0,
            forwarded: NONE,
            inputs: [NONE; 3],
            applied: 0,
            awaited_access: 0,
            awaited_walk: 0,
            value: Value::Int(0),
        };
        for (input, register) in slot.inputs.iter_mut().zip(inputs(op)) {
            *input = register.map_or(NONE, |register| state.producer(program, thread, at, register));
        }
        state.pes[thread].slots.push(slot);
        if let Op::Branch { condition, target } = *op
            && condition != Condition::Always
            && target != next
        {
            match branch_taken(program, state, thread, at, condition) {
                Some(true) => {
                    state.pes[thread].slots[at].flags |= flag::TAKEN | flag::DONE;
                    next = target;
                }
                Some(false) => state.pes[thread].slots[at].flags |= flag::DONE,
                None => {
                    let mut taken = state.clone();
                    taken.pes[thread].slots[at].flags |= flag::TAKEN;
                    if go_to(&mut taken, thread, pc, target) {
                        forks.push(taken);
                    } else {
                        *cut = true;
                    }
                }
            }
        }
        if !go_to(state, thread, pc, next) {
            *cut = true;
            return Ok(None);
        }
    }
    Ok(Some(fetched))
}

/// Moves on to `next`; returns whether the path may go there once more.
fn go_to(state: &mut State, thread: usize, pc: u16, next: u16) -> bool {
    let pe = &mut state.pes[thread];
    pe.pc = next;
    if next <= pc {
        pe.rounds += 1;
    }
    pe.rounds <= ROUND_LIMIT
}

fn branch_taken(program: &Program, state: &State, thread: usize, at: usize, condition: Condition) -> Option<bool> {
    let (register, wanted) = match condition {
        Condition::Always => return Some(true),
        Condition::Zero(register) => (register, true),
        Condition::NotZero(register) => (register, false),
    };
    let value = state.input(program, thread, at, 0, register)?;
    Some((value == Value::Int(0)) == wanted)
}

/// Evaluates what needs no choice at `at`. Returns `None` where a followed branch turns out wrong.
fn evaluate_slot(program: &Program, state: &mut State, thread: usize, at: usize) -> Result<Option<bool>, MachineError> {
    // A fault may have shortened the path.
    let Some(&slot) = state.pes[thread].slots.get(at) else {
        return Ok(Some(false));
    };
    if slot.faults() {
        if !slot.has(flag::SYNCED) && state.may_synchronize(program, thread, at) {
            state.pes[thread].slots[at].flags |= flag::SYNCED;
            return Ok(Some(true));
        }
        return Ok(Some(false));
    }
    if slot.has(flag::DONE) {
        return Ok(Some(false));
    }
    let set = |state: &mut State, flags: u8| {
        state.pes[thread].slots[at].flags |= flags;
        Ok(Some(true))
    };
    match *state.op(program, thread, at) {
        Op::Alu { op, a, b, .. } => {
            let value_of = |input: usize, source: Source| match source {
                Source::Immediate(value) => Some(Value::Int(value)),
                Source::Register(register) => state.input(program, thread, at, input, register),
            };
            let (Some(a), Some(b)) = (value_of(0, a), value_of(1, b)) else {
                return Ok(Some(false));
            };
            let value = op.evaluate(a, b).ok_or(MachineError::Arithmetic {
                thread: thread as u8,
                pc: slot.pc,
            })?;
            state.pes[thread].slots[at].value = value;
            set(state, flag::DONE)
        }
        Op::Branch { condition, target } => match branch_taken(program, state, thread, at, condition) {
            Some(taken) if taken == slot.has(flag::TAKEN) || target == slot.pc + 1 => set(state, flag::DONE),
            Some(_) => Ok(None),
            None => Ok(Some(false)),
        },
        Op::Dsb(_) | Op::DsbNxs(_) if state.dsb_finished(program, thread, at) => set(state, flag::DONE),
        Op::Isb | Op::Eret if state.may_synchronize(program, thread, at) => set(state, flag::DONE | flag::SYNCED),
        Op::Tlbi { scope, target, .. } if !slot.has(flag::WALKED) && state.may_invalidate(program, thread, at) => {
            // Reaching a TLB that cannot hold anything stale has no effect and waits for nothing.
            let pages = covered(program, state, thread, at, target);
            let applies = (0..state.pes.len()).any(|other| applies_to(program, thread, other, scope));
            if !applies || pages.0 & program.written.0 == 0 {
                return set(state, flag::DONE);
            }
            Ok(Some(false))
        }
        Op::Load { .. } | Op::Store { .. } if !slot.has(flag::WALKED) => {
            let (location, fault) = match state.address(program, thread, at) {
                None => return Ok(Some(false)),
                Some(Value::Table(page)) => (program.frames.len() + usize::from(page.0), None),
                Some(Value::Address(page)) if program.written.contains(page) => return Ok(Some(false)),
                Some(Value::Address(page)) => {
                    let descriptor = &program.descriptors[usize::from(program.tables[usize::from(page.0)])];
                    match descriptor.translate(state.access_kind(program, thread, at), state.user(program, thread)) {
                        Ok(frame) => (usize::from(frame.0), None),
                        Err(kind) if !state.fault_may_be_walked(program, thread, at, kind) => return Ok(Some(false)),
                        Err(kind) => (usize::from(NONE), Some(kind)),
                    }
                }
                Some(_) => {
                    return Err(MachineError::Address {
                        thread: thread as u8,
                        pc: slot.pc,
                    });
                }
            };
            state.pes[thread].slots[at].location = location as u8;
            match fault {
                Some(kind) => Ok(state.fault(program, thread, at, kind).then_some(true)),
                None => set(state, flag::WALKED),
            }
        }
        _ => Ok(Some(false)),
    }
}

/// Returns the pages the TLBI at `at` covers; its operand must be known.
pub(super) fn covered(program: &Program, state: &State, thread: usize, at: usize, target: TlbiTarget) -> Pages {
    match target {
        TlbiTarget::Pages(pages) => pages,
        TlbiTarget::Register(ZERO_REGISTER) => Pages::default(),
        TlbiTarget::Register(register) => match state.input(program, thread, at, 0, register) {
            Some(Value::Operand(page)) => Pages::one(page),
            _ => Pages::default(),
        },
    }
}

impl State {
    /// Returns whether the walk at `at` may end in a fault of that kind now.
    pub(super) fn fault_may_be_walked(&self, program: &Program, thread: usize, at: usize, kind: FaultKind) -> bool {
        let held = program.rules.ets3 || (program.rules.ets2 && kind.is_uncacheable());
        let fetch = matches!(self.op(program, thread, at), Op::Fetch(_));
        fetch || !held || self.accesses_done(program, thread, at)
    }

    /// Returns whether the PE is at EL0 now.
    pub(super) fn user(&self, program: &Program, thread: usize) -> bool {
        program.threads[thread].user && !self.pes[thread].in_handler
    }
}
