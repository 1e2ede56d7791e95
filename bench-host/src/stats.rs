// SPDX-License-Identifier: MIT OR Apache-2.0
//! Exact, deterministic statistics over samples that are whole counts.
//!
//! Nothing here knows a run, a file or a device. Every random choice comes from a seed the caller passes in, so the
//! same samples and the same seed give the same interval on every machine.

pub mod batch;
pub mod bootstrap;
pub mod compare;
pub mod histogram;
pub mod overhead;

pub use bootstrap::{Interval, median_interval};
pub use histogram::Histogram;
