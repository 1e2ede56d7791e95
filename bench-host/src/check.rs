// SPDX-License-Identifier: MIT OR Apache-2.0
//! Conformance: which sequences a run checks where, what the counts mean, and how they are told.

pub mod against_judge;
pub mod histogram;
pub mod junit;
pub mod known;
pub mod ktap;
pub mod mutants;
pub mod page;
pub mod suite;
pub mod summary;
pub mod tally;
