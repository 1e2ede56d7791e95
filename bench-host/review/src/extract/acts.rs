// SPDX-License-Identifier: MIT OR Apache-2.0
//! Words by which a line acts on translations, whatever it says of their maintenance: entries written, pages mapped, unmapped
//! or protected, tables and address spaces made, switched and given back.

use crate::extract::publish::is_of_driver;
use crate::extract::tables::{calls, changes_translation};
use crate::extract::text;
use crate::extract::words::{frees, parts, writes_entry};

/// Verbs of what takes a translation away or makes another of it.
const CHANGES: [&str; 9] = [
    "unmap",
    "remap",
    "protect",
    "unprotect",
    "mprotect",
    "reprotect",
    "demap",
    "unmapping",
    "remapping",
];
/// Verbs of what makes one where there may be none.
const MAPS: [&str; 4] = ["map", "mapping", "populate", "kenter"];
/// Verbs of many other things: what they are done to has to be a table, an entry or an address space.
const COMMON: [&str; 19] = [
    "set",
    "clear",
    "remove",
    "delete",
    "destroy",
    "update",
    "switch",
    "activate",
    "deactivate",
    "enter",
    "install",
    "split",
    "insert",
    "write",
    "free",
    "drop",
    "replace",
    "modify",
    "change",
];
/// Tables, entries and address spaces, as parts of a name.
const TABLES: [&str; 23] = [
    "pte",
    "ptes",
    "pmd",
    "pud",
    "pgd",
    "p4d",
    "ptl0",
    "ptl1",
    "ptl2",
    "ptl3",
    "pt",
    "pagetable",
    "pgtable",
    "pgtbl",
    "ptable",
    "pmap",
    "p2m",
    "vspace",
    "aspace",
    "vmspace",
    "lpae",
    "mmu",
    "stage2",
];
/// What is mapped, as parts of a name.
const MEMORY: [&str; 15] = [
    "page", "pages", "frame", "frames", "region", "regions", "memory", "mem", "range", "area", "table", "tables",
    "identity", "space", "ipa",
];
/// Names of other maps: of interrupts, bits, pins, buses, devices' own views of memory, and a process's calls.
const OTHER: [&str; 22] = [
    "dma", "irq", "virq", "gsi", "bitmap", "gpio", "iommu", "smmu", "pci", "hash", "key", "keymap", "sg", "rcu", "bit",
    "bits", "cpumask", "pin", "gic", "vgic", "msi", "print",
];

/// How surely a line acts on translations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Acts {
    /// In code about tables; elsewhere its words mean many things, or make a mapping where there was none.
    InTableCode,
    /// Wherever it stands.
    Anywhere,
}

/// Returns whether a line acts on translations by its words.
pub fn acts(text: &str) -> Option<Acts> {
    if !may_act(text) {
        return None;
    }
    let mut found = writes_entry(text).then(|| {
        let strong = text::words(text).any(|word| parts(word).iter().any(|part| is_table(part) && part != "pt"));
        match strong {
            true => Acts::Anywhere,
            false => Acts::InTableCode,
        }
    });
    for (name, object) in calls(text) {
        found = found.max(called(name, object));
    }
    let assigns = |names: &[&str]| {
        let set = text
            .split_once('=')
            .filter(|(left, right)| !right.starts_with('=') && !left.ends_with(['!', '<', '>']));
        let left = set.and_then(|(left, _)| text::words(left).last());
        left.is_some_and(|word| parts(word).iter().any(|part| names.contains(&part.as_str())))
    };
    let has =
        |names: &[&str]| text::words(text).any(|word| parts(word).iter().any(|part| names.contains(&part.as_str())));
    // A descriptor, before it is stored; whose context a translation is; and what a walk may still find in the cache.
    let told = assigns(&["desc", "descriptor", "asid", "vmid"])
        || has(&["asid", "vmid"]) && text.contains('(')
        || has(&["clean", "dc"]) && has(&TABLES);
    found = found.max(told.then_some(Acts::InTableCode));
    // What is given back may still be in a TLB.
    let freed = frees(text).map(|_| Acts::InTableCode);
    found.max(freed)
}

/// Returns whether a function acts on translations by its name.
pub fn named_after_acts(name: &str) -> bool {
    called(name, "").is_some()
}

