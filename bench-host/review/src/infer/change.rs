// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is changed in the tables.

use crate::extract::reduce::Found;
use crate::infer::names::Names;
use sequences::judge::Change;
use sequences::{ContextRegister, Instruction, Scope, Target, Tlbi};

/// Returns whether a register says which tables are walked, how, or whether any are.
const fn replaces_tables(register: ContextRegister) -> bool {
    use ContextRegister as R;
    matches!(
        register,
        R::Ttbr0El1
            | R::Ttbr1El1
            | R::TcrEl1
            | R::MairEl1
            | R::SctlrEl1
            | R::Ttbr0El2
            | R::Ttbr1El2
            | R::TcrEl2
            | R::MairEl2
            | R::SctlrEl2
            | R::Ttbr0El3
            | R::TcrEl3
            | R::MairEl3
            | R::SctlrEl3
    )
}

/// Returns whether a register turns the MMU on and off.
const fn is_control(register: ContextRegister) -> bool {
    use ContextRegister as R;
    matches!(register, R::SctlrEl1 | R::SctlrEl2 | R::SctlrEl3)
}

/// Returns the change, and why it is taken to be that.
pub(super) fn change(sides: &[&Found], tlbis: &[Tlbi], names: &Names) -> (Change, &'static str) {
    let everything = tlbis.iter().all(|tlbi| {
        matches!(
            tlbi.op.target(),
            Target::All | Target::Vmall | Target::VmallS12 | Target::Asid
        )
    });
    let around = |prefix: &str, after: bool| {
        sides.iter().any(|found| {
            let list = if after {
                &found.around.written_after
            } else {
                &found.around.written_before
            };
            list.iter().any(|name| name.starts_with(prefix))
        })
    };
    let stores = sides.iter().any(|found| found.around.store_before);
    let has_dsb_before = sides.iter().any(|found| {
        let instructions: Vec<_> = found.sequence.instructions().collect();
        let first = instructions
            .iter()
            .position(|i| matches!(i, Instruction::Tlbi(_)))
            .unwrap_or(0);
        instructions[..first].iter().any(Instruction::is_dsb)
    });
    let early = [
        "start", "boot", "head.s", "entry", "tramp", "reset", "init", "reloc", "smp_",
    ]
    .iter()
    .any(|word| names.text.contains(word));
    let boot = early
        || names.function_has(&[
            "enable_mmu",
            "mmu_enable",
            "mmu_on",
            "enable_mm",
            "mmu_init",
            "cpu_init",
            "cpu_setup",
        ])
        || names.function_has(&[
            "mmu_setup",
            "disable_mmu",
            "mmu_disable",
            "mmu_off",
            "arch_enable",
            "enable_dcache",
        ]);
    let control = around("sctlr", true) || around("sctlr", false);
    let root = boot && (around("ttbr", true) || around("ttbr", false));
    // Tables, their form and their attributes together are set before the MMU goes on.
    let sets_up = around("ttbr", false) && around("tcr", false) && around("mair", false);
    if everything && !stores && sets_up {
        return (
            Change::RecycleContext,
            "all registers of the regime are set up: what the TLB holds is from before",
        );
    }
    let writes = |found: &&Found, which: fn(ContextRegister) -> bool| {
        let mut all = found.sequence.instructions();
        all.any(|instruction| matches!(instruction, Instruction::Msr(register, _) if which(register)))
    };
    // It is a part of the sequence only where it turns the MMU off for sure.
    if everything && !stores && !boot && sides.iter().any(|found| writes(found, is_control)) {
        return (
            Change::ReplaceTables,
            "the MMU is turned off by a register write, and everything is invalidated after it",
        );
    }
    let turns_on = names.function_has(&["enable_mmu", "mmu_enable", "mmu_on"]) && around("sctlr", true) && !stores;
    if everything && (turns_on || !has_dsb_before && (control || root || boot && !stores)) {
        return (
            Change::RecycleContext,
            "the MMU is switched on or off: what the TLB holds is from before",
        );
    }
    // The ASID may be the same: all that was translated by the tables before is to go.
    let replaced = sides.iter().any(|found| writes(found, replaces_tables));
    // The flush stands on the other side of a write of SCTLR now.
    let order = sides.iter().any(|found| found.around.mmu_before.is_some()) && control && !stores;
    if everything && order && (boot || sides.len() == 2) {
        return (
            Change::RecycleContext,
            "the MMU is switched on beside it: what the TLB holds is from before",
        );
    }
    if everything && !stores && replaced && boot {
        return (
            Change::RecycleContext,
            "by the names, the MMU is off: what the TLB holds is from before",
        );
    }
    if everything && !stores && replaced {
        return (
            Change::ReplaceTables,
            "the tables are replaced by a register write, and everything is invalidated after it",
        );
    }
    let by_asid = tlbis.iter().all(|tlbi| tlbi.op.target() == Target::Asid);
    let after_ttbr = |found: &&Found| found.around.written_before.iter().any(|name| name.starts_with("ttbr"));
    if by_asid && !tlbis.is_empty() && !stores && sides.iter().all(after_ttbr) {
        return (
            Change::RecycleContext,
            "an address space is switched by a register write, no table entry is written",
        );
    }
    let switches = names.function_has(&[
        "switch",
        "new_context",
        "activate",
        "rollover",
        "recycle",
        "ttbr",
        "new_asid",
        "alloc_asid",
        "asid_alloc",
    ]) || tlbis.iter().all(|tlbi| tlbi.op.target() == Target::Asid) && names.function_has(&["asid"]);
    let here = tlbis.iter().all(|tlbi| tlbi.op.scope() == Scope::Local);
    if everything && here && !stores && !has_dsb_before && (around("ttbr", false) || around("vttbr", false) || switches)
    {
        return (
            Change::RecycleContext,
            "an address space is switched, no table entry is written",
        );
    }
    if names.function_has(&[
        "remove_identity",
        "remove_1_1",
        "unmap_identity",
        "identity_mapping_removed",
    ]) {
        return (
            Change::RemoveTable,
            "by the function's name, a table entry is removed with what is below it",
        );
    }
    if names.removes_empty_table() {
        return (
            Change::Invalidate,
            "by the function's name, an empty table is taken out: its entry may be in a walk cache",
        );
    }
    if names.function_has(&[
        "wrprotect",
        "write_protect",
        "set_ro",
        "mprotect",
        "wnx",
        "permission",
        "_ro_after",
    ]) {
        return (Change::Permissions, "by the function's name");
    }
    (
        Change::Invalidate,
        "the usual one: an entry was made invalid just before",
    )
}
