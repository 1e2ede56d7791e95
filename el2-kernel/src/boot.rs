// SPDX-License-Identifier: MIT OR Apache-2.0
//! The boot path of the seed patch: tables, MMU on, jump, removal of the 1:1 map, flush, fixmap.
//!
//! [`boot_main`] runs at the load address with the MMU off; [`runtime_main`] at the runtime address with the MMU on.
//! Absolute addresses in the image change between the two, so what has to survive is kept as numbers in [`Handover`].
#![expect(unsafe_code)]
// UNSAFETY: hands a structure from one to the other through a static, and reads a device tree at a raw address.

use core::cell::UnsafeCell;

use aarch64_cpu::registers::{CNTFRQ_EL0, ID_AA64MMFR0_EL1, Readable};
use dtoolkit::fdt::Fdt;
use results::SCHEMA_VERSION;
use results::plan::{Flow, MAX_PES, Plan, PlanError, RuntimeCase};
use results::record::{Event, Record};

use crate::arch::{current_el, dsb_nshst, dsb_sy, isb, mmu_is_on, start_event_stream};
use crate::arena::Arena;
use crate::console;
use crate::entry::{Switch, image, plan_area, plan_area_mut, sections, switch_to_runtime};
use crate::fixmap;
use crate::identity;
use crate::layout::{FAR_SLOT, LIVE_PAGES, Layout, WINDOW_PAGES};
use crate::machine::{Cpu, Machine};
use crate::memory::Memory;
use crate::operands::{Subject, operands};
use crate::pages::Pages;
use crate::plan_stubs::{Stubs, emit};
use crate::pmu;
use crate::proof;
use crate::registers;
use crate::slots::{Refused, Slot, choose};
use crate::stop::{self, Phase, fatal};
use crate::tables::{MAIR, Tables, Use};
use crate::{check, default_plan, measure, probe, secondary, stub};

/// All translation tables; the first is the level 0 table.
pub static TABLES: Tables<32> = Tables::new();

/// Returns the physical address of [`TABLES`] for an image loaded at `load`.
pub fn tables_base(load: u64) -> u64 {
    (&raw const TABLES as usize - image().0) as u64 + load
}

/// What the first half of the boot path tells the second.
#[derive(Debug, Clone, Copy)]
pub struct Handover {
    /// Load address.
    pub load: u64,
    /// Bytes of the image in memory.
    pub size: u64,
    /// The runtime region.
    pub layout: Layout,
    /// The top-level entry exclusive to the 1:1 map.
    pub slot: Slot,
    /// The counter in use.
    pub event: Event,
    /// Counter values: at the start, with the tables built.
    pub marks: [u64; 2],
    /// The emitted stubs.
    pub stubs: Stubs,
    /// The PEs, the boot PE first.
    pub cpus: [Option<Cpu>; MAX_PES as usize],
    /// The memory around the image, if the device tree says.
    pub memory: Option<Memory>,
}

struct HandoverCell(UnsafeCell<Option<Handover>>);

// SAFETY: written by `boot_main`, then read by `runtime_main`, on one PE.
unsafe impl Sync for HandoverCell {}

static HANDOVER: HandoverCell = HandoverCell(UnsafeCell::new(None));

/// Finds the console and the firmware: in the device tree, else in the plan.
fn discover(device_tree: usize, load: usize, area: &[u8]) -> Machine {
    let settings = Plan::read(area).ok().flatten().map(|plan| plan.settings);
    let planned = settings.map_or(Machine::default(), |s| Machine {
        console: s.console,
        conduit: s.conduit,
        ..Machine::default()
    });
    let mut machine = planned;
    if device_tree != 0 && device_tree.is_multiple_of(8) {
        // SAFETY: by the boot protocol x0 is a device tree or nothing; a wrong magic is noticed.
        if let Ok(fdt) = unsafe { Fdt::from_raw(device_tree as *const u8) } {
            machine = Machine::from_device_tree(fdt);
            machine.memory = Memory::around(fdt, load as u64);
        }
    }
    if let Some(console) = machine.console.or(planned.console) {
        console::init(console);
    }
    // At EL3 there is nobody above to call.
    stop::set_conduit(machine.conduit.filter(|_| current_el() < 3));
    // Firmware may have left a line unfinished.
    console::break_line();
    machine
}

fn start_record(plan_crc: u32, seed: u64) {
    let kernel = env!("CARGO_PKG_VERSION");
    console::record(&Record::Start {
        schema: SCHEMA_VERSION,
        kernel,
        plan_crc,
        seed,
        el: current_el(),
    });
}

