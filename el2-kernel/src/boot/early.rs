// SPDX-License-Identifier: MIT OR Apache-2.0
//! The first half of the boot path, at the load address with the MMU off: finds the machine, reads the plan, emits the
//! stubs, builds the tables, and switches to the runtime address.
#![expect(unsafe_code)]
// UNSAFETY: reads a device tree at a raw address.

use aarch64_cpu::registers::{CNTFRQ_EL0, HCR_EL2, Readable};
use dtoolkit::fdt::Fdt;
use results::SCHEMA_VERSION;
use results::plan::{Plan, PlanError, RuntimeCase};
use results::record::{Event, Record};

use crate::arch::instructions::{current_el, mmu_is_on, ticks};
use crate::arch::pmu;
use crate::arch::probe;
use crate::arch::regime::OwnRegime;
use crate::boot::default_plan;
use crate::boot::kernel_map::build_tables;
use crate::boot::switch::{Switch, switch_to_runtime};
use crate::handover::Handover;
use crate::image::{image, plan_area, plan_area_mut};
use crate::mmu::control;
use crate::mmu::identity_slot::{IdentitySlot, Refused, choose};
use crate::mmu::kernel_tables::tables_base;
use crate::mmu::layout::Layout;
use crate::mmu::tables::MAIR;
use crate::platform::blob;
use crate::platform::board::Board;
use crate::platform::console;
use crate::platform::device_tree::Machine;
use crate::platform::end::{fatal, set_at_end};
use crate::platform::exception;
use crate::platform::firmware;
use crate::platform::lost;
use crate::platform::memory::Memory;
use crate::platform::nonce;
use crate::platform::phase::Phase;
use crate::platform::uefi;
use crate::random::Random;
use crate::smp::power;
use crate::stub::resident::emit;

/// Opens the device tree at the address that the boot loader has passed, if there is one.
fn tree(address: usize) -> Option<Fdt<'static>> {
    if address == 0 || !address.is_multiple_of(8) {
        return None;
    }
    // SAFETY: by the boot protocol x0 is the address of a device tree, or nothing, which is 0; some loaders leave the
    // address of another list there, which is memory too.
    let header = unsafe { &*(address as *const [u8; 40]) };
    let size = blob::size(header)?;
    // SAFETY: the magic number says that it is a tree, and nobody writes to it.
    blob::open(unsafe { core::slice::from_raw_parts(address as *const u8, size) })
}

/// Finds the console and the firmware: in the plan, and in the device tree, or in what UEFI has said.
///
/// The conduit of a device tree is that of the firmware it was written for. Entered at EL3 there is none; what is planned
/// may be known to an emulator.
fn discover(device_tree: usize, load: usize, area: &[u8], entered_at: usize) -> Machine {
    let settings = Plan::read(area).ok().flatten().map(|plan| plan.settings);
    let planned = settings.map_or(Machine::default(), |s| Machine {
        console: s.console,
        conduit: s.conduit,
        ..Machine::default()
    });
    // Before the tree is read, so that a panic on the way can be seen.
    planned.console.into_iter().for_each(console::init);
    let mut machine = planned;
    let uefi = uefi::found();
    if let Some(fdt) = tree(device_tree) {
        machine = Machine::from_device_tree(fdt, &planned);
        machine.memory = Memory::around(fdt, load as u64);
    } else if let Some(found) = uefi.and_then(|found| found.machine) {
        machine = Machine {
            console: planned.console.or(found.console),
            conduit: found.conduit.or(planned.conduit),
            ..found
        };
    }
    if let Some(found) = uefi {
        // Its map says what firmware keeps, which a device tree need not.
        machine.memory = found.memory;
    }
    machine.console.into_iter().for_each(console::init);
    if entered_at == 3 {
        machine.conduit = planned.conduit.filter(|_| current_el() < 3);
    }
    firmware::set_conduit(machine.conduit);
    // Firmware may have left a line unfinished.
    console::break_line();
    machine
}

/// Begins the stream, and says which machine it is of.
fn start_record(plan_crc: u32, seed: u64, device_tree: usize, clock: Event) {
    let kernel = env!("CARGO_PKG_VERSION");
    console::record(&Record::Start {
        schema: SCHEMA_VERSION,
        kernel,
        plan_crc,
        seed,
        el: current_el(),
        nonce: nonce::draw(clock),
    });
    match (tree(device_tree).map(Board::of), uefi::found()) {
        (Some(board), Some(found)) => console::record(&board.or(&found.board)),
        (Some(board), None) => console::record(&board.record()),
        (None, Some(found)) => console::record(&found.board.record()),
        (None, None) => {}
    }
}

/// Says that the kernel was entered at an exception level that it cannot run at or leave, and stops.
pub extern "C" fn wrong_exception_level(device_tree: usize, load: usize, el: usize) -> ! {
    discover(device_tree, load, plan_area(), el);
    let plan = Plan::read(plan_area()).ok().flatten();
    start_record(
        plan.map_or(0, |plan| plan.crc),
        plan.map_or(0, |plan| plan.settings.seed),
        device_tree,
        // The counter of the PMU is not ours at every exception level.
        Event::TimerTicks,
    );
    fatal("entered at EL3 of a processor without EL2; this kernel needs EL2, or to be entered at EL1")
}

