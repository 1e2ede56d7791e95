// SPDX-License-Identifier: MIT OR Apache-2.0
//! How PEs are given something to do: one mailbox for each but the boot PE, one job at a time.
//!
//! Every wait has a `wfe` in it: one thread of an emulator may run all PEs, and gives the next one its turn there.
#![expect(unsafe_code)]
// UNSAFETY: a job and its argument cross from one PE to another as addresses.

use core::mem::transmute;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use aarch64_cpu::registers::{CNTFRQ_EL0, Readable};
use results::check::Outcome;
use results::plan::{MAX_PES, Moment, Silence};

use crate::arch::instructions::{isb, sev, ticks, wfe};
use crate::platform::console;
use crate::platform::firmware::park;
use crate::platform::lost::{give_up, is_lost};
use crate::platform::watchdog;
use crate::smp::stress::disturb;

/// Something that a PE can be asked to do: gets an argument, and the number of the PE it runs on.
///
/// Each user of the mailboxes has its own. A job is given by its runtime address, which holds on every PE: all run with
/// the same map.
///
/// # Safety
///
/// The argument is what the job says it wants.
pub type Job = unsafe fn(argument: usize, pe: usize) -> Outcome;

/// A mailbox, in cache lines of its own.
#[repr(C, align(256))]
struct Mailbox {
    /// Jobs posted so far. Written by the boot PE.
    posted: AtomicU32,
    job: AtomicPtr<()>,
    delay: AtomicU32,
    argument: AtomicUsize,
    /// Affinity fields of the PE.
    mpidr: AtomicU64,
    /// Jobs done so far. Written by the PE that the mailbox is of.
    done: Line,
    answer: AtomicU32,
}

/// In another cache line than what is in front of it.
#[repr(C, align(128))]
struct Line(AtomicU32);

static MAILBOXES: [Mailbox; MAX_PES as usize] = [const {
    Mailbox {
        posted: AtomicU32::new(0),
        job: AtomicPtr::new(null_mut()),
        delay: AtomicU32::new(0),
        argument: AtomicUsize::new(0),
        mpidr: AtomicU64::new(0),
        done: Line(AtomicU32::new(0)),
        answer: AtomicU32::new(0),
    }
}; MAX_PES as usize];

/// Seconds after which a PE that does not answer is given up.
const TIMEOUT: u64 = 20;

/// The PE and the job in which one is to fall silent: 0 for none, which is the boot PE.
static SILENT: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];
static MOMENT: AtomicU32 = AtomicU32::new(0);
/// Whether nobody should have to wait long, because it is known that nothing will come.
static IMPATIENT: AtomicBool = AtomicBool::new(false);

/// Has a PE fall silent in one of its jobs.
pub fn plant(silence: Silence) {
    SILENT[0].store(silence.pe.into(), Ordering::Relaxed);
    SILENT[1].store(silence.job, Ordering::Relaxed);
    MOMENT.store(silence.moment as u32, Ordering::Relaxed);
    IMPATIENT.store(true, Ordering::Relaxed);
}

/// Returns when a PE is to fall silent, if it is in the job that it does after so many.
fn planted(pe: usize, done: u32) -> Option<Moment> {
    let [silent, job] = [&SILENT[0], &SILENT[1]].map(|value| value.load(Ordering::Relaxed));
    let here = silent != 0 && silent as usize == pe && job == done;
    here.then(|| Moment::ALL[MOMENT.load(Ordering::Relaxed) as usize])
}

/// Waits for something that a PE is to do in the middle of its work. Returns whether it came; a PE of which it does not is
/// lost.
pub fn wait_until(pe: usize, ready: impl FnMut() -> bool) -> bool {
    if is_lost(pe) {
        return false;
    }
    let came = comes(ready);
    if !came {
        let mpidr = MAILBOXES[pe].mpidr.load(Ordering::Relaxed);
        // It may have been printing.
        console::break_line();
        give_up(pe, mpidr, "fell silent in the middle of its work");
    }
    came
}

