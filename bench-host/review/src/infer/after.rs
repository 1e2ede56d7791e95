// SPDX-License-Identifier: MIT OR Apache-2.0
//! What follows the sequence, and relies on it.

use crate::extract::reduce::Found;
use crate::infer::names::Names;
use sequences::judge::inferred::{elsewhere, synchronizes};
use sequences::judge::{After, Change, Observers, Stage};
use sequences::{ExceptionLevel, Instruction, Target, Tlbi};

/// Returns whether an ISB stands between the last invalidation and the DSB that completes it.
fn synchronizes_early(found: &Found) -> bool {
    let all: Vec<Instruction> = found.sequence.instructions().collect();
    let last = all.iter().rposition(|instruction| instruction.tlbi().is_some());
    let rest = last.map_or(&[][..], |last| &all[last + 1..]);
    let isb = rest.iter().position(|instruction| *instruction == Instruction::Isb);
    let dsb = rest.iter().position(Instruction::is_dsb);
    isb.is_some_and(|isb| dsb.is_some_and(|dsb| isb < dsb))
}

/// Returns what follows, and why it is taken to be that.
pub(super) fn after(
    sides: &[&Found],
    tlbis: &[Tlbi],
    observers: Observers,
    stage: Stage,
    change: Change,
    names: &Names,
) -> (After, &'static str) {
    let last_isb = |found: &&Found| synchronizes(&found.sequence);
    let any_isb = sides.iter().any(last_isb);
    let kernel = names.function_has(&["kernel", "fixmap", "hyp", "xen", "pgtable"]);
    // An address without an ASID is one of the kernel's, or of all that runs.
    let of_all = |found: &&Found| {
        found
            .around
            .values
            .iter()
            .any(|(op, value)| value.is_address_alone(*op))
    };
    let by_space = tlbis.iter().all(|tlbi| {
        matches!(tlbi.op.target(), Target::Va | Target::VaLast | Target::Asid) && tlbi.op.level() == ExceptionLevel::El1
    }) && !sides.iter().any(of_all);
    let of_el1 = tlbis.iter().all(|tlbi| tlbi.op.level() == ExceptionLevel::El1);
    // `mmu` and `vmalle1` have these letters too.
    let named_user = names.function_has(&["user"]) || names.function_is(&["vma", "mm"]);
    let user = (by_space || of_el1 && named_user) && !kernel;
    let by_name = named_user
        || names.function_has(&["_asid"])
        || by_space && names.function_has(&["flush_tlb_page", "flush_tlb_range"]);
    let clearly_user = of_el1 && by_name && !kernel;
    let writes_control = sides
        .iter()
        .any(|found| found.around.written_after.iter().any(|name| name.starts_with("sctlr")));
    // What stands before the DSB synchronizes nothing of what that completes.
    let early_isb = |found: &&Found| !last_isb(found) && synchronizes_early(found);
    if change != Change::RecycleContext && sides.iter().any(early_isb) && any_isb {
        return (
            After::FetchHere,
            "one side has its ISB before the DSB that completes it: what goes on here is meant to be synchronized",
        );
    }
    if !any_isb && change == Change::RecycleContext && (writes_control || !names.function.is_empty()) {
        return (
            After::Nothing,
            "the MMU or the address space is switched later, with its own ISB",
        );
    }
    if let [before, after] = sides
        && !last_isb(before)
        && last_isb(after)
        && names.mends("isb")
    {
        return (
            After::FetchHere,
            "the patch says that an ISB is missing: something here relies on it",
        );
    }
    if stage == Stage::Two && !any_isb {
        return (
            elsewhere(change, observers),
            "a guest runs next, and entering it synchronizes the context",
        );
    }
    if clearly_user && !sides.iter().all(last_isb) || user && !any_isb {
        return (
            elsewhere(change, observers),
            "user memory: the return to it synchronizes the context",
        );
    }
    let returns = sides.iter().all(|found| found.around.returns_from_exception);
    if returns && !any_isb {
        return (
            elsewhere(change, observers),
            "an exception return follows, which synchronizes the context",
        );
    }
    if change == Change::Permissions {
        return (After::DataHere, "this PE goes on with data of the regime");
    }
    (After::FetchHere, "this PE goes on with code and data of the regime")
}
