// SPDX-License-Identifier: MIT OR Apache-2.0
//! Operands that the two sides of a change make in different ways.
//!
//! One side alone often does not say whether an address was made a page number elsewhere. Two sides do: where one
//! shifts what the other passes as it is, one of them is wrong.

use crate::extract::operand::{Shape, Term, Value};
use crate::extract::reduce::Found;
use crate::placed::Placed;
use sequences::{ExceptionLevel, Instruction, Item, Operand, OperandFormat, Target, Tlbi, TlbiOp, Ttl};

/// Marks the operands of a side that the other side shows to be wrong, and doubts those that differ otherwise.
pub(super) fn mark_operands(before: &mut Option<Placed<Found>>, after: &mut Option<Placed<Found>>) {
    for side in before.iter_mut().chain(after.iter_mut()) {
        doubt_hint_of_table(&mut side.found);
        doubt_fixed_asid(&mut side.found);
        doubt_entry(&mut side.found);
    }
    match (before.as_mut(), after.as_mut()) {
        (None, Some(new)) => {
            // An ASID may be handed on in its bits; an address is not.
            let of_address = |&index: &usize| new.found.around.values[index].0.operand_format() != OperandFormat::Asid;
            match bare_operands(&new.found).iter().all(of_address) {
                true => mark_bare_address(&mut new.found),
                false => doubt_bare_operand(&mut new.found),
            }
        }
        // What was there before may be right for a reason that is not in sight.
        (Some(old), Some(new)) => {
            doubt_bare_operand(&mut old.found);
            doubt_bare_operand(&mut new.found);
        }
        (Some(old), None) => doubt_bare_operand(&mut old.found),
        (None, None) => {}
    }
    let (Some(a), Some(b)) = (before, after) else { return };
    let (a, b) = (&mut a.found, &mut b.found);
    mark_hints(a, b);
    doubt_one_page(a, b);
    let ops = |found: &Found| found.around.values.iter().map(|(op, _)| *op).collect::<Vec<_>>();
    if ops(a).len() != ops(b).len() {
        doubt_fewer(a, b);
        return;
    }
    for index in 0..a.around.values.len() {
        let ((op, old), (new_op, new)) = (a.around.values[index].clone(), b.around.values[index].clone());
        if is_for_all_asids(new_op) && !is_for_all_asids(op) && old.names_asid_zero(op) {
            doubt_asid_zero(a);
        } else if is_for_all_asids(op) && !is_for_all_asids(new_op) && new.names_asid_zero(new_op) {
            doubt_asid_zero(b);
        }
        if op.operand_format() != new_op.operand_format() || old == new {
            continue;
        }
        match (old.shape(op), new.shape(new_op)) {
            (Shape::Wrong(_), _) | (_, Shape::Wrong(_)) | (Shape::Right, Shape::Right) => {}
            // What one side shifts, the other gives as it is.
            (Shape::AsIs, Shape::Right) if is_bare_address(&old, &new) => mark(a, index),
            (Shape::Right, Shape::AsIs) if is_bare_address(&new, &old) => mark(b, index),
            _ if op == new_op && a.changed && b.changed && differ(&old, &new) => {
                let text = |found: &Found| found.around.operands.get(index).cloned().unwrap_or_default();
                let (before, after) = (text(a), text(b));
                let what = match op.operand_format() {
                    OperandFormat::Asid => "the ASID in bits [63:48]",
                    _ => "VA[55:12] in bits [43:0], a level hint in [47:44], the ASID in [63:48]",
                };
                let doubt = format!(
                    "the operand of `tlbi {op}` was `{before}` and is `{after}`; which of them holds {what} cannot be \
                     traced here"
                );
                // Of what is known to be right there is no doubt, where all of the sequence is in sight.
                for (side, shape) in [(&mut *a, old.shape(op)), (&mut *b, new.shape(op))] {
                    let whole = side.sequence.instructions().next().is_some_and(|first| first.is_dsb());
                    if shape != Shape::Right || !whole {
                        side.around.doubt.get_or_insert_with(|| doubt.clone());
                    }
                }
            }
            _ => {}
        }
    }
}

/// The bits of an operand that hold the ASID.
const ASID: u64 = 0xffff << 48;

const fn is_for_all_asids(op: TlbiOp) -> bool {
    matches!(op.target(), Target::VaAllAsid | Target::VaAllAsidLast)
}

fn doubt_asid_zero(found: &mut Found) {
    found.around.doubt.get_or_insert_with(|| {
        "the operand names ASID 0, so that beside global entries only those of ASID 0 go, and the other side invalidates for \
         every ASID: is each entry that may be cached global?"
            .to_owned()
    });
}

