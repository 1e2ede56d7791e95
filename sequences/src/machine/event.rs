// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can happen, and why a program cannot be explored.

use super::descriptor::FaultKind;
use super::program::{Page, Value};
use core::fmt;

/// An event, by the PE and the operation it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The walker, or the TLB, gives the access its translation.
    Walk {
        /// The PE.
        thread: u8,
        /// The operation.
        pc: u16,
        /// The page.
        page: Page,
        /// The descriptor used, by index.
        descriptor: u8,
        /// The descriptor came from the TLB and is no longer the one in memory.
        stale: bool,
    },
    /// A load is satisfied.
    Load {
        /// The PE.
        thread: u8,
        /// The operation.
        pc: u16,
        /// The value.
        value: Value,
        /// The frame or table read: frames first, then tables.
        location: u8,
    },
    /// A store reaches memory, where every PE and walker sees it.
    Store {
        /// The PE.
        thread: u8,
        /// The operation.
        pc: u16,
        /// The value.
        value: Value,
        /// The frame or table written: frames first, then tables.
        location: u8,
    },
    /// A walker sets the access flag or the dirty state in a descriptor (FEAT_HAFDBS).
    Update {
        /// The PE and the operation whose walk asked for it; none where the walker did it on its own.
        by: Option<(u8, u16)>,
        /// The page.
        page: Page,
        /// The descriptor written, by index.
        descriptor: u8,
    },
    /// An exception is taken.
    Fault {
        /// The PE.
        thread: u8,
        /// The operation.
        pc: u16,
        /// The fault.
        kind: FaultKind,
    },
    /// A TLBI takes effect on a PE.
    Invalidate {
        /// The PE that executed it.
        thread: u8,
        /// The operation.
        pc: u16,
        /// The PE whose TLB it reaches.
        on: u8,
    },
}

/// Why a program cannot be explored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MachineError {
    /// A path has more operations than the limit.
    PathTooLong {
        /// The PE.
        thread: u8,
        /// The limit.
        limit: usize,
    },
    /// There are more states than the limit.
    TooManyStates {
        /// The limit.
        limit: usize,
    },
    /// There are more invalidations than the limit.
    TooManyInvalidations {
        /// The limit.
        limit: usize,
    },
    /// An operation on values this machine does not calculate with.
    Arithmetic {
        /// The PE.
        thread: u8,
        /// The operation.
        pc: u16,
    },
    /// An access to something that is neither a page nor a descriptor.
    Address {
        /// The PE.
        thread: u8,
        /// The operation.
        pc: u16,
    },
    /// A store of something else than a descriptor to a table.
    NotADescriptor {
        /// The PE.
        thread: u8,
        /// The operation.
        pc: u16,
    },
}

impl fmt::Display for MachineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PathTooLong { thread, limit } => write!(f, "P{thread} executes more than {limit} instructions"),
            Self::TooManyStates { limit } => write!(f, "more than {limit} states"),
            Self::TooManyInvalidations { limit } => write!(f, "more than {limit} invalidations"),
            Self::Arithmetic { thread, pc } => {
                write!(
                    f,
                    "P{thread}, instruction {pc}: arithmetic on an address or a descriptor is not modelled"
                )
            }
            Self::Address { thread, pc } => {
                write!(
                    f,
                    "P{thread}, instruction {pc}: accesses something that is not the start of a page"
                )
            }
            Self::NotADescriptor { thread, pc } => {
                write!(
                    f,
                    "P{thread}, instruction {pc}: stores something else than a descriptor to a table"
                )
            }
        }
    }
}

impl core::error::Error for MachineError {}
