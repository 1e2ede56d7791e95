// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a check needs of a machine.

use results::check::{Change, Check, Granule, Regime, Spec};

/// What decides whether a machine can make a check.
#[derive(Debug, Clone, Copy)]
pub struct Capabilities {
    /// Whether the kernel was entered at EL1, and so has nothing but the tables of its own EL1&0.
    pub at_el1: bool,
    /// PEs that run.
    pub pes: usize,
    /// Whether there was a 1:1 map.
    pub has_identity: bool,
    /// Whether a PE can be turned off and on.
    pub can_restart: bool,
    /// `ID_AA64MMFR0_EL1`.
    pub mmfr0: u64,
    /// `ID_AA64MMFR1_EL1`.
    pub mmfr1: u64,
}

impl Capabilities {
    /// Returns why a check cannot be made here.
    pub fn obstacle(&self, check: Check) -> Option<&'static str> {
        let spec = check.spec();
        let of_identity = matches!(spec.change, Change::Identity | Change::IdentityOfSecondaries);
        if let Some(reason) = self.at_el1.then(|| beyond_el1(spec)).flatten() {
            Some(reason)
        } else if of_identity && !self.has_identity {
            Some("runtime address is the physical one: there is no 1:1 map")
        } else if usize::from(check.pes()) > self.pes {
            Some(match check.pes() {
                2 => "needs 2 PEs",
                _ => "needs 3 PEs",
            })
        } else if spec.change == Change::IdentityOfSecondaries && !self.can_restart {
            Some("needs PSCI to turn a PE off and on")
        } else if spec.regime.is_host() && field(self.mmfr1, 8) == 0 {
            Some("FEAT_VHE is not implemented here")
        } else {
            self.missing(spec)
        }
    }

    /// Returns which optional feature of the tables a check needs and this machine lacks.
    fn missing(&self, spec: &Spec) -> Option<&'static str> {
        let updates = field(self.mmfr1, 0); // HAFDBS
        match spec.change {
            Change::Clean if updates < 2 => {
                return Some("hardware management of dirty state is not implemented here");
            }
            Change::Age if updates < 1 => {
                return Some("hardware management of the access flag is not implemented here");
            }
            _ => {}
        }
        let stage2 = spec.regime.changes_stage2();
        match spec.granule {
            Granule::K16 if !self.has_16k(stage2) => Some("no 16 KiB granule here"),
            Granule::K64 if !self.has_64k(stage2) => Some("no 64 KiB granule here"),
            _ => None,
        }
    }

    /// `TGran16`: 0 is not implemented. `TGran16_2`, of stage 2: 0 is as in stage 1, 1 not implemented.
    fn has_16k(&self, stage2: bool) -> bool {
        match field(self.mmfr0, 32) {
            of_stage2 if stage2 && of_stage2 != 0 => of_stage2 >= 2,
            _ => field(self.mmfr0, 20) != 0,
        }
    }

    /// `TGran64`: 0b1111 is not implemented. `TGran64_2` is like `TGran16_2`.
    fn has_64k(&self, stage2: bool) -> bool {
        match field(self.mmfr0, 36) {
            of_stage2 if stage2 && of_stage2 != 0 => of_stage2 >= 2,
            _ => field(self.mmfr0, 24) != 0b1111,
        }
    }
}

/// Returns why EL1 cannot make a check by itself.
fn beyond_el1(spec: &Spec) -> Option<&'static str> {
    match (spec.regime, spec.granule) {
        (Regime::El2 | Regime::El2Host | Regime::El2HostTge, _) => Some("entered at EL1: EL2 is out of reach"),
        (Regime::El1UnderStage2 | Regime::Stage2 | Regime::Stage2UnderStage1, _) => {
            Some("entered at EL1: stage 2 is out of reach")
        }
        (Regime::El1, Granule::K16 | Granule::K64) => {
            Some("entered at EL1: the kernel's own tables have the 4 KiB granule")
        }
        (Regime::El1, Granule::K4) => None,
    }
}

