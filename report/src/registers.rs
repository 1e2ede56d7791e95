// SPDX-License-Identifier: MIT OR Apache-2.0
//! Identification registers in words: which PE this is, and which of its features bear on TLB maintenance.

use std::collections::BTreeMap;

use results::manifest::Hex;

/// Implementer codes (Arm ARM, MIDR_EL1.Implementer).
const IMPLEMENTERS: &[(u64, &str)] = &[
    (0x00, "reserved for software"),
    (0x41, "Arm"),
    (0x42, "Broadcom"),
    (0x43, "Cavium"),
    (0x46, "Fujitsu"),
    (0x48, "HiSilicon"),
    (0x4e, "NVIDIA"),
    (0x50, "Applied Micro"),
    (0x51, "Qualcomm"),
    (0x53, "Samsung"),
    (0x56, "Marvell"),
    (0x61, "Apple"),
    (0x69, "Intel"),
    (0x6d, "Microsoft"),
    (0xc0, "Ampere"),
];

/// Implementer, part number and name (Linux, `arch/arm64/include/asm/cputype.h`; QEMU, `target/arm/cpu64.c`).
const PARTS: &[(u64, u64, &str)] = &[
    (0x00, 0x051, "QEMU max"),
    (0x41, 0xd01, "Cortex-A32"),
    (0x41, 0xd02, "Cortex-A34"),
    (0x41, 0xd03, "Cortex-A53"),
    (0x41, 0xd04, "Cortex-A35"),
    (0x41, 0xd05, "Cortex-A55"),
    (0x41, 0xd06, "Cortex-A65"),
    (0x41, 0xd07, "Cortex-A57"),
    (0x41, 0xd08, "Cortex-A72"),
    (0x41, 0xd09, "Cortex-A73"),
    (0x41, 0xd0a, "Cortex-A75"),
    (0x41, 0xd0b, "Cortex-A76"),
    (0x41, 0xd0c, "Neoverse N1"),
    (0x41, 0xd0d, "Cortex-A77"),
    (0x41, 0xd40, "Neoverse V1"),
    (0x41, 0xd41, "Cortex-A78"),
    (0x41, 0xd42, "Cortex-A78AE"),
    (0x41, 0xd44, "Cortex-X1"),
    (0x41, 0xd46, "Cortex-A510"),
    (0x41, 0xd47, "Cortex-A710"),
    (0x41, 0xd48, "Cortex-X2"),
    (0x41, 0xd49, "Neoverse N2"),
    (0x41, 0xd4a, "Neoverse E1"),
    (0x41, 0xd4b, "Cortex-A78C"),
    (0x41, 0xd4d, "Cortex-A715"),
    (0x41, 0xd4e, "Cortex-X3"),
    (0x41, 0xd4f, "Neoverse V2"),
    (0x41, 0xd80, "Cortex-A520"),
    (0x41, 0xd81, "Cortex-A720"),
    (0x41, 0xd82, "Cortex-X4"),
    (0x41, 0xd84, "Neoverse V3"),
    (0x41, 0xd85, "Cortex-X925"),
    (0x41, 0xd87, "Cortex-A725"),
    (0x41, 0xd8e, "Neoverse N3"),
    (0x43, 0x0a1, "ThunderX"),
    (0x43, 0x0af, "ThunderX2"),
    (0x46, 0x001, "A64FX"),
    (0x48, 0xd01, "TSV110"),
    (0x4e, 0x003, "Denver"),
    (0x4e, 0x004, "Carmel"),
    (0xc0, 0xac3, "AmpereOne"),
    (0xc0, 0xac4, "AmpereOne AC04"),
];

/// Decodes `MIDR_EL1`: implementer, part, and variant and revision as `rNpM`.
pub fn midr(value: u64) -> String {
    let (implementer, part) = (value >> 24 & 0xff, value >> 4 & 0xfff);
    let revision = format!("r{}p{}", value >> 20 & 0xf, value & 0xf);
    let by = IMPLEMENTERS.iter().find(|(code, _)| *code == implementer);
    let by = by.map_or_else(
        || format!("implementer {implementer:#04x}"),
        |(_, name)| (*name).to_owned(),
    );
    match PARTS.iter().find(|p| (p.0, p.1) == (implementer, part)) {
        Some((0, _, name)) => format!("{name} {revision}"),
        Some((_, _, name)) => format!("{by} {name} {revision}"),
        None => format!("{by} part {part:#05x} {revision}"),
    }
}

