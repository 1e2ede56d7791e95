// SPDX-License-Identifier: MIT OR Apache-2.0
//! A bare-metal kernel that boots through the identity-mapping-removal path of a hypervisor at EL2, times TLB
//! maintenance sequences with the PMU, checks them for stale translations, and prints what it saw.
//!
//! The order of things is in `run`. A folder uses only those below it (`tests/arrows.rs` keeps it so):
//!
//! ```text
//! head         entry point
//! run          the run: boot proofs, measure, check, end
//! boot         the boot path, and its proofs
//! check        checks for stale translations        measure      timing
//! smp          starting the other PEs, and giving them jobs
//! handover     what the boot path tells the rest
//! mmu          translation tables                   stub         emitted code
//! platform     console, firmware, exceptions, device tree
//! arch         instructions, PMU, probes            image        the linker's symbols      random
//! ```
//!
//! What needs an Arm processor is built for `aarch64-unknown-none` only; the rest (tables, slot arithmetic, emission,
//! counting, what to time and what a check needs) is plain code with unit tests that run on the host.
#![cfg_attr(target_os = "none", no_std, no_main)]
// On the host only the tests use what the bare-metal half would.
#![cfg_attr(not(target_os = "none"), allow(dead_code))]

mod arch;
mod boot;
mod check;
mod measure;
mod mmu;
mod platform;
mod random;
mod stub;

#[cfg(target_os = "none")]
mod handover;
#[cfg(target_os = "none")]
mod head;
#[cfg(target_os = "none")]
mod image;
#[cfg(target_os = "none")]
mod run;
#[cfg(target_os = "none")]
mod smp;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("el2-kernel runs on bare metal only: build it for aarch64-unknown-none, or use bench-host");
}
