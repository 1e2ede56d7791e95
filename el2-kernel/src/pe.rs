// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the PEs say to each other: one mailbox for each secondary, one command at a time.
//!
//! Every wait has a `wfe` in it: one thread of an emulator may run all PEs, and gives the next one its turn there.
#![expect(unsafe_code)]
// UNSAFETY: a command carries the address of what it is about.

use core::fmt::Write;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use aarch64_cpu::registers::{CNTFRQ_EL0, Readable};
use results::check::Outcome;
use results::plan::MAX_PES;

use crate::arch::{isb, sev, ticks, wfe};
use crate::duty;
use crate::introduction::Introduction;
use crate::operands::Operands;
use crate::probe::{self, Access};
use crate::regime::Setup;
use crate::sampler::Session;
use crate::secondary;
use crate::stop::fatal;
use crate::stress::disturb;
use crate::stub;
use crate::text::Text;
use crate::trial::Trial;

/// What a secondary is asked to do; the argument is a number or an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Command {
    /// Put yourself into the regime of a [`Setup`].
    Enter,
    /// Leave it.
    Leave,
    /// Make the access of a [`Trial`].
    Access,
    /// Run the sequence of an [`Order`].
    Sequence,
    /// Load from an address: answers [`Outcome::Stale`] if it succeeds, [`Outcome::Fault`] if it faults.
    Read,
    /// Start your clock, and print what you are and count.
    Introduce,
    /// Run some rounds of a [`Session`].
    Sample,
    /// Keep busy until told to stop: with loads, or for an argument other than 0 with broadcasts (see [`duty`]).
    Work,
    /// Turn yourself off.
    Off,
}

impl Command {
    const ALL: [Self; 9] = [
        Self::Enter,
        Self::Leave,
        Self::Access,
        Self::Sequence,
        Self::Read,
        Self::Introduce,
        Self::Sample,
        Self::Work,
        Self::Off,
    ];
}

/// A sequence to run on another PE.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// Its stub.
    pub stub: usize,
    /// Its operand registers.
    pub operands: Operands,
}

/// A mailbox, in cache lines of its own.
#[repr(C, align(256))]
struct Mailbox {
    /// Commands posted so far. Written by the boot PE.
    posted: AtomicU32,
    command: AtomicU32,
    delay: AtomicU32,
    argument: AtomicUsize,
    /// Commands done so far. Written by the secondary.
    done: Line,
    answer: AtomicU32,
}

/// In another cache line than what is in front of it.
#[repr(C, align(128))]
struct Line(AtomicU32);

static MAILBOXES: [Mailbox; MAX_PES as usize] = [const {
    Mailbox {
        posted: AtomicU32::new(0),
        command: AtomicU32::new(0),
        delay: AtomicU32::new(0),
        argument: AtomicUsize::new(0),
        done: Line(AtomicU32::new(0)),
        answer: AtomicU32::new(0),
    }
}; MAX_PES as usize];

/// Seconds after which a PE that does not answer is given up.
const TIMEOUT: u64 = 20;

/// Waits for something, and gives the run up if it does not come.
pub fn wait_until(pe: usize, mut ready: impl FnMut() -> bool) {
    let mut turns = 0_u32;
    let mut deadline = None;
    while !ready() {
        wfe();
        turns = turns.wrapping_add(1);
        if turns.is_multiple_of(1024) {
            let now = ticks();
            let deadline = *deadline.get_or_insert(now + TIMEOUT * CNTFRQ_EL0.get());
            if now > deadline {
                let mut message = Text::new();
                let _ = write!(message, "PE {pe} did not answer for {TIMEOUT} s");
                fatal(message.as_str());
            }
        }
    }
}

/// Forgets what was said to a PE that is about to start.
pub fn reset(pe: usize) {
    let mailbox = &MAILBOXES[pe];
    // One more than done: the first thing a secondary does is to answer.
    let done = mailbox.done.0.load(Ordering::Relaxed);
    mailbox.posted.store(done.wrapping_add(1), Ordering::Release);
}

/// Gives a command to a secondary, to be carried out after a delay.
pub fn post(pe: usize, command: Command, argument: usize, delay: u32) {
    let mailbox = &MAILBOXES[pe];
    mailbox.command.store(command as u32, Ordering::Relaxed);
    mailbox.argument.store(argument, Ordering::Relaxed);
    mailbox.delay.store(delay, Ordering::Relaxed);
    let posted = mailbox.posted.load(Ordering::Relaxed);
    mailbox.posted.store(posted.wrapping_add(1), Ordering::Release);
    sev();
}

/// Waits until a secondary has done what it was asked to, and returns its answer.
pub fn wait(pe: usize) -> Outcome {
    let mailbox = &MAILBOXES[pe];
    let posted = mailbox.posted.load(Ordering::Relaxed);
    wait_until(pe, || mailbox.done.0.load(Ordering::Acquire) == posted);
    match mailbox.answer.load(Ordering::Relaxed) {
        0 => Outcome::Stale,
        1 => Outcome::New,
        2 => Outcome::Fault,
        _ => Outcome::Other,
    }
}

/// Has a secondary do something, and waits for it.
pub fn call(pe: usize, command: Command, argument: usize, delay: u32) -> Outcome {
    post(pe, command, argument, delay);
    wait(pe)
}

/// Answers commands until told to turn off.
///
/// # Safety
///
/// The commands' arguments are what [`Command`] says.
pub unsafe fn serve(pe: usize) -> ! {
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
        // What the boot PE has mapped for the command: without this, walks and fetches made before it may count.
        isb();
        let argument = mailbox.argument.load(Ordering::Relaxed);
        disturb(mailbox.delay.load(Ordering::Relaxed));
        let command = mailbox.command.load(Ordering::Relaxed);
        answer = match Command::ALL.get(command as usize) {
            // SAFETY: the address of a `Setup` that the boot PE keeps; it has also brought the 1:1 map back.
            Some(Command::Enter) => unsafe {
                (*(argument as *const Setup)).enter();
                Outcome::New
            },
            // SAFETY: as above.
            Some(Command::Leave) => unsafe {
                (*(argument as *const Setup)).leave();
                Outcome::New
            },
            // SAFETY: the address of a `Trial` that the boot PE keeps until it has the answer.
            Some(Command::Access) => unsafe { (*(argument as *const Trial)).access() },
            Some(Command::Sequence) => {
                // SAFETY: the address of an `Order` that the boot PE keeps, for a stub of validated words.
                unsafe {
                    let order = &*(argument as *const Order);
                    stub::run(order.stub, &order.operands);
                }
                Outcome::New
            }
            Some(Command::Read) => {
                isb();
                match probe::read(argument as u64) {
                    Access::Done(_) => Outcome::Stale,
                    Access::Fault(_) => Outcome::Fault,
                }
            }
            Some(Command::Introduce) => {
                // SAFETY: the address of the events asked for, which the boot PE keeps until it has the answer.
                unsafe { (*(argument as *const Introduction)).make(pe as u32) };
                Outcome::New
            }
            Some(Command::Sample) => {
                // SAFETY: the address of the one `Session`, which the boot PE leaves alone until it has the answer.
                unsafe { (*(argument as *mut Session)).rounds() };
                Outcome::New
            }
            Some(Command::Work) => {
                duty::work(argument);
                Outcome::New
            }
            Some(Command::Off) | None => secondary::off(),
        };
    }
}
