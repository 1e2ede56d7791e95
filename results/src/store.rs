// SPDX-License-Identifier: MIT OR Apache-2.0
//! The run store: one folder per run.
//!
//! | file | content |
//! |---|---|
//! | `run.toml` | the [manifest](crate::manifest::Manifest), replaced as a whole |
//! | `samples.csv` | [`SampleRow`]: exact value counts per sequence, scenario, PE, event and batch |
//! | `batches.csv` | [`BatchRow`]: cycles and ticks of the generic timer per batch and PE |
//! | `overhead.csv` | [`OverheadRow`]: what taking the samples cost, in a run that was asked to time that |
//! | `litmus.csv` | [`LitmusRow`]: outcome counts per check, sequence, role and PE |
//! | `verdicts.csv` | [`VerdictRow`]: the class of every check and sequence |
//! | `boot.csv` | [`BootRow`]: how long each phase of the boot path took |
//! | `proofs.csv` | [`ProofRow`]: what the boot path proved about itself |
//! | `console.log` | every byte the console sent |
//!
//! Tables only grow, by whole rows, so a run whose host was killed can be read up to that moment. Nothing in
//! `samples.csv` and `litmus.csv` depends on the time or the host: a deterministic run stores the same bytes again.

mod error;
mod read;
mod room;
mod rows;
mod write;

pub use error::StoreError;
pub use read::{Rows, Run};
pub use rows::{BatchRow, BootRow, LitmusRow, OverheadRow, ProofRow, Row, SampleRow, VerdictRow};
pub use write::Store;

/// Name of the manifest in a run folder.
pub const MANIFEST: &str = "run.toml";
/// Name of the raw console log in a run folder.
pub const CONSOLE: &str = "console.log";
