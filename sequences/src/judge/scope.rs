// SPDX-License-Identifier: MIT OR Apache-2.0
//! The scopes of TLBIs: the widest of a sequence, and an operation with another one.

use crate::instruction::Instruction;
use crate::tlbi::{Scope, Tlbi, TlbiOp};

/// Returns the widest scope of the sequence's TLBIs.
pub(super) fn widest(sequence: &[Instruction]) -> Scope {
    let scopes = sequence.iter().filter_map(|instruction| match instruction {
        Instruction::Tlbi(tlbi) => Some(tlbi.op.scope()),
        _ => None,
    });
    scopes.max().unwrap_or(Scope::Local)
}

/// Returns the same operation with another scope.
pub(super) fn with_scope(tlbi: &Tlbi, scope: Scope) -> Option<Instruction> {
    let op = tlbi.op;
    let op = TlbiOp::new(op.target(), op.level(), scope, op.is_range(), op.is_nxs())?;
    Some(Instruction::Tlbi(Tlbi {
        op,
        operand: tlbi.operand,
    }))
}
