// SPDX-License-Identifier: MIT OR Apache-2.0
//! The plan of an image whose plan area is empty: the two sequences of the seed patch, timed and checked on one PE, and
//! for every other check a sequence that is known to be good.

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

/// `dsb sy; isb; tlbi alle2; dsb sy; isb`: what Xen's `setup_fixmap` did before the patch.
const XEN_HEAD_OLD: [u32; 5] = [DSB_SY, ISB, TLBI_ALLE2, DSB_SY, ISB];
/// `dsb nshst; tlbi alle2; dsb nsh; isb`: what `remove_identity_mapping` does after it.
const XEN_HEAD_NEW: [u32; 4] = [DSB_NSHST, TLBI_ALLE2, DSB_NSH, ISB];

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
        ..entry(id, 0, words)
    };
    let el2 = checks(false, false);
    let in_el1 = all(|check| check.spec().in_el1);
    let entries = [
        Entry {
            checks: el2,
            good_for: el2,
            ..entry("xen_head_old", flags::TIMED, &XEN_HEAD_OLD)
        },
        entry("xen_head_old_aa", flags::TIMED, &XEN_HEAD_OLD),
        Entry {
            checks: el2,
            ..entry("xen_head_new", flags::TIMED, &XEN_HEAD_NEW)
        },
        known_good("good_el1", &[DSB_NSHST, TLBI_ALLE1, DSB_NSH, ISB], false, true),
        known_good("good_el2is", &[DSB_ISHST, TLBI_ALLE2IS, DSB_ISH, ISB], true, false),
        Entry {
            checks: in_el1,
            good_for: in_el1,
            ..entry("good_in_el1", 0, &[DSB_NSHST, TLBI_VMALLE1, DSB_NSH, ISB])
        },
        known_good("good_el1is", &[DSB_ISHST, TLBI_ALLE1IS, DSB_ISH, ISB], true, true),
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
    fn the_built_in_plan_reads_back_and_covers_every_check_once() {
        let mut area = [0; 1024];
        write(&mut area).unwrap();
        let plan = Plan::read(&area).unwrap().unwrap();
        let ids: Vec<_> = plan.entries().map(|entry| entry.id).collect();
        let timed = ["xen_head_old", "xen_head_old_aa", "xen_head_new"];
        assert_eq!(ids[..3], timed);
        assert!(
            plan.entries()
                .all(|entry| (entry.flags != 0) == timed.contains(&entry.id))
        );
        for check in Check::ALL {
            let good = plan
                .entries()
                .filter(|entry| entry.good_for & check.mask() != 0)
                .count();
            let tested = plan.entries().filter(|entry| entry.checks & check.mask() != 0).count();
            assert_eq!((good, tested > 0), (1, true), "{check:?}");
        }
    }
}
