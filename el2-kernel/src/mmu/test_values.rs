// SPDX-License-Identifier: MIT OR Apache-2.0
//! What tells the pages under test from each other.

/// What the pages before a change hold, or return when called, and what a freed page holds until it is reused.
pub const OLD: u64 = 0x1111;
/// What the pages after a change hold, or return when called.
pub const NEW: u64 = 0x2222;
/// What a new owner writes into a freed page.
pub const SECRET: u64 = 0x3333;
