// SPDX-License-Identifier: MIT OR Apache-2.0
//! The processor: one instruction, one function; what it implements, what it counts, and accesses that may fault.

pub mod features;

#[cfg(target_os = "none")]
pub mod instructions;
#[cfg(target_os = "none")]
pub mod pmu;
#[cfg(target_os = "none")]
pub mod probe;
#[cfg(target_os = "none")]
pub mod regime;