/// Builds the tables, turns the MMU on, and has `runtime_entry`, given by its address in the image as loaded, go on at the
/// runtime address. `entered_at` is the exception level at entry.
pub extern "C" fn boot_main(device_tree: usize, load: usize, runtime_entry: usize, entered_at: usize) -> ! {
    // SAFETY: the MMU is off, and this is the only reference until the second half makes its own.
    let area = unsafe { plan_area_mut() };
    let machine = discover(device_tree, load, area, entered_at);
    let own = OwnRegime::current();
    probe::init();
    let event = pmu::start();

    let plan = read_plan(area, device_tree, event);
    let settings = plan.settings;
    set_at_end(settings.at_end);
    let seed = match settings.seed_by_boot {
        true => Random::of_this_boot(settings.seed, ticks(), pmu::now(event)).next(),
        false => settings.seed,
    };
    start_record(plan.crc, seed, device_tree, event);
    if mmu_is_on() {
        fatal("entered with the MMU on; the arm64 boot protocol says off");
    }
    if own == OwnRegime::El2 && HCR_EL2.is_set(HCR_EL2::E2H) {
        fatal("HCR_EL2.E2H cannot be 0 on this processor: it has no EL2 translation regime, only EL2&0");
    }
    let load = load as u64;
    let size = image().1 as u64;
    let (region, slot) = choose(settings.case, settings.runtime, load, Layout::region_size(size))
        .unwrap_or_else(|refused| refuse(refused));
    let layout = Layout::new(region, size, load);
    let case = match slot {
        IdentitySlot::Exclusive(0) => RuntimeCase::Level0,
        IdentitySlot::Exclusive(1) => RuntimeCase::Level1,
        IdentitySlot::Exclusive(_) => RuntimeCase::Level2,
        IdentitySlot::NotNeeded => RuntimeCase::None,
        IdentitySlot::Clash => RuntimeCase::Clash,
    };
    let (case, flow) = (case.id(), settings.flow.id());
    console::record(&Record::Image {
        load,
        size,
        runtime: region.start,
        case,
        flow,
    });
    console::record(&Record::Clock {
        pe: 0,
        event,
        frequency: CNTFRQ_EL0.get(),
    });

    let stubs = emit(&plan, event);
    let build_started = pmu::now(event);
    if build_tables(load, size, &layout, slot).is_none() {
        fatal("out of translation tables");
    }
    let built = pmu::now(event);
    let marks = [build_started, built];

    let switch = Switch {
        runtime: layout.image,
        ttbr: tables_base(load),
        tcr: control::tcr(own),
        mair: MAIR,
        sctlr: control::sctlr(own),
        pmu: u64::from(event == Event::Cycles),
        entry: layout.image + (runtime_entry as u64 - load),
        vectors: layout.image + (exception::table_of(own) as u64 - load),
    };
    let mut cpus = machine.cpus;
    // The boot PE is whichever the firmware chose.
    if let Some(boot_pe) = cpus
        .iter()
        .position(|cpu| cpu.is_some_and(|cpu| cpu.mpidr == lost::this_mpidr()))
    {
        cpus.swap(0, boot_pe);
    }
    // SAFETY: the MMU is off, and the addresses come from the device tree.
    unsafe { power::pen(&cpus) };
    console::set_virtual(layout.early_console);
    Phase::Boot.enter();
    let handover = Handover {
        load,
        seed,
        entered_at,
        device_tree,
        size,
        layout,
        slot,
        event,
        marks,
        stubs,
        cpus,
        memory: machine.memory,
        gic: machine.gic,
    };
    // SAFETY: one PE runs, and the second half has not begun.
    unsafe { handover.leave() };
    // SAFETY: the MMU is off, and the tables map the entry page 1:1 (or need not) and the image at `runtime`.
    unsafe { switch_to_runtime(&switch) }
}

fn read_plan(area: &'static mut [u8], device_tree: usize, event: Event) -> Plan<'static> {
    if area.iter().take(8).all(|&byte| byte == 0) && default_plan::write(area).is_err() {
        start_record(0, 0, device_tree, event);
        fatal("the built-in plan does not fit the plan area");
    }
    match Plan::read(area) {
        Ok(Some(plan)) => plan,
        Ok(None) | Err(PlanError::NoPlan) => {
            start_record(0, 0, device_tree, event);
            fatal("the plan area holds something that is no plan")
        }
        Err(_) => {
            start_record(0, 0, device_tree, event);
            fatal("the plan is damaged or of another version")
        }
    }
}

fn refuse(refused: Refused) -> ! {
    fatal(match refused {
        Refused::Clash => {
            "the 1:1 map and the runtime map clash: both need the same level 2 slot at different addresses; choose a \
             runtime address in another 2 MiB slot"
        }
        Refused::BadAddress => "the runtime address is not a multiple of 4 KiB or too high for 48 bits",
        Refused::NoSuchCase => "no runtime address gives this slot case from this load address",
    })
}