/// Says that the kernel was entered at the wrong exception level, and stops.
pub extern "C" fn wrong_exception_level(device_tree: usize, load: usize, _el: usize) -> ! {
    discover(device_tree, load, plan_area());
    let plan = Plan::read(plan_area()).ok().flatten();
    start_record(
        plan.map_or(0, |plan| plan.crc),
        plan.map_or(0, |plan| plan.settings.seed),
    );
    if current_el() == 1 {
        fatal("entered at EL1; this kernel needs EL2 (QEMU: -M virt with virtualization=on)")
    } else {
        fatal("entered at EL3; this kernel needs EL2 (start it from firmware that drops to EL2)")
    }
}

/// Builds the tables and turns the MMU on.
pub extern "C" fn boot_main(device_tree: usize, load: usize) -> ! {
    // SAFETY: the MMU is off, and this is the only reference until `runtime_main` makes its own.
    let area = unsafe { plan_area_mut() };
    let machine = discover(device_tree, load, area);
    let event = pmu::start();

    let plan = read_plan(area);
    let settings = plan.settings;
    start_record(plan.crc, settings.seed);
    if mmu_is_on() {
        fatal("entered with the MMU on; the arm64 boot protocol says off");
    }
    let load = load as u64;
    let size = image().1 as u64;
    let (region, slot) = choose(settings.case, settings.runtime, load, Layout::region_size(size))
        .unwrap_or_else(|refused| refuse(refused));
    let layout = Layout::new(region, size, load);
    let case = match slot {
        Slot::Exclusive(0) => RuntimeCase::Level0,
        Slot::Exclusive(1) => RuntimeCase::Level1,
        Slot::Exclusive(_) => RuntimeCase::Level2,
        Slot::NotNeeded => RuntimeCase::None,
        Slot::Clash => RuntimeCase::Clash,
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
        tcr: tcr(),
        mair: MAIR,
        sctlr: SCTLR_RES1 | SCTLR_I | SCTLR_SA | SCTLR_C | SCTLR_M,
        pmu: u64::from(event == Event::Cycles),
    };
    let mut cpus = machine.cpus;
    // The boot PE is whichever the firmware chose.
    if let Some(own) = cpus
        .iter()
        .position(|cpu| cpu.is_some_and(|cpu| cpu.mpidr == secondary::own_mpidr()))
    {
        cpus.swap(0, own);
    }
    // SAFETY: the MMU is off, and the addresses come from the device tree.
    unsafe { secondary::pen(&cpus) };
    console::set_virtual(layout.early_console);
    Phase::Boot.enter();
    // SAFETY: one PE; nobody reads it before `runtime_main`.
    unsafe {
        *HANDOVER.0.get() = Some(Handover {
            load,
            size,
            layout,
            slot,
            event,
            marks,
            stubs,
            cpus,
            memory: machine.memory,
        })
    };
    // SAFETY: the MMU is off, and the tables map the entry page 1:1 (or need not) and the image at `runtime`.
    unsafe { switch_to_runtime(&switch) }
}

