// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a check needs of a machine.

use aarch64_cpu::registers::{ID_AA64MMFR0_EL1, ID_AA64MMFR1_EL1, Readable};
use results::check::{Change, Check, Granule, Spec};

use crate::mmu::identity::Identity;
use crate::smp::bring_up;

/// Returns why a check cannot be made here.
pub fn obstacle(pes: usize, check: Check, identity: Option<&Identity>) -> Option<&'static str> {
    let spec = check.spec();
    let of_identity = matches!(spec.change, Change::Identity | Change::IdentityOfSecondaries);
    if of_identity && identity.is_none() {
        Some("runtime address is the physical one: there is no 1:1 map")
    } else if usize::from(check.pes()) > pes {
        Some(match check.pes() {
            2 => "needs 2 PEs",
            _ => "needs 3 PEs",
        })
    } else if spec.change == Change::IdentityOfSecondaries && !bring_up::can_restart() {
        Some("needs PSCI to turn a PE off and on")
    } else if spec.regime.is_host() && ID_AA64MMFR1_EL1.read(ID_AA64MMFR1_EL1::VH) == 0 {
        Some("FEAT_VHE is not implemented here")
    } else {
        missing(spec)
    }
}

/// Returns which optional feature of the tables a check needs and this PE lacks.
fn missing(spec: &Spec) -> Option<&'static str> {
    let updates = ID_AA64MMFR1_EL1.read(ID_AA64MMFR1_EL1::HAFDBS);
    let (stage2, mmfr0) = (spec.regime.changes_stage2(), ID_AA64MMFR0_EL1.get());
    let field = |shift: u32| mmfr0 >> shift & 0b1111;
    // Stage 2 has fields of its own; 0 there: as in stage 1.
    let granule = |stage1: bool, of_stage2: u64| match of_stage2 {
        0 => stage1,
        of_stage2 => of_stage2 >= 2,
    };
    // TGran16: 0 is not implemented; TGran64: 0b1111 is not.
    let (has_16k, has_64k) = (field(20) != 0, field(24) != 0b1111);
    let (stage2_16k, stage2_64k) = (granule(has_16k, field(32)), granule(has_64k, field(36)));
    match spec.change {
        Change::Clean if updates < 2 => return Some("hardware management of dirty state is not implemented here"),
        Change::Age if updates < 1 => return Some("hardware management of the access flag is not implemented here"),
        _ => {}
    }
    match spec.granule {
        Granule::K16 if !(if stage2 { stage2_16k } else { has_16k }) => Some("no 16 KiB granule here"),
        Granule::K64 if !(if stage2 { stage2_64k } else { has_64k }) => Some("no 64 KiB granule here"),
        _ => None,
    }
}
