// SPDX-License-Identifier: MIT OR Apache-2.0
//! The plan of an image whose plan area is empty: the two sequences of the seed patch, checked and timed.

use results::plan::{Entry, Flow, PlanError, RuntimeCase, Settings, encode, flags};

const DSB_SY: u32 = 0xd503_3f9f;
const DSB_NSHST: u32 = 0xd503_369f;
const DSB_NSH: u32 = 0xd503_379f;
const ISB: u32 = 0xd503_3fdf;
const TLBI_ALLE2: u32 = 0xd50c_871f;

/// `dsb sy; isb; tlbi alle2; dsb sy; isb`: what Xen's `setup_fixmap` did before the patch.
const XEN_HEAD_OLD: [u32; 5] = [DSB_SY, ISB, TLBI_ALLE2, DSB_SY, ISB];
/// `dsb nshst; tlbi alle2; dsb nsh; isb`: what `remove_identity_mapping` does after it.
const XEN_HEAD_NEW: [u32; 4] = [DSB_NSHST, TLBI_ALLE2, DSB_NSH, ISB];

/// Writes the built-in plan into the plan area.
pub fn write(area: &mut [u8]) -> Result<usize, PlanError> {
    const TESTED: u8 = flags::TIMED | flags::CHECKED;
    let entry = |id, flags, words| Entry {
        id,
        flags,
        pages: 1,
        operands: &[],
        words,
    };
    let entries = [
        entry("xen_head_old", TESTED, &XEN_HEAD_OLD),
        entry("xen_head_old_aa", flags::TIMED, &XEN_HEAD_OLD),
        entry("xen_head_new", TESTED, &XEN_HEAD_NEW),
    ];
    let settings = Settings {
        seed: 1,
        iterations: 100_000,
        batch: 2_000,
        trials: 1_000,
        checks: u64::MAX,
        case: RuntimeCase::Level1,
        runtime: 0,
        flow: Flow::New,
        console: None,
        conduit: None,
        boot_flush: 2,
        known_good: 0,
    };
    encode(&settings, &entries, area)
}

#[cfg(test)]
mod tests {
    use results::plan::Plan;

    use super::*;

    #[test]
    fn the_built_in_plan_reads_back() {
        let mut area = [0; 1024];
        write(&mut area).unwrap();
        let plan = Plan::read(&area).unwrap().unwrap();
        let ids: Vec<_> = plan.entries().map(|entry| entry.id).collect();
        assert_eq!(ids, ["xen_head_old", "xen_head_old_aa", "xen_head_new"]);
    }
}
