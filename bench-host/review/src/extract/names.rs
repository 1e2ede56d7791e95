// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the name of a function or variable says: a table entry, a register, maintenance.

/// Words in the names of things that hold translation table entries.
const ENTRIES: [&str; 12] = [
    "pte", "pmd", "pud", "pgd", "p4d", "entry", "desc", "table", "pgtbl", "ttb", "lpae", "slot",
];

/// Words in the names of functions that write them.
const WRITES: [&str; 11] = [
    "set_", "write_", "clear_", "zero_", "put_", "store_", "update_", "remove_", "_set", "_clear", "_write",
];

/// Registers whose write changes how addresses are translated, as they stand in the names of accessors.
const REGISTERS: [&str; 6] = ["vttbr", "ttbr", "sctlr", "vtcr", "tcr", "mair"];

/// Returns whether a macro repeats its body by its name: `for_each_cpu`.
pub fn is_each(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.contains("for_each") || lower.contains("foreach")
}

/// Returns whether many types have a method of this name: which one a call means cannot be said.
pub fn is_common(name: &str) -> bool {
    matches!(
        name,
        "new"
            | "from"
            | "into"
            | "default"
            | "drop"
            | "clone"
            | "get"
            | "set"
            | "read"
            | "write"
            | "init"
            | "next"
            | "deref"
    )
}

/// Returns whether a name is that of something that holds a translation table entry.
pub fn has_entry_word(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    !names_other_table(&lower) && ENTRIES.iter().any(|word| lower.contains(word))
}

/// Returns whether a text in lowercase names a table that translates nothing: then its entries and slots do not either.
pub fn names_other_table(lower: &str) -> bool {
    const OTHERS: [&str; 13] = [
        "jump", "jmp", "vector", "dispatch", "string", "symbol", "lookup", "irq", "handler", "syscall", "spin",
        "function", "acpi",
    ];
    let is_other = |before: &str| {
        let name = before.trim_end_matches(['_', ' ', '-']);
        OTHERS.iter().any(|other| name.ends_with(other))
    };
    lower.match_indices("table").any(|(at, _)| is_other(&lower[..at]))
}

/// Returns whether a function writes a translation table entry by its name.
pub fn is_write(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    has_entry_word(&lower)
        && WRITES.iter().any(|word| lower.contains(word))
        && !lower.contains("tlb")
        && !lower.contains("flush")
}

/// Returns whether a function or macro stores to what its first argument points to, or names, whatever that is:
/// `WRITE_ONCE(*pmdp, pmd)`, `atomic_set64(ptePtr, pte)`, `write_volatile(entry, x)`.
pub fn stores_anything(name: &str) -> bool {
    const NAMES: [&str; 23] = [
        "pmap_clear",
        "pmap_store",
        "pmap_load_clear",
        "pmap_load_store",
        "atomic_swap_64",
        "atomic_swap_uint64",
        "atomic_exchange",
        "atomic_exchange_n",
        "__atomic_exchange_n",
        "write_once",
        "smp_store_release",
        "smp_store_mb",
        "atomic_set",
        "atomic64_set",
        "atomic_set64",
        "atomic_get_and_set64",
        "atomic_test_and_set64",
        "atomic_store",
        "atomic_store_explicit",
        "atomic_store_release",
        "write_volatile",
        "write_atomic",
        "volatile_store",
    ];
    let lower = name.to_ascii_lowercase();
    NAMES.contains(&lower.as_str()) || lower.starts_with("xchg") || lower.starts_with("cmpxchg")
}

/// Returns whether a function writes such a register by its name: `write_sctlr_el1()`, `sysreg_write_ttbr0_el1()`.
pub fn writes_register(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let writes = ["write", "set", "load", "msr", "install"]
        .iter()
        .any(|word| lower.contains(word))
        || lower.ends_with("_wr")
        || ["w_", "wr_"].iter().any(|start| lower.starts_with(start));
    // `ttbr_offset(x)` and `MAIR_ATTR_SET(x)` make values.
    let value = lower.contains("offset") || name.ends_with("_SET") && !name.chars().any(char::is_lowercase);
    writes && !value && REGISTERS.iter().any(|register| lower.contains(register))
}

/// Returns whether a function or macro writes what it is given the name of, by its own name: `REG_UPDATE_P`, `put_reg`.
pub fn is_write_of_anything(name: &str) -> bool {
    const VERBS: [&str; 8] = ["write", "wr", "set", "update", "put", "msr", "modify", "store"];
    let lower = name.to_ascii_lowercase();
    lower.split('_').any(|part| VERBS.contains(&part))
}

/// Returns the register in the name of its accessor.
pub fn register(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let found = REGISTERS.iter().find_map(|register| lower.find(register));
    let rest = found.map_or(lower.as_str(), |at| &lower[at..]);
    // `ttbr0_el2_wr` has the verb behind the register.
    let level = ["_el1", "_el2", "_el3"]
        .iter()
        .find_map(|level| Some(rest.find(level)? + level.len()));
    level.map_or(rest, |end| &rest[..end]).to_owned()
}

