// SPDX-License-Identifier: MIT OR Apache-2.0
//! Errata that change what a TLB maintenance sequence needs.
//!
//! [`TABLE`] goes from part and revision to the need; [`Cpu`] names a part and revision, as `neoverse-n1@r3p1` or as a
//! MIDR value. The judge takes the rows of a CPU into account; for "any" CPU it lists them as notes.

mod cpu;
mod table;

pub use cpu::{Cpu, CpuError, PARTS, Part, Revision};
pub use table::{Affected, Erratum, Need, TABLE, affecting};
