// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a litmus test is refused.

use crate::machine::MachineError;
use alloc::string::String;
use core::fmt;

/// A litmus test this reader refuses, with the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LitmusError {
    /// The line, from 1; 0 where the whole test is meant.
    pub line: usize,
    /// The reason.
    pub kind: LitmusErrorKind,
}

/// The reasons for refusing a litmus test.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LitmusErrorKind {
    /// The first line does not start with `AArch64`.
    NotAArch64(String),
    /// A part of the test is missing: the initial state, the code or the condition.
    Missing(&'static str),
    /// A character or word that does not belong here, and what was expected.
    Unexpected {
        /// What was found.
        found: String,
        /// What could have stood there.
        expected: &'static str,
    },
    /// An instruction this reader does not model.
    Instruction(String),
    /// An operand this reader does not model.
    Operand(String),
    /// A header key or value this reader does not model.
    Header(String),
    /// A descriptor field or attribute this reader does not model.
    Field(String),
    /// Something that is known, and lies outside what this machine is about.
    Outside {
        /// What.
        what: String,
        /// Why.
        why: &'static str,
    },
    /// A branch or a condition names a label that does not exist.
    Label(String),
    /// More symbols, threads or descriptors than the machine has room for.
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The test leaves what the machine models, or is too large for it.
    Machine(MachineError),
}

impl LitmusErrorKind {
    pub(super) fn at(self, line: usize) -> LitmusError {
        LitmusError { line, kind: self }
    }
}

impl fmt::Display for LitmusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        self.kind.fmt(f)
    }
}

impl fmt::Display for LitmusErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAArch64(found) => write!(f, "expected `AArch64 <name>`, found `{found}`"),
            Self::Missing(part) => write!(f, "the test has no {part}"),
            Self::Unexpected { found, expected } => write!(f, "expected {expected}, found `{found}`"),
            Self::Instruction(text) => write!(f, "instruction `{text}` is not read"),
            Self::Operand(text) => write!(f, "operand `{text}` is not read"),
            Self::Header(text) => write!(f, "header `{text}` is not read"),
            Self::Field(text) => write!(f, "descriptor field `{text}` is not read"),
            Self::Outside { what, why } => write!(f, "`{what}` is not read: {why}"),
            Self::Label(text) => write!(f, "label `{text}` does not exist"),
            Self::TooMany { what, limit } => write!(f, "more than {limit} {what}"),
            Self::Machine(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for LitmusError {}
