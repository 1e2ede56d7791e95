// SPDX-License-Identifier: MIT OR Apache-2.0
//! A check as a question to the judge, and which checks a sequence is for.

use results::check::{self, Check, Observer, Tag};
use sequences::judge::{
    After, Architecture, Change, Level, Observers, Question, Regime, Rule, Stage, coverage, is_sufficient,
};
use sequences::{ExceptionLevel, Instruction, Sequence, Target};

/// Returns what the judge is asked about a check.
pub fn question(check: Check) -> Question {
    let spec = check.spec();
    let change = match spec.change {
        // To the accesses that follow, an entry that cannot be executed from, or has no access flag, is an invalid one;
        // the judge's permissions are those of stores.
        check::Change::Unmap
        | check::Change::Reuse
        | check::Change::NoExecute
        | check::Change::AccessFlag
        | check::Change::Age => Change::Invalidate,
        check::Change::Remap => Change::OutputAddress,
        // A clean entry does not permit stores: hardware marks it dirty first.
        check::Change::WriteProtect | check::Change::Clean => Change::Permissions,
        check::Change::RemoveTable
        | check::Change::Relink
        | check::Change::Identity
        | check::Change::IdentityOfSecondaries => Change::RemoveTable,
        check::Change::Map => Change::Validate,
    };
    let regime = match spec.regime {
        check::Regime::El2 => Regime::El2,
        check::Regime::El2Host | check::Regime::El2HostTge => Regime::El20,
        _ => Regime::El10,
    };
    let observers = match spec.observer {
        Observer::Own => Observers::ThisPe,
        Observer::Other | Observer::Loop | Observer::Relay => Observers::Inner,
    };
    let after = match (spec.change, spec.observer, spec.access) {
        // The new owner is on the other PE; here it is this PE's own access that must not reach the page.
        (check::Change::Reuse, Observer::Other | Observer::Loop | Observer::Relay, _) => After::PageReuse,
        (_, Observer::Other | Observer::Loop | Observer::Relay, _) => After::AccessElsewhere,
        (_, Observer::Own, check::Access::Fetch) => After::FetchHere,
        (_, Observer::Own, _) => After::DataHere,
    };
    let table = change == Change::RemoveTable;
    let of_identity = matches!(
        spec.change,
        check::Change::Identity | check::Change::IdentityOfSecondaries
    );
    let usual = Question::new(change, regime, observers, after);
    Question {
        stage: if spec.regime.changes_stage2() {
            Stage::Two
        } else {
            Stage::One
        },
        level: Some(if table { Level::Table } else { Level::Last }),
        // Where the 1:1 map's own entry is depends on the addresses.
        level_number: (!of_identity).then_some(spec.level),
        range: spec.entries > 1,
        global: Some(!matches!(spec.tag, Tag::Asid | Tag::OtherAsid)),
        host: spec.regime == check::Regime::El2HostTge,
        vmid_is_current: spec.tag != Tag::OtherVmid,
        architecture: Architecture {
            // An observer that is told of a new mapping synchronizes its context, so no walk from before the message can
            // fault. That is what FEAT_ETS2 gives a PE that does not.
            ets2: change == Change::Validate && observers != Observers::ThisPe,
            ..usual.architecture
        },
        runs_at: if spec.in_el1 {
            ExceptionLevel::El1
        } else {
            ExceptionLevel::El2
        },
        ..usual
    }
}

/// Returns whether the architecture says that a sequence is enough for a check. `None`: it is not decided.
pub fn is_enough(check: Check, sequence: &Sequence) -> Option<bool> {
    let instructions: Vec<_> = sequence.instructions().collect();
    is_sufficient(&question(check), &instructions).ok()
}

