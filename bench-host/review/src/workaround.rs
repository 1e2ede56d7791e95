// SPDX-License-Identifier: MIT OR Apache-2.0
//! Dummy invalidations, `tlbi vale2is, xzr; dsb ish`, that errata ask for after a real one.

use sequences::judge::{CpuChoice, Question};
use sequences::{Instruction, Operand, Sequence};

/// Returns whether a sequence invalidates nothing by itself: its operands are all zero.
pub fn is_workaround(sequence: &Sequence) -> bool {
    let mut tlbis = sequence.instructions().filter_map(Instruction::tlbi).peekable();
    tlbis.peek().is_some() && tlbis.all(|tlbi| tlbi.operand == Operand::Xzr)
}

/// Leaves the dummy invalidation of an erratum work-around, and its DSB, out of a verdict by the architecture alone.
pub(super) fn without_workaround(mut all: Vec<Instruction>, question: &Question) -> Vec<Instruction> {
    if question.cpu != CpuChoice::Any {
        return all;
    }
    let real = |i: &Instruction| matches!(i, Instruction::Tlbi(tlbi) if tlbi.operand != Operand::Xzr);
    let dummy = |i: &Instruction| matches!(i, Instruction::Tlbi(tlbi) if tlbi.operand == Operand::Xzr);
    if !all.iter().any(real) {
        return all;
    }
    while let Some(at) = all.iter().position(dummy) {
        all.remove(at);
        let doubled = at > 0 && all.get(at).is_some_and(Instruction::is_dsb) && all[at - 1].is_dsb();
        if doubled {
            all.remove(at);
        }
    }
    all
}
