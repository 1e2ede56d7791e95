// SPDX-License-Identifier: MIT OR Apache-2.0
//! Brings the other PEs up for the checks, and proves on each that the 1:1 map is gone there too.
#![expect(unsafe_code)]
// UNSAFETY: gives a PE a job.

use core::fmt::Write;

use results::check::Outcome;
use results::plan::MAX_PES;
use results::record::Record;

use crate::arch::instructions::isb;
use crate::arch::probe::{self, Probed};
use crate::handover::Handover;
use crate::mmu::identity::Identity;
use crate::platform::console;
use crate::platform::device_tree::Enable;
use crate::platform::end::note_failure;
use crate::platform::firmware::conduit;
use crate::platform::lost;
use crate::platform::message::Message;
use crate::smp::mailbox;
use crate::smp::power::{self, Path};

/// Starts PEs until there are `wanted` instead of `running`, the boot PE included, and returns how many there are.
///
/// They boot through a root table of their own and then switch to the runtime tables; a load from the 1:1 address must
/// fault on each afterwards.
pub fn start(boot: &Handover, identity: Option<&Identity>, mut running: usize, wanted: usize) -> usize {
    while running < wanted {
        let Some(cpu) = boot.cpus[running] else { break };
        if !power::start(&cpu, running, boot.load, identity, Path::BootRoot) {
            break;
        }
        let mut detail = Message::new();
        let holds = match identity {
            Some(identity) => {
                let outcome = read_on(running, identity.address);
                let _ = write!(detail, "PE {running}: load from the 1:1 address: {outcome:?}");
                outcome == Outcome::Fault
            }
            None => {
                let _ = write!(detail, "PE {running}: no 1:1 map was needed");
                true
            }
        };
        if lost::is_lost(running) {
            // Nothing was seen, and nothing is proven or not.
            break;
        }
        if !holds {
            note_failure();
        }
        console::record(&Record::Proof {
            name: "secondary_identity_faults",
            holds,
            detail: detail.as_str(),
        });
        running += 1;
    }
    running
}

/// Why a check is skipped that needs a lost PE.
pub const LOST: &str = "a PE did not come up or did not come back or fell silent";

/// Returns how many of the running PEs are left, up to the first that is lost.
pub fn left(running: usize) -> usize {
    (1..running).find(|&pe| lost::is_lost(pe)).unwrap_or(running)
}

/// Returns whether the first so many PEs are there, none of them lost.
pub fn all_answer(pes: usize) -> bool {
    left(pes) == pes
}

/// Returns why a check cannot have more PEs than `running`, if it is that the next one is lost.
pub fn why_no_more(running: usize) -> Option<&'static str> {
    let is_lost = running < MAX_PES as usize && lost::is_lost(running);
    is_lost.then_some(LOST)
}

/// Turns PEs on or off until there are `wanted` of the `running` ones, and returns how many there are.
///
/// For PEs that have been started once, and have proven what they had to. Where PEs cannot be turned off, those too
/// many stay on, and wait.
pub fn adjust(boot: &Handover, identity: Option<&Identity>, mut running: usize, wanted: usize) -> usize {
    while running > wanted && can_restart() {
        running -= 1;
        if let Some(cpu) = boot.cpus[running] {
            power::stop(&cpu, running);
        }
    }
    while running < wanted {
        let Some(cpu) = boot.cpus[running] else { break };
        if !power::start(&cpu, running, boot.load, identity, Path::BootRoot) {
            break;
        }
        running += 1;
    }
    running
}

/// Has a PE load from an address. Returns [`Outcome::Stale`] if that succeeds, [`Outcome::Fault`] if it faults.
pub fn read_on(pe: usize, address: u64) -> Outcome {
    // SAFETY: the job takes any address.
    unsafe { mailbox::call(pe, read, address as usize, 0) }
}

/// The job of [`read_on`]: the argument is the address.
fn read(address: usize, _pe: usize) -> Outcome {
    isb();
    match probe::read(address as u64) {
        Probed::Done(_) => Outcome::Stale,
        Probed::Fault(_) => Outcome::Fault,
    }
}

/// Turns the PEs off again, where they can be.
pub fn stop_all(boot: &Handover, running: usize) {
    for (pe, cpu) in boot.cpus.iter().enumerate().take(running).skip(1) {
        if let Some(cpu) = cpu.filter(|cpu| cpu.enable == Enable::Psci) {
            power::stop(&cpu, pe);
        }
    }
}

/// Returns whether a PE can be turned off and on again.
pub fn can_restart() -> bool {
    conduit().is_some()
}
