// SPDX-License-Identifier: MIT OR Apache-2.0
//! A check as a question to the judge, and which checks a sequence is for.

use results::check::{self, Check, Observer, Tag};
use sequences::judge::{After, Change, Level, Observers, Question, Regime, Stage, is_sufficient};
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
        Observer::Other | Observer::Relay => Observers::Inner,
    };
    let after = match (spec.change, spec.observer, spec.access) {
        // The new owner is on the other PE; here it is this PE's own access that must not reach the page.
        (check::Change::Reuse, Observer::Other | Observer::Relay, _) => After::PageReuse,
        (_, Observer::Other | Observer::Relay, _) => After::AccessElsewhere,
        (_, Observer::Own, check::Access::Fetch) => After::FetchHere,
        (_, Observer::Own, _) => After::DataHere,
    };
    let table = change == Change::RemoveTable;
    let of_identity = matches!(
        spec.change,
        check::Change::Identity | check::Change::IdentityOfSecondaries
    );
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
        ..Question::new(change, regime, observers, after)
    }
}

/// Returns whether the architecture says that a sequence is enough for a check. `None`: it is not decided.
pub fn is_enough(check: Check, sequence: &Sequence) -> Option<bool> {
    let instructions: Vec<_> = sequence.instructions().collect();
    is_sufficient(&question(check), &instructions).ok()
}

/// Returns whether a sequence is about the translations that a check changes, be it enough for it or not.
///
/// Its operations are of the check's regime and stage; and one that names a single page is not asked about several.
pub fn is_about(check: Check, sequence: &Sequence) -> bool {
    let spec = check.spec();
    let operations = || {
        sequence.instructions().filter_map(|instruction| match instruction {
            Instruction::Tlbi(tlbi) => Some(tlbi.op),
            _ => None,
        })
    };
    let of_regime = operations().all(|op| match (spec.regime, op.level()) {
        (check::Regime::El2 | check::Regime::El2Host, level) => level == ExceptionLevel::El2,
        (check::Regime::El2HostTge, level) => level != ExceptionLevel::El3,
        (_, level) => level == ExceptionLevel::El1,
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
    of_regime && of_stage && (spec.entries == 1 || !one_page || repeats)
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
        assert!(!about("range_el2", "tlbi vae2, {va}") && about("range_el2", "tlbi alle2"));
    }
}