/// Doubts an operand whose ASID is a constant other than 0: the address space in use has that of its own.
fn doubt_fixed_asid(found: &mut Found) {
    let fixed = found.around.values.iter().find_map(|(op, value)| {
        let by_asid = matches!(op.target(), Target::Va | Target::VaLast | Target::Asid);
        let traced = !value.terms.iter().any(Term::may_be_asid);
        (by_asid && op.level() == ExceptionLevel::El1 && traced && value.constant & ASID != 0)
            .then_some((*op, value.constant >> 48))
    });
    if let Some((op, asid)) = fixed {
        found.around.doubt.get_or_insert_with(|| {
            format!(
                "`tlbi {op}` names ASID {asid:#x}, whatever runs: do the entries that may be cached have that ASID, or are they \
                 global?"
            )
        });
    }
}

/// Doubts an address that is taken out of a descriptor by a shift: what it holds is the output address.
fn doubt_entry(found: &mut Found) {
    let by_address = |op: TlbiOp| op.operand_format() == OperandFormat::Va;
    let of_entry = found.around.values.iter().find_map(|(op, value)| {
        let shifted = |term: &&Term| {
            let last = term.base.rsplit(['.', '>', ':']).next().unwrap_or(&term.base);
            let bare = !term.base.contains(['(', '[']) && is_entry(&Value::of(last));
            by_address(*op) && (term.left == -12 && bare || names_output(&term.base))
        };
        value.terms.iter().find(shifted).map(|term| (*op, term.base.clone()))
    });
    if let Some((op, base)) = of_entry {
        found.around.doubt.get_or_insert_with(|| {
            format!(
                "`tlbi {op}` is given `{base}`, by its name a descriptor or a field of one: that holds the output address, and the \
                 operation goes by the virtual one. Is it that?"
            )
        });
    }
}

/// Returns whether something is the output address of a descriptor by its name: `pte.address()`, `entry->phys`.
fn names_output(base: &str) -> bool {
    const OWNERS: [&str; 6] = ["pte", "pde", "pmd", "pud", "desc", "entry"];
    const FIELDS: [&str; 9] = [
        "address",
        "addr",
        "phys",
        "phys_addr",
        "physical_address",
        "output_address",
        "paddr",
        "frame",
        "pa",
    ];
    let lower = base.to_ascii_lowercase();
    let Some((owner, field)) = lower.rsplit_once(['.', '>']) else {
        return false;
    };
    FIELDS.contains(&field.trim_end_matches("()")) && OWNERS.iter().any(|word| owner.contains(word))
}

/// Marks the operand of a new sequence that is called an address and given as it is. Where all of the sequence is in
/// sight, so is where it would be shifted.
fn mark_bare_address(found: &mut Found) {
    for index in bare_operands(found) {
        mark(found, index);
    }
}

/// Doubts such an operand where the other side has the sequence too.
fn doubt_bare_operand(found: &mut Found) {
    if let Some(&index) = bare_operands(found).first() {
        let (op, value) = &found.around.values[index];
        let base = value.terms.first().map_or("", |term| term.base.as_str());
        let (kind, bits) = match op.operand_format() {
            OperandFormat::Ipa => ("an intermediate physical address", "IPA[55:12] into bits [43:0]"),
            OperandFormat::Asid => ("an ASID", "it into bits [63:48]"),
            _ => ("a virtual address", "VA[55:12] into bits [43:0]"),
        };
        let doubt = format!("`tlbi {op}` is given `{base}` as it is, by its name {kind}: who put {bits}?");
        found.around.doubt.get_or_insert(doubt);
    }
}

/// Returns which operands of a sequence that is in sight as a whole are called an address, or an ASID, and given as they are.
fn bare_operands(found: &Found) -> Vec<usize> {
    const INTERMEDIATE: [&str; 5] = ["ipa", "gpa", "ipaddr", "guest_phys", "guest_pa"];
    const ADDRESSES: [&str; 8] = [
        "va",
        "vaddr",
        "virt",
        "virt_addr",
        "virtaddr",
        "virtual_address",
        "virtual_addr",
        "vaddress",
    ];
    let is_dsb = |instruction: Option<Instruction>| instruction.is_some_and(|first| first.is_dsb());
    let whole = is_dsb(found.sequence.instructions().next()) && !found.open_start && found.via.is_empty();
    let is_bare = |(op, value): &(TlbiOp, Value)| match value.terms.as_slice() {
        [term] => {
            let names: &[&str] = match op.operand_format() {
                OperandFormat::Va => &ADDRESSES,
                OperandFormat::Ipa => &INTERMEDIATE,
                OperandFormat::Asid => &["asid", "hw_asid"],
                _ => &[],
            };
            value.shape(*op) == Shape::AsIs && names.contains(&plain_name(&term.base).as_str())
        }
        _ => false,
    };
    let values = found.around.values.iter().enumerate();
    values
        .filter(|(_, value)| whole && is_bare(value))
        .map(|(index, _)| index)
        .collect()
}

