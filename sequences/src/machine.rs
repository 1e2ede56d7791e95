// SPDX-License-Identifier: MIT OR Apache-2.0
//! The abstract machine: walkers, TLBs and memory of several PEs, explored exhaustively.
//!
//! A program is executed one *event* at a time, in any order the architecture does not forbid: a table walk, a load,
//! a store, a fault, or the effect of a TLBI on one PE. Nothing else is visible between PEs. The order rules are the
//! ones of the Arm ARM's memory model as far as translation is concerned; `docs/abstract-machine.md` lists them with
//! everything the machine assumes. Two things make the state small enough to be explored in full:
//!
//! - A TLB is kept as the set of *stale* descriptors a PE may still hold for a page. Whatever is in memory can be
//!   walked at any time, so only overwritten descriptors need remembering; a TLBI empties the set.
//! - A barrier is not an event. It is finished as soon as it may be, because finishing it early never hides a
//!   behaviour: it only lets later events happen.
//!
//! The litmus reader and the judge both run on this machine; neither knows the order rules itself.

mod access;
mod alu;
mod descriptor;
mod event;
mod explore;
mod hash;
mod invalidate;
mod order;
mod program;
mod settle;
mod state;
mod step;

pub(crate) use descriptor::bits;
pub use descriptor::{Attribute, Descriptor, FaultKind, Symbol};
pub use event::{Event, MachineError};
pub use explore::{Exploration, Explorer, Limits, Outcome};
pub use program::{
    Acquire, Alu, Atomic, Condition, FLAGS_REGISTER, FaultHandling, FlagCondition, HardwareUpdates, LINK_REGISTER,
    Layers, Op, Page, Pages, Placement, Program, REGISTERS, Register, Rules, Source, Thread, TlbiTarget, Value,
    Walkers, ZERO_REGISTER,
};
pub use state::{FaultRecord, State};
