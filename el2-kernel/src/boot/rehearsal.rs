// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tries every sequence once, alone, before any is timed or checked, where an exception, an endless wait and the loss of the
//! kernel's own mapping are survived. What does not come back is said, and left out of the run.
//!
//! So nothing that a trial or a sample does has to be undone later, and no measure against it stands beside what is timed.
//! What comes back here and takes an exception later, under other conditions, or then does not return, ends the run, by name.
#![expect(unsafe_code)]
// UNSAFETY: runs stubs.

use core::fmt::Write;

use results::plan::{Fault, Plan, Width};
use results::record::Record;

use crate::arch::probe::{Probed, read_register};
use crate::arch::regime::{OwnRegime, flush_own_is, flush_own_page};
use crate::handover::Handover;
use crate::mmu::kernel_tables::{TABLES, tables_base};
use crate::mmu::known_good;
use crate::mmu::tables::Use;
use crate::platform::console;
use crate::platform::end::note_failure;
use crate::platform::exception::VECTORS;
use crate::platform::gic::{self, FRAME, Gic};
use crate::platform::lost::this_mpidr;
use crate::platform::message::Message;
use crate::platform::phase::Phase;
use crate::platform::rescue::{Caught, Rescue};
use crate::platform::watchdog::{Registers, Watchdog};
use crate::stub::operands::{Operands, Subject, operands};
use crate::stub::planted;
use crate::stub::resident;

/// Tries every sequence of the plan that this machine says it can run. Returns the watchdog, where there is one.
pub fn run(boot: &Handover, plan: &Plan<'_>) -> Option<Watchdog> {
    let registers = boot.gic.and_then(|gic| map(boot, gic));
    let ttbr = known_good::keep(boot.load);
    let mut rescue = Rescue {
        page: boot.layout.rescue,
        ttbr,
        interrupts: false,
    };
    let watchdog = registers.and_then(|registers| {
        // SAFETY: they are mapped, and the page and the tables are those of `Rescue`.
        let (watchdog, rescued) = unsafe { Watchdog::start(registers, &rescue) };
        if rescued {
            known_good::restore(boot.load, ttbr);
        }
        watchdog
    });
    if watchdog.is_some() {
        rescue.interrupts = true;
        console::record(&Record::Proof {
            name: "watchdog",
            holds: true,
            detail: "the interrupt of a timer ended a loop",
        });
    }
    for (index, entry) in plan.entries().enumerate() {
        let Some(stub) = boot.stubs.plain(index) else { continue };
        let operands = match planted::fault(plan, index) {
            Some(fault) => planted_operands(boot, fault),
            None => operands(&entry, &Subject::at(boot.layout.pages)),
        };
        let mut tries = 2;
        loop {
            watchdog.iter().for_each(Watchdog::arm);
            // SAFETY: an emitted stub; what it does besides its words is what the rescue is for.
            let result = unsafe { rescue.call(stub, &operands) };
            let was_due = watchdog.as_ref().is_some_and(Watchdog::disarm);
            let Err(caught) = result else { break };
            known_good::restore(boot.load, ttbr);
            let endless = was_due && caught.is_interrupt();
            tries -= 1;
            // An emulator may have stood still.
            if !endless || tries == 0 {
                report(index, entry.id, &caught, endless);
                break;
            }
        }
    }
    watchdog.iter().for_each(Watchdog::keep);
    flush_own_is();
    watchdog
}

fn report(index: usize, seq: &str, caught: &Caught, endless: bool) {
    note_failure();
    let Caught { vector, esr, elr, far } = *caught;
    let mut reason = Message::new();
    let vector = if endless {
        let _ = write!(reason, "it did not return when it was tried");
        "watchdog"
    } else {
        let _ = write!(reason, "it took an exception when it was tried: ESR {esr:#x}");
        VECTORS[vector & 15]
    };
    console::record(&Record::Exception {
        phase: Phase::current().name(),
        vector,
        el: OwnRegime::current().level(),
        esr: if endless { 0 } else { esr },
        elr,
        far: if endless { 0 } else { far },
        seq,
    });
    resident::give_up(index, seq, reason.as_str());
}

/// Returns the operand of a planted fault, in `x2`.
fn planted_operands(boot: &Handover, fault: Fault) -> Operands {
    let x2 = match fault {
        // The entry of the whole runtime region.
        Fault::Unmap => &raw const *TABLES.table(0).entry(boot.layout.image, 0) as u64,
        // A page behind the last one of a window.
        Fault::Abort => boot.layout.pages + (1 << 20),
        Fault::Undefined | Fault::Endless | Fault::LateAbort | Fault::LateEndless => 0,
    };
    [x2, 0, 0, 0, 0, 0, 0, 0]
}

/// Maps what concerns this PE of an interrupt controller; `None` if it cannot be found.
fn map(boot: &Handover, gic: Gic) -> Option<Registers> {
    // Behind the page of the vectors.
    let window = |number: u64, physical: u64| {
        let va = boot.layout.rescue + 4096 * (1 + number);
        TABLES.map(tables_base(boot.load), va, physical, Use::Device).ok()?;
        flush_own_page(va, false);
        Some(va)
    };
    match gic {
        Gic::V2 { distributor, cpu } => {
            let distributor = window(0, distributor)?;
            Some(Registers {
                distributor,
                private: distributor,
                cpu: Some(window(1, cpu)?),
                redistributor: None,
            })
        }
        Gic::V3 {
            distributor,
            redistributors,
            size,
        } => {
            let mut offset = 0;
            while offset < size {
                let frame = window(1, redistributors + offset)?;
                let half = |at| match read_register(frame + at, Width::Word) {
                    Probed::Done(value) => Some(value),
                    Probed::Fault(_) => None,
                };
                let typer = half(8)? | half(12)? << 32;
                if gic::is_of(typer, this_mpidr()) {
                    return Some(Registers {
                        distributor: window(0, distributor)?,
                        private: window(2, redistributors + offset + FRAME)?,
                        cpu: None,
                        redistributor: Some(frame),
                    });
                }
                offset += gic::next(typer)?;
            }
            None
        }
    }
}
