// SPDX-License-Identifier: MIT OR Apache-2.0
//! The host's half: builds, runs, receives, aggregates, compares, reviews and reports.

pub mod review;
