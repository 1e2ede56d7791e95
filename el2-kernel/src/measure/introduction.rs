// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a PE says about itself before it times anything: its registers, its clock, and the events it counts.
#![expect(unsafe_code)]
// UNSAFETY: a job takes its argument by address.

use core::sync::atomic::{AtomicU32, Ordering};

use aarch64_cpu::registers::{CNTFRQ_EL0, Readable};
use results::check::Outcome;
use results::plan::MAX_PES;
use results::record::{Event, Record, Support};

use crate::arch::pmu;
use crate::platform::console;
use crate::platform::id_registers;

/// The events of the plan that each PE counts.
static COUNTED: [AtomicU32; MAX_PES as usize] = [const { AtomicU32::new(0) }; MAX_PES as usize];

/// What a PE is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Introduction {
    /// Events, as a mask.
    pub events: u32,
}

impl Introduction {
    /// Starts the clock of a PE other than the boot PE, and prints all about it, on that PE.
    pub fn make(&self, pe: u32) {
        id_registers::print(pe);
        let event = pmu::start();
        console::record(&Record::Clock {
            pe,
            event,
            frequency: CNTFRQ_EL0.get(),
        });
        self.events(pe, event);
    }

    /// Prints which events this PE counts, and remembers it.
    pub fn events(&self, pe: u32, clock: Event) {
        let mut counted = 0;
        for event in Event::counted().filter(|event| self.events & event.mask() != 0) {
            let support = pmu::support(clock, event);
            if support == Support::Counted {
                counted |= event.mask();
            }
            console::record(&Record::Event { pe, event, support });
        }
        COUNTED[pe as usize].store(counted, Ordering::Relaxed);
    }
}

/// Has a PE introduce itself as the [`Introduction`] says that the argument is the address of. A job.
///
/// # Safety
///
/// The introduction stays until the job is done.
pub unsafe fn make(introduction: usize, pe: usize) -> Outcome {
    // SAFETY: the caller's promise.
    unsafe { (*(introduction as *const Introduction)).make(pe as u32) };
    Outcome::New
}

/// Returns the events of the plan that a PE counts.
pub fn counted(pe: usize) -> impl Iterator<Item = Event> + Clone {
    let counted = COUNTED[pe].load(Ordering::Relaxed);
    Event::counted().filter(move |event| counted & event.mask() != 0)
}
