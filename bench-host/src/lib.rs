// SPDX-License-Identifier: MIT OR Apache-2.0
//! The host's half: builds, runs, receives, aggregates, compares, reviews and reports.

// First: its macros are for all the others.
#[macro_use]
pub mod output;

pub mod aggregate;
pub mod break_even;
pub mod check;
pub mod cmd;
pub mod compare;
pub mod doors;
pub mod error;
pub mod evidence;
pub mod exit;
pub mod export;
pub mod host;
pub mod input;
pub mod interrupt;
pub mod kernel;
pub mod lava;
pub mod overhead;
pub mod plan;
pub mod process;
pub mod progress;
pub mod qemu;
pub mod receive;
pub mod rows;
pub mod session;
pub mod syndrome;
pub mod trace;
pub mod verify;
