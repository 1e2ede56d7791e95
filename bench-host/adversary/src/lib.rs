// SPDX-License-Identifier: MIT OR Apache-2.0
//! A machine that runs the kernel image, unmodified, on a memory system as nasty as the architecture permits.
//!
//! It needs no emulator, is deterministic, and shows mistakes in TLB maintenance that neither an emulator nor most
//! processors show: a TLBI acts as late as it may, stores reach walkers as late as they may, and a TLB forgets nothing.
//!
//! Its rules are those of `docs/abstract-machine.md`, and each has its place:
//!
//! | rule | module |
//! | --- | --- |
//! | 1. a TLB forgets nothing, and walks are made ahead | `stale`, `tables` |
//! | 2. a TLBI takes effect as late as it may | `completion`, `invalidate` |
//! | 3. a descriptor store becomes visible as late as it may, then to all at once | `tables`, `completion` |
//! | 4. a translation register takes effect at context synchronization | `core`, `translate` |
//! | 5. without break-before-make: old, new, or a TLB conflict abort | `translate` |
//!
//! What of all this an execution shows is decided where a translation is used, by a [`Choice`].
//!
//! Loads, stores and instructions are otherwise made in program order, by one PE at a time; there are no caches.
#![forbid(unsafe_code)]

#[doc(hidden)]
pub mod a64;
mod choice;
mod code;
mod completion;
mod config;
mod core;
mod cpu;
mod descriptor;
mod error;
mod exception;
mod explore;
mod image;
mod invalidate;
mod machine;
mod micro;
mod options;
mod psci;
mod ram;
#[cfg(test)]
mod rules;
mod stale;
mod story;
mod sysreg;
mod tables;
mod translate;
mod tree;
mod uart;
mod view;
mod walk;

pub use choice::{Choice, Earliest, Latest, Point, Random, Scripted};
pub use error::{End, Error, Unimplemented, What};
pub use explore::{Bound, Explored, Schedule, explore};
pub use machine::{Counters, Machine};
pub use options::{Choices, Features, MAX_PES, Options};
pub use story::{Entry, Event, Story, Which, Why};
