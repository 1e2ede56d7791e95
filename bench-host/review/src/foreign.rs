// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files that are not AArch64's: other architectures, I/O MMUs, documents.

use crate::extract::text::words;
use crate::extract::token::Language;

/// Words that name another architecture, as a folder or between the marks of a file's name.
const FOREIGN: [&str; 45] = [
    "x86",
    "x86_64",
    "i386",
    "ia32",
    "ia64",
    "amd64",
    "x64",
    "x86-64",
    "powerpc",
    "ppc",
    "ppc64",
    "riscv",
    "riscv64",
    "riscv32",
    "mips",
    "mips64",
    "mips32",
    "s390",
    "s390x",
    "sparc",
    "sparc64",
    "loongarch",
    "loongarch64",
    "loongson",
    "m68k",
    "parisc",
    "hppa",
    "alpha",
    "csky",
    "hexagon",
    "microblaze",
    "nios2",
    "openrisc",
    "xtensa",
    "sh4",
    "arm32",
    "arm32ve",
    "aarch32",
    "armv7",
    "armv7a",
    "armv7-a",
    "arm7",
    "a32",
    "cortex_m",
    "armv8-r",
];

/// Returns whether lines are code for AArch32, which shares files and folders with AArch64 in many projects: coprocessor 15
/// is used, and nothing that only AArch64 has.
pub fn is_aarch32<'a>(lines: impl Iterator<Item = &'a str>) -> bool {
    let mut coprocessor = false;
    for line in lines {
        let lower = line.to_ascii_lowercase();
        // `0x0` is no register.
        let names_register = words(&lower).any(|word| matches!(word, "x0" | "xzr"));
        if names_register
            || ["tlbi", "_el1", "_el2", "_el3", "arch64", "arm64"]
                .iter()
                .any(|word| lower.contains(word))
        {
            return false;
        }
        coprocessor |= lower.contains("p15");
    }
    coprocessor
}

/// Returns whether a file may be source for AArch64 by its name.
pub fn is_source_path(path: &str) -> bool {
    Language::of(path).is_some() && !is_foreign(path)
}

/// Returns whether a path is that of another architecture, of an I/O MMU, or of a document.
pub(crate) fn is_foreign(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let (folders, file) = lower.rsplit_once('/').unwrap_or(("", &lower));
    let stem = file.split('.').next().unwrap_or(file);
    // `paging-arm-32.cpp`, `tlb_helpers_a32.S`, `x86_64.rs`; `arm/32/` beside `arm/64/`.
    let named = FOREIGN.iter().any(|name| {
        stem == *name
            || [('_', '_'), ('-', '-')].iter().any(|(before, after)| {
                stem.ends_with(&format!("{before}{name}")) || stem.starts_with(&format!("{name}{after}"))
            })
    }) || stem.ends_with("arm-32")
        || stem.ends_with("arm_32");
    let in_folder = folders
        .split('/')
        .any(|part| FOREIGN.contains(&part) || part == "32" || part == "32bit");
    // EDK2 has AArch32's files in `Arm` and AArch64's in `AArch64`.
    let of_package = path.split('/').any(|part| part.ends_with("Pkg")) && path.split('/').any(|part| part == "Arm");
    named || in_folder || is_of_other_mmu(path) || of_package || folders.split('/').any(|part| part == "documentation")
}

/// Returns whether a path is that of an I/O MMU: its TLBs are others, but its driver may call for those of the PEs.
pub(crate) fn is_of_other_mmu(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let (folders, file) = lower.rsplit_once('/').unwrap_or(("", &lower));
    let stem = file.split('.').next().unwrap_or(file);
    ["smmu", "iommu", "ipmmu", "sysmmu", "-pvu", "_pvu"]
        .iter()
        .any(|word| stem.contains(word))
        || folders
            .split('/')
            .any(|part| ["smmu", "iommu", "smmuv3", "arm_smmuv3", "arm-smmu"].contains(&part))
}
