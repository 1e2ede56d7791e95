// SPDX-License-Identifier: MIT OR Apache-2.0
//! Judges the TLB maintenance that a kernel really executed: a sanitizer.
//!
//! A QEMU plugin (`plugin/`) records what an unmodified guest does ([`log`]): stores to its translation tables, barriers,
//! TLBIs, writes of translation registers. The judge replays the log, keeps what each descriptor and each PE's TLB may
//! hold, and finds changes whose maintenance the architecture does not regard as enough.
//!
//! A finding means that *the architecture permits* a stale or missing translation there. It was not seen: QEMU hides it.
//!
//! | module | holds |
//! | --- | --- |
//! | [`log`] | events, and their binary form |
//! | [`registers`], [`format`](mod@format) | how a PE translates, and how tables are written |
//! | [`shadow`] | a copy of every table that a walk can reach |
#![forbid(unsafe_code)]

#[cfg(feature = "judge")]
pub mod compare;
#[cfg(feature = "judge")]
pub mod finding;
pub mod format;
#[cfg(feature = "judge")]
pub mod judge;
pub mod log;
pub mod registers;
#[cfg(feature = "judge")]
pub mod rules;
pub mod shadow;
#[cfg(feature = "judge")]
pub mod symbols;
