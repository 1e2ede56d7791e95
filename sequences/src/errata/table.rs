// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table of errata.

use super::cpu::{Cpu, Revision};

/// What an erratum asks of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Need {
    /// After the DSB that completes broadcast TLBIs, one more broadcast TLBI of any kind, and its DSB.
    RepeatAnyBroadcast,
    /// Every broadcast TLBI twice, with a DSB between: the second one by the same operation, and its DSB.
    RepeatSameBroadcast,
    /// Every TLBI of the EL3 regime twice, with a DSB between.
    RepeatEl3,
    /// An ISB after the DSB that publishes a new descriptor.
    IsbAfterPublishing,
    /// A broadcast TLBI and its DSB are not enough for other PEs: they have to be interrupted.
    Rendezvous,
    /// An instruction cache invalidation when the translation table base changes.
    InstructionCacheOnSwitch,
    /// Break-before-make also where only the permission to execute changes.
    BreakBeforeMakeOnExecute,
    /// Nothing in the sequence: firmware, or the code around it, works around the erratum.
    OutsideTheSequence,
}

/// A range of revisions of one part, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Affected {
    /// MIDR bits `[31:24]`.
    pub implementer: u8,
    /// MIDR bits `[15:4]`.
    pub part: u16,
    /// The bits of the part number that count: all, but for a family of parts.
    pub part_mask: u16,
    /// The first affected revision.
    pub first: Revision,
    /// The last affected revision.
    pub last: Revision,
    /// The number of the erratum in the part's own notice, where it differs.
    pub notice: &'static str,
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Erratum {
    /// The name it is best known by.
    pub id: &'static str,
    /// What goes wrong.
    pub effect: &'static str,
    /// What a sequence needs.
    pub need: Need,
    /// Where the row comes from.
    pub source: &'static str,
    /// When the source was read.
    pub read: &'static str,
    /// The parts.
    pub affected: &'static [Affected],
}

/// Every bit of a part number.
const WHOLE: u16 = 0xfff;

const FIRST: Revision = Revision::new(0, 0);
const LAST: Revision = Revision::new(15, 15);

const fn all(part: u16, notice: &'static str) -> Affected {
    Affected {
        implementer: 0x41,
        part,
        part_mask: WHOLE,
        first: FIRST,
        last: LAST,
        notice,
    }
}

const fn to(part: u16, variant: u8, patch: u8) -> Affected {
    Affected {
        implementer: 0x41,
        part,
        part_mask: WHOLE,
        first: FIRST,
        last: Revision::new(variant, patch),
        notice: "",
    }
}

const fn of(implementer: u8, part: u16, first: Revision, last: Revision) -> Affected {
    Affected {
        implementer,
        part,
        part_mask: WHOLE,
        first,
        last,
        notice: "",
    }
}

const READ: &str = "2026-11-22";
/// When `scripts/errata-check.py` was last run, and the row was changed after it.
const CHECKED: &str = "2026-11-27";

