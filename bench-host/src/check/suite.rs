// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sequences that a conformance run checks by default, and the controls.

use results::check::{Check, Mask, Regime, Spec};
use sequences::Sequence;

use review::check_question::{is_about, is_enough};

use crate::plan::Checked;

/// A sequence of the suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Stable id.
    pub id: String,
    /// The sequence.
    pub text: String,
    /// The checks that test it: bits of [`Check::mask`].
    pub checks: Mask,
}

/// A good control.
#[derive(Debug, Clone, Copy)]
pub struct Good {
    /// Stable id.
    pub id: &'static str,
    /// The sequence.
    pub text: &'static str,
    fits: fn(&Spec) -> bool,
}

impl Good {
    /// Returns those of some checks that it is the control of.
    pub fn checks(&self, wanted: Mask) -> Mask {
        mask(wanted, |check| (self.fits)(check.spec()))
    }
}

/// Good controls: a full system barrier on both sides of the widest operation of the regime that can be executed where
/// the sequence runs. The kernel takes the first that it can execute: entered at EL1, the last is that of all checks it makes.
pub const GOOD: [Good; 3] = [
    Good {
        id: "good_el2",
        text: "dsb sy; tlbi alle2is; dsb sy; isb",
        fits: |spec| !spec.regime.is_guest(),
    },
    Good {
        id: "good_el1",
        text: "dsb sy; tlbi alle1is; dsb sy; isb",
        fits: |spec| spec.regime.is_guest() && !spec.in_el1,
    },
    Good {
        id: "good_in_el1",
        text: "dsb sy; tlbi vmalle1is; dsb sy; isb",
        fits: |spec| spec.regime == Regime::El1 || spec.in_el1,
    },
];

/// Sequences of every regime, scope and kind of operand. Each is tested by the checks it is enough for.
const SUITE: [(&str, &str); 31] = [
    ("xen_head_old", "dsb sy; isb; tlbi alle2; dsb sy; isb"),
    ("xen_head_new", "dsb nshst; tlbi alle2; dsb nsh; isb"),
    ("el2_va", "dsb nshst; tlbi vae2, {va}; dsb nsh; isb"),
    ("el2_va_last", "dsb nshst; tlbi vale2, {va}; dsb nsh; isb"),
    ("el2_all_is", "dsb ishst; tlbi alle2is; dsb ish; isb"),
    ("el2_va_is", "dsb ishst; tlbi vae2is, {va}; dsb ish; isb"),
    (
        "el2_pages_is",
        "dsb ishst; for page in {range}: tlbi vae2is, {page}; dsb ish; isb",
    ),
    ("el2_range_is", "dsb ishst; tlbi rvae2is, {range}; dsb ish; isb"),
    ("el2_va_hint_is", "dsb ishst; tlbi vae2is, {va, ttl=3}; dsb ish; isb"),
    ("el1_vmall", "dsb nshst; tlbi vmalle1; dsb nsh; isb"),
    ("el1_va", "dsb nshst; tlbi vae1, {va}; dsb nsh; isb"),
    ("el1_asid", "dsb nshst; tlbi aside1, {asid}; dsb nsh; isb"),
    ("el1_vmall_is", "dsb ishst; tlbi vmalle1is; dsb ish; isb"),
    ("el1_va_is", "dsb ishst; tlbi vae1is, {va}; dsb ish; isb"),
    ("el1_va_all_asids_is", "dsb ishst; tlbi vaae1is, {va}; dsb ish; isb"),
    ("el1_asid_is", "dsb ishst; tlbi aside1is, {asid}; dsb ish; isb"),
    ("el1_va_last", "dsb nshst; tlbi vale1, {va}; dsb nsh; isb"),
    (
        "el1_va_last_hint_is",
        "dsb ishst; tlbi vale1is, {va, ttl=3}; dsb ish; isb",
    ),
    ("el1_va_all_asids_last", "dsb nshst; tlbi vaale1, {va}; dsb nsh; isb"),
    (
        "el1_pages_is",
        "dsb ishst; for page in {range}: tlbi vae1is, {page}; dsb ish; isb",
    ),
    ("el1_range_is", "dsb ishst; tlbi rvae1is, {range}; dsb ish; isb"),
    (
        "el1_range_last_hint",
        "dsb nshst; tlbi rvale1, {range, ttl=3}; dsb nsh; isb",
    ),
    ("vmid", "dsb nshst; tlbi vmalls12e1; dsb nsh; isb"),
    ("vmid_is", "dsb ishst; tlbi vmalls12e1is; dsb ish; isb"),
    ("all_vmids_is", "dsb ishst; tlbi alle1is; dsb ish; isb"),
    (
        "s2_ipa",
        "dsb nshst; tlbi ipas2e1, {ipa}; dsb nsh; tlbi vmalle1; dsb nsh; isb",
    ),
    (
        "s2_ipa_is",
        "dsb ishst; tlbi ipas2e1is, {ipa}; dsb ish; tlbi vmalle1is; dsb ish; isb",
    ),
    (
        "s2_pages_is",
        "dsb ishst; for page in {range}: tlbi ipas2e1is, {page}; dsb ish; tlbi vmalle1is; dsb ish; isb",
    ),
    (
        "s2_range_is",
        "dsb ishst; tlbi ripas2e1is, {range}; dsb ish; tlbi vmalle1is; dsb ish; isb",
    ),
    ("new_mapping", "dsb nshst; isb"),
    ("new_mapping_is", "dsb ishst; isb"),
];

