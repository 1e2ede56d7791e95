// SPDX-License-Identifier: MIT OR Apache-2.0
//! One state of the machine: memory, what each TLB may still hold, and how far each PE has come.

use super::descriptor::{FaultKind, Symbol};
use super::hash::Fingerprint;
use super::program::{LINK_REGISTER, Op, Program, Register, Value, ZERO_REGISTER};
use alloc::vec::Vec;

/// No slot, no location.
pub(super) const NONE: u8 = u8::MAX;

/// The bits of [`Slot::flags`].
pub(super) mod flag {
    /// The walk is done and the location, or the fault, is known.
    pub(crate) const WALKED: u8 = 1;
    /// The event has happened, or the operation has been evaluated.
    pub(crate) const DONE: u8 = 2;
    /// The operation ends in an exception. For an access this is known with `WALKED`, and the path goes on from there;
    /// the fault as an event, which barriers order and a TLBI waits for, happens with `DONE`.
    pub(crate) const FAULTS: u8 = 4;
    /// The branch was followed as taken.
    pub(crate) const TAKEN: u8 = 8;
    /// The context synchronization event has happened (ISB, exception entry and return).
    pub(crate) const SYNCED: u8 = 16;
    /// The instruction is executed a second time after its fault was handled.
    pub(crate) const AGAIN: u8 = 32;
    /// The value is known: for an atomic instruction its load has happened, its store perhaps not; for a select the
    /// choice was predicted, and `DONE` says that it was right.
    pub(crate) const READ: u8 = 64;
    /// The atomic instruction must turn out to write nothing.
    pub(crate) const FAILS: u8 = 128;
}

/// One executed instance of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) pc: u16,
    pub(super) flags: u8,
    pub(super) fault: Option<FaultKind>,
    /// The location of the access, once walked: frames first, then tables.
    pub(super) location: u8,
    /// How many stores the location had seen when this load was satisfied from memory.
    pub(super) version: u8,
    /// The own store this load took its value from.
    pub(super) forwarded: u8,
    /// The slots that define the registers this operation reads; [`NONE`] for an initial register.
    pub(super) inputs: [u8; 3],
    /// For a TLBI: the PEs whose TLB it has reached.
    pub(super) applied: u8,
    /// The TLBIs whose completion waits for this access.
    pub(super) awaited_access: u32,
    /// The TLBIs whose completion waits for this walk.
    pub(super) awaited_walk: u32,
    /// The register value this operation produced.
    pub(super) value: Value,
    /// The descriptor the walker still has to write, by index; [`NONE`] for nothing.
    pub(super) update: u8,
}

impl Slot {
    pub(super) fn has(&self, flags: u8) -> bool {
        self.flags & flags == flags
    }
    fn fingerprint(&self, hasher: &mut Fingerprint) {
        const AWAITED: u8 = 64;
        const VALUE: u8 = 128;
        const UPDATE: u8 = 32;
        let awaited = u64::from(self.awaited_access) | u64::from(self.awaited_walk) << 32;
        let extra = if awaited != 0 { AWAITED } else { 0 }
            | if self.value == Value::Int(0) { 0 } else { VALUE }
            | if self.update == NONE { 0 } else { UPDATE };
        let fault = self.fault.map_or(0, |fault| fault as u8 + 1) | extra;
        let bytes = [
            self.flags,
            self.location,
            self.version,
            self.forwarded,
            self.applied,
            fault,
        ];
        let [a, b, c, d, e, f] = bytes;
        let [g, h] = self.pc.to_le_bytes();
        hasher.word(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
        if awaited != 0 {
            hasher.word(awaited);
        }
        if extra & VALUE != 0 {
            hasher.word(self.value.packed());
        }
        if extra & UPDATE != 0 {
            hasher.word(u64::from(self.update));
        }
    }

    /// Returns whether the operation ends in an exception.
    pub(super) fn faults(&self) -> bool {
        self.has(flag::FAULTS)
    }
}

/// One PE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PeState {
    pub(super) slots: Vec<Slot>,
    /// The next operation to fetch.
    pub(super) pc: u16,
    pub(super) ended: bool,
    pub(super) in_handler: bool,
    /// Where `eret` returns to.
    pub(super) return_to: u16,
    /// The next fetched operation is executed again after a fault.
    pub(super) again: bool,
    /// Backward branches and handled exceptions so far.
    pub(super) rounds: u8,
}

/// A fault that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FaultRecord {
    /// The PE.
    pub thread: u8,
    /// The operation.
    pub pc: u16,
    /// The page, where an access faulted; `svc` has none.
    pub page: Option<u8>,
    /// The fault; `None` for `svc`.
    pub kind: Option<FaultKind>,
    /// The fault was taken on the instruction fetch.
    pub fetch: bool,
}

/// The overwritten descriptors a TLB may still hold, as bits of the descriptor index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Stale {
    /// What an access may use. Contains `upper`: a leaf may be rebuilt from there at any time.
    pub(super) leaf: u64,
    pub(super) upper: u64,
}

/// A state of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub(super) pes: Vec<PeState>,
    /// Frames, then tables, then further locations of frames: the value and the number of stores so far.
    pub(super) memory: Vec<(Value, u8)>,
    /// Per PE and page.
    pub(super) stale: Vec<Stale>,
}