const fn field(register: u64, shift: u32) -> u64 {
    register >> shift & 0b1111
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine that can make every check.
    const ABLE: Capabilities = Capabilities {
        at_el1: false,
        pes: 3,
        has_identity: true,
        can_restart: true,
        mmfr0: 1 << 20,
        mmfr1: 1 << 8 | 2,
    };

    fn refused(machine: &Capabilities) -> Vec<(Check, &'static str)> {
        Check::ALL
            .into_iter()
            .filter_map(|check| Some((check, machine.obstacle(check)?)))
            .collect()
    }

    /// Asserts that exactly the checks that `needs` names are refused, all with one reason.
    fn assert_refused(machine: &Capabilities, reason: &str, needs: impl Fn(&Spec, Check) -> bool) {
        let expected: Vec<_> = Check::ALL
            .into_iter()
            .filter(|check| needs(check.spec(), *check))
            .collect();
        assert!(!expected.is_empty(), "{reason}: nothing needs it");
        let refused = refused(machine);
        assert!(refused.iter().all(|(_, said)| *said == reason), "{refused:?}");
        assert!(refused.into_iter().map(|(check, _)| check).eq(expected), "{reason}");
    }

    #[test]
    fn a_machine_that_has_everything_can_make_every_check() {
        assert_eq!(refused(&ABLE), []);
    }

    #[test]
    fn what_is_missing_is_named_and_nothing_else_is_refused() {
        let without_map = Capabilities {
            has_identity: false,
            ..ABLE
        };
        assert_refused(
            &without_map,
            "runtime address is the physical one: there is no 1:1 map",
            |spec, _| matches!(spec.change, Change::Identity | Change::IdentityOfSecondaries),
        );
        let two = Capabilities { pes: 2, ..ABLE };
        assert_refused(&two, "needs 3 PEs", |_, check| check.pes() == 3);
        let always_on = Capabilities {
            can_restart: false,
            ..ABLE
        };
        assert_refused(&always_on, "needs PSCI to turn a PE off and on", |spec, _| {
            spec.change == Change::IdentityOfSecondaries
        });
        let no_host = Capabilities { mmfr1: 2, ..ABLE };
        assert_refused(&no_host, "FEAT_VHE is not implemented here", |spec, _| {
            spec.regime.is_host()
        });
        let access_flag_only = Capabilities {
            mmfr1: 1 << 8 | 1,
            ..ABLE
        };
        assert_refused(
            &access_flag_only,
            "hardware management of dirty state is not implemented here",
            |spec, _| spec.change == Change::Clean,
        );
    }

    #[test]
    fn el1_makes_the_checks_of_its_own_stage_in_its_own_granule() {
        let at_el1 = Capabilities { at_el1: true, ..ABLE };
        for check in Check::ALL {
            let spec = check.spec();
            let own = spec.regime == Regime::El1 && spec.granule == Granule::K4;
            let reason = at_el1.obstacle(check);
            assert_eq!(reason.is_none(), own, "{check:?}");
            assert!(reason.is_none_or(|reason| reason.starts_with("entered at EL1: ")));
        }
        let one = Capabilities { pes: 1, ..at_el1 };
        let needs_two = Check::from_id("mp_rt_el1").unwrap();
        assert_eq!(one.obstacle(needs_two), Some("needs 2 PEs"));
    }

    #[test]
    fn one_pe_is_told_apart_from_two() {
        let one = Capabilities { pes: 1, ..ABLE };
        for check in Check::ALL {
            let expected = match check.pes() {
                1 => None,
                2 => Some("needs 2 PEs"),
                _ => Some("needs 3 PEs"),
            };
            assert_eq!(one.obstacle(check), expected, "{check:?}");
        }
    }

    #[test]
    fn granules_are_looked_up_by_the_stage_that_changes() {
        let of = |spec: &Spec, granule, stage2| spec.granule == granule && spec.regime.changes_stage2() == stage2;
        // Stage 1 lacks it, and stage 2 says "as stage 1".
        let no_16k = Capabilities { mmfr0: 0, ..ABLE };
        assert_refused(&no_16k, "no 16 KiB granule here", |spec, _| {
            spec.granule == Granule::K16
        });
        let no_64k = Capabilities {
            mmfr0: ABLE.mmfr0 | 0b1111 << 24,
            ..ABLE
        };
        assert_refused(&no_64k, "no 64 KiB granule here", |spec, _| {
            spec.granule == Granule::K64
        });
        // Stage 2 lacks it by itself, or has it by itself.
        for (shift, granule, reason) in [
            (32, Granule::K16, "no 16 KiB granule here"),
            (36, Granule::K64, "no 64 KiB granule here"),
        ] {
            let lacking = Capabilities {
                mmfr0: ABLE.mmfr0 | 1 << shift,
                ..ABLE
            };
            assert_refused(&lacking, reason, |spec, _| of(spec, granule, true));
            let absent: u64 = if granule == Granule::K16 {
                0
            } else {
                ABLE.mmfr0 | 0b1111 << 24
            };
            let only_stage2 = Capabilities {
                mmfr0: absent | 2 << shift,
                ..ABLE
            };
            assert_refused(&only_stage2, reason, |spec, _| of(spec, granule, false));
        }
    }
}
