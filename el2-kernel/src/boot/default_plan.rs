// SPDX-License-Identifier: MIT OR Apache-2.0
//! The plan of an image whose plan area is empty: the two sequences of the seed patch, timed and checked on one PE, and
//! for every other check a sequence that is known to be good. Entered at EL1: the same two with the operation of EL1&0.

use results::check::{Check, Mask, Observer};
use results::plan::{AtEnd, Entry, Flow, Measure, PlanError, RuntimeCase, Settings, encode, flags};

const DSB_SY: u32 = 0xd503_3f9f;
const DSB_NSHST: u32 = 0xd503_369f;
const DSB_NSH: u32 = 0xd503_379f;
const DSB_ISHST: u32 = 0xd503_3a9f;
const DSB_ISH: u32 = 0xd503_3b9f;
const ISB: u32 = 0xd503_3fdf;
const TLBI_ALLE2: u32 = 0xd50c_871f;
const TLBI_ALLE2IS: u32 = 0xd50c_831f;
const TLBI_ALLE1: u32 = 0xd50c_879f;
const TLBI_ALLE1IS: u32 = 0xd50c_839f;
const TLBI_VMALLE1: u32 = 0xd508_871f;
const TLBI_VMALLE1IS: u32 = 0xd508_831f;

/// `dsb sy; isb; tlbi alle2; dsb sy; isb`: what Xen's `setup_fixmap` did before the patch.
const XEN_HEAD_OLD: [u32; 5] = [DSB_SY, ISB, TLBI_ALLE2, DSB_SY, ISB];
/// `dsb nshst; tlbi alle2; dsb nsh; isb`: what `remove_identity_mapping` does after it.
const XEN_HEAD_NEW: [u32; 4] = [DSB_NSHST, TLBI_ALLE2, DSB_NSH, ISB];

/// `dsb sy; isb; tlbi vmalle1; dsb sy; isb`, and `dsb nshst; tlbi vmalle1; dsb nsh; isb`: the same for EL1&0.
const EL1_OLD: [u32; 5] = [DSB_SY, ISB, TLBI_VMALLE1, DSB_SY, ISB];
const EL1_NEW: [u32; 4] = [DSB_NSHST, TLBI_VMALLE1, DSB_NSH, ISB];

/// Returns the checks that fit.
fn all(fits: impl Fn(&Check) -> bool) -> Mask {
    Check::ALL
        .into_iter()
        .filter(fits)
        .fold(0, |mask, check| mask | check.mask())
}

/// Returns the checks on one PE, or on several, of EL2 or of EL1&0, whose sequence runs at EL2.
fn checks(several: bool, guest: bool) -> Mask {
    all(|check| {
        let spec = check.spec();
        (spec.observer != Observer::Own) == several && spec.regime.is_guest() == guest && !spec.in_el1
    })
}

/// Writes the built-in plan into the plan area.
pub fn write(area: &mut [u8]) -> Result<usize, PlanError> {
    let entry = |id, flags, words| Entry {
        id,
        flags,
        pages: 1,
        checks: 0,
        good_for: 0,
        operands: &[],
        words,
    };
    let known_good = |id, words, several, guest| Entry {
        checks: checks(several, guest),
        good_for: checks(several, guest),
        ..entry(id, flags::AT_EL2, words)
    };
    let el2 = checks(false, false);
    let in_el1 = all(|check| check.spec().in_el1);
    let own_el1 = checks(false, true) | in_el1;
    let (at_el2, at_el1) = (flags::TIMED | flags::AT_EL2, flags::TIMED | flags::AT_EL1);
    let entries = [
        Entry {
            checks: el2,
            good_for: el2,
            ..entry("xen_head_old", at_el2, &XEN_HEAD_OLD)
        },
        entry("xen_head_old_aa", at_el2, &XEN_HEAD_OLD),
        Entry {
            checks: el2,
            ..entry("xen_head_new", at_el2, &XEN_HEAD_NEW)
        },
        known_good("good_el1", &[DSB_NSHST, TLBI_ALLE1, DSB_NSH, ISB], false, true),
        known_good("good_el2is", &[DSB_ISHST, TLBI_ALLE2IS, DSB_ISH, ISB], true, false),
        Entry {
            checks: in_el1,
            good_for: in_el1,
            ..entry("good_in_el1", flags::AT_EL2, &[DSB_NSHST, TLBI_VMALLE1, DSB_NSH, ISB])
        },
        known_good("good_el1is", &[DSB_ISHST, TLBI_ALLE1IS, DSB_ISH, ISB], true, true),
        Entry {
            checks: own_el1,
            good_for: own_el1,
            ..entry("el1_old", at_el1, &EL1_OLD)
        },
        entry("el1_old_aa", at_el1, &EL1_OLD),
        Entry {
            checks: own_el1,
            ..entry("el1_new", at_el1, &EL1_NEW)
        },
        Entry {
            checks: checks(true, true),
            good_for: checks(true, true),
            ..entry(
                "good_vmalle1is",
                flags::AT_EL1,
                &[DSB_ISHST, TLBI_VMALLE1IS, DSB_ISH, ISB],
            )
        },
    ];
    let settings = Settings {
        at_end: AtEnd::Off,
        seed_by_boot: false,
        seed: 1,
        iterations: 100_000,
        batch: 2_000,
        trials: 1_000,
        case: RuntimeCase::Level1,
        runtime: 0,
        flow: Flow::New,
        console: None,
        conduit: None,
        boot_flush: 2,
        pes: 3,
        stress: 0,
        planted: None,
        measure: Measure::PLAIN,
    };
    encode(&settings, &entries, area)
}

#[cfg(test)]
mod tests {
    use results::plan::Plan;

    use super::*;

    #[test]
    fn the_built_in_plan_reads_back_and_covers_every_check_once_at_each_level() {
        let mut area = [0; 2048];
        write(&mut area).unwrap();
        let plan = Plan::read(&area).unwrap().unwrap();
        for (at_el1, timed) in [
            (false, ["xen_head_old", "xen_head_old_aa", "xen_head_new"]),
            (true, ["el1_old", "el1_old_aa", "el1_new"]),
        ] {
            let entries = || plan.entries().filter(|entry| entry.is_for(at_el1));
            let ids = entries()
                .filter(|entry| entry.flags & flags::TIMED != 0)
                .map(|entry| entry.id);
            assert!(ids.eq(timed), "{at_el1}");
            let checks = Check::ALL
                .into_iter()
                .filter(|check| !at_el1 || check.regime().is_guest());
            for check in checks {
                let good = entries().filter(|entry| entry.good_for & check.mask() != 0).count();
                let tested = entries().filter(|entry| entry.checks & check.mask() != 0).count();
                assert_eq!((good, tested > 0), (1, true), "{check:?}");
            }
        }
    }
}