fn read_plan(area: &'static mut [u8]) -> Plan<'static> {
    if area.iter().take(8).all(|&byte| byte == 0) && default_plan::write(area).is_err() {
        start_record(0, 0);
        fatal("the built-in plan does not fit the plan area");
    }
    match Plan::read(area) {
        Ok(Some(plan)) => plan,
        Ok(None) | Err(PlanError::NoPlan) => {
            start_record(0, 0);
            fatal("the plan area holds something that is no plan")
        }
        Err(_) => {
            start_record(0, 0);
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

/// Maps the image at its runtime address, the entry page 1:1, the console, and the windows of checks and stubs.
fn build_tables(load: u64, size: u64, layout: &Layout, slot: Slot) -> Option<()> {
    let base = tables_base(load);
    let [text_end, rodata_end, arena_start, arena_end] = sections().map(|offset| offset as u64);
    for offset in (0..size).step_by(4096) {
        let r#use = match offset {
            _ if offset < text_end || (arena_start..arena_end).contains(&offset) => Use::Text,
            _ if offset < rodata_end => Use::ReadOnly,
            _ => Use::Data,
        };
        TABLES.map(base, layout.image + offset, load + offset, r#use).ok()?;
    }
    if slot != Slot::NotNeeded {
        TABLES.map(base, load, load, Use::Text).ok()?;
    }
    if let Some(console) = console::physical() {
        // Registers need not start a page.
        TABLES
            .map(base, layout.early_console, console & !0xfff, Use::Device)
            .ok()?;
    }
    let pages = Pages::new(load);
    for page in 0..WINDOW_PAGES {
        let output = pages.before(page as usize);
        for window in [layout.pages, layout.under_table, layout.far + FAR_SLOT] {
            TABLES.map(base, window + 4096 * page, output, Use::Data).ok()?;
        }
    }
    let arena = load + Arena::Timed.offset_in_image() as u64;
    for offset in (0..Arena::Timed.size() as u64).step_by(4096) {
        TABLES
            .map(base, layout.arena + offset, arena + offset, Use::Data)
            .ok()?;
    }
    for page in 0..LIVE_PAGES {
        let output = pages.before(page as usize);
        TABLES
            .map(base, layout.live + 4096 * page, output, Use::ReadOnly)
            .ok()?;
    }
    Some(())
}

const SCTLR_M: u64 = 1 << 0;
const SCTLR_C: u64 = 1 << 2;
const SCTLR_SA: u64 = 1 << 3;
const SCTLR_I: u64 = 1 << 12;
/// RES1 bits of `SCTLR_EL2` with E2H = 0.
const SCTLR_RES1: u64 = 0x30c5_0830;

/// Returns `TCR_EL2`: 48-bit addresses, 4 KiB granule, inner shareable write-back walks, as many output bits as the PE
/// has (at most 48).
fn tcr() -> u64 {
    const RES1: u64 = 1 << 31 | 1 << 23;
    const INNER_SHAREABLE: u64 = 0b11 << 12;
    const WRITE_BACK: u64 = 0b01 << 10 | 0b01 << 8;
    const T0SZ: u64 = 64 - 48;
    let output_size = (ID_AA64MMFR0_EL1.read(ID_AA64MMFR0_EL1::PARange)).min(0b101);
    RES1 | output_size << 16 | INNER_SHAREABLE | WRITE_BACK | T0SZ
}

/// Goes on at the runtime address: removes the 1:1 map, sets up the fixmap, and runs the plan.
///
/// The arguments are counter values: before the MMU was on, after it was, and after the jump.
pub extern "C" fn runtime_main(mmu_off: u64, mmu_on: u64, jumped: u64) -> ! {
    // SAFETY: `boot_main` has written it, and nobody writes it again.
    let Some(boot) = (unsafe { *HANDOVER.0.get() }) else {
        fatal("no handover")
    };
    let Ok(Some(plan)) = Plan::read(plan_area()) else {
        fatal("the plan is gone")
    };
    let event = boot.event;
    let phase = |phase, count| {
        console::record(&Record::Boot {
            pe: 0,
            phase,
            event,
            count,
        })
    };

    let identity = identity::find(boot.load, boot.slot);
    let Some(flush) = boot.stubs.boot_flush() else {
        fatal("the boot flush is a sequence that this machine cannot run")
    };
    let operand_values = plan
        .entries()
        .nth(usize::from(plan.settings.boot_flush))
        .map_or([0; 8], |entry| operands(&entry, &Subject::at(boot.load)));
    // SAFETY: an emitted stub of validated words.
    let run_flush = || unsafe { stub::run(flush, &operand_values) };
    // A 16550 without a page-aligned base keeps its offset into the page.
    let page_offset = console::physical().unwrap_or(0) & 0xfff;
    console::set_virtual(boot.layout.early_console + page_offset);
    let fixmap = || {
        let console = console::physical().unwrap_or(0) & !0xfff;
        if fixmap::set_up(boot.load, boot.layout.fixmap, console).is_err() {
            fatal("out of translation tables for the fixmap");
        }
    };
    let timed = |f: &dyn Fn()| {
        let before = pmu::now(event);
        f();
        pmu::now(event) - before
    };

    // The path itself: no console output until the fixmap is there.
    let (remove, (flush_before, flush_after), set_up, barrier);
    match plan.settings.flow {
        Flow::New => {
            remove = timed(&|| identity.iter().for_each(|identity| identity.remove()));
            (flush_before, flush_after) = run_flush();
            set_up = timed(&fixmap);
            barrier = timed(&dsb_nshst);
        }
        Flow::Old => {
            // Before the patch the 1:1 map stayed until the runtime tables replaced it. Here it goes with the fixmap
            // set-up, so that the flush at its end has the same work to do and the same proof to pass.
            barrier = timed(&dsb_sy);
            set_up = timed(&fixmap);
            remove = timed(&|| identity.iter().for_each(|identity| identity.remove()));
            (flush_before, flush_after) = run_flush();
        }
    }
    // The barrier in front made the fixmap's descriptors visible to the walker; an `isb` is not in the patch, because
    // Xen returns through code that has one before the first use.
    isb();
    if console::physical().is_some() {
        console::set_virtual(boot.layout.fixmap + page_offset);
    }

    registers::print(0);
    let [build_started, built] = boot.marks;
    phase("build_tables", built - build_started);
    phase("mmu_on", mmu_on - mmu_off);
    phase("jump", jumped - mmu_on);
    phase("remove_identity", remove);
    phase("flush", flush_after - flush_before);
    phase("fixmap", set_up);
    phase("fixmap_barrier", barrier);

    probe::init();
    start_event_stream();
    Pages::new(boot.load).fill();
    Phase::Proof.enter();
    proof::run(&boot, identity.as_ref());
    Phase::Measure.enter();
    let running = measure::run(&boot, &plan, identity.as_ref());
    Phase::Check.enter();
    check::run(&boot, &plan, identity.as_ref(), running);
    stop::end(true)
}