/// Returns whether a function makes tables, or what their entries hold, by its name: attributes, descriptors, mappings of a kind.
pub fn makes_entries(name: &str) -> bool {
    const WORDS: [&str; 14] = [
        "table",
        "tables",
        "mmu",
        "paging",
        "attr",
        "attrs",
        "attributes",
        "desc",
        "descriptor",
        "descriptors",
        "mapping",
        "mappings",
        "pte",
        "prot",
    ];
    parts(name).iter().any(|part| WORDS.contains(&part.as_str()))
}

/// Returns whether a file is about tables, or about memory of which they are a part, by its name.
pub fn is_near_tables(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let file = lower.rsplit('/').next().unwrap_or_default();
    let stem = file.split('.').next().unwrap_or_default();
    let other = [
        "pagecach",
        "page_cach",
        "homepage",
        "webpage",
        "acpi",
        "syscall_table",
        "irq_table",
        "vector_table",
    ];
    let near = [
        "translation",
        "descriptor",
        "stage2",
        "stage_2",
        "aspace",
        "address_space",
    ];
    !other.iter().any(|word| file.contains(word))
        && (is_code_of_tables(path)
            || near.iter().any(|word| file.contains(word))
            || matches!(stem, "mm" | "vm" | "memory" | "vmm" | "virtmem"))
}

fn is_table(part: &str) -> bool {
    TABLES.contains(&part)
}

/// Returns how surely the call of a name, on an object, acts.
fn called(name: &str, object: &str) -> Option<Acts> {
    let own = parts(name);
    let has = |all: &[String], words: &[&str]| all.iter().any(|part| words.contains(&part.as_str()));
    if has(&own, &OTHER)
        || has(
            &own,
            &[
                "get", "is", "has", "lookup", "find", "check", "test", "dump", "lock", "unlock",
            ],
        )
    {
        return None;
    }
    let of = parts(object);
    let tables = own.iter().chain(&of).any(|part| is_table(part))
        || has(&own, &["page", "translation"]) && has(&own, &["table", "tables"])
        || has(&of, &["table", "paging", "mapper"])
        || has(&of, &["space"]) && has(&own, &["unmap", "map", "protect"]);
    let memory = has(&own, &MEMORY);
    // `set` alone, of an object, is what many things have.
    let common = has(&own, &COMMON) && own.iter().any(|part| is_table(part))
        || has(&own, &COMMON) && has(&own, &["page", "translation"]) && has(&own, &["table", "tables"]);
    if has(&own, &CHANGES) && (tables || memory) || common {
        return Some(Acts::Anywhere);
    }
    // A module or an object of tables is named before it.
    let by_tables = of.iter().any(|part| is_table(part)) || has(&of, &["paging", "mapper"]);
    let vm = has(&own, &["vm"]) && has(&own, &["page", "pages"]) && has(&own, &["set", "clear", "remove", "change"]);
    if has(&own, &MAPS) && by_tables || vm {
        return Some(Acts::Anywhere);
    }
    let page = has(&own, &["page", "pages"]) && has(&own, &["set", "clear", "remove", "change"]);
    (has(&own, &MAPS) && (tables || memory) || page).then_some(Acts::InTableCode)
}

/// Returns whether a line may act at all: it is asked of every line of every patch.
fn may_act(text: &str) -> bool {
    if !text.contains(['(', '=']) {
        return false;
    }
    let bytes = text.as_bytes();
    bytes.windows(2).any(|pair| {
        matches!(
            (pair[0] | 0x20, pair[1] | 0x20),
            (b'p', b't' | b'm' | b'g' | b'u' | b'a' | b'2' | b'4' | b'r')
                | (b'm', b'a' | b'm')
                | (b't', b'a' | b't')
                | (b's', b'p')
                | (b'e', b'n')
                | (b'l', b'p')
        )
    })
}

/// Returns whether a line does something: it is no print, check, lock, declaration or brace.
pub fn does_something(line: &str) -> bool {
    const NOTHING: [&str; 30] = [
        "print", "log", "debug", "trace", "warn", "info", "error", "assert", "dbg", "bug", "panic", "lock", "unlock",
        "mutex", "spinlock", "include", "use", "import", "typedef", "struct", "enum", "impl", "trait", "mod", "type",
        "extern", "expect", "fixme", "todo", "unused",
    ];
    let line = line.trim();
    if line.starts_with(['"', '#', '@', '\''])
        || line.starts_with("//")
        || line.starts_with("/*")
        || line.starts_with('*') && !line.contains('=')
    {
        return false;
    }
    let first = text::words(line).find(|word| {
        !matches!(
            *word,
            "pub" | "static" | "const" | "unsafe" | "inline" | "crate" | "let" | "mut" | "void"
        )
    });
    let Some(first) = first else { return false };
    let lower = first.to_ascii_lowercase();
    let says = parts(first).iter().any(|part| NOTHING.contains(&part.as_str()))
        || ["printf", "printk", "print", "panic", "assert", "kprint"]
            .iter()
            .any(|word| lower.contains(word));
    let control = [
        "if", "else", "for", "while", "return", "break", "continue", "goto", "switch", "case", "match", "loop",
    ];
    !says && (control.contains(&first) || line.contains(['(', '=', '?']))
}