/// Returns what a value is called, lowercase, without what it is a member of and without a method that gives it as a number.
fn plain_name(base: &str) -> String {
    let mut name = base.trim_matches(['(', ')', ' ']);
    if let Some((object, method)) = name.rsplit_once('.')
        && ["as_", "into", "to_", "raw", "value", "bits", "get"]
            .iter()
            .any(|start| method.starts_with(start))
    {
        name = object;
    }
    let last = name.rsplit(['.', '>', ':']).next().unwrap_or(name);
    last.trim_matches(['(', ')', ' ', '&', '*']).to_ascii_lowercase()
}

/// Doubts a hint that is given, by a variable, to an operation for all levels where a table goes: the hint is of a leaf.
fn doubt_hint_of_table(found: &mut Found) {
    let table = found.conditions.iter().any(|condition| {
        let lower = condition.to_ascii_lowercase();
        !lower.starts_with("not (") && ["table", "childp", "child"].iter().any(|word| lower.contains(word))
    });
    let hinted = |text: &&String| {
        let level = text.split("/* ttl=").nth(1).and_then(|rest| rest.split(" */").next());
        level.is_some_and(|level| level != "0" && !level.to_ascii_lowercase().contains("unknown"))
    };
    let tlbis: Vec<Tlbi> = found.sequence.instructions().filter_map(Instruction::tlbi).collect();
    let all_levels = tlbis
        .iter()
        .any(|tlbi| tlbi.op.takes_operand() && !tlbi.op.target().is_last_level());
    if table
        && all_levels
        && let Some(text) = found.around.operands.iter().find(hinted).cloned()
    {
        found.around.doubt.get_or_insert_with(|| {
            format!(
                "`{text}`: a level hint promises a leaf entry, and by the condition a table goes here: what was cached of the \
                 walk through it may stay"
            )
        });
    }
}

/// Doubts the side before where it names one page of stage 2, and the side after everything: more may have changed, as
/// where a table goes.
fn doubt_one_page(before: &mut Found, after: &Found) {
    let one = |found: &Found| {
        found.sequence.instructions().any(
            |instruction| matches!(instruction, Instruction::Tlbi(tlbi) if matches!(tlbi.operand, Operand::Ipa(_))),
        )
    };
    let all = |found: &Found| {
        let mut tlbis = found
            .sequence
            .instructions()
            .filter_map(|instruction| instruction.tlbi());
        tlbis.any(|tlbi| {
            matches!(
                tlbi.op.target(),
                Target::Vmall | Target::VmallS12 | Target::All | Target::Asid
            )
        }) && !one(found)
            && !found
                .sequence
                .instructions()
                .any(|instruction| matches!(instruction.operand(), Operand::Page(_) | Operand::Range(_)))
    };
    if before.changed && after.changed && one(before) && all(after) {
        before.around.doubt.get_or_insert_with(|| {
            "one address is named here, and the other side invalidates everything: did more than one page change, as where a \
             table goes?"
                .to_owned()
        });
    }
}

/// Doubts a side that has the same operation for fewer operands: what the other side names besides may be cached too.
fn doubt_fewer(a: &mut Found, b: &mut Found) {
    let (fewer, more) = match a.around.values.len() < b.around.values.len() {
        true => (a, b),
        false => (b, a),
    };
    let traced = |value: &Value| !value.terms.is_empty();
    let same = fewer
        .around
        .values
        .iter()
        .all(|known| more.around.values.contains(known));
    let extra = more.around.values.iter().find(|(op, value)| {
        let own = fewer.around.values.iter().any(|(known, _)| known == op);
        own && traced(value) && !fewer.around.values.contains(&(*op, value.clone()))
    });
    if let (true, Some((op, _))) = (same, extra) {
        fewer.around.doubt.get_or_insert_with(|| {
            format!("the other side issues `tlbi {op}` for another operand too: may what that names be cached here?")
        });
    }
}