/// The errata that concern TLB maintenance, newest first.
pub const TABLE: [Erratum; 15] = [
    Erratum {
        id: "CVE-2025-10263",
        effect: "an access of another PE can use a translation after the DSB that completes its invalidation",
        need: Need::RepeatAnyBroadcast,
        source: "Arm document 112137; Linux cpu_errata.c (ARM64_ERRATUM_4118414), Xen XSA-493, TF-A TFV-17, \
                 FreeBSD-SA-26:31",
        read: READ,
        affected: &[
            all(0xd0b, "4193800"),
            all(0xd0e, "4193801"),
            all(0xd0d, "4193798"),
            all(0xd41, "4193791"),
            all(0xd42, "4193793"),
            all(0xd4b, "4193794"),
            all(0xd47, "4193788"),
            all(0xd44, "4193791"),
            all(0xd4c, "4193792"),
            all(0xd48, "4193788"),
            all(0xd4e, "4193786"),
            all(0xd82, "4118414"),
            all(0xd85, "4193781"),
            all(0xd0c, "4193800"),
            all(0xd49, "4193789"),
            all(0xd40, "4193790"),
            all(0xd4f, "4193787"),
            all(0xd84, "4193784"),
            all(0xd83, "4193784"),
            all(0xd90, "4193780"),
            all(0xd8c, "4193780"),
            Affected {
                implementer: 0x4e,
                part: 0x010,
                part_mask: WHOLE,
                first: FIRST,
                last: LAST,
                notice: "T410-OLY-1029",
            },
            Affected {
                implementer: 0x6d,
                part: 0xd49,
                part_mask: WHOLE,
                first: FIRST,
                last: LAST,
                notice: "4193789",
            },
        ],
    },
    Erratum {
        id: "CVE-2026-0995",
        effect: "the end of TLB maintenance is acknowledged early while another PE executes SME instructions",
        need: Need::Rendezvous,
        source: "erratum 4193714; TF-A TFV-16; Linux cpu_errata.c",
        read: READ,
        affected: &[to(0xd8b, 1, 2)],
    },
    Erratum {
        id: "CVE-2025-0647",
        effect: "CPP RCTX can leave translations behind",
        need: Need::OutsideTheSequence,
        source: "TF-A (firmware traps CPP RCTX and invalidates)",
        read: CHECKED,
        affected: &[
            all(0xd47, ""),
            all(0xd48, ""),
            all(0xd4e, ""),
            all(0xd82, ""),
            all(0xd85, ""),
            all(0xd49, ""),
            all(0xd4f, ""),
            all(0xd84, ""),
            all(0xd83, ""),
            all(0xd90, ""),
            all(0xd8c, ""),
        ],
    },
    Erratum {
        id: "3683289",
        effect: "the store of an invalid descriptor may not be ordered before the TLBI of a break-before-make",
        need: Need::OutsideTheSequence,
        source: "TF-A, from the part's errata notice",
        read: READ,
        affected: &[to(0xd8c, 1, 0)],
    },
    Erratum {
        id: "2645198",
        effect: "a change of the permission to execute can use a mixture of the old and the new translation",
        need: Need::BreakBeforeMakeOnExecute,
        source: "Linux cpu_errata.c (ARM64_ERRATUM_2645198)",
        read: READ,
        affected: &[all(0xd4d, "")],
    },
    Erratum {
        id: "2441009",
        effect: "a broadcast TLBI may complete before the accesses that used the translation",
        need: Need::RepeatSameBroadcast,
        source: "Linux cpu_errata.c (ARM64_WORKAROUND_REPEAT_TLBI); fixed in r1p2",
        read: READ,
        affected: &[to(0xd46, 1, 1)],
    },
    Erratum {
        id: "2441007",
        effect: "a broadcast TLBI may complete before the accesses that used the translation",
        need: Need::RepeatSameBroadcast,
        source: "Linux cpu_errata.c (ARM64_WORKAROUND_REPEAT_TLBI)",
        read: READ,
        affected: &[all(0xd05, "")],
    },
    Erratum {
        id: "1542419",
        effect: "a core can fetch a stale instruction after its invalidation from the instruction cache",
        need: Need::OutsideTheSequence,
        source: "TF-A neoverse_n1.S (IC IVAU is trapped to EL3)",
        read: READ,
        affected: &[all(0xd0c, "")],
    },
    Erratum {
        id: "1286807",
        effect: "a broadcast TLBI may complete before the accesses that used the translation",
        need: Need::RepeatSameBroadcast,
        source: "Linux cpu_errata.c; Xen 22e323d115 (also Neoverse N1); TF-A f85edcea5",
        read: READ,
        affected: &[
            to(0xd0b, 3, 0),
            to(0xd0c, 3, 0),
            of(0x51, 0x804, Revision::new(12, 14), Revision::new(15, 14)),
        ],
    },
    Erratum {
        id: "1165522",
        effect: "a speculative AT can fill the TLB while the VMID is being switched",
        need: Need::OutsideTheSequence,
        source: "Linux (also 1319367, 1319537, 1530923, 1530924); Xen a18be06aca; TF-A (Cortex-A76 up to r3p0)",
        read: CHECKED,
        affected: &[
            to(0xd0b, 3, 0),
            to(0xd0c, 2, 0),
            of(0x51, 0x805, Revision::new(13, 14), Revision::new(13, 14)),
            all(0xd07, "1319537"),
            all(0xd08, "1319367"),
            all(0xd05, "1530923"),
            all(0xd03, "1530924"),
        ],
    },
    Erratum {
        id: "Falkor 1009",
        effect: "a TLBI can be incomplete at its DSB",
        need: Need::RepeatSameBroadcast,
        source: "Linux cpu_errata.c (QCOM_FALKOR_ERRATUM_1009: Falkor v1 r0p0, and every Kryo of parts 0x2xx)",
        read: CHECKED,
        affected: &[
            of(0x51, 0x800, FIRST, FIRST),
            Affected {
                implementer: 0x51,
                part: 0x200,
                part_mask: 0xf00,
                first: FIRST,
                last: LAST,
                notice: "",
            },
        ],
    },
    Erratum {
        id: "813419",
        effect: "a TLBI at EL3 may not invalidate",
        need: Need::RepeatEl3,
        source: "TF-A ccbec91c0 (`tlbi; dsb ish; tlbi`)",
        read: READ,
        affected: &[to(0xd07, 0, 0)],
    },
    Erratum {
        id: "817169",
        effect: "power-down needs a dummy `tlbi vae3` before it",
        need: Need::OutsideTheSequence,
        source: "TF-A cortex_a57.S",
        read: READ,
        affected: &[to(0xd07, 0, 1)],
    },
    Erratum {
        id: "1387635",
        effect: "a new descriptor may not be seen after its DSB alone",
        need: Need::IsbAfterPublishing,
        source: "system-litmus-harness",
        read: READ,
        affected: &[all(0xd08, "")],
    },
    Erratum {
        id: "Cavium 27456",
        effect: "a broadcast TLBI can corrupt the instruction cache",
        need: Need::InstructionCacheOnSwitch,
        source: "Linux cpu_errata.c (ThunderX)",
        read: READ,
        affected: &[
            of(0x43, 0x0a1, FIRST, Revision::new(1, 1)),
            of(0x43, 0x0a2, FIRST, FIRST),
        ],
    },
];