/// Returns whether a file is about translation tables by its name, or by the folder that it is in.
pub(crate) fn is_code_of_tables(path: &str) -> bool {
    const WORDS: [&str; 12] = [
        "mmu", "page", "paging", "pgtable", "pgtbl", "pmap", "table", "tlb", "vmem", "vspace", "p2m", "xlat",
    ];
    let lower = path.to_ascii_lowercase();
    let (folders, file) = lower.rsplit_once('/').unwrap_or(("", &lower));
    WORDS.iter().any(|word| file.contains(word))
        || folders.split('/').any(|part| matches!(part, "mm" | "mmu" | "paging"))
}

/// Returns whether a file is no part of what runs the tables: tests, tools, programs of users.
pub(crate) fn is_elsewhere(path: &str) -> bool {
    const FOLDERS: [&str; 24] = [
        "test",
        "tests",
        "testing",
        "testsuites",
        "selftests",
        "examples",
        "example",
        "samples",
        "bench",
        "benches",
        "benchmark",
        "tools",
        "tool",
        "scripts",
        "usr",
        "user",
        "userspace",
        "userland",
        "apps",
        "libc",
        "posix",
        "drivers",
        "ueficpupkg",
        "pcat",
    ];
    let lower = path.to_ascii_lowercase();
    let Some((folders, _)) = lower.rsplit_once('/') else {
        return false;
    };
    folders.split('/').any(|part| FOLDERS.contains(&part))
}

/// Returns whether a hunk may be one of a function that acts.
pub(crate) fn hunk_acts<'a>(path: &str, mut changed: impl Iterator<Item = &'a str>) -> bool {
    let of_tables = is_near_tables(path);
    if is_of_driver(path) || is_elsewhere(path) {
        return false;
    }
    changed.any(|line| match of_tables {
        true => does_something(line),
        false => {
            (acts(line) == Some(Acts::Anywhere) || changes_translation(line)) && text::words(line).next().is_some()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_act_by_their_words() {
        for line in [
            "pmap_delete(map->pmap);",
            "while (pmap_enter(pmap, np->addr, end, PGHD_WRITE, ap) < 0) {",
            "platform_specific()->core_vm_space().unmap(virt_addr, num_pages);",
            "SET_PTL1_FLAGS(ptl0, PTL0_INDEX(page), PAGE_PRESENT);",
            "region.remap_vmobject_page(page_index, *page)",
            "set_pte(pte, 0);",
            "aspace.unmap(start, size)?;",
            "self.page_table.protect::<Size4K>(va, flags);",
            "arch::mm::paging::map::<BasePageSize>(va, pa, count, flags);",
        ] {
            assert_eq!(acts(line), Some(Acts::Anywhere), "{line}");
        }
        for line in ["map_region(y);", "map_region(x, y);", "free_page(p);"] {
            assert_eq!(acts(line), Some(Acts::InTableCode), "{line}");
        }
        for line in [
            "dma_unmap_single(addr, size, DIR);",
            "x.iter().map(|y| y + 1)",
            "irq_map_page(irq);",
            "mapping_addr = BASE + cpu;",
            "p = pte_lookup(va);",
            "let x = mutex_init(0);",
        ] {
            assert_eq!(acts(line), None, "{line}");
        }
    }

    #[test]
    fn what_is_said_or_declared_does_nothing() {
        for line in [
            "printk(\"x %d\", x);",
            "uint64_t x;",
            "}",
            "spin_lock(&x);",
            "debug!(\"{}\", x);",
            "BUG_ON(x);",
        ] {
            assert!(!does_something(line), "{line}");
        }
        for line in [
            "addr += PAGE_SIZE;",
            "if (x)",
            "*pte = 0;",
            "return f(x);",
            "let x = f(y);",
        ] {
            assert!(does_something(line), "{line}");
        }
    }
}