/// Waits for something. Returns whether it came in time.
pub fn comes(mut ready: impl FnMut() -> bool) -> bool {
    let mut turns = 0_u32;
    let (mut deadline, mut prolonged) = (None, 0);
    while !ready() {
        wfe();
        turns = turns.wrapping_add(1);
        if turns.is_multiple_of(1024) {
            let now = ticks();
            // Where nobody has set the frequency, a high one: rather too long than not at all.
            let frequency = match CNTFRQ_EL0.get() {
                0 => 1_000_000_000,
                frequency => frequency,
            };
            let patience = match IMPATIENT.load(Ordering::Relaxed) {
                true => 2 * frequency,
                false => TIMEOUT * frequency,
            };
            // This ends by itself.
            if now.wrapping_sub(prolonged) > frequency {
                watchdog::prolong();
                prolonged = now;
            }
            let deadline = *deadline.get_or_insert(now + patience);
            if now > deadline {
                return false;
            }
        }
    }
    true
}

/// Forgets what was said to a PE that is about to start.
pub fn reset(pe: usize, mpidr: u64) {
    let mailbox = &MAILBOXES[pe];
    mailbox.mpidr.store(mpidr, Ordering::Relaxed);
    // One more than done: the first thing a PE does is to answer.
    let done = mailbox.done.0.load(Ordering::Relaxed);
    mailbox.posted.store(done.wrapping_add(1), Ordering::Release);
}

/// Waits for the first answer of a PE that has been started. Returns whether it came.
pub fn comes_up(pe: usize) -> bool {
    let mailbox = &MAILBOXES[pe];
    let posted = mailbox.posted.load(Ordering::Relaxed);
    comes(|| mailbox.done.0.load(Ordering::Acquire) == posted)
}

/// Gives a PE a job, to be done after a delay. A lost PE gets none.
///
/// # Safety
///
/// The PE has been started and has no other job; the argument is what the job wants, until [`wait`] has returned.
pub unsafe fn post(pe: usize, job: Job, argument: usize, delay: u32) {
    if is_lost(pe) {
        return;
    }
    let mailbox = &MAILBOXES[pe];
    mailbox.job.store(job as *mut (), Ordering::Relaxed);
    mailbox.argument.store(argument, Ordering::Relaxed);
    mailbox.delay.store(delay, Ordering::Relaxed);
    let posted = mailbox.posted.load(Ordering::Relaxed);
    mailbox.posted.store(posted.wrapping_add(1), Ordering::Release);
    sev();
}

/// Waits until a PE has done what it was asked to, and returns its answer; [`Outcome::Other`] is that of a lost one.
pub fn wait(pe: usize) -> Outcome {
    let mailbox = &MAILBOXES[pe];
    let posted = mailbox.posted.load(Ordering::Relaxed);
    if !wait_until(pe, || mailbox.done.0.load(Ordering::Acquire) == posted) {
        return Outcome::Other;
    }
    match mailbox.answer.load(Ordering::Relaxed) {
        0 => Outcome::Stale,
        1 => Outcome::New,
        2 => Outcome::Fault,
        _ => Outcome::Other,
    }
}

/// Has a PE do a job, and waits for it.
///
/// # Safety
///
/// As for [`post`].
pub unsafe fn call(pe: usize, job: Job, argument: usize, delay: u32) -> Outcome {
    // SAFETY: the caller's promise; it waits here.
    unsafe { post(pe, job, argument, delay) };
    wait(pe)
}

/// Does jobs for ever.
pub fn serve(pe: usize) -> ! {
    let mailbox = &MAILBOXES[pe];
    let mut answer = Outcome::New;
    loop {
        mailbox.answer.store(answer as u32, Ordering::Relaxed);
        let done = mailbox.done.0.load(Ordering::Relaxed).wrapping_add(1);
        mailbox.done.0.store(done, Ordering::Release);
        sev();
        while mailbox.posted.load(Ordering::Acquire) == done {
            wfe();
        }
        // What the job uses may have been mapped since this PE last synchronized context: a walk or fetch made before
        // that, which the load above does not order, would fault.
        isb();
        let job = mailbox.job.load(Ordering::Relaxed);
        let argument = mailbox.argument.load(Ordering::Relaxed);
        disturb(mailbox.delay.load(Ordering::Relaxed));
        let silence = planted(pe, done);
        match silence {
            Some(Moment::Before) => park(),
            Some(Moment::Late) => {
                while !is_lost(pe) {
                    wfe();
                }
            }
            _ => {}
        }
        // SAFETY: `post` has stored a `Job`, and nothing else stores one.
        let job = unsafe { transmute::<*mut (), Job>(job) };
        // SAFETY: the promise of whoever posted it.
        answer = unsafe { job(argument, pe) };
        if silence == Some(Moment::After) {
            park();
        }
    }
}
