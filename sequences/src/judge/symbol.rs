// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the programs that decide a question name, and those that tell of them know again.

use crate::instruction::Instruction;
use crate::machine::Symbol;

/// The changed page, its frame and its descriptor.
pub(super) const X: Symbol = Symbol(0);
/// Another page that maps the frame of `x`.
pub(super) const ALIAS: Symbol = Symbol(1);
/// The message.
pub(super) const FLAG: Symbol = Symbol(2);

/// Returns which instruction of the sequence an operation of PE 0 is.
pub(super) fn sequence_index(pc: u16, sequence: &[Instruction]) -> Option<usize> {
    usize::from(pc).checked_sub(1).filter(|at| *at < sequence.len())
}
