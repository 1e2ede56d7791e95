// SPDX-License-Identifier: MIT OR Apache-2.0
//! What happens without a choice: fetching, evaluating registers, finishing barriers.
//!
//! Fetching runs ahead of execution and assumes that no access faults; a conditional branch whose register is not
//! known yet is followed both ways, and the wrong way dies when the register becomes known. That is speculation
//! without roll-back: a speculated store or TLBI waits for the branch, a speculated load has no effect to undo.

use super::alu::{condition_holds, evaluate};
use super::descriptor::FaultKind;
use super::event::MachineError;
use super::order::{applies_to, inputs};
use super::program::{
    Atomic, Condition, FLAGS_REGISTER, FaultHandling, LINK_REGISTER, Op, Pages, Program, Source, TlbiTarget, Value,
    ZERO_REGISTER,
};
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
        let pc = state.pes[thread].pc;
        let op = &code.ops[usize::from(pc)];
        let return_to = match op {
            Op::Eret => match state.link(program, thread) {
                Link::Exception => Some(state.pes[thread].return_to),
                Link::Written(Some(Value::Code(_, to))) => Some(to),
                // Where it returns to is not known yet.
                Link::Written(None) => return Ok(Some(fetched)),
                Link::Written(Some(_)) => {
                    return Err(MachineError::Address {
                        thread: thread as u8,
                        pc,
                    });
                }
            },
            _ => None,
        };
        fetched = true;
        let pe = &mut state.pes[thread];
        let mut flags = if core::mem::take(&mut pe.again) { flag::AGAIN } else { 0 };
        let mut next = pc + 1;
        let mut link = Value::Int(0);
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
                next = return_to.unwrap_or(pe.return_to);
                pe.in_handler = false;
            }
            Op::Svc | Op::Udf => {
                flags |= flag::FAULTS | flag::DONE;
                let after = if *op == Op::Udf { pc } else { next };
                link = Value::Code(thread as u8, after);
                match (code.handler, pe.in_handler) {
                    (Some(_), true) => return Ok(None),
                    (Some(handler), false) => {
                        pe.return_to = after;
                        pe.in_handler = true;
                        next = handler;
                    }
                    (None, _) if program.rules.faults == FaultHandling::Fatal => pe.ended = true,
                    (None, _) if *op == Op::Udf && program.rules.faults == FaultHandling::Handled => pe.ended = true,
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
            fault: (*op == Op::Udf).then_some(FaultKind::Undefined),
            location: NONE,
            version: 0,
            forwarded: NONE,
            inputs: [NONE; 3],
            applied: 0,
            awaited_access: 0,
            awaited_walk: 0,
            value: link,
            update: NONE,
        };
        for (input, register) in slot.inputs.iter_mut().zip(inputs(op)) {
            *input = register.map_or(NONE, |register| state.producer(program, thread, at, register));
        }
        state.pes[thread].slots.push(slot);
        if let Op::Select { condition, .. } = *op
            && branch_taken(program, state, thread, at, Condition::Flags(condition)).is_none()
        {
            // The choice is followed both ways.
            let mut taken = state.clone();
            taken.pes[thread].slots[at].flags |= flag::TAKEN;
            if go_to(&mut taken, thread, pc, next) {
                forks.push(taken);
            }
        }
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
        // A return counts where it goes back before the exception.
        let from = match return_to {
            Some(to) if to >= state.pes[thread].return_to => 0,
            _ => pc,
        };
        if !go_to(state, thread, from, next) {
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
    if next <= pc && pc != 0 {
        pe.rounds += 1;
    }
    pe.rounds <= ROUND_LIMIT
}

fn branch_taken(program: &Program, state: &State, thread: usize, at: usize, condition: Condition) -> Option<bool> {
    let (register, wanted) = match condition {
        Condition::Always => return Some(true),
        Condition::Flags(condition) => {
            let place = if matches!(state.op(program, thread, at), Op::Select { .. }) {
                2
            } else {
                0
            };
            let flags = state.input(program, thread, at, place, FLAGS_REGISTER)?;
            return condition_holds(condition, flags);
        }
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
        let synchronizes = program.rules.entry_synchronizes || *state.op(program, thread, at) != Op::Svc;
        if !slot.has(flag::SYNCED) && (!synchronizes || state.may_synchronize(program, thread, at)) {
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
            let (Some(a), Some(b)) = (
                state.source(program, thread, at, 0, a),
                state.source(program, thread, at, 1, b),
            ) else {
                return Ok(Some(false));
            };
            let value = evaluate(program, op, a, b).ok_or(MachineError::Arithmetic {
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
        Op::Select { condition, a, b, .. } => {
            let known = branch_taken(program, state, thread, at, Condition::Flags(condition));
            if !slot.has(flag::READ) {
                let first = known.unwrap_or(slot.has(flag::TAKEN));
                let value = if first {
                    state.source(program, thread, at, 0, a)
                } else {
                    state.source(program, thread, at, 1, b)
                };
                let Some(value) = value else {
                    return Ok(Some(false));
                };
                let slot = &mut state.pes[thread].slots[at];
                slot.value = value;
                slot.flags |= flag::READ | if first { flag::TAKEN } else { 0 };
                return Ok(Some(true));
            }
            match known {
                Some(first) if first == slot.has(flag::TAKEN) => set(state, flag::DONE),
                Some(_) => Ok(None),
                None => Ok(Some(false)),
            }
        }
        // A comparison that fails ends the instruction; one that must fail and does not was another execution.
        Op::Atomic {
            op: Atomic::CompareAndSwap,
            to,
            ..
        } if slot.has(flag::READ) => match state.input(program, thread, at, 1, to) {
            Some(compared) if compared != slot.value => {
                state.pes[thread].slots[at].awaited_access = 0;
                set(state, flag::DONE)
            }
            Some(_) if slot.has(flag::FAILS) => Ok(None),
            _ => Ok(Some(false)),
        },
        Op::Dsb(_) | Op::DsbNxs(_) if state.dsb_finished(program, thread, at) => set(state, flag::DONE),
        Op::Isb if state.may_synchronize(program, thread, at) => set(state, flag::DONE | flag::SYNCED),
        Op::Eret if !program.rules.return_synchronizes || state.may_synchronize(program, thread, at) => {
            set(state, flag::DONE | flag::SYNCED)
        }
        Op::Tlbi { scope, target, .. } if !slot.has(flag::WALKED) && state.may_invalidate(program, thread, at) => {
            // Reaching a TLB that cannot hold anything stale has no effect and waits for nothing.
            let pages = covered(program, state, thread, at, target);
            let applies = (0..state.pes.len()).any(|other| applies_to(program, thread, other, scope));
            if !applies || pages.0 & program.written.0 == 0 {
                return set(state, flag::DONE);
            }
            Ok(Some(false))
        }
        Op::Load { .. } | Op::Store { .. } | Op::Atomic { .. } if !slot.has(flag::WALKED) => {
            let address = Err(MachineError::Address {
                thread: thread as u8,
                pc: slot.pc,
            });
            let (location, fault) = match state.address(program, thread, at) {
                None if state.address_is_wrong(program, thread, at) => return address,
                None => return Ok(Some(false)),
                // Tables are no affair of EL0.
                Some(Value::Table(_)) if program.threads[thread].user => {
                    if !state.fault_may_be_walked(program, thread, at, FaultKind::Permission) {
                        return Ok(Some(false));
                    }
                    (usize::from(NONE), Some(FaultKind::Permission))
                }
                Some(Value::Table(page)) => (program.frames.len() + usize::from(page.0), None),
                Some(Value::Address(page) | Value::Element(page, _)) if program.written.contains(page) => {
                    return Ok(Some(false));
                }
                Some(Value::Address(page) | Value::Element(page, _)) => {
                    let descriptor = &program.descriptors[usize::from(program.tables[usize::from(page.0)])];
                    let (access, user) = (state.access_kind(program, thread, at), state.user(program, thread));
                    match descriptor.translate(access, user, program.threads[thread].updates) {
                        Ok((frame, _)) => match program.location_in(frame, state.offset(program, thread, at)) {
                            Some(location) => (usize::from(location), None),
                            None => return address,
                        },
                        Err(kind) if !state.fault_may_be_walked(program, thread, at, kind) => return Ok(Some(false)),
                        Err(kind) => (usize::from(NONE), Some(kind)),
                    }
                }
                Some(_) => return address,
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

/// Where an exception return goes.
enum Link {
    /// To where the last exception came from.
    Exception,
    /// To what the handler wrote, once that is known.
    Written(Option<Value>),
}

impl State {
    /// Returns where an exception return fetched now would go.
    fn link(&self, program: &Program, thread: usize) -> Link {
        let slots = &self.pes[thread].slots;
        match self.producer(program, thread, slots.len(), LINK_REGISTER) {
            NONE => Link::Exception,
            at => {
                let slot = &slots[usize::from(at)];
                if slot.faults() {
                    return Link::Exception;
                }
                Link::Written(slot.has(flag::DONE).then_some(slot.value))
            }
        }
    }

    fn source(&self, program: &Program, thread: usize, at: usize, input: usize, source: Source) -> Option<Value> {
        match source {
            Source::Immediate(value) => Some(Value::Int(value)),
            Source::Code(pc) => Some(Value::Code(thread as u8, pc)),
            Source::Register(register) => self.input(program, thread, at, input, register),
        }
    }

    /// Returns whether the registers of an address are known and make none.
    fn address_is_wrong(&self, program: &Program, thread: usize, at: usize) -> bool {
        let inputs = inputs(self.op(program, thread, at));
        inputs[..2].iter().enumerate().all(|(place, register)| {
            register.is_none_or(|register| self.input(program, thread, at, place, register).is_some())
        })
    }

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
