// SPDX-License-Identifier: MIT OR Apache-2.0
//! The access of a trial, and which translation it used.
#![expect(unsafe_code)]
// UNSAFETY: accesses addresses whose translation is under test.

use results::check::{self, Outcome, Spec};

use super::Trial;
use crate::arch::instructions::dsb_sy;
use crate::arch::probe::{self, Probed};
use crate::arch::regime::OwnRegime;
use crate::check::expectation::Seen;
use crate::check::guest::{self, code_page};

impl Trial {
    /// Makes the accesses on this PE. Of several different outcomes the worst counts.
    pub fn access(&self) -> Outcome {
        let mut worst = None;
        for address in 0..u64::from(self.spec.entries) {
            let outcome = self.judge(self.access_one(self.va + 4096 * address));
            worst = Some(match (worst, outcome) {
                (None, outcome) => outcome,
                (Some(Outcome::Other), _) | (_, Outcome::Other) => Outcome::Other,
                (Some(Outcome::Stale), _) | (_, Outcome::Stale) => Outcome::Stale,
                (Some(worst), _) => worst,
            });
        }
        worst.unwrap_or(Outcome::Other)
    }

    #[inline(always)]
    pub(super) fn access_one(&self, va: u64) -> Probed {
        let Spec { access, el0, .. } = *self.spec;
        match &self.setup.guest {
            // SAFETY: the regime was entered, and no Rust object lives where the address under test leads.
            Some(guest) => unsafe { guest::access(guest.code(), access, el0, va, self.expectation.old_value) },
            // SAFETY: EL0 uses the kernel's own tables, where the page of guest code is executable.
            None if el0 => unsafe {
                let value = self.expectation.old_value;
                match self.setup.own {
                    OwnRegime::El2 => guest::access(code_page(), access, el0, va, value),
                    OwnRegime::El1 => guest::access_from_el1(code_page(), access, va, value),
                }
            },
            None => match access {
                check::Access::Load => probe::read(va),
                // SAFETY: the address under test holds no Rust object.
                check::Access::Store => unsafe { probe::write(va, self.expectation.old_value) },
                // SAFETY: where it is executable, it leads to one of the code pages.
                check::Access::Fetch => unsafe { probe::fetch(va) },
            },
        }
    }

    /// Returns which translation an access used.
    pub fn judge(&self, access: Probed) -> Outcome {
        let (fault, level) = self.fault;
        let fetch = self.spec.access == check::Access::Fetch;
        self.expectation.outcome(match access {
            Probed::Fault(syndrome) if syndrome.is(fault, level, fetch) => Seen::Fault,
            Probed::Fault(_) => Seen::OtherFault,
            Probed::Done(_) if self.spec.has_hardware_updates() => {
                dsb_sy();
                Seen::Descriptor(self.entries[0].get())
            }
            Probed::Done(value) => Seen::Value(value),
        })
    }
}
