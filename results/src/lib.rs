// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel and the host must agree on: the plan that goes in, the records that come out, and their meaning.
//!
//! The core is `no_std` and is compiled into both sides, so a field cannot mean one thing to the writer and another to
//! the reader. The `std` feature adds the host's half.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

pub mod check;
pub mod event;
#[cfg(feature = "std")]
pub mod file;
#[cfg(feature = "std")]
mod ids;
pub mod image;
#[cfg(feature = "std")]
pub mod manifest;
pub mod order;
pub mod plan;
pub mod record;
pub mod scenario;
#[cfg(feature = "std")]
pub mod store;
#[cfg(feature = "std")]
pub mod text;
pub mod verdict;
pub mod wire;

/// The version of the record schema, in the first line of every stream and the manifest of every run.
///
/// A reader refuses a newer version and reads every older one; a field added at the end of a record does not change it,
/// nor does a record that adds to what is known of the machine (an older reader names its line and calls the run
/// incomplete).
///
/// | version | what it brought |
/// |---|---|
/// | 1 | |
/// | 2 | scenarios: `counts` records in place of `sample`, a column `scenario` in `samples.csv`, `batches.csv`; later `machine` records |
/// | 3 | the role `no_tlbi`: a second bad control, barriers and no TLBI |
/// | 4 | a number of the boot in `start` records, and every other line bound to that line by its checksum; the tables are those of 3 |
pub const SCHEMA_VERSION: u32 = 4;
