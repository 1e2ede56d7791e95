// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a function or macro stands.

/// A function or macro, and its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// Its first line, as far as it is in sight.
    pub first: u32,
    /// Its last one.
    pub last: u32,
}
