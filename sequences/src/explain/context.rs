// SPDX-License-Identifier: MIT OR Apache-2.0
//! An instruction among the others of its sequence, and the sentences about it.

use crate::instruction::{Access, Barrier, Domain, Instruction};
use crate::register::ContextRegister;
use crate::tlbi::{Scope, Tlbi};
use alloc::string::String;

/// The three sentences about one instruction.
pub(super) struct Sentences {
    pub(super) does: String,
    pub(super) orders: String,
    pub(super) without_it: String,
}

impl Sentences {
    pub(super) fn new(does: impl Into<String>, orders: impl Into<String>, without_it: impl Into<String>) -> Self {
        Self {
            does: does.into(),
            orders: orders.into(),
            without_it: without_it.into(),
        }
    }
}

/// An instruction among the others.
pub(super) struct Context<'a> {
    pub(super) instructions: &'a [Instruction],
    pub(super) index: usize,
}

impl<'a> Context<'a> {
    /// Returns the register that was written since the last context synchronization event.
    pub(super) fn written(&self) -> Option<ContextRegister> {
        let isb = self
            .before()
            .iter()
            .rposition(|instruction| *instruction == Instruction::Isb);
        let since = &self.before()[isb.map_or(0, |at| at + 1)..];
        since.iter().rev().find_map(|instruction| match instruction {
            Instruction::Msr(register, _) => Some(*register),
            _ => None,
        })
    }

    pub(super) fn before(&self) -> &'a [Instruction] {
        &self.instructions[..self.index]
    }

    pub(super) fn after(&self) -> &'a [Instruction] {
        &self.instructions[self.index + 1..]
    }

    /// Returns the widest scope of the operations before this instruction that no DSB of their domain has completed.
    pub(super) fn outstanding(&self) -> Option<Scope> {
        let scope = |(index, instruction): (usize, &Instruction)| match instruction {
            Instruction::Tlbi(tlbi) => {
                let scope = tlbi.op.scope();
                let completed = self.before()[index..]
                    .iter()
                    .any(|later| completes(*later, Domain::covering(scope)));
                (!completed).then_some(scope)
            }
            _ => None,
        };
        self.before().iter().enumerate().filter_map(scope).max()
    }

    /// Returns whether an operation before this instruction may not have taken effect even on this PE.
    pub(super) fn outstanding_here(&self) -> bool {
        let last = self
            .before()
            .iter()
            .rposition(|instruction| completes(*instruction, Domain::NonShareable));
        tlbis(&self.before()[last.unwrap_or(0)..]).next().is_some()
    }

    pub(super) fn any_before(&self) -> bool {
        tlbis(self.before()).next().is_some()
    }

    pub(super) fn any_after(&self) -> bool {
        tlbis(self.after()).next().is_some()
    }
}

pub(super) fn tlbis(instructions: &[Instruction]) -> impl Iterator<Item = Tlbi> {
    instructions.iter().filter_map(|instruction| instruction.tlbi())
}

/// Returns whether an instruction completes invalidations on the PEs of a domain.
fn completes(instruction: Instruction, domain: Domain) -> bool {
    match instruction {
        Instruction::Dsb(Barrier {
            access: Access::All,
            domain: of_barrier,
        })
        | Instruction::DsbNxs(of_barrier) => of_barrier >= domain,
        _ => false,
    }
}

/// Returns the PEs of a domain, to follow "on" or "of".
pub(super) const fn pes(domain: Domain) -> &'static str {
    match domain {
        Domain::NonShareable => "this PE",
        Domain::InnerShareable => "every PE of the Inner Shareable domain",
        Domain::OuterShareable => "every PE of the Outer Shareable domain",
        Domain::FullSystem => "every PE of the system",
    }
}
