// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checks for stale translations: `checks` goes through those of a plan, `trials` makes the trials of one.

pub mod expectation;
pub mod requirements;

#[cfg(target_os = "none")]
pub mod checks;
#[cfg(target_os = "none")]
pub mod context;
#[cfg(target_os = "none")]
pub mod guest;
#[cfg(target_os = "none")]
pub mod guest_map;
#[cfg(target_os = "none")]
pub mod message;
#[cfg(target_os = "none")]
pub mod regime;
#[cfg(target_os = "none")]
pub mod target;
#[cfg(target_os = "none")]
pub mod trial;
#[cfg(target_os = "none")]
pub mod trials;
#[cfg(target_os = "none")]
pub mod verdicts;
