// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bugs of QEMU's own TLB maintenance: a failure that matches one is QEMU's, not the sequence's; and a pass that one hides a
//! mistake behind is none.

use results::check::{Check, Observer};
use review::check_question::is_enough;
use sequences::{ExceptionLevel, Instruction, Scope, Sequence, Target};

use crate::qemu::Version;

/// A bug with the versions that have it.
#[derive(Debug, Clone, Copy)]
pub struct KnownBug {
    /// What is wrong.
    pub text: &'static str,
    /// The first version without it; `None`: the newest one looked at has it.
    fixed: Option<Version>,
    /// What it does to a check with a sequence.
    effect: fn(Check, &Sequence) -> Option<Effect>,
}

/// What a bug does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A sequence that is enough fails.
    Fails,
    /// A sequence that is not enough passes: this machine cannot show the mistake.
    Hides,
}

const BUGS: [KnownBug; 2] = [
    KnownBug {
        text: "QEMU before 8.2: broadcast by-VA operations of EL2 do not invalidate EL2&0 (E2H=1)",
        fixed: Some(Version(8, 2, 0)),
        effect: |check, sequence| {
            let fails = check.regime().is_host() && sequence.instructions().any(is_by_va_is);
            fails.then_some(Effect::Fails)
        },
    },
    // `target/arm/helper.c` up to 9.2, `target/arm/tcg/tlb-insns.c` since, looked at up to the version with FEAT_XS: the
    // register's write function is the one of `tlbi alle1is`.
    KnownBug {
        text: "QEMU: `tlbi vmalls12e1` is broadcast as if it were `vmalls12e1is`",
        fixed: None,
        effect: |check, sequence| {
            let elsewhere = check.spec().observer != Observer::Own;
            let hides = elsewhere && sequence.instructions().any(is_local_vmalls12);
            (hides && is_enough(check, sequence) == Some(false)).then_some(Effect::Hides)
        },
    },
];

fn is_local_vmalls12(instruction: Instruction) -> bool {
    match instruction {
        Instruction::Tlbi(tlbi) => tlbi.op.target() == Target::VmallS12 && tlbi.op.scope() == Scope::Local,
        _ => false,
    }
}

fn is_by_va_is(instruction: Instruction) -> bool {
    match instruction {
        Instruction::Tlbi(tlbi) => {
            tlbi.op.level() == ExceptionLevel::El2
                && tlbi.op.scope() != Scope::Local
                && matches!(tlbi.op.target(), Target::Va | Target::VaLast)
        }
        _ => false,
    }
}

/// Returns the bug of this version of QEMU that has an effect on a sequence in a check.
pub fn find(version: Version, check: Check, text: &str, effect: Effect) -> Option<&'static str> {
    let sequence: Sequence = text.parse().ok()?;
    BUGS.iter()
        .find(|bug| bug.fixed.is_none_or(|fixed| version < fixed) && (bug.effect)(check, &sequence) == Some(effect))
        .map(|bug| bug.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bug_is_matched_by_version_regime_and_operation() {
        let host = Check::from_id("cowinvt_el2h").unwrap();
        let el2 = Check::from_id("cowinvt_el2").unwrap();
        let (va, all) = (
            "dsb ishst; tlbi vae2is, {va}; dsb ish",
            "dsb ishst; tlbi alle2is; dsb ish",
        );
        let find = |version, check, text| find(version, check, text, Effect::Fails);
        assert!(find(Version(7, 2, 22), host, va).is_some());
        assert_eq!(find(Version(8, 2, 0), host, va), None);
        assert_eq!(find(Version(7, 2, 22), el2, va), None);
        assert_eq!(find(Version(7, 2, 22), host, all), None);
    }

    #[test]
    fn a_broadcast_that_should_be_local_hides_a_mistake_where_another_pe_looks() {
        let find = |check, text| {
            let check = Check::from_id(check).unwrap();
            [7, 10].map(|major| find(Version(major, 0, 0), check, text, Effect::Hides).is_some())
        };
        let (local, all) = (
            "dsb ishst; tlbi vmalls12e1; dsb ish; isb",
            "dsb ishst; tlbi vmalls12e1is; dsb ish; isb",
        );
        assert_eq!(find("mp_rt_s2", local), [true; 2]);
        assert_eq!(find("loop_rt_el1", local), [true; 2]);
        assert_eq!(find("cowinvt_s2", local), [false; 2]);
        assert_eq!(find("mp_rt_s2", all), [false; 2]);
        assert_eq!(find("mp_rt_s2", "dsb nshst; tlbi alle1; dsb nsh; isb"), [false; 2]);
    }
}
