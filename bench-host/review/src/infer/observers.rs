// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who may hold the changed entry.

use crate::extract::reduce::Found;
use crate::infer::names::Names;
use sequences::Scope;
use sequences::judge::Observers;
use sequences::judge::inferred::Operations;

/// Returns the observers, and why they are taken to be those.
pub(super) fn observers(sides: &[&Found], operations: &Operations, names: &Names) -> (Observers, &'static str) {
    const LOCAL: [&str; 22] = [
        "idmap",
        "identity",
        "hibernate",
        "kexec",
        "local",
        "boot_cpu",
        "head.s",
        "remove_identity",
        "enable_mmu",
        "mmu_enable",
        "cpu_init",
        "cpu_setup",
        "secondary",
        "percpu",
        "per_cpu",
        "this_cpu",
        "_nsh",
        "map_domain_page",
        "early",
        "start",
        "cpu_resume",
        "reset",
    ];
    let scopes: Vec<Scope> = operations.tlbis().iter().map(|tlbi| tlbi.op.scope()).collect();
    let broadcast = scopes.iter().any(|scope| *scope != Scope::Local);
    // A stale entry that allows less faults, and the access is tried again with the new one.
    if names.function_has(&["relax_perm"]) {
        return (
            Observers::ThisPe,
            "by name, a permission is only widened: another PE that has the old entry faults and tries again",
        );
    }
    let local_name = LOCAL.iter().any(|word| names.text.contains(word));
    let all_local = !scopes.is_empty() && !broadcast;
    if local_name && (all_local || names.function.contains("local")) {
        return (
            Observers::ThisPe,
            "by name, this PE alone uses the tables or flushes for itself",
        );
    }
    if all_local && sides.last().is_some_and(|found| found.around.broadcast_beside) {
        return (
            Observers::Inner,
            "another way through the function broadcasts: other PEs may hold the entry",
        );
    }
    if all_local {
        return (
            Observers::ThisPe,
            "only local operations are used: no other PE may hold the entry",
        );
    }
    const MESSAGE: [&str; 14] = [
        "shootdown",
        "ipi",
        "uniprocessor",
        "this cpu",
        "local cpu",
        "local vcpu",
        "local core",
        "local pe",
        "this core",
        "boot cpu",
        "per-cpu mapping",
        "only used by this",
        "current cpu",
        "this pe",
    ];
    let mixed = scopes.contains(&Scope::Local);
    let sets_up = |found: &&Found| {
        let writes = |prefix: &str| found.around.written_before.iter().any(|name| name.starts_with(prefix));
        writes("ttbr") && writes("tcr") && writes("mair") && !found.around.store_before
    };
    if mixed && sides.iter().all(sets_up) {
        return (
            Observers::ThisPe,
            "the registers of the regime are set up, which are this PE's own",
        );
    }
    // Names that leave no doubt count where one side is broadcast, too.
    const OWN: [&str; 14] = [
        "enable_mmu",
        "mmu_enable",
        "disable_mmu",
        "mmu_disable",
        "mmu_off",
        "idmap",
        "identity",
        "per_cpu",
        "percpu",
        "this_cpu",
        "boot_cpu",
        "secondary",
        "cpu_init",
        "cpu_setup",
    ];
    if mixed && names.function_has(&OWN) {
        return (Observers::ThisPe, "by name, this PE alone uses the tables");
    }
    if mixed && MESSAGE.iter().any(|word| names.says(word)) {
        return (
            Observers::ThisPe,
            "the patch says that one CPU is concerned, or that others are told in another way",
        );
    }
    if scopes.contains(&Scope::OuterShareable) {
        return (Observers::Outer, "an outer shareable operation is used");
    }
    match mixed {
        true => (
            operations.observers(),
            "one side is broadcast: other PEs may hold the entry",
        ),
        false => (operations.observers(), "broadcast operations are used"),
    }
}
