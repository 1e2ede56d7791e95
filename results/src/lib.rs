// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel and the host must agree on: the plan that goes in, the records that come out, and their meaning.
//!
//! The core is `no_std` and is compiled into both sides, so a field cannot mean one thing to the writer and another to
//! the reader. The `std` feature adds the host's half.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

pub mod check;
#[cfg(feature = "std")]
mod ids;
pub mod image;
#[cfg(feature = "std")]
pub mod manifest;
pub mod plan;
pub mod record;
pub mod scenario;
#[cfg(feature = "std")]
pub mod store;
pub mod verdict;
pub mod wire;

/// The version of the record schema, in the first line of every stream and the manifest of every run.
///
/// A reader refuses a newer version; a field added at the end of a record does not change it.
pub const SCHEMA_VERSION: u32 = 1;