/// Returns whether a function runs one that it is given, here, at another exception level or on other CPUs, by its name.
pub fn runs_another(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    [
        "call",
        "on_each_cpu",
        "on_each",
        "run_on",
        "rendezvous",
        "hcall",
        "hypercall",
        "broadcast",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

/// Returns whether a function turns the MMU on by its name: `mmu_setup`, `enable_mmu_el3`, `ArmEnableMmu`, `{mmu_enable}`.
pub fn turns_mmu_on(name: &str) -> bool {
    let lower = name.trim_matches(['{', '}']).to_ascii_lowercase();
    let last = lower.rsplit("::").next().unwrap_or(&lower);
    let verbs = [
        "enable",
        "turn_on",
        "mmu_on",
        "mmuon",
        "mmu_setup",
        "start_mmu",
        "mmu_start",
        "activate_mmu",
    ];
    let other = [
        "disable", "enabled", "status", "iommu", "smmu", "is_", "_off", "check", "wait", "test",
    ];
    last.contains("mmu")
        && verbs.iter().any(|verb| last.contains(verb))
        && !other.iter().any(|word| last.contains(word))
}

/// Returns whether a function is there to turn the MMU on, by its name.
pub fn is_named_after_mmu(function: &str) -> bool {
    let name = function.to_ascii_lowercase();
    let on = ["enable", "_on", "setup", "init", "start"];
    name.contains("mmu") && on.iter().any(|word| name.contains(word)) && !name.contains("disable")
}

/// Returns whether a function is an ISB by its name, in whatever case and with whatever between the words:
/// `InstructionSyncBarrier`, `instruction_synchronization_barrier`.
pub fn is_long_isb(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let mut rest = lower.as_str();
    ["instr", "sync", "barrier"]
        .iter()
        .all(|word| match rest.split_once(word) {
            Some((_, behind)) => {
                rest = behind;
                true
            }
            None => false,
        })
}

/// Returns whether a function is a barrier of memory by its name, and which instruction it is, its name does not say:
/// `memory_barrier`, `DataSyncBarrier`, `mem_fence`, `ARM64_DSB`. What holds back only the compiler, other CPUs' reads or a device is none.
pub fn is_long_barrier(name: &str) -> bool {
    const OTHER: [&str; 14] = [
        "compiler", "smp_", "dma", "read", "load", "acquire", "release", "thread", "pipeline", "image", "gpu", "cmd",
        "sched", "rcu",
    ];
    let lower = name.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let kinds = ["memory", "mem", "data", "full", "write", "store", "system", "sync"];
    has(&["barrier", "fence"]) && has(&kinds) && !has(&OTHER)
        || ["dsb", "isb"]
            .iter()
            .any(|word| lower.ends_with(word) && lower.trim_matches('_') != *word)
}

/// Returns whether a name is that of maintenance that this program cannot look into.
pub fn looks_like_maintenance(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    // The TLBs of I/O MMUs and GPUs, bounce buffers, time stamps, and AArch32's operations are other things.
    let other = [
        "iommu", "smmu", "ipmmu", "iotlb", "swiotlb", "pvu", "stamp", "_time", "hugetlb", "cp15", "tlbimva", "tlbiall",
        "tlbiasid", "atsinv",
    ];
    lower.contains("tlb") && !makes_operand(name) && !other.iter().any(|word| lower.contains(word))
}

/// Returns whether a function or macro makes the operand of an invalidation, by its name: that is no maintenance.
pub fn makes_operand(name: &str) -> bool {
    const KNOWN: [&str; 8] = [
        "tlbi_addr",
        "tlbi_va",
        "tlbi_arg",
        "__tlbi_vaddr",
        "__tlbi_vaddr_range",
        "__tlbi_range_pages",
        "__tlbi_range_num",
        "__tlb_tg",
    ];
    let lower = name.to_ascii_lowercase();
    KNOWN.contains(&lower.as_str()) || lower.ends_with("_to_operand")
}

/// Returns whether a function maintains the data cache, by its name: `inv_dcache_all`. Whether it ends with a DSB of its own
/// is not in sight.
pub fn maintains_cache(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.contains("cache")
        && !lower.contains("icache")
        && ["inv", "clean", "flush", "writeback", "wb_", "_wb"]
            .iter()
            .any(|word| lower.contains(word))
}

/// Returns whether something called may complete invalidations, by its name.
pub fn may_complete(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ["tlb", "sync", "barrier", "fence", "complete", "dsb"]
        .iter()
        .any(|word| lower.contains(word))
}

/// Returns whether a function sets up the operand of an invalidation, by its name: `tlbi_input_set_ipa`.
pub fn sets_operand(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.contains("tlbi") && ["input", "operand"].iter().any(|word| lower.contains(word))
}

/// Returns whether a function makes mappings, by its name: what it flushes besides is its own affair.
pub fn is_mapping(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.contains("map") && !lower.contains("unmap") && !lower.contains("remap")
}

/// Returns whether a macro runs one of its arguments, by its name: by the exception level, or as an alternative.
pub fn picks_one(name: &str) -> bool {
    const WORDS: [&str; 7] = ["SWITCH", "SELECT", "CHOOSE", "BY_EL", "FOR_EL", "PER_EL", "ALTERNATIVE"];
    let upper = name.to_ascii_uppercase();
    let levels = ["EL1", "EL2", "EL3"].iter().filter(|level| upper.contains(**level));
    WORDS.iter().any(|word| upper.contains(word)) || levels.count() > 1
}