/// Returns what a plan of these sequences checks, with the good controls of the checks that are wanted behind them.
pub fn planned(members: &[Member], wanted: Mask) -> Vec<Checked<'_>> {
    let tested = members.iter().map(|member| Checked {
        id: &member.id,
        text: &member.text,
        checks: member.checks,
        good_for: 0,
    });
    let good = GOOD.iter().filter(|good| good.checks(wanted) != 0);
    let good = good.map(|good| Checked {
        id: good.id,
        text: good.text,
        checks: 0,
        good_for: good.checks(wanted),
    });
    tested.chain(good).collect()
}

/// Returns the default suite for some of the checks: each sequence with the checks that it is enough for.
pub fn default(wanted: Mask) -> Vec<Member> {
    let member = |(id, text): (&str, &str)| {
        // Every text parses: a test.
        let sequence: Sequence = text.parse().ok()?;
        let checks = mask(wanted, |check| {
            is_about(check, &sequence) && is_enough(check, &sequence) == Some(true)
        });
        (checks != 0).then(|| Member {
            id: id.to_owned(),
            text: text.to_owned(),
            checks,
        })
    };
    SUITE.into_iter().filter_map(member).collect()
}

/// Returns a sequence with all the checks it is about: what it is not enough for is for the run to show.
pub fn chosen(id: &str, sequence: &Sequence, wanted: Mask) -> Member {
    Member {
        id: id.to_owned(),
        text: sequence.to_string(),
        checks: mask(wanted, |check| is_about(check, sequence)),
    }
}

fn mask(wanted: Mask, fits: impl Fn(Check) -> bool) -> Mask {
    Check::ALL
        .into_iter()
        .filter(|check| wanted & check.mask() != 0 && fits(*check))
        .fold(0, |mask, check| mask | check.mask())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_a_good_control_that_is_enough_where_it_can_be_executed() {
        for check in Check::ALL {
            let fits = GOOD.iter().filter(|good| good.checks(check.mask()) != 0);
            let ids: Vec<_> = fits.clone().map(|good| good.id).collect();
            let expected = match (check.regime(), check.spec().in_el1) {
                (Regime::El1, false) => &["good_el1", "good_in_el1"][..],
                (_, true) => &["good_in_el1"],
                (regime, false) if regime.is_guest() => &["good_el1"],
                (_, false) => &["good_el2"],
            };
            assert_eq!(ids, expected, "{check:?}");
            for good in fits {
                let sequence = good.text.parse().unwrap();
                assert!(
                    is_about(check, &sequence) && is_enough(check, &sequence) == Some(true),
                    "{check:?} {}",
                    good.id
                );
            }
        }
    }

    #[test]
    fn every_check_has_a_sequence_and_every_sequence_a_check() {
        let members = default(Mask::MAX);
        let idle = SUITE
            .iter()
            .filter(|(id, _)| members.iter().all(|member| member.id != *id));
        let idle: Vec<_> = idle.collect();
        assert!(idle.is_empty(), "{idle:?}");
        let covered = members.iter().fold(0, |all, member| all | member.checks);
        let missing: Vec<_> = Check::ALL.iter().filter(|check| covered & check.mask() == 0).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
