// SPDX-License-Identifier: MIT OR Apache-2.0
//! Emitted code: a sequence under test is written as words, and never compiled.

pub mod emit;
pub mod operands;
pub mod planted;

#[cfg(target_os = "none")]
pub mod arena;
#[cfg(target_os = "none")]
pub mod call;
#[cfg(target_os = "none")]
pub mod resident;