/// One feature, and how a 4-bit field of an identification register shows it.
struct Field {
    register: &'static str,
    shift: u32,
    meaning: &'static str,
    /// Text per value; a value beyond the last is shown as a number.
    values: &'static [&'static str],
}

/// The fields that bear on TLB maintenance (Arm ARM D23.2).
const FIELDS: &[Field] = &[
    Field {
        register: "ID_AA64ISAR0_EL1",
        shift: 56,
        meaning: "outer shareable and range TLBI",
        values: &["none", "FEAT_TLBIOS", "FEAT_TLBIOS, FEAT_TLBIRANGE"],
    },
    Field {
        register: "ID_AA64MMFR1_EL1",
        shift: 8,
        meaning: "virtualization host extensions",
        values: &["none", "FEAT_VHE"],
    },
    Field {
        register: "ID_AA64MMFR1_EL1",
        shift: 36,
        meaning: "translation synchronization",
        values: &["none", "FEAT_ETS (withdrawn)", "FEAT_ETS2", "FEAT_ETS3"],
    },
    Field {
        register: "ID_AA64MMFR1_EL1",
        shift: 48,
        meaning: "no intermediate caching",
        values: &["may be cached", "FEAT_nTLBPA"],
    },
    Field {
        register: "ID_AA64ISAR1_EL1",
        shift: 56,
        meaning: "TLBI and DSB with nXS",
        values: &["none", "FEAT_XS"],
    },
    Field {
        register: "ID_AA64MMFR2_EL1",
        shift: 48,
        meaning: "level hint (TTL)",
        values: &["none", "FEAT_TTL"],
    },
    Field {
        register: "ID_AA64MMFR2_EL1",
        shift: 52,
        meaning: "break-before-make",
        values: &["FEAT_BBM level 0", "FEAT_BBM level 1", "FEAT_BBM level 2"],
    },
    Field {
        register: "ID_AA64MMFR0_EL1",
        shift: 0,
        meaning: "physical address size",
        values: &[
            "32 bits", "36 bits", "40 bits", "42 bits", "44 bits", "48 bits", "52 bits", "56 bits",
        ],
    },
    Field {
        register: "ID_AA64MMFR0_EL1",
        shift: 4,
        meaning: "ASID size",
        values: &["8 bits", "reserved", "16 bits"],
    },
    Field {
        register: "ID_AA64DFR0_EL1",
        shift: 8,
        meaning: "PMU",
        values: &[
            "none", "PMUv3", "", "", "PMUv3.1", "PMUv3.4", "PMUv3.5", "PMUv3.7", "PMUv3.8", "PMUv3.9",
        ],
    },
];

/// Returns meaning and value of every known field, for the registers that are there.
pub fn features(registers: &BTreeMap<String, Hex>) -> Vec<(String, String)> {
    let decode = |field: &Field| {
        let value = registers.get(field.register)?.0 >> field.shift & 0xf;
        let text = field.values.get(value as usize).filter(|text| !text.is_empty());
        let text = text.map_or_else(|| format!("{value:#x}"), |text| (*text).to_owned());
        Some((field.meaning.to_owned(), text))
    };
    FIELDS.iter().filter_map(decode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_and_unknown_parts() {
        assert_eq!(midr(0x410f_d083), "Arm Cortex-A72 r0p3");
        assert_eq!(midr(0x414f_d0c1), "Arm Neoverse N1 r4p1");
        assert_eq!(midr(0x000f_0510), "QEMU max r0p0");
        assert_eq!(midr(0x610f_0221), "Apple part 0x022 r0p1");
        assert_eq!(midr(0x770f_1230), "implementer 0x77 part 0x123 r0p0");
    }

    #[test]
    fn fields_are_read_at_their_place() {
        let registers = BTreeMap::from([
            ("ID_AA64ISAR0_EL1".to_owned(), Hex(0x0200_0000_0000_0000)),
            ("ID_AA64MMFR0_EL1".to_owned(), Hex(0x1124)),
            ("ID_AA64DFR0_EL1".to_owned(), Hex(0xf00)),
        ]);
        let features = features(&registers);
        let of = |meaning: &str| features.iter().find(|f| f.0 == meaning).map(|f| f.1.as_str());
        assert_eq!(
            of("outer shareable and range TLBI"),
            Some("FEAT_TLBIOS, FEAT_TLBIRANGE")
        );
        assert_eq!(of("physical address size"), Some("44 bits"));
        assert_eq!(of("ASID size"), Some("16 bits"));
        assert_eq!(of("PMU"), Some("0xf"));
        assert_eq!(of("virtualization host extensions"), None);
    }
}
