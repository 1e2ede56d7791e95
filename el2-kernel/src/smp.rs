// SPDX-License-Identifier: MIT OR Apache-2.0
//! The other PEs: how they are started, and how they are given jobs.

pub mod bring_up;
pub mod kept;
pub mod mailbox;
pub mod power;
pub mod stress;
