// SPDX-License-Identifier: MIT OR Apache-2.0
//! Litmus tests in the AArch64 VMSA format of herd7 and litmus7.
//!
//! A test is read with [`Test::parse`] and explored with [`Test::run`] on the abstract machine
//! ([`crate::machine`]); the result prints as herd7's does. What the reader does not model it refuses, with the line
//! and the reason: it never leaves something out and goes on. The accepted part of the format, and the header keys this
//! project adds to it, are described in `docs/litmus.md`.

mod assemble;
mod code;
mod condition;
mod error;
mod export;
mod extension;
mod init;
mod lexer;
mod names;
mod report;
mod run;
mod split;
mod test;

pub use condition::Quantifier;
pub use error::{LitmusError, LitmusErrorKind};
pub use export::{ExportError, Shape, export};
pub use report::{Observation, Report};
pub use test::{Options, Test};
