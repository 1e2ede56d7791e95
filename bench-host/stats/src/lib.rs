// SPDX-License-Identifier: MIT OR Apache-2.0
//! Exact, deterministic statistics over samples that are whole counts.
//!
//! Nothing here knows a run, a file or a device. Every random choice comes from a seed the caller passes in, so the
//! same samples and the same seed give the same interval on every machine. `docs/statistics.md` at the top of the repository says what each number
//! is for.

pub mod batch;
pub mod between;
pub mod bootstrap;
pub mod compare;
pub mod histogram;
pub mod holm;
pub mod line;
pub mod modes;
pub mod moments;
pub mod overhead;
pub mod rank;
pub mod shift;
pub mod signed_rank;
pub mod zero_events;

pub use bootstrap::{Interval, median_interval};
pub use histogram::Histogram;