impl State {
    pub(super) fn initial(program: &Program) -> Self {
        let stale = program.tables.iter().enumerate().map(|(page, index)| {
            let recycled = program.recycled.contains(Symbol(page as u8));
            Stale {
                leaf: u64::from(recycled) << index,
                upper: 0,
            }
        });
        let tables = program.tables.iter().map(|index| (Value::Descriptor(*index), 0));
        Self {
            pes: program
                .threads
                .iter()
                .map(|_| PeState {
                    slots: Vec::with_capacity(16),
                    pc: 0,
                    ended: false,
                    in_handler: false,
                    return_to: 0,
                    again: false,
                    rounds: 0,
                })
                .collect(),
            memory: program
                .frames
                .iter()
                .map(|value| (*value, 0))
                .chain(tables)
                .chain(program.elements.iter().map(|(_, _, value)| (*value, 0)))
                .collect(),
            stale: program.threads.iter().flat_map(|_| stale.clone()).collect(),
        }
    }

    /// Returns the fingerprint of everything that decides what can follow, packed into few words. The inputs of a slot
    /// follow from the path and are left out.
    pub(super) fn fingerprint(&self) -> u128 {
        let mut hasher = Fingerprint::new();
        for pe in &self.pes {
            let bits = u64::from(pe.ended) | u64::from(pe.in_handler) << 1 | u64::from(pe.again) << 2;
            let position = u64::from(pe.pc) << 48 | u64::from(pe.return_to) << 32 | u64::from(pe.rounds) << 8;
            hasher.word(position | bits | (pe.slots.len() as u64) << 16);
            for slot in &pe.slots {
                slot.fingerprint(&mut hasher);
            }
        }
        for (value, version) in &self.memory {
            hasher.word(value.packed());
            hasher.word(u64::from(*version));
        }
        for stale in &self.stale {
            hasher.word(stale.leaf);
            if stale.upper != 0 {
                hasher.word(!stale.upper);
            }
        }
        hasher.finish128()
    }

    /// Returns the operation of a slot.
    pub(super) fn op<'p>(&self, program: &'p Program, thread: usize, slot: usize) -> &'p Op {
        &program.threads[thread].ops[usize::from(self.pes[thread].slots[slot].pc)]
    }

    /// Returns the value of an input register of a slot, once its producer has one.
    pub(super) fn input(
        &self,
        program: &Program,
        thread: usize,
        slot: usize,
        input: usize,
        register: Register,
    ) -> Option<Value> {
        if register == ZERO_REGISTER {
            return Some(Value::Int(0));
        }
        match self.pes[thread].slots[slot].inputs[input] {
            NONE => Some(program.threads[thread].registers[usize::from(register)]),
            producer => {
                let producer = &self.pes[thread].slots[usize::from(producer)];
                (producer.flags & (flag::DONE | flag::READ) != 0).then_some(producer.value)
            }
        }
    }

    /// Returns the slot that last wrote `register` before slot `before`.
    pub(super) fn producer(&self, program: &Program, thread: usize, before: usize, register: Register) -> u8 {
        let slots = &self.pes[thread].slots[..before];
        let writes = |slot: &Slot| match program.threads[thread].ops[usize::from(slot.pc)] {
            _ if slot.has(flag::FAULTS) => register == LINK_REGISTER,
            Op::Alu { to, .. } | Op::Select { to, .. } | Op::Load { to, .. } | Op::Atomic { to, .. } => to == register,
            _ => false,
        };
        slots.iter().rposition(writes).map_or(NONE, |at| at as u8)
    }

    /// Returns the final value of a register.
    #[must_use]
    pub fn register(&self, program: &Program, thread: usize, register: Register) -> Value {
        match self.producer(program, thread, self.pes[thread].slots.len(), register) {
            NONE => program.threads[thread].registers[usize::from(register)],
            producer => self.pes[thread].slots[usize::from(producer)].value,
        }
    }

    /// Returns the content of a frame.
    #[must_use]
    pub fn frame(&self, symbol: u8) -> Value {
        self.memory[usize::from(symbol)].0
    }

    /// Returns the content of a further location of a frame, by its place in [`Program::elements`].
    #[must_use]
    pub fn element(&self, program: &Program, at: usize) -> Value {
        self.memory[program.frames.len() + program.tables.len() + at].0
    }

    /// Returns the content of a page's descriptor.
    #[must_use]
    pub fn table(&self, program: &Program, page: u8) -> Value {
        self.memory[program.frames.len() + usize::from(page)].0
    }

    /// Returns the faults that were taken, PE by PE in program order.
    pub fn faults<'s>(&'s self, program: &'s Program) -> impl Iterator<Item = FaultRecord> + 's {
        self.pes.iter().enumerate().flat_map(move |(thread, pe)| {
            pe.slots
                .iter()
                .enumerate()
                .filter(|(_, slot)| slot.faults())
                .map(move |(at, slot)| {
                    let op = self.op(program, thread, at);
                    FaultRecord {
                        thread: thread as u8,
                        pc: slot.pc,
                        page: self.page_of(program, thread, at).map(|page| page.0),
                        kind: slot.fault,
                        fetch: matches!(op, Op::Fetch(_)),
                    }
                })
        })
    }
}
