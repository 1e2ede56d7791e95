// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lines that change what is translated, without a word of maintenance: tables, address spaces, the MMU itself.
//!
//! An entry that is written otherwise, a root that is installed, a table that is freed, an ASID that is given to another
//! address space, a condition of a walk: each of them may need an invalidation, or change when there is one. What is said
//! of such a line is only that nobody knows.

use crate::extract::text;
use crate::extract::words::{parts, writes_entry};

/// What a root, an address space or the MMU is called, as a part of a name without its underscores.
const SPACES: [&str; 20] = [
    "pagetable",
    "pgtable",
    "pgtbl",
    "pgdir",
    "pagedir",
    "ptroot",
    "roottable",
    "translationtable",
    "transtable",
    "ttbr",
    "ttb",
    "aspace",
    "addrspace",
    "addressspace",
    "vmspace",
    "vspace",
    "pgd",
    "asid",
    "vmid",
    "stage2",
];
/// What is done to those.
const SWITCHES: [&str; 14] = [
    "activate",
    "deactivate",
    "switch",
    "load",
    "install",
    "enter",
    "enable",
    "disable",
    "restore",
    "assign",
    "apply",
    "off",
    "on",
    "use",
];
/// What gives them back.
const ENDS: [&str; 8] = [
    "free", "dealloc", "destroy", "teardown", "tear", "release", "reclaim", "drop",
];

/// Returns whether a line changes what is translated by its words.
pub(crate) fn changes_translation(line: &str) -> bool {
    may_change(line) && (writes_entry(line) && !only_reads(line) || switches(line) || gives_id(line))
}

/// Returns whether a line only names an entry that it reads: `let entry = &mut self.entries[i];`, `pte_t *pte = walk(va);`.
fn only_reads(line: &str) -> bool {
    let Some((left, right)) = line.split_once('=') else {
        return false;
    };
    let mut words = left.split_whitespace();
    let declares = match words.next() {
        Some("let" | "const" | "auto" | "var") => true,
        Some(_) => words.next().is_some_and(|second| second.starts_with('*')) && !left.trim_start().starts_with('*'),
        None => false,
    };
    let right = right.to_ascii_lowercase();
    declares && !right.contains('|') && !right.contains("new") && !right.contains("make")
}

/// Returns whether a line may, at a glance: this is asked of every changed line of every patch.
fn may_change(line: &str) -> bool {
    const STARTS: [&str; 14] = [
        "mmu", "asid", "vmid", "spac", "pgd", "pgta", "pgtb", "pt", "tabl", "ttb", "stag", "pmd", "pud", "entr",
    ];
    let bytes = line.as_bytes();
    bytes.windows(2).enumerate().any(|(at, pair)| {
        let may = matches!(
            (pair[0] | 0x20, pair[1] | 0x20),
            (b'm', b'm')
                | (b'a', b's')
                | (b'v', b'm')
                | (b's', b'p' | b't')
                | (b'p', _)
                | (b't', b'a' | b't')
                | (b'e', b'n')
        );
        may && STARTS.iter().any(|start| {
            bytes
                .get(at..at + start.len())
                .is_some_and(|part| part.eq_ignore_ascii_case(start.as_bytes()))
        })
    })
}

/// Returns whether a line calls something that switches, turns on or off, or gives back: `activate_page_table(...)`,
/// `el1_mmu_disable()`, `aspace.switch(...)`.
fn switches(line: &str) -> bool {
    calls(line).any(|(name, object)| {
        let verbs = parts(name);
        let does = |verb: &String| SWITCHES.contains(&verb.as_str()) || ENDS.contains(&verb.as_str());
        // `InitMMU()` turns it on, or gets it ready for that.
        let starts = || {
            let has = |words: &[&str]| verbs.iter().any(|verb| words.contains(&verb.as_str()));
            has(&["init", "setup", "start"]) && has(&["mmu"])
        };
        verbs.iter().any(does) && (names_space(name) || names_space(object)) || starts()
    })
}

