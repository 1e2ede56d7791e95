// SPDX-License-Identifier: MIT OR Apache-2.0
//! What each PE does in a trial: all of them are at their places before the change, and wait for a message.
#![expect(unsafe_code)]
// UNSAFETY: a part crosses from one PE to another as an address.

use results::check::{Change, Observer, Outcome};

use super::Trial;
use crate::arch::instructions::{isb, yield_now};
use crate::arch::probe::Probed;
use crate::arch::regime::OwnRegime;
use crate::check::guest;
use crate::check::message::{self, Receiver};
use crate::platform::lost;
use crate::smp::mailbox;
use crate::smp::stress::disturb;
use crate::stub::call;
use crate::stub::operands::Operands;

/// One trial, as every PE in it sees it.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// What all trials of the check share.
    pub trial: Trial,
    /// The number that its messages have.
    pub number: u32,
    /// Address of the stub of the sequence.
    pub stub: usize,
    /// Its operand registers.
    pub operands: Operands,
    /// Loop turns before the access, and before a sequence that another PE runs.
    pub delay: u32,
}

impl Part {
    /// Sends the other PEs to their places.
    pub fn begin(&'static self) {
        let post = |pe, job| {
            // SAFETY: the part is kept for good where a PE is lost, else until every PE has answered in `finish`.
            unsafe { mailbox::post(pe, job, &raw const *self as usize, 0) };
        };
        match self.trial.spec.observer {
            Observer::Own => {}
            Observer::Other => post(1, access_when_told),
            Observer::Loop => {
                post(1, access_until_told);
                message::wait_ready(1, self.number);
            }
            Observer::Relay => {
                post(2, access_when_told);
                post(1, run_when_told);
            }
        }
    }

    /// Has the access made, after the sequence, and returns which translation it used.
    #[inline(always)]
    pub fn finish(&self) -> Outcome {
        match self.trial.spec.observer {
            Observer::Own if self.trial.spec.in_el1 => self.trial.judge(self.run_and_access_in_el1()),
            Observer::Own => {
                disturb(self.delay);
                self.trial.return_to_el1();
                self.trial.access()
            }
            Observer::Other | Observer::Loop => {
                message::tell(Receiver::Observer, self.number);
                mailbox::wait(1)
            }
            Observer::Relay => {
                mailbox::wait(1);
                if lost::is_lost(1) {
                    // It will not tell the observer, which would wait for ever.
                    message::tell(Receiver::Observer, self.number);
                }
                mailbox::wait(2)
            }
        }
    }

    fn run_and_access_in_el1(&self) -> Probed {
        let Trial { setup, spec, .. } = &self.trial;
        let Some(guest) = &setup.guest else {
            // Entered at EL1: this is EL1.
            // SAFETY: stubs hold validated words only.
            unsafe { call::run(self.stub, &self.operands) };
            return self.trial.access_one(self.trial.va);
        };
        let (stub, value) = (guest.stub(self.stub), self.trial.expectation.old_value);
        // SAFETY: the regime was entered, stubs hold validated words only, and no Rust object lives where the address
        // under test leads.
        unsafe { guest::run_and_access(guest.code(), stub, &self.operands, spec.access, self.trial.va, value) }
    }

    /// Uses the address again and again until told that the sequence is done, and once more.
    fn access_until_told(&self) -> Outcome {
        let Trial { setup, spec, va, .. } = self.trial;
        let Some(guest) = &setup.guest else {
            loop {
                let told = message::is_told(Receiver::Observer, self.number);
                let outcome = self.trial.access();
                message::say_ready(self.number);
                if told {
                    return outcome;
                }
                yield_now();
            }
        };
        loop {
            // SAFETY: the regime was entered, the flags are mapped there, and no Rust object lives where the address
            // under test leads.
            let watched = unsafe { guest::watch(guest.code(), spec.el0, va, guest.flags(), self.number) };
            // A fault ends the loop there; whether the access came after the message or before it the guest says.
            if watched.told {
                return self.trial.judge(watched.access);
            }
            yield_now();
        }
    }
}

impl Trial {
    /// Uses the translation before the change, on the PE that observes.
    #[inline(always)]
    pub fn prime(&'static self, delay: u32) -> Outcome {
        match self.observer() {
            0 => {
                disturb(delay);
                self.access()
            }
            // SAFETY: the trial is kept, as `Part::begin` says.
            other => unsafe { mailbox::call(other, prime, &raw const *self as usize, delay) },
        }
    }

    /// Synchronizes the context where a check of EL1&0 has the sequence run at EL2, and the access follow at EL1: the kernel
    /// is at EL1 itself if it was entered there, and no exception return stands between them.
    #[inline(always)]
    fn return_to_el1(&self) {
        if self.setup.own == OwnRegime::El1 {
            isb();
        }
    }

    /// Synchronizes the context of a PE that is told of a change and does not make it, where a walk from before the message
    /// could find no translation yet. It hides nothing: the sequence's own ISB is another PE's.
    fn synchronize(&self) {
        let fetch = self.spec.access == results::check::Access::Fetch;
        if fetch || matches!(self.spec.change, Change::Map | Change::Remap | Change::Relink) {
            isb();
        }
    }
}

/// Makes the access of the [`Trial`] that the argument is the address of. A job.
///
/// # Safety
///
/// The trial stays until the job is done.
unsafe fn prime(trial: usize, _pe: usize) -> Outcome {
    // SAFETY: the caller's promise.
    let trial = unsafe { &*(trial as *const Trial) };
    isb();
    trial.access()
}

/// Makes the access of the [`Part`] that the argument is the address of, when told. A job.
///
/// # Safety
///
/// The part stays until the job is done.
unsafe fn access_when_told(part: usize, _pe: usize) -> Outcome {
    // SAFETY: the caller's promise.
    let part = unsafe { &*(part as *const Part) };
    message::wait(Receiver::Observer, part.number);
    disturb(part.delay);
    part.trial.synchronize();
    part.trial.access()
}

/// Makes accesses as the [`Part`] says that the argument is the address of, until told. A job.
///
/// # Safety
///
/// As [`access_when_told`].
unsafe fn access_until_told(part: usize, _pe: usize) -> Outcome {
    // SAFETY: the caller's promise.
    unsafe { (*(part as *const Part)).access_until_told() }
}

/// Runs the sequence of the [`Part`] that the argument is the address of, when told, and tells the observer. A job.
///
/// # Safety
///
/// As [`access_when_told`], and the stub is one of validated words.
unsafe fn run_when_told(part: usize, _pe: usize) -> Outcome {
    // SAFETY: the caller's promise.
    let part = unsafe { &*(part as *const Part) };
    message::wait(Receiver::Relay, part.number);
    disturb(part.delay);
    // SAFETY: the caller's promise.
    unsafe { call::run(part.stub, &part.operands) };
    message::tell(Receiver::Observer, part.number);
    Outcome::New
}
