// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bugs of QEMU's own TLB maintenance that a run shows: a failure that matches one is QEMU's, not the sequence's.

use results::check::Check;
use sequences::{ExceptionLevel, Instruction, Scope, Sequence, Target};

use crate::qemu::Version;

/// A bug with the versions that have it.
#[derive(Debug, Clone, Copy)]
pub struct KnownBug {
    /// What is wrong.
    pub text: &'static str,
    fixed: Version,
    shows: fn(Check, &Sequence) -> bool,
}

const BUGS: [KnownBug; 1] = [KnownBug {
    text: "QEMU before 8.2: broadcast by-VA operations of EL2 do not invalidate EL2&0 (E2H=1)",
    fixed: Version(8, 2, 0),
    shows: |check, sequence| check.regime().is_host() && sequence.instructions().any(is_by_va_is),
}];

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

/// Returns the bug of this version of QEMU that explains why a sequence failed a check.
pub fn find(version: Version, check: Check, text: &str) -> Option<&'static str> {
    let sequence: Sequence = text.parse().ok()?;
    BUGS.iter()
        .find(|bug| version < bug.fixed && (bug.shows)(check, &sequence))
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
        assert!(find(Version(7, 2, 22), host, va).is_some());
        assert_eq!(find(Version(8, 2, 0), host, va), None);
        assert_eq!(find(Version(7, 2, 22), el2, va), None);
        assert_eq!(find(Version(7, 2, 22), host, all), None);
    }
}
