// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whose tables are changed, and of which stage.

use crate::infer::names::Names;
use sequences::judge::{Regime, Stage};
use sequences::{ExceptionLevel, Target, Tlbi};

/// Returns regime and stage, and why they are taken to be so.
pub(super) fn regime(tlbis: &[Tlbi], names: &Names) -> (Regime, Stage, &'static str) {
    let level = |level| tlbis.iter().any(|tlbi| tlbi.op.level() == level);
    let by_guest = tlbis.iter().any(|tlbi| {
        matches!(
            tlbi.op.target(),
            Target::Ipa | Target::IpaLast | Target::VmallS12 | Target::VmallWs2
        )
    });
    // `alle1` is for both stages: of which the change is, shows in what else is used, or in names.
    let all = |tlbi: &Tlbi| tlbi.op.level() == ExceptionLevel::El1 && tlbi.op.target() == Target::All;
    let guests = ["stage2", "stage_2", "s2", "vmid", "p2m", "guest", "kvm", "vcpu", "/vm"];
    let named = || guests.iter().any(|word| names.text.contains(word));
    let el1 = || tlbis.iter().filter(|tlbi| tlbi.op.level() == ExceptionLevel::El1);
    let stage_two = by_guest || tlbis.iter().any(all) && (named() || el1().all(all));
    let stage = if stage_two { Stage::Two } else { Stage::One };
    if level(ExceptionLevel::El3) {
        (Regime::El3, Stage::One, "by the operations' exception level")
    } else if stage_two && level(ExceptionLevel::El1) && !level(ExceptionLevel::El2) {
        (Regime::El10, stage, "stage 2 operations are used")
    } else if level(ExceptionLevel::El2) {
        match names.text.replace("nvhe", "").contains("vhe") || names.text.contains("e2h") {
            true => (Regime::El20, Stage::One, "by the operations, and VHE in the name"),
            false => (
                Regime::El2,
                Stage::One,
                "by the operations' exception level; HCR_EL2.E2H taken as 0",
            ),
        }
    } else {
        (Regime::El10, stage, "by the operations' exception level")
    }
}
