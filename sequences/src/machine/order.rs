// SPDX-License-Identifier: MIT OR Apache-2.0
//! When an event may happen: the order rules.
//!
//! Each function looks only at operations earlier in program order, and says whether one of them holds the event
//! back. Rules are named after the effects of the Arm ARM's memory model (section B2.3): dependency-,
//! barrier-, DSB- and IFB-ordered-before.

use super::program::{Alu, Op, Program, Source, TlbiTarget, Value};
use super::state::{Slot, State, flag};
use crate::instruction::{Access, Domain};
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
            Op::Load { .. } | Op::Store { .. } => match self.address(program, thread, at) {
                Some(Value::Address(page)) => Some(page),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns the address of a load or store, once it is known.
    pub(super) fn address(&self, program: &Program, thread: usize, at: usize) -> Option<Value> {
        let (base, index) = match *self.op(program, thread, at) {
            Op::Load { base, index, .. } | Op::Store { base, index, .. } => (base, index),
            _ => return None,
        };
        let base = self.input(program, thread, at, 0, base)?;
        match index {
            None => Some(base),
            Some(index) => Alu::Add.evaluate(base, self.input(program, thread, at, 1, index)?),
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
                Op::Isb | Op::Svc | Op::Eret => slot.has(flag::SYNCED),
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
                Op::Load { .. } | Op::Store { .. }
            );
            !access || slot.has(flag::DONE) || slot.faults()
        })
    }

    /// Returns whether the access at `at`, whose walk is done, may happen or fault.
    pub(super) fn may_access(&self, program: &Program, thread: usize, at: usize, effect: Effect) -> bool {
        let access = &self.pes[thread].slots[at];
        let (acquire, release) = match *self.op(program, thread, at) {
            Op::Load { acquire, .. } => (acquire, false),
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
                Op::Isb | Op::Svc | Op::Eret => slot.has(flag::SYNCED),
                Op::Dsb(_) | Op::DsbNxs(_) | Op::Fetch(_) => done,
                Op::Dmb(barrier) => match barrier.access {
                    Access::Stores => effect == Effect::Load || !pending.stores,
                    access => !pending.any(access),
                },
                Op::Branch { .. } => effect != Effect::Store || done,
                Op::Load { acquire: earlier, .. } if !done => {
                    pending.loads = true;
                    !earlier && !release && (effect != Effect::Store || self.precedes_store(slot, access))
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
        true
    }

    /// Returns whether a store may overtake the unfinished access `earlier`: its walk is done, so that it can neither
    /// fault nor turn out to be at the same location.
    fn precedes_store(&self, earlier: &Slot, store: &Slot) -> bool {
        earlier.has(flag::WALKED) && earlier.location != store.location
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
    }

    /// Returns whether the DSB at `at` is finished.
    pub(super) fn dsb_finished(&self, program: &Program, thread: usize, at: usize) -> bool {
        let (access, domain, only_nxs) = match *self.op(program, thread, at) {
            Op::Dsb(barrier) => (barrier.access, barrier.domain, false),
            Op::DsbNxs(domain) => (Access::All, domain, true),
            _ => return true,
        };
        self.pes[thread].slots[..at].iter().all(|slot| {
            if slot.has(flag::DONE) || slot.faults() {
                return true;
            }
            match program.threads[thread].ops[usize::from(slot.pc)] {
                Op::Load { .. } => access == Access::Stores,
                Op::Store { .. } => access == Access::Loads,
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
                Op::Isb | Op::Svc | Op::Eret => slot.has(flag::SYNCED),
                Op::Dsb(_) | Op::DsbNxs(_) | Op::Branch { .. } | Op::Fetch(_) | Op::SetContext { .. } => {
                    slot.has(flag::DONE)
                }
                Op::Load { .. } | Op::Store { .. } => slot.has(flag::WALKED),
                _ => true,
            }
        })
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
        Source::Immediate(_) => None,
    };
    match *op {
        Op::Alu { a, b, .. } => [register(a), register(b), None],
        Op::Load { base, index, .. } => [Some(base), index, None],
        Op::Store { from, base, index, .. } => [Some(base), index, Some(from)],
        Op::Tlbi {
            target: TlbiTarget::Register(register),
            ..
        } => [Some(register), None, None],
        Op::Branch { condition, .. } => match condition {
            super::Condition::Always => [None; 3],
            super::Condition::Zero(register) | super::Condition::NotZero(register) => [Some(register), None, None],
        },
        _ => [None; 3],
    }
}