/// Returns whether a value is an address as it is: the other side shifts the same thing, or its name says so.
fn is_bare_address(plain: &Value, shifted: &Value) -> bool {
    let [term] = plain.terms.as_slice() else { return false };
    const NAMES: [&str; 9] = [
        "va",
        "addr",
        "address",
        "vaddr",
        "ipa",
        "start",
        "page_addr",
        "virt",
        "gpa",
    ];
    let name = plain_name(&term.base);
    shifted
        .terms
        .iter()
        .any(|other| other.base == term.base && other.left == -12)
        || NAMES.contains(&name.as_str())
}

/// Returns whether values are made in different ways, names aside.
fn differ(a: &Value, b: &Value) -> bool {
    let made = |value: &Value| {
        let mut parts: Vec<_> = value
            .terms
            .iter()
            .map(|term| (term.left, term.mask, term.loose))
            .collect();
        parts.sort_unstable();
        (parts, value.constant)
    };
    // What was not traced at all differs by its name alone.
    let bare = |value: &Value| matches!(value.terms.as_slice(), [term] if term.left == 0 && term.mask == u64::MAX);
    made(a) != made(b) || bare(a) && bare(b) && is_entry(a) != is_entry(b)
}

/// Returns whether a value is a descriptor by its name, which is no address.
fn is_entry(value: &Value) -> bool {
    value.terms.iter().any(|term| {
        let lower = term.base.to_ascii_lowercase();
        ["pte", "desc", "entry", "pmd", "pud"]
            .iter()
            .any(|word| lower.contains(word))
            && !lower.contains("addr")
    })
}

/// Marks the operand of one invalidation as not in its form.
fn mark(found: &mut Found, index: usize) {
    let takes = |instruction: &Instruction| matches!(instruction, Instruction::Tlbi(tlbi) if tlbi.op.takes_operand());
    let mut at = 0;
    for item in &mut found.sequence.items {
        let instructions: &mut [Instruction] = match item {
            Item::Instruction(instruction) => std::slice::from_mut(instruction),
            Item::ForPage(body) => body,
        };
        for instruction in instructions.iter_mut().filter(|instruction| takes(instruction)) {
            if at == index {
                wrong(instruction);
            }
            at += 1;
        }
    }
}

fn wrong(instruction: &mut Instruction) {
    let Instruction::Tlbi(tlbi) = instruction else { return };
    let operand = match tlbi.op.operand_format() {
        OperandFormat::Va => Operand::VaUnshifted,
        OperandFormat::Ipa => Operand::IpaUnshifted,
        OperandFormat::Asid => Operand::AsidUnshifted,
        _ => return,
    };
    if let Some(marked) = accepted(tlbi.op, operand) {
        *tlbi = marked;
    }
}

fn accepted(op: TlbiOp, operand: Operand) -> Option<Tlbi> {
    op.accepts(operand).then_some(Tlbi { op, operand })
}

/// Gives the invalidations of a side the hint 0.
fn level_zero(found: &mut Found) {
    let hint = |instruction: &mut Instruction| {
        let Instruction::Tlbi(tlbi) = instruction else { return };
        match &mut tlbi.operand {
            Operand::Va(ttl) | Operand::Ipa(ttl) | Operand::Page(ttl) => *ttl = Some(Ttl::Level0),
            _ => {}
        }
    };
    for item in &mut found.sequence.items {
        match item {
            Item::Instruction(instruction) => hint(instruction),
            Item::ForPage(body) => body.iter_mut().for_each(hint),
        }
    }
}

/// Doubts a side that gives a level hint where the other side gives none or another: whether the changed entries are
/// leaves of that level is not in the text.
fn mark_hints(a: &mut Found, b: &mut Found) {
    let hints = |found: &Found| -> Vec<Option<u8>> {
        let hint = |instruction| match instruction {
            Instruction::Tlbi(tlbi) => Some(tlbi.operand.ttl().map(Ttl::level)),
            _ => None,
        };
        found.sequence.instructions().filter_map(hint).collect()
    };
    // A hint 0 is a level where the other side has a name for "not known".
    let says = |found: &Found, zero: bool| {
        let given = |text: &String| text.contains("/* ttl=") && text.contains("/* ttl=0 */") == zero;
        found.around.operands.iter().any(given)
    };
    if says(a, true) && says(b, false) {
        level_zero(a);
    } else if says(b, true) && says(a, false) {
        level_zero(b);
    }
    let (old, new) = (hints(a), hints(b));
    if old == new {
        return;
    }
    for (side, own) in [(a, &old), (b, &new)] {
        if let Some(level) = own.iter().flatten().next() {
            side.around.doubt.get_or_insert_with(|| {
                format!(
                    "the level hint promises a leaf entry at level {level}, and the other side gives another hint or none: \
                     is every entry that changes a leaf of that level?"
                )
            });
        }
    }
}
