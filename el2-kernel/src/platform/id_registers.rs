// SPDX-License-Identifier: MIT OR Apache-2.0
//! The identification registers a run records: what the processor is and implements.

use aarch64_cpu::registers::{
    CNTFRQ_EL0, HCR_EL2, ID_AA64DFR0_EL1, ID_AA64ISAR0_EL1, ID_AA64ISAR1_EL1, ID_AA64MMFR0_EL1, ID_AA64MMFR1_EL1,
    ID_AA64MMFR2_EL1, ID_AA64PFR0_EL1, ID_AA64PFR1_EL1, MIDR_EL1, MPIDR_EL1, Readable,
};
use results::record::Record;

use crate::arch::instructions::mrs;
use crate::arch::regime::OwnRegime;
use crate::platform::console;

/// Prints the identification registers of this PE.
///
/// The ID registers that an assembler may not know are written by their encoding; unallocated ones in the ID space
/// read as zero.
pub fn print(pe: u32) {
    let registers = [
        ("MIDR_EL1", MIDR_EL1.get()),
        ("MPIDR_EL1", MPIDR_EL1.get()),
        ("REVIDR_EL1", mrs!("revidr_el1")),
        ("ID_AA64PFR0_EL1", ID_AA64PFR0_EL1.get()),
        ("ID_AA64PFR1_EL1", ID_AA64PFR1_EL1.get()),
        ("ID_AA64DFR0_EL1", ID_AA64DFR0_EL1.get()),
        ("ID_AA64ISAR0_EL1", ID_AA64ISAR0_EL1.get()),
        ("ID_AA64ISAR1_EL1", ID_AA64ISAR1_EL1.get()),
        ("ID_AA64ISAR2_EL1", mrs!("s3_0_c0_c6_2")),
        ("ID_AA64MMFR0_EL1", ID_AA64MMFR0_EL1.get()),
        ("ID_AA64MMFR1_EL1", ID_AA64MMFR1_EL1.get()),
        ("ID_AA64MMFR2_EL1", ID_AA64MMFR2_EL1.get()),
        ("ID_AA64MMFR3_EL1", mrs!("s3_0_c0_c7_3")),
        ("ID_AA64MMFR4_EL1", mrs!("s3_0_c0_c7_4")),
        ("CTR_EL0", mrs!("ctr_el0")),
        ("CNTFRQ_EL0", CNTFRQ_EL0.get()),
    ];
    let own = OwnRegime::current();
    let (hcr, [sctlr, tcr, mair]) = match own {
        // HCR_EL2 is the hypervisor's, who does not say what it has set.
        OwnRegime::El1 => (None, ["SCTLR_EL1", "TCR_EL1", "MAIR_EL1"]),
        OwnRegime::El2 => (Some(("HCR_EL2", HCR_EL2.get())), ["SCTLR_EL2", "TCR_EL2", "MAIR_EL2"]),
    };
    let control = [(sctlr, own.sctlr()), (tcr, own.tcr()), (mair, own.mair())];
    let registers = registers.into_iter().chain(hcr).chain(control);
    for (name, value) in registers {
        console::record(&Record::Reg { pe, name, value });
    }
    // Without a PMU these are UNDEFINED.
    if !matches!(ID_AA64DFR0_EL1.read(ID_AA64DFR0_EL1::PMUVer), 0 | 15) {
        for (name, value) in [
            ("PMCR_EL0", mrs!("pmcr_el0")),
            ("PMCEID0_EL0", mrs!("pmceid0_el0")),
            ("PMCEID1_EL0", mrs!("pmceid1_el0")),
        ] {
            console::record(&Record::Reg { pe, name, value });
        }
    }
}
