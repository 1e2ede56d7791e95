// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whose tables are changed, and of which stage.

use crate::infer::names::Names;
use sequences::judge::inferred::Operations;
use sequences::judge::{Regime, Stage};
use sequences::{ExceptionLevel, Target, Tlbi};

/// Returns regime and stage, and why they are taken to be so.
pub(super) fn regime(operations: &Operations, names: &Names) -> (Regime, Stage, &'static str) {
    // `alle1` is for both stages: of which the change is, shows in what else is used, or in names.
    let all = |tlbi: &Tlbi| tlbi.op.level() == ExceptionLevel::El1 && tlbi.op.target() == Target::All;
    let guests = ["stage2", "stage_2", "s2", "vmid", "p2m", "guest", "kvm", "vcpu", "/vm"];
    let of_guest = || guests.iter().any(|word| names.text.contains(word));
    let stage = if operations.tlbis().iter().any(all) && of_guest() {
        Stage::Two
    } else {
        operations.stage()
    };
    match operations.regime() {
        Some(Regime::El3) => (Regime::El3, Stage::One, "by the operations' exception level"),
        Some(Regime::El2 | Regime::El20) => {
            match names.text.replace("nvhe", "").contains("vhe") || names.text.contains("e2h") {
                true => (Regime::El20, Stage::One, "by the operations, and VHE in the name"),
                false => (
                    Regime::El2,
                    Stage::One,
                    "by the operations' exception level; HCR_EL2.E2H taken as 0",
                ),
            }
        }
        Some(Regime::El10) if stage == Stage::Two => (Regime::El10, stage, "stage 2 operations are used"),
        Some(Regime::El10) => (Regime::El10, stage, "by the operations' exception level"),
        None => (Regime::El10, Stage::One, "no operation tells; the usual one"),
    }
}
