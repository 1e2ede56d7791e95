// SPDX-License-Identifier: MIT OR Apache-2.0
//! System registers: which there are, and what the identification registers say.

use crate::options::Features;

/// A system register by its encoding: `op0`, `op1`, `CRn`, `CRm`, `op2`, packed as bits 20 to 5 of an `MRS` are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(pub u16);

/// Returns the register of an encoding.
pub const fn id(op0: u16, op1: u16, crn: u16, crm: u16, op2: u16) -> Id {
    Id(op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2)
}

impl Id {
    /// Returns `op1`, which says from which exception level on the register can be used.
    pub const fn op1(self) -> u16 {
        self.0 >> 11 & 7
    }

    /// Returns `CRn`.
    pub const fn crn(self) -> u16 {
        self.0 >> 7 & 15
    }

    /// Returns `CRm`.
    pub const fn crm(self) -> u16 {
        self.0 >> 3 & 15
    }

    /// Returns the same register for another exception level.
    pub const fn with_op1(self, op1: u16) -> Self {
        Self(self.0 & !(7 << 11) | op1 << 11)
    }
}

macro_rules! registers {
    ($($name:ident = $op0:literal $op1:literal $crn:literal $crm:literal $op2:literal;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`.")]
            pub const $name: Id = id($op0, $op1, $crn, $crm, $op2);
        )*
    };
}

registers! {
    MIDR_EL1 = 3 0 0 0 0;
    MPIDR_EL1 = 3 0 0 0 5;
    ID_AA64PFR0_EL1 = 3 0 0 4 0;
    ID_AA64DFR0_EL1 = 3 0 0 5 0;
    ID_AA64ISAR0_EL1 = 3 0 0 6 0;
    ID_AA64ISAR1_EL1 = 3 0 0 6 1;
    ID_AA64MMFR0_EL1 = 3 0 0 7 0;
    ID_AA64MMFR1_EL1 = 3 0 0 7 1;
    ID_AA64MMFR2_EL1 = 3 0 0 7 2;
    SCTLR_EL1 = 3 0 1 0 0;
    CPACR_EL1 = 3 0 1 0 2;
    TTBR0_EL1 = 3 0 2 0 0;
    TTBR1_EL1 = 3 0 2 0 1;
    TCR_EL1 = 3 0 2 0 2;
    SPSR_EL1 = 3 0 4 0 0;
    ELR_EL1 = 3 0 4 0 1;
    SP_EL0 = 3 0 4 1 0;
    SPSEL = 3 0 4 2 0;
    CURRENT_EL = 3 0 4 2 2;
    AFSR0_EL1 = 3 0 5 1 0;
    AFSR1_EL1 = 3 0 5 1 1;
    ESR_EL1 = 3 0 5 2 0;
    FAR_EL1 = 3 0 6 0 0;
    MAIR_EL1 = 3 0 10 2 0;
    AMAIR_EL1 = 3 0 10 3 0;
    LORID_EL1 = 3 0 10 4 7;
    VBAR_EL1 = 3 0 12 0 0;
    CONTEXTIDR_EL1 = 3 0 13 0 1;
    TPIDR_EL1 = 3 0 13 0 4;
    CNTKCTL_EL1 = 3 0 14 1 0;
    MDSCR_EL1 = 2 0 0 2 2;
    CTR_EL0 = 3 3 0 0 1;
    DCZID_EL0 = 3 3 0 0 7;
    NZCV = 3 3 4 2 0;
    DAIF = 3 3 4 2 1;
    FPCR = 3 3 4 4 0;
    FPSR = 3 3 4 4 1;
    PMCR_EL0 = 3 3 9 12 0;
    PMCNTENSET_EL0 = 3 3 9 12 1;
    PMCNTENCLR_EL0 = 3 3 9 12 2;
    PMOVSCLR_EL0 = 3 3 9 12 3;
    PMSELR_EL0 = 3 3 9 12 5;
    PMCEID0_EL0 = 3 3 9 12 6;
    PMCEID1_EL0 = 3 3 9 12 7;
    PMCCNTR_EL0 = 3 3 9 13 0;
    PMUSERENR_EL0 = 3 3 9 14 0;
    PMCCFILTR_EL0 = 3 3 14 15 7;
    TPIDR_EL0 = 3 3 13 0 2;
    TPIDRRO_EL0 = 3 3 13 0 3;
    CNTFRQ_EL0 = 3 3 14 0 0;
    CNTPCT_EL0 = 3 3 14 0 1;
    CNTVCT_EL0 = 3 3 14 0 2;
    CNTPCTSS_EL0 = 3 3 14 0 5;
    CNTVCTSS_EL0 = 3 3 14 0 6;
    VPIDR_EL2 = 3 4 0 0 0;
    VMPIDR_EL2 = 3 4 0 0 5;
    SCTLR_EL2 = 3 4 1 0 0;
    HCR_EL2 = 3 4 1 1 0;
    MDCR_EL2 = 3 4 1 1 1;
    CPTR_EL2 = 3 4 1 1 2;
    HSTR_EL2 = 3 4 1 1 3;
    TTBR0_EL2 = 3 4 2 0 0;
    TTBR1_EL2 = 3 4 2 0 1;
    TCR_EL2 = 3 4 2 0 2;
    VTTBR_EL2 = 3 4 2 1 0;
    VTCR_EL2 = 3 4 2 1 2;
    SPSR_EL2 = 3 4 4 0 0;
    ELR_EL2 = 3 4 4 0 1;
    SP_EL1 = 3 4 4 1 0;
    AFSR0_EL2 = 3 4 5 1 0;
    AFSR1_EL2 = 3 4 5 1 1;
    ESR_EL2 = 3 4 5 2 0;
    FAR_EL2 = 3 4 6 0 0;
    HPFAR_EL2 = 3 4 6 0 4;
    MAIR_EL2 = 3 4 10 2 0;
    AMAIR_EL2 = 3 4 10 3 0;
    VBAR_EL2 = 3 4 12 0 0;
    CONTEXTIDR_EL2 = 3 4 13 0 1;
    TPIDR_EL2 = 3 4 13 0 2;
    CNTVOFF_EL2 = 3 4 14 0 3;
    CNTHCTL_EL2 = 3 4 14 1 0;
}

/// Returns the event counter that a `PMEVCNTR<n>_EL0` is.
pub const fn event_counter(id: Id) -> Option<usize> {
    indexed(id, 8)
}

/// Returns the event counter whose `PMEVTYPER<n>_EL0` it is. (31 would be the cycle counter's filter.)
pub const fn event_type(id: Id) -> Option<usize> {
    indexed(id, 12)
}

const fn indexed(id: Id, crm: u16) -> Option<usize> {
    let n = ((id.crm() & 3) << 3 | id.0 & 7) as usize;
    if id.op1() == 3 && id.crn() == 14 && id.crm() & 12 == crm && id.0 >> 14 == 3 && n < COUNTERS {
        Some(n)
    } else {
        None
    }
}

/// Event counters of the PMU.
pub const COUNTERS: usize = 4;

/// Registers that keep what is written to them, and do nothing else that this machine has.
pub const PLAIN: [Id; 34] = [
    CPACR_EL1,
    SPSR_EL1,
    ELR_EL1,
    AFSR0_EL1,
    AFSR1_EL1,
    ESR_EL1,
    FAR_EL1,
    AMAIR_EL1,
    VBAR_EL1,
    CONTEXTIDR_EL1,
    TPIDR_EL1,
    CNTKCTL_EL1,
    MDSCR_EL1,
    PMUSERENR_EL0,
    PMCCFILTR_EL0,
    TPIDR_EL0,
    TPIDRRO_EL0,
    VPIDR_EL2,
    VMPIDR_EL2,
    MDCR_EL2,
    CPTR_EL2,
    HSTR_EL2,
    SPSR_EL2,
    ELR_EL2,
    AFSR0_EL2,
    AFSR1_EL2,
    ESR_EL2,
    FAR_EL2,
    HPFAR_EL2,
    AMAIR_EL2,
    VBAR_EL2,
    CONTEXTIDR_EL2,
    TPIDR_EL2,
    CNTHCTL_EL2,
];

/// Values of [`PLAIN`].
#[derive(Debug, Clone)]
pub struct Plain([u64; PLAIN.len()]);

impl Plain {
    /// Returns registers that are all zero.
    pub const fn new() -> Self {
        Self([0; PLAIN.len()])
    }

    fn index(id: Id) -> Option<usize> {
        PLAIN.iter().position(|other| *other == id)
    }

    /// Reads a register, if it is one of these.
    pub fn get(&self, id: Id) -> Option<u64> {
        Self::index(id).map(|index| self.0[index])
    }

    /// Reads a register that is one of these.
    pub fn read(&self, id: Id) -> u64 {
        self.get(id).unwrap_or(0)
    }

    /// Writes a register, if it is one of these.
    pub fn set(&mut self, id: Id, value: u64) -> bool {
        Self::index(id).is_some_and(|index| {
            self.0[index] = value;
            true
        })
    }
}

/// Translation registers: what they say counts from the next context synchronization event on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Translation {
    /// `SCTLR_EL1` and `SCTLR_EL2`.
    pub sctlr: [u64; 2],
    /// `TCR_EL1` and `TCR_EL2`.
    pub tcr: [u64; 2],
    /// `TTBR0_EL1` and `TTBR0_EL2`.
    pub ttbr0: [u64; 2],
    /// `TTBR1_EL1` and `TTBR1_EL2`.
    pub ttbr1: [u64; 2],
    /// `MAIR_EL1` and `MAIR_EL2`.
    pub mair: [u64; 2],
    /// `HCR_EL2`.
    pub hcr: u64,
    /// `VTCR_EL2`.
    pub vtcr: u64,
    /// `VTTBR_EL2`.
    pub vttbr: u64,
}

impl Translation {
    /// Returns a register, if it is one of these.
    pub fn place(&mut self, id: Id) -> Option<&mut u64> {
        let el = usize::from(id.op1() == 4);
        Some(match id {
            SCTLR_EL1 | SCTLR_EL2 => &mut self.sctlr[el],
            TCR_EL1 | TCR_EL2 => &mut self.tcr[el],
            TTBR0_EL1 | TTBR0_EL2 => &mut self.ttbr0[el],
            TTBR1_EL1 | TTBR1_EL2 => &mut self.ttbr1[el],
            MAIR_EL1 | MAIR_EL2 => &mut self.mair[el],
            HCR_EL2 => &mut self.hcr,
            VTCR_EL2 => &mut self.vtcr,
            VTTBR_EL2 => &mut self.vttbr,
            _ => return None,
        })
    }

    /// `HCR_EL2.E2H`.
    pub const fn e2h(&self) -> bool {
        self.hcr >> 34 & 1 != 0
    }

    /// `HCR_EL2.TGE`.
    pub const fn tge(&self) -> bool {
        self.hcr >> 27 & 1 != 0
    }
}

/// Returns the register that an access at EL2 with `HCR_EL2.E2H` = 1 is about, or `None` if it is unallocated.
///
/// Accesses to some EL1 registers are about those of EL2; the `_EL12` names (`op1` 5) are about those of EL1.
pub fn redirect(id: Id) -> Option<Id> {
    const FROM: [Id; 13] = [
        SCTLR_EL1,
        TTBR0_EL1,
        TTBR1_EL1,
        TCR_EL1,
        AFSR0_EL1,
        AFSR1_EL1,
        ESR_EL1,
        FAR_EL1,
        MAIR_EL1,
        AMAIR_EL1,
        VBAR_EL1,
        CONTEXTIDR_EL1,
        SPSR_EL1,
    ];
    match (id, id.op1()) {
        (CPACR_EL1, _) => Some(CPTR_EL2),
        (CNTKCTL_EL1, _) => Some(CNTHCTL_EL2),
        (ELR_EL1, _) => Some(ELR_EL2),
        (_, 0) if FROM.contains(&id) => Some(id.with_op1(4)),
        (_, 5) => {
            let of_el1 = id.with_op1(0);
            (FROM.contains(&of_el1) || [CPACR_EL1, CNTKCTL_EL1, ELR_EL1].contains(&of_el1)).then_some(of_el1)
        }
        _ => Some(id),
    }
}

/// Returns what an identification register says. Unallocated ones read as zero.
pub fn identification(id: Id, pe: usize, features: &Features) -> Option<u64> {
    let flag = u64::from;
    let either = |flag: bool, yes: u64, no: u64| if flag { yes } else { no };
    Some(match id {
        // The implementer field says "reserved for software use".
        MIDR_EL1 => 0x000f_ad50,
        MPIDR_EL1 => 1 << 31 | pe as u64,
        // EL0 to EL3 in AArch64 state. Floating point and SIMD are announced together or not at all, and compilers use SIMD:
        // so both are, and an instruction of them that is not there ends the run.
        ID_AA64PFR0_EL1 => 0x1111,
        // Armv8 debug, PMUv3.
        ID_AA64DFR0_EL1 => 0x106,
        ID_AA64ISAR0_EL1 => {
            let tlb = either(features.tlbi_range, 2, flag(features.tlbi_os));
            let flags = either(features.flag_m, 2, 0);
            tlb << 56 | flags << 52 | either(features.lse, 2, 0) << 20 | flag(features.crc32) << 16
        }
        ID_AA64ISAR1_EL1 => flag(features.xs) << 56 | flag(features.sb) << 36 | either(features.lrcpc, 2, 0) << 20,
        // 48 bits of physical address, 16 bits of ASID.
        ID_AA64MMFR0_EL1 => {
            let granules = flag(features.granule_16k) << 20 | either(features.granule_64k, 0, 15) << 24;
            flag(features.ecv) << 60 | granules | 0x25
        }
        ID_AA64MMFR1_EL1 => {
            let updates = either(features.dirty_state, 2, flag(features.access_flag));
            let regions = flag(features.lor) << 16;
            let host = flag(features.vhe) << 8 | either(features.vhe, 2, 0) << 4;
            either(features.ets2, 2, 0) << 36 | regions | host | updates
        }
        ID_AA64MMFR2_EL1 => u64::from(features.bbm) << 52 | flag(features.ttl) << 48,
        // 64-byte lines.
        CTR_EL0 => 0x8444_c004,
        DCZID_EL0 => 4,
        CNTFRQ_EL0 => FREQUENCY,
        PMCEID0_EL0 => PMCEID0,
        PMCEID1_EL0 => 0,
        // No regions: `ldlar` and `stllr` are about all of memory.
        LORID_EL1 if features.lor => 0,
        _ if id.0 >> 14 == 3 && id.op1() == 0 && id.crn() == 0 => 0,
        _ => return None,
    })
}

/// Ticks of the generic timer in a second.
pub const FREQUENCY: u64 = 62_500_000;
/// Instructions in which the generic timer ticks once: a billion instructions in a second.
pub const INSTRUCTIONS_PER_TICK: u64 = 16;
/// The number of the event "instruction architecturally executed".
pub const INST_RETIRED: u64 = 0x08;
/// The number of the event "cycle": one instruction takes one.
pub const CPU_CYCLES: u64 = 0x11;
/// `PMCEID0_EL0`: software increment, [`INST_RETIRED`], [`CPU_CYCLES`].
const PMCEID0: u64 = 1 << CPU_CYCLES | 1 << INST_RETIRED;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_those_of_the_instruction_words() {
        // mrs x0, ttbr0_el2; mrs x0, pmccntr_el0: bits 20 to 5.
        assert_eq!(TTBR0_EL2.0, (0xd53c_2000_u32 >> 5) as u16 | 0x8000);
        assert_eq!(PMCCNTR_EL0.0, (0xd53b_9d00_u32 >> 5) as u16 | 0x8000);
        assert_eq!(event_counter(Id((0xd53b_e800_u32 >> 5) as u16 | 0x8000)), Some(0));
    }

    #[test]
    fn with_e2h_the_names_of_el1_are_about_el2_and_el12_about_el1() {
        assert_eq!(redirect(TTBR0_EL1), Some(TTBR0_EL2));
        assert_eq!(redirect(CPACR_EL1), Some(CPTR_EL2));
        assert_eq!(redirect(TTBR0_EL1.with_op1(5)), Some(TTBR0_EL1));
        assert_eq!(redirect(TPIDR_EL1.with_op1(5)), None);
        assert_eq!(redirect(HCR_EL2), Some(HCR_EL2));
    }
}
