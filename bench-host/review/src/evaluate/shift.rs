// SPDX-License-Identifier: MIT OR Apache-2.0
//! Addresses that one side shifts into a page number and the other does not.

use crate::extract::reduce::Found;
use crate::placed::Placed;
use sequences::{Instruction, Item, Operand, OperandFormat};

/// Marks the operand of the side that is given an address as it is, where the other side shifts it.
pub(super) fn mark_unshifted(before: &mut Option<Placed<Found>>, after: &mut Option<Placed<Found>>) {
    let (Some(a), Some(b)) = (before, after) else { return };
    let shifts = |found: &Found| {
        let shifted = |text: &String| {
            let lower = text.to_ascii_lowercase();
            [">>", "shift", "tlbi_", "__tlbi", "lsr", "page_number", "pfn", "vpn"]
                .iter()
                .any(|word| lower.contains(word))
        };
        found.around.operands.iter().any(shifted)
    };
    let plain = |found: &Found| {
        let name = |text: &String| {
            let lower = text.trim_matches(['(', ')', ' ', '&', '*']).to_ascii_lowercase();
            ["va", "addr", "address", "vaddr", "ipa", "start", "page_addr", "virt"].contains(&lower.as_str())
        };
        !found.around.operands.is_empty() && found.around.operands.iter().all(name)
    };
    let mark = |found: &mut Found| {
        for item in &mut found.sequence.items {
            let Item::Instruction(Instruction::Tlbi(tlbi)) = item else {
                continue;
            };
            if tlbi.op.operand_format() == OperandFormat::Va && matches!(tlbi.operand, Operand::Va(_)) {
                tlbi.operand = Operand::VaUnshifted;
            }
        }
    };
    match (shifts(&a.found), shifts(&b.found)) {
        (true, false) if plain(&b.found) => mark(&mut b.found),
        (false, true) if plain(&a.found) => mark(&mut a.found),
        _ => {}
    }
}