/// Returns whether a sequence is about the translations that a check changes, be it enough for it or not.
///
/// Its operations are of the check's regime and stage; one that names a single page is not asked about several; and one
/// without operations is for new mappings only.
pub fn is_about(check: Check, sequence: &Sequence) -> bool {
    let spec = check.spec();
    let question = Question {
        // A VMID is current on some PE at some time: which one is current is what such a check is about.
        vmid_is_current: true,
        ..question(check)
    };
    let invalidations = || {
        sequence.instructions().filter_map(|instruction| match instruction {
            Instruction::Tlbi(tlbi) => Some(tlbi),
            _ => None,
        })
    };
    let operations = || invalidations().map(|tlbi| tlbi.op);
    let of_regime = invalidations().all(|tlbi| {
        let of_another = coverage(&question, &tlbi)
            .reason
            .is_some_and(|reason| reason.rule == Rule::Regime);
        !of_another && question.can_execute(&tlbi)
    });
    let stage2 = |target| matches!(target, Target::Ipa | Target::IpaLast | Target::VmallWs2);
    let both = |target| matches!(target, Target::All | Target::VmallS12);
    let of_stage = if spec.regime.changes_stage2() {
        operations().any(|op| stage2(op.target()) || both(op.target()))
    } else {
        operations().any(|op| !stage2(op.target()))
    };
    let one_page = operations().any(|op| {
        let by_page = matches!(
            op.target(),
            Target::Va | Target::VaLast | Target::VaAllAsid | Target::VaAllAsidLast | Target::Ipa | Target::IpaLast
        );
        by_page && !op.is_range()
    });
    let repeats = sequence
        .items
        .iter()
        .any(|item| matches!(item, sequences::Item::ForPage(_)));
    let none_needed = spec.change == check::Change::Map && operations().next().is_none();
    of_regime && (of_stage || none_needed) && (spec.entries == 1 || !one_page || repeats)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enough(check: &str, text: &str) -> Option<bool> {
        is_enough(Check::from_id(check).unwrap(), &text.parse().unwrap())
    }

    #[test]
    fn a_local_flush_is_enough_for_one_pe_and_not_for_two() {
        let xen = "dsb nshst; tlbi alle2; dsb nsh; isb";
        assert_eq!(enough("identity_el2", xen), Some(true));
        assert_eq!(enough("cowinvt_el2", xen), Some(true));
        assert_eq!(enough("mp_rt_el2", xen), Some(false));
        assert_eq!(enough("mp_identity_el2", xen), Some(false));
        assert_eq!(enough("mp_rt_el2", "dsb ishst; tlbi alle2is; dsb ish; isb"), Some(true));
    }

    #[test]
    fn a_new_mapping_needs_its_barriers_and_no_tlbi() {
        for (check, text, is_enough) in [
            ("i2v_el2", "dsb nshst; isb", true),
            ("i2v_el2", "dsb nshst", false),
            ("i2v_in_el1", "isb", false),
            ("mp_i2v_el2", "dsb ishst; isb", true),
            ("mp_i2v_el2", "isb", false),
        ] {
            assert_eq!(enough(check, text), Some(is_enough), "{check} {text}");
        }
    }

    #[test]
    fn a_stage_2_change_under_stage_1_needs_the_stage_1_half() {
        let half = "dsb ishst; tlbi ipas2e1, {ipa}; dsb nsh; isb";
        let whole = "dsb ishst; tlbi ipas2e1, {ipa}; dsb nsh; tlbi vmalle1; dsb nsh; isb";
        assert_eq!(enough("cowinvt_s2_s1", half), Some(false));
        assert_eq!(enough("cowinvt_s2_s1", whole), Some(true));
    }

    #[test]
    fn a_level_hint_is_enough_at_its_level_only() {
        let hint = "dsb nshst; tlbi vae2, {va, ttl=3}; dsb nsh; isb";
        assert_eq!(enough("cowinvt_el2", hint), Some(true));
        assert_eq!(enough("block_l2_el2", hint), Some(false));
        assert_eq!(enough("table_l2_el2", hint), Some(false));
    }

    #[test]
    fn a_sequence_is_about_its_own_regime_and_stage() {
        let about = |check: &str, text: &str| is_about(Check::from_id(check).unwrap(), &text.parse().unwrap());
        assert!(about("mp_rt_el2", "tlbi alle2") && !about("cowinvt_el1", "tlbi alle2"));
        assert!(about("cowinvt_el1", "tlbi vae1, {va}") && !about("cowinvt_s2", "tlbi vae1, {va}"));
        assert!(about("cowinvt_s2", "tlbi ipas2e1, {ipa}; dsb nsh; tlbi vmalle1"));
        // With TGE set some operations of EL1 are about EL2&0: those that name addresses, ASIDs or all of the regime.
        for (text, is) in [
            ("vae1is, {va}", true),
            ("aside1, {asid}", true),
            ("vmalle1is", true),
            ("vmalls12e1is", false),
            ("alle1", false),
            ("ipas2e1, {ipa}", false),
        ] {
            assert_eq!(about("cowinvt_el2h_tge", &format!("tlbi {text}")), is, "{text}");
            assert!(!about("cowinvt_el2h", &format!("tlbi {text}")), "{text}");
        }
        assert!(about("mp_i2v_el1", "dsb ishst; isb") && !about("mp_rt_el1", "dsb ishst; isb"));
        // EL1 cannot execute operations on other VMIDs or stage 2.
        assert!(about("cowinvt_in_el1", "tlbi vmalle1") && !about("cowinvt_in_el1", "tlbi vmalls12e1"));
        assert!(about("cowinvt_el1", "tlbi vmalls12e1") && about("vmid_other_s2", "tlbi vmalls12e1"));
        assert!(!about("range_el2", "tlbi vae2, {va}") && about("range_el2", "tlbi alle2"));
    }
}
