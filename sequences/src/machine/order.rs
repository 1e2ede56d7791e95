// SPDX-License-Identifier: MIT OR Apache-2.0
//! When an event may happen: the order rules.
//!
//! Each function looks only at operations earlier in program order, and says whether one of them holds the event
//! back. Rules are named after the effects of the Arm ARM's memory model (section B2.3): dependency-,
//! barrier-, DSB- and IFB-ordered-before.

use super::program::{Acquire, Alu, Atomic, FLAGS_REGISTER, Op, Program, Source, TlbiTarget, Value, ZERO_REGISTER};
use super::state::{NONE, Slot, State, flag};
use crate::instruction::{Access, Barrier, Domain};
use crate::tlbi::Scope;

/// The events of an access after its walk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Load,
    Store,
    Fault,
}

/// Accesses of one kind that have not happened yet.
#[derive(Default)]
struct Pending {
    loads: bool,
    stores: bool,
}

impl Pending {
    fn any(&self, access: Access) -> bool {
        match access {
            Access::All => self.loads || self.stores,
            Access::Loads => self.loads,
            Access::Stores => self.stores,
        }
    }
}

impl State {
    /// Returns the page an access goes through, once its address is known; `None` for a table address.
    pub(super) fn page_of(&self, program: &Program, thread: usize, at: usize) -> Option<super::Page> {
        match *self.op(program, thread, at) {
            Op::Fetch(page) => Some(page),
            Op::Load { .. } | Op::Store { .. } | Op::Atomic { .. } => match self.address(program, thread, at) {
                Some(Value::Address(page) | Value::Element(page, _)) => Some(page),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns how far into its page an access goes.
    pub(super) fn offset(&self, program: &Program, thread: usize, at: usize) -> u16 {
        match self.address(program, thread, at) {
            Some(Value::Element(_, offset)) => offset,
            _ => 0,
        }
    }

    /// Returns the address of a load or store, once it is known.
    pub(super) fn address(&self, program: &Program, thread: usize, at: usize) -> Option<Value> {
        let (base, index) = match *self.op(program, thread, at) {
            Op::Load { base, index, .. } | Op::Store { base, index, .. } => (base, index),
            Op::Atomic { base, .. } => (base, None),
            _ => return None,
        };
        let base = self.input(program, thread, at, 0, base)?;
        match index {
            None => Some(base),
            Some(index) => {
                let index = match index {
                    Source::Register(register) => self.input(program, thread, at, 1, register)?,
                    Source::Immediate(offset) => Value::Int(offset),
                    Source::Code(pc) => Value::Code(thread as u8, pc),
                };
                super::alu::evaluate(program, Alu::Add, base, index)
            }
        }
    }

    /// Returns whether every context synchronization event, fetch and (where `barriers` is set) DSB before `at` is
    /// finished.
    fn in_context(&self, program: &Program, thread: usize, at: usize, barriers: bool, fetches: bool) -> bool {
        self.pes[thread].slots[..at].iter().all(|slot| {
            if slot.faults() {
                return slot.has(flag::SYNCED);
            }
            match program.threads[thread].ops[usize::from(slot.pc)] {
                Op::Isb | Op::Svc | Op::Udf | Op::Eret => slot.has(flag::SYNCED),
                Op::Dsb(_) | Op::DsbNxs(_) => !barriers || slot.has(flag::DONE),
                Op::Fetch(_) => !fetches || slot.has(flag::DONE),
                _ => true,
            }
        })
    }

    /// Returns whether the walk of the access at `at` may happen.
    ///
    /// Walks are held back by context synchronization alone; a DSB holds them back only with FEAT_ETS2, and never
    /// those of an instruction fetch.
    pub(super) fn may_walk(&self, program: &Program, thread: usize, at: usize) -> bool {
        let fetch = matches!(self.op(program, thread, at), Op::Fetch(_));
        let ets = (program.rules.ets2 || program.rules.ets3) && !fetch;
        (fetch || self.address(program, thread, at).is_some()) && self.in_context(program, thread, at, ets, !fetch)
    }

    /// Returns whether every explicit access before `at` has happened: with FEAT_ETS2 a faulting walk waits for it.
    pub(super) fn accesses_done(&self, program: &Program, thread: usize, at: usize) -> bool {
        self.pes[thread].slots[..at].iter().all(|slot| {
            let access = matches!(
                program.threads[thread].ops[usize::from(slot.pc)],
                Op::Load { .. } | Op::Store { .. } | Op::Atomic { .. }
            );
            !access || slot.has(flag::DONE) || slot.faults()
        })
    }

    /// Returns whether the access at `at`, whose walk is done, may happen or fault.
    pub(super) fn may_access(&self, program: &Program, thread: usize, at: usize, effect: Effect) -> bool {
        let access = &self.pes[thread].slots[at];
        let (acquire, release) = match *self.op(program, thread, at) {
            Op::Load { acquire, .. } => (acquire == Acquire::Full, false),
            Op::Atomic { acquire, release, .. } => (acquire, release && effect == Effect::Store),
            Op::Store { release, .. } => (false, release && effect == Effect::Store),
            _ => (false, false),
        };
        let mut pending = Pending::default();
        for slot in &self.pes[thread].slots[..at] {
            if slot.faults() {
                if !slot.has(flag::SYNCED) {
                    return false;
                }
                continue;
            }
            let done = slot.has(flag::DONE);
            let open = match program.threads[thread].ops[usize::from(slot.pc)] {
                Op::Isb | Op::Svc | Op::Udf | Op::Eret => slot.has(flag::SYNCED),
                Op::Dsb(_) | Op::DsbNxs(_) | Op::Fetch(_) => done,
                Op::Dmb(barrier) => match barrier.access {
                    Access::Stores => effect == Effect::Load || !pending.stores,
                    access => !pending.any(access),
                },
                Op::Branch { .. } => effect != Effect::Store || done,
                Op::Atomic {
                    acquire: acquires,
                    release: releases,
                    to,
                    ..
                } if !done => {
                    let read = slot.has(flag::READ);
                    // A value that is thrown away counts as no load to a barrier for loads.
                    pending.loads |= !read && to != ZERO_REGISTER;
                    pending.stores = true;
                    !(release || acquires && (!read || releases) || releases && acquire && effect == Effect::Load)
                        && (effect != Effect::Store || self.precedes_store(slot, access))
                }
                Op::Load { acquire: earlier, .. } if !done => {
                    pending.loads = true;
                    earlier == Acquire::No && !release && (effect != Effect::Store || self.precedes_store(slot, access))
                }
                Op::Store { release: earlier, .. } if !done => {
                    pending.stores = true;
                    !(release || earlier && acquire && effect == Effect::Load)
                        && (effect != Effect::Store || self.precedes_store(slot, access))
                }
                _ => true,
            };
            if !open {
                return false;
            }
        }
        effect != Effect::Store || self.picks_settled(program, thread, at)
    }

    /// Returns whether every predicted choice that feeds the operation at `at`, a branch before it, or the address of
    /// an access before it has turned out right: stores, walkers' writes and TLBIs are never speculated.
    fn picks_settled(&self, program: &Program, thread: usize, at: usize) -> bool {
        self.picks_before_settled(program, thread, at) && !self.feeds_on_prediction(program, thread, at)
    }

    /// As [`Self::picks_settled`], but what the operation itself stores may still be a prediction.
    fn picks_before_settled(&self, program: &Program, thread: usize, at: usize) -> bool {
        self.address_settled(program, thread, at)
            && (0..at).all(|earlier| match self.op(program, thread, earlier) {
                Op::Branch { .. } => !self.feeds_on_prediction(program, thread, earlier),
                _ => self.address_settled(program, thread, earlier),
            })
    }

    /// Returns whether no prediction feeds the address of an access.
    fn address_settled(&self, program: &Program, thread: usize, at: usize) -> bool {
        let count = match self.op(program, thread, at) {
            Op::Load { .. } | Op::Store { .. } => 2,
            Op::Atomic { .. } => 1,
            _ => 0,
        };
        let inputs = self.pes[thread].slots[at].inputs;
        !inputs[..count]
            .iter()
            .any(|input| self.is_predicted(program, thread, *input))
    }

    fn feeds_on_prediction(&self, program: &Program, thread: usize, at: usize) -> bool {
        let inputs = self.pes[thread].slots[at].inputs;
        inputs.iter().any(|input| self.is_predicted(program, thread, *input))
    }

    /// Returns whether a register value rests on a choice that is not certain yet.
    fn is_predicted(&self, program: &Program, thread: usize, producer: u8) -> bool {
        if producer == NONE {
            return false;
        }
        let at = usize::from(producer);
        match self.op(program, thread, at) {
            Op::Select { .. } => {
                !self.pes[thread].slots[at].has(flag::DONE) || self.feeds_on_prediction(program, thread, at)
            }
            Op::Alu { .. } => self.feeds_on_prediction(program, thread, at),
            _ => false,
        }
    }

    /// Returns whether the walker may write back what the access at `at` asked for.
    ///
    /// It is done for an access that is certain to be executed, as far as branches and the walks of earlier accesses
    /// go. Barriers hold it back as little as they hold back the walk.
    pub(super) fn may_update(&self, program: &Program, thread: usize, at: usize) -> bool {
        let ets = program.rules.ets2 || program.rules.ets3;
        self.in_context(program, thread, at, ets, true)
            && self.pes[thread].slots[..at].iter().all(|slot| {
                slot.faults()
                    || match program.threads[thread].ops[usize::from(slot.pc)] {
                        Op::Branch { .. } => slot.has(flag::DONE),
                        Op::Load { .. } | Op::Store { .. } | Op::Atomic { .. } => slot.has(flag::WALKED),
                        _ => true,
                    }
            })
            && self.picks_before_settled(program, thread, at)
    }

    /// Returns whether a store may overtake the unfinished access `earlier`: its walk is done, so that it can neither
    /// fault nor turn out to be at the same location.
    fn precedes_store(&self, earlier: &Slot, store: &Slot) -> bool {
        earlier.has(flag::WALKED) && earlier.location != store.location
    }

    /// Returns whether the TLBI at `at` may take effect on another PE although a DSB before it is not finished: one that
    /// orders nothing there.
    pub(super) fn may_invalidate_early(&self, program: &Program, thread: usize, at: usize, on: usize) -> bool {
        let orders_there = |slot: &Slot| match program.threads[thread].ops[usize::from(slot.pc)] {
            Op::Dsb(Barrier { domain, .. }) | Op::DsbNxs(domain) => program.reaches(
                thread,
                on,
                domain != Domain::NonShareable,
                matches!(domain, Domain::OuterShareable | Domain::FullSystem),
            ),
            _ => false,
        };
        program.rules.strict_store
            && self.in_context(program, thread, at, false, true)
            && self.pes[thread].slots[..at].iter().all(|slot| {
                let branch = matches!(program.threads[thread].ops[usize::from(slot.pc)], Op::Branch { .. });
                slot.has(flag::DONE) || !(branch || orders_there(slot))
            })
            && self.picks_settled(program, thread, at)
    }

    /// Returns whether the TLBI at `at` may take effect.
    pub(super) fn may_invalidate(&self, program: &Program, thread: usize, at: usize) -> bool {
        let Op::Tlbi { target, .. } = *self.op(program, thread, at) else {
            return false;
        };
        if let TlbiTarget::Register(register) = target
            && self.input(program, thread, at, 0, register).is_none()
        {
            return false;
        }
        self.may_execute(program, thread, at)
    }

    /// Returns whether an operation that is not speculated, and not an access, may be executed.
    pub(super) fn may_execute(&self, program: &Program, thread: usize, at: usize) -> bool {
        self.in_context(program, thread, at, true, true)
            && self.pes[thread].slots[..at].iter().all(|slot| {
                let branch = matches!(program.threads[thread].ops[usize::from(slot.pc)], Op::Branch { .. });
                !branch || slot.has(flag::DONE)
            })
            && self.picks_settled(program, thread, at)
    }

    /// Returns whether the DSB at `at` is finished.
    pub(super) fn dsb_finished(&self, program: &Program, thread: usize, at: usize) -> bool {
        let (access, domain, only_nxs) = match *self.op(program, thread, at) {
            Op::Dsb(barrier) => (barrier.access, barrier.domain, false),
            Op::DsbNxs(domain) => (Access::All, domain, true),
            _ => return true,
        };
        self.pes[thread].slots[..at].iter().all(|slot| {
            // What the walker still has to write counts for a DSB of both kinds alone.
            if slot.update != NONE && access == Access::All {
                return false;
            }
            if slot.has(flag::DONE) || slot.faults() {
                return true;
            }
            match program.threads[thread].ops[usize::from(slot.pc)] {
                Op::Load { .. } => access == Access::Stores,
                Op::Store { .. } => access == Access::Loads,
                Op::Atomic { to, .. } => access == Access::Loads && (slot.has(flag::READ) || to == ZERO_REGISTER),
                Op::Tlbi { id, scope, nxs, .. } => {
                    access != Access::All
                        || (only_nxs && !nxs)
                        || self.tlbi_complete(program, thread, slot, id, scope, domain)
                }
                _ => true,
            }
        })
    }

    /// Returns whether a TLBI has reached every PE of `domain` it applies to, and nothing there still relies on what
    /// it removed.
    fn tlbi_complete(
        &self,
        program: &Program,
        thread: usize,
        slot: &Slot,
        id: u8,
        scope: Scope,
        domain: Domain,
    ) -> bool {
        let needed = match scope {
            Scope::Local => Domain::NonShareable,
            Scope::InnerShareable => Domain::InnerShareable,
            Scope::OuterShareable => Domain::OuterShareable,
        };
        if program.rules.strict_completion && domain < needed {
            return true;
        }
        (0..self.pes.len())
            .filter(|other| applies_to(program, thread, *other, scope))
            .all(|other| {
                let ignores_domain = !program.rules.dsb_domain;
                let awaited = program.reaches(
                    thread,
                    other,
                    ignores_domain || domain != Domain::NonShareable,
                    ignores_domain || matches!(domain, Domain::OuterShareable | Domain::FullSystem),
                );
                let bit = 1_u32 << id;
                let relied_on = |other: &Slot| {
                    (other.awaited_access & bit != 0 && !other.has(flag::DONE))
                        || (other.awaited_walk & bit != 0 && !other.has(flag::WALKED))
                };
                !awaited || (slot.applied & (1 << other) != 0 && !self.pes[other].slots.iter().any(relied_on))
            })
    }

    /// Returns whether the context synchronization event at `at` may happen.
    pub(super) fn may_synchronize(&self, program: &Program, thread: usize, at: usize) -> bool {
        self.pes[thread].slots[..at].iter().all(|slot| {
            if slot.faults() {
                return slot.has(flag::SYNCED);
            }
            match program.threads[thread].ops[usize::from(slot.pc)] {
                Op::Isb | Op::Svc | Op::Udf | Op::Eret => slot.has(flag::SYNCED),
                Op::Dsb(_) | Op::DsbNxs(_) | Op::Branch { .. } | Op::Fetch(_) | Op::SetContext { .. } => {
                    slot.has(flag::DONE)
                }
                Op::Load { .. } | Op::Store { .. } | Op::Atomic { .. } => slot.has(flag::WALKED),
                _ => true,
            }
        }) && self.picks_before_settled(program, thread, at)
    }
}

/// Returns whether a TLBI of that scope, issued by `own`, has an effect on `other`.
pub(super) fn applies_to(program: &Program, issuer: usize, other: usize, scope: Scope) -> bool {
    program.is_walker(other) && program.reaches(issuer, other, scope != Scope::Local, scope == Scope::OuterShareable)
}

/// Returns the registers an operation reads, in the order of [`Slot::inputs`].
pub(super) fn inputs(op: &Op) -> [Option<u8>; 3] {
    let register = |source: Source| match source {
        Source::Register(register) => Some(register),
        Source::Immediate(_) | Source::Code(_) => None,
    };
    match *op {
        Op::Alu { a, b, .. } => [register(a), register(b), None],
        Op::Select { a, b, .. } => [register(a), register(b), Some(FLAGS_REGISTER)],
        Op::Load { base, index, .. } => [Some(base), index.and_then(register), None],
        Op::Store { from, base, index, .. } => [Some(base), index.and_then(register), Some(from)],
        Op::Atomic { op, base, from, to, .. } => [Some(base), (op == Atomic::CompareAndSwap).then_some(to), Some(from)],
        Op::Tlbi {
            target: TlbiTarget::Register(register),
            ..
        } => [Some(register), None, None],
        Op::Branch { condition, .. } => match condition {
            super::Condition::Always => [None; 3],
            super::Condition::Flags(_) => [Some(FLAGS_REGISTER), None, None],
            super::Condition::Zero(register) | super::Condition::NotZero(register) => [Some(register), None, None],
        },
        _ => [None; 3],
    }
}