/// Returns what a line calls: the name, and what it is called on, empty where that is nothing.
pub(crate) fn calls(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices('(').filter_map(move |(at, _)| {
        // `map::<Size>(x)`, `free<Policy, 4>(x)`, `f (x)`.
        let head = without_generics(line[..at].trim_end());
        let head = head.strip_suffix("::").unwrap_or(head);
        let name = head.rsplit(|c: char| !is_part(c)).next().unwrap_or_default();
        let before = &head[..head.len() - name.len()];
        let object = ["->", "::", "."].iter().find_map(|sign| before.strip_suffix(sign));
        let object = object.map(|object| {
            let object = object.trim_end_matches(|c: char| !is_part(c));
            object.rsplit(|c: char| !is_part(c)).next().unwrap_or_default()
        });
        (!name.is_empty()).then_some((name, object.unwrap_or_default()))
    })
}

/// Returns a text without the generic arguments that it ends with: `free<Policy, 4>`.
fn without_generics(text: &str) -> &str {
    let Some(inner) = text.strip_suffix('>').filter(|inner| !inner.ends_with('-')) else {
        return text;
    };
    inner.find('<').map_or(text, |open| &inner[..open])
}

/// Returns whether a name is that of a root, an address space or the MMU.
pub(crate) fn names_space(name: &str) -> bool {
    let all = parts(name);
    let joined = all.concat();
    // An MMU of devices is another one.
    let mmu = |index: usize| {
        let of_devices = index > 0 && matches!(all[index - 1].as_str(), "io" | "s" | "sys" | "ip");
        let own = all[index].strip_suffix("mmu");
        !of_devices && (all[index].starts_with("mmu") || matches!(own, Some("arch" | "arm" | "el1" | "el2" | "el3")))
    };
    all.iter().any(|part| part == "pt") || (0..all.len()).any(mmu) || SPACES.iter().any(|space| joined.contains(space))
}

/// Returns whether a line gives an ASID or VMID: `mm.asid = next()`, `self.vmid, flush = ids.assign(...)`.
fn gives_id(line: &str) -> bool {
    let Some((left, right)) = line.split_once('=') else {
        return false;
    };
    let compares = right.starts_with('=') || left.ends_with(['!', '<', '>', '=']);
    let is_id = |part: &String| matches!(part.as_str(), "asid" | "vmid" | "pcid");
    let member = left.contains(['.', '>', '*']);
    !compares && member && text::words(left).any(|word| parts(word).iter().any(is_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_translation_is_told_by_its_words() {
        for line in [
            "activate_page_table(self.raw, CachePolicy::Writeback);",
            "el1_mmu_disable();",
            "*(pmdp + offset) = b_attr | (paddr & PMD_DES_MASK);",
            "m->mmutop[PTLX(va, PTLEVELS-1)] = t->pa | PTEVALID | PTETABLE;",
            "switchOpts.UserASID, requireFlushPCID = c.PCIDs.Assign(switchOpts.PageTables)",
            "freePt<ClientCursorPolicy, 4, true>(rootTable());",
            "if tear_down_address_space(self.l0_table, &mut walk_ctx, |addr| unsafe {",
            "arch_mmu_switch_context(old, new);",
            "vm->arch.vmid = next_vmid++;",
        ] {
            assert!(changes_translation(line), "{line}");
        }
        for line in [
            "pr_info(\"mmu enabled\\n\");",
            "int asid = 0;",
            "if (vm->vmid == vmid)",
            "free(path);",
            "enable_irq(irq);",
            "return page_table_size(level);",
            "struct page_table *table;",
            "return MmCommunication2Communicate (Buffer);",
            "io_mmu.enable_default_mappings();",
            "interrupted = -1;",
            "*OpteeVmId = mock_type (UINT16);",
            "let entry = &mut self.entries[addr / PAGE_SIZE];",
            "vm_map_entry_t *entry = vm_map_entry_alloc(obj, addr);",
        ] {
            assert!(!changes_translation(line), "{line}");
        }
    }
}
