// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the entry point to the runtime address, and what proves that the way there did its work.

pub mod default_plan;

#[cfg(target_os = "none")]
pub mod again;
#[cfg(target_os = "none")]
pub mod early;
#[cfg(target_os = "none")]
pub mod kernel_map;
#[cfg(target_os = "none")]
pub mod path;
#[cfg(target_os = "none")]
pub mod proof;
#[cfg(target_os = "none")]
pub mod rehearsal;
#[cfg(target_os = "none")]
pub mod switch;
