// SPDX-License-Identifier: MIT OR Apache-2.0
//! Timing: `batches` goes through the batches of a plan, `sampler` takes the samples.

pub mod other_pes;
pub mod round_order;
pub mod series;
pub mod tally;

#[cfg(target_os = "none")]
pub mod background_load;
#[cfg(target_os = "none")]
pub mod batches;
#[cfg(target_os = "none")]
pub mod introduction;
#[cfg(target_os = "none")]
pub mod sampler;
#[cfg(target_os = "none")]
pub mod stub_places;