impl Affected {
    /// Returns whether a CPU is in the range; a CPU without revision is if any revision is.
    pub fn contains(&self, cpu: &Cpu) -> bool {
        self.implementer == cpu.implementer
            && self.part == cpu.part & self.part_mask
            && cpu
                .revision
                .is_none_or(|revision| (self.first..=self.last).contains(&revision))
    }
}

/// Iterates over the errata of a CPU.
pub fn affecting(cpu: &Cpu) -> impl Iterator<Item = &'static Erratum> {
    TABLE
        .iter()
        .filter(move |erratum| erratum.affected.iter().any(|range| range.contains(cpu)))
}

#[cfg(test)]
mod tests {
    use super::{Need, TABLE, affecting};
    use crate::errata::Cpu;
    use alloc::vec::Vec;

    fn ids(cpu: &str) -> Vec<&'static str> {
        let cpu: Cpu = cpu.parse().expect("a CPU");
        affecting(&cpu).map(|erratum| erratum.id).collect()
    }

    #[test]
    fn revisions_decide() {
        assert_eq!(ids("cortex-a510@r1p1"), ["2441009"]);
        assert_eq!(ids("cortex-a510@r1p2"), [""; 0]);
        assert_eq!(ids("neoverse-n1@r3p0"), ["CVE-2025-10263", "1542419", "1286807"]);
        assert_eq!(ids("neoverse-n1@r3p1"), ["CVE-2025-10263", "1542419"]);
        assert_eq!(ids("neoverse-n3"), [""; 0]);
    }

    #[test]
    fn a_part_without_revision_has_the_errata_of_all_its_revisions() {
        assert_eq!(ids("cortex-a510"), ["2441009"]);
    }

    #[test]
    fn every_row_has_a_source_and_a_date() {
        for erratum in &TABLE {
            assert!(!erratum.source.is_empty() && erratum.read.len() == 10, "{}", erratum.id);
            assert!(
                !erratum.affected.is_empty() || erratum.need == Need::OutsideTheSequence,
                "{}",
                erratum.id
            );
        }
    }
}
