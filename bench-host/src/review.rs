// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a patch, or a source tree, to evidence about its TLB maintenance sequences.
//!
//! The parts in the order in which text passes through them: [`input`] opens a patch and [`mail`] undoes its mail
//! encoding, [`diff`] reads hunks.

pub mod diff;
pub mod extract;
pub mod input;
pub mod mail;
