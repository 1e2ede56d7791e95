// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a TLBI is about where the sequence itself writes the registers that decide it.
//!
//! Which VMID `tlbi vmalls12e1` applies to is read from VTTBR_EL2, and whether `tlbi vmalle1` at EL2 is about EL1&0 or
//! EL2&0 from HCR_EL2. A write of them takes effect somewhere between itself and the next context synchronization
//! event: a TLBI in between may go by either value, and covers only what it covers with both.

use super::coverage::{Coverage, coverage};
use super::question::{Change, Question, Regime};
use crate::instruction::Instruction;
use crate::register::{ContextRegister, ContextValue};
use crate::tlbi::Tlbi;

/// The values a register may have for an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    /// That of the question.
    new: bool,
    /// Another.
    old: bool,
}

impl Held {
    const fn only(new: bool) -> Self {
        Self { new, old: !new }
    }

    fn values(self) -> impl Iterator<Item = bool> {
        [(true, self.new), (false, self.old)]
            .into_iter()
            .filter_map(|(value, possible)| possible.then_some(value))
    }
}

/// Returns the first value a sequence writes to a register.
fn first_write(sequence: &[Instruction], register: ContextRegister) -> Option<ContextValue> {
    sequence.iter().find_map(|instruction| match instruction {
        Instruction::Msr(written, value) if *written == register => Some(*value),
        _ => None,
    })
}

/// Returns what a register may hold at `at`; `initial` before the first write.
fn held(sequence: &[Instruction], at: usize, register: ContextRegister, initial: bool) -> Held {
    let mut held = Held::only(initial);
    let mut last = initial;
    for instruction in &sequence[..at] {
        match instruction {
            Instruction::Msr(written, value) if *written == register => {
                last = *value == ContextValue::New;
                held.new |= last;
                held.old |= !last;
            }
            Instruction::Isb => held = Held::only(last),
            _ => {}
        }
    }
    held
}

/// Returns the question as it is once the sequence's first write of VTTBR_EL2 has taken effect: its tables are those of
/// the VMID that is written as `{new}`. A sequence that begins with another value starts from what the question says.
pub(super) fn settled(question: &Question, sequence: &[Instruction]) -> Question {
    let mut settled = question.clone();
    settled.vmid_is_current |= first_write(sequence, ContextRegister::VttbrEl2) == Some(ContextValue::New);
    settled
}

/// Returns the question as it was before the sequence: for judging what is left of it when a write is taken out.
pub(crate) fn before(question: &Question, sequence: &[Instruction]) -> Question {
    let mut before = question.clone();
    before.vmid_is_current &= first_write(sequence, ContextRegister::VttbrEl2) != Some(ContextValue::New);
    before
}

/// Returns what the TLBI at `at` removes of the entry for sure.
pub(super) fn coverage_at(question: &Question, sequence: &[Instruction], at: usize, tlbi: &Tlbi) -> Coverage {
    use ContextRegister::{HcrEl2, VttbrEl2};
    let (vmid, hcr) = (first_write(sequence, VttbrEl2), first_write(sequence, HcrEl2));
    if vmid.is_none() && hcr.is_none() {
        return coverage(question, tlbi);
    }
    let initial_vmid = before(question, sequence).vmid_is_current;
    let vmid = match vmid {
        Some(_) => held(sequence, at, VttbrEl2, initial_vmid),
        None => Held::only(question.vmid_is_current),
    };
    let hcr = held(sequence, at, HcrEl2, hcr != Some(ContextValue::New));
    let mut all: Option<Coverage> = None;
    for vmid_is_current in vmid.values() {
        for as_asked in hcr.values() {
            let variant = Question {
                vmid_is_current,
                host: question.host == as_asked,
                ..question.clone()
            };
            let found = coverage(&variant, tlbi);
            all = Some(match all {
                None => found,
                Some(mut least) => {
                    least.layers.leaf &= found.layers.leaf;
                    least.layers.upper &= found.layers.upper;
                    least.reason = least.reason.or(found.reason);
                    least
                }
            });
        }
    }
    all.unwrap_or_else(|| coverage(question, tlbi))
}

/// Returns whether a register selects what the question's regime is translated by.
pub(super) fn selects(question: &Question, register: ContextRegister) -> bool {
    use ContextRegister as R;
    match question.regime {
        Regime::El10 => matches!(
            register,
            R::SctlrEl1 | R::Ttbr0El1 | R::Ttbr1El1 | R::TcrEl1 | R::MairEl1 | R::VttbrEl2 | R::VtcrEl2 | R::HcrEl2
        ),
        Regime::El2 => matches!(register, R::SctlrEl2 | R::Ttbr0El2 | R::TcrEl2 | R::MairEl2 | R::HcrEl2),
        // With E2H the registers of EL2 answer to the names of EL1 too.
        Regime::El20 => matches!(
            register,
            R::SctlrEl2
                | R::Ttbr0El2
                | R::Ttbr1El2
                | R::TcrEl2
                | R::MairEl2
                | R::HcrEl2
                | R::SctlrEl1
                | R::Ttbr0El1
                | R::Ttbr1El1
                | R::TcrEl1
                | R::MairEl1
        ),
        Regime::El3 => matches!(register, R::SctlrEl3 | R::Ttbr0El3 | R::TcrEl3 | R::MairEl3),
    }
}

/// Returns whether the change of a question is such a write.
pub(super) const fn is_switch(change: Change) -> bool {
    matches!(
        change,
        Change::SwitchContext | Change::RecycleContext | Change::ReplaceTables
    )
}

/// Returns whether the sequence itself makes the change a question is about.
pub(super) fn switches(question: &Question, instruction: &Instruction) -> bool {
    is_switch(question.change)
        && matches!(instruction, Instruction::Msr(register, ContextValue::New) if selects(question, *register))
}

/// Returns the places where an ISB is missing between a write and a TLBI that may go by it.
pub(super) fn unsynchronized(sequence: &[Instruction]) -> impl Iterator<Item = (usize, ContextRegister)> {
    let follows = |at: usize| {
        sequence[at + 1..]
            .iter()
            .find(|next| matches!(next, Instruction::Isb | Instruction::Tlbi(_)))
            .is_some_and(|next| *next != Instruction::Isb)
    };
    sequence
        .iter()
        .enumerate()
        .filter_map(move |(at, instruction)| match instruction {
            Instruction::Msr(register, _) if follows(at) => Some((at, *register)),
            _ => None,
        })
}
