// SPDX-License-Identifier: MIT OR Apache-2.0
//! Starts and stops the other PEs.
//!
//! A secondary enters the kernel's entry page with the MMU off, at its physical address, and needs the 1:1 map for the
//! one moment in which it turns the MMU on. There are two ways to give it one. As Xen did: a root table for booting,
//! which holds the 1:1 map beside everything else; the secondary turns the MMU on with it, jumps to the runtime address,
//! switches to the runtime root, and flushes its TLB. Or: the boot PE puts the 1:1 entry back into the tables in use,
//! and removes it again, with a flush that has to reach every PE, when the secondary has arrived.
#![expect(unsafe_code)]
// UNSAFETY: writes what PEs without MMU read, and translation registers.

use core::arch::{asm, global_asm};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use results::check::Outcome;
use results::plan::{Conduit, MAX_PES};
use smccc::psci::{AffinityState, LowestAffinityLevel, affinity_info, cpu_off, cpu_on};
use smccc::{Hvc, Smc};

use crate::arch::instructions::{dsb_sy, isb, sev, start_event_stream};
use crate::arch::probe;
use crate::arch::regime::{OwnRegime, flush_own, flush_own_is};
use crate::handover::Handover;
use crate::image::{Raw, image};
use crate::mmu::control;
use crate::mmu::identity::Identity;
use crate::mmu::identity_slot::level_shift;
use crate::mmu::kernel_tables::{TABLES, tables_base};
use crate::mmu::tables::{Exhausted, Table, table};
use crate::platform::device_tree::{Cpu, Enable};
use crate::platform::exception;
use crate::platform::firmware::{conduit, park};
use crate::platform::lost;
use crate::smp::mailbox;

const PES: usize = MAX_PES as usize;
const STACK: usize = 32 * 1024;

static STACKS: [Raw<STACK>; PES] = [const { Raw::new() }; PES];
/// Copies of the tables from level 0 down to the entry exclusive to the 1:1 map, with that entry in place.
static BOOT_TABLES: [Table; 3] = [const { Table::new() }; 3];

/// What a secondary needs before it can see anything else. Read by assembly: the order of the fields matters.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(256))]
struct Start {
    /// `TTBR0_ELx` to turn the MMU on with.
    boot_ttbr: u64,
    tcr: u64,
    mair: u64,
    sctlr: u64,
    vbar: u64,
    stack: u64,
    /// Runtime address to go to.
    entry: u64,
    pe: u64,
    /// `TTBR0_ELx` to go on with.
    runtime_ttbr: u64,
    /// The exception level that the kernel runs at.
    level: u64,
}

impl Start {
    const EMPTY: Self = Self {
        boot_ttbr: 0,
        tcr: 0,
        mair: 0,
        sctlr: 0,
        vbar: 0,
        stack: 0,
        entry: 0,
        pe: 0,
        runtime_ttbr: 0,
        level: 0,
    };
}

struct Starts(UnsafeCell<[Start; PES]>);

// SAFETY: written by the boot PE before the secondary starts, then read by that one.
unsafe impl Sync for Starts {}

static STARTS: Starts = Starts(UnsafeCell::new([Start::EMPTY; PES]));
/// The PE that may leave the pen, by its affinity fields, and its `Start`.
static NEXT: [AtomicUsize; 2] = [AtomicUsize::new(NOBODY), AtomicUsize::new(0)];
const NOBODY: usize = usize::MAX;
/// The PEs that are on, as a mask.
static ON: AtomicU32 = AtomicU32::new(0);

/// A word that a PE without MMU writes, in cache lines that hold nothing else.
#[repr(C, align(2048))]
struct Arrived(AtomicUsize);

static ARRIVED: Arrived = Arrived(AtomicUsize::new(0));

global_asm!(
    r#"
    .section .head.secondary, "ax"
    // x0: Start.
    .macro  enter_tables el, all
    ldp     x1, x2, [x0]            // TTBR0 and TCR
    ldp     x3, x4, [x0, #16]       // MAIR, SCTLR
    ldp     x5, x6, [x0, #32]       // VBAR, stack
    ldp     x7, x9, [x0, #48]       // where to go on, index
    ldr     x10, [x0, #64]          // TTBR0 to go on with
    msr     vbar_el\el, x5
    msr     ttbr0_el\el, x1
    msr     tcr_el\el, x2
    msr     mair_el\el, x3
    isb
    tlbi    \all
    ic      iallu
    dsb     nsh
    isb
    msr     sctlr_el\el, x4
    isb
    mov     sp, x6
    mov     x0, x9
    mov     x1, x10
    br      x7
    .endm

    // The pen: where PEs wait that a spin-table has released.
    .globl  secondary_pen
secondary_pen:
    mrs     x1, mpidr_el1
    and     x1, x1, #0xffffffffff   // the affinity fields
    and     x1, x1, #~0xff000000
    adrp    x2, {next}
    add     x2, x2, :lo12:{next}
1:  ldr     x3, [x2]
    cmp     x3, x1
    b.eq    3f
    wfe
    b       1b
3:  dsb     sy
    ldr     x0, [x2, #8]
    // x0: physical address of Start
    .globl  secondary_entry
secondary_entry:
    msr     daifset, #0xf
    msr     spsel, #1
    mrs     x2, CurrentEL
    lsr     x2, x2, #2
    cmp     x2, #3
    b.ne    4f
    bl      leave_el3
    mov     x2, #2
4:  ldr     x3, [x0, #72]           // the level of the boot PE
    cmp     x2, x3
    b.ne    2f                      // does not answer, and is given up
    cmp     x2, #2
    b.eq    5f
    bl      set_up_el1              // as the boot PE: crate::head
    enter_tables 1, vmalle1
5:  bl      set_up_el2
    enter_tables 2, alle2
2:  wfe
    b       2b

    // Back to the pen. x0: what is written there, and where; x1: load address; x2: how to run without MMU.
    .globl  return_to_pen
return_to_pen:
    adr     x6, 5f
    adr     x7, image_start
    sub     x6, x6, x7
    add     x6, x6, x1
    br      x6                      // into the 1:1 map
5:  mrs     x6, CurrentEL
    cmp     x6, #(2 << 2)
    b.eq    6f
    msr     sctlr_el1, x2
    isb
    tlbi    vmalle1
    b       7f
6:  msr     sctlr_el2, x2
    isb
    tlbi    alle2
7:  ic      iallu
    dsb     nsh
    isb
    str     x0, [x0]
    dsb     sy
    sev
    b       secondary_pen
    "#,
    next = sym NEXT,
);

/// Which tables a secondary turns its MMU on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// The tables in use, with the 1:1 map brought back.
    Identity,
    /// A root table of its own for booting.
    BootRoot,
}

/// Builds the root table for booting: the tables in use, and the 1:1 map.
///
/// The tables below the exclusive entry still exist, because removing the map zeroed that entry only.
fn build_boot_root(load: u64, identity: &Identity) -> Result<u64, Exhausted> {
    let base = tables_base(load);
    let physical = |level: usize| (&raw const BOOT_TABLES[level] as usize - image().0) as u64 + load;
    for (level, copy) in BOOT_TABLES.iter().enumerate().take(identity.level + 1) {
        // The first entry of the table of this level on the way to the 1:1 address.
        let first = load >> (level_shift(level) + 9) << (level_shift(level) + 9);
        let entries = TABLES.entries(base, first, level, 512)?;
        copy.copy_from(entries);
        if level == identity.level {
            copy.entry(load, level).set(identity.descriptor);
        } else {
            copy.entry(load, level).set(table(physical(level + 1)));
        }
    }
    Ok(physical(0))
}

/// Starts a PE and waits for its first answer. Returns whether it came; a PE of which none does is lost.
pub fn start(cpu: &Cpu, pe: usize, load: u64, identity: Option<&Identity>, path: Path) -> bool {
    if lost::is_lost(pe) {
        return false;
    }
    let runtime_ttbr = tables_base(load);
    let boot_ttbr = match (path, identity) {
        (Path::BootRoot, Some(identity)) => match build_boot_root(load, identity) {
            Ok(root) => root,
            Err(Exhausted) => return false,
        },
        _ => runtime_ttbr,
    };
    let own = OwnRegime::current();
    let start = Start {
        boot_ttbr,
        tcr: own.tcr(),
        mair: own.mair(),
        sctlr: own.sctlr(),
        vbar: exception::table_of(own) as u64,
        stack: &raw const STACKS[pe] as u64 + STACK as u64,
        entry: secondary_main as *const () as u64,
        pe: pe as u64,
        runtime_ttbr,
        level: own.level().into(),
    };
    let physical = |address: usize| (address - image().0) as u64 + load;
    // SAFETY: nobody else looks at this entry. Firmware keeps the PE off until `cpu_on` below; or, released from a
    // spin-table, it waits in the pen, where it reads `NEXT` only, and that does not name it yet.
    let entry = unsafe { &raw mut (*STARTS.0.get())[pe] };
    // SAFETY: as above.
    unsafe { entry.write(start) };
    mailbox::reset(pe, cpu.mpidr);
    let context = physical(entry as usize);
    clean(entry as usize, size_of::<Start>());
    let started = match cpu.enable {
        Enable::Psci => {
            let code = physical(&raw const secondary_entry as usize);
            match conduit() {
                Some(Conduit::Smc) => cpu_on::<Smc>(cpu.mpidr, code, context).map_err(|_| "was refused by PSCI CPU_ON"),
                Some(Conduit::Hvc) => cpu_on::<Hvc>(cpu.mpidr, code, context).map_err(|_| "was refused by PSCI CPU_ON"),
                None => Err("has nothing that starts it: neither PSCI nor a spin-table"),
            }
        }
        Enable::SpinTable(_) => {
            NEXT[1].store(context as usize, Ordering::Relaxed);
            clean(&raw const NEXT as usize, size_of_val(&NEXT));
            NEXT[0].store(cpu.mpidr as usize, Ordering::Relaxed);
            clean(&raw const NEXT as usize, size_of_val(&NEXT));
            sev();
            Ok(())
        }
    };
    let result = started.and_then(|()| match mailbox::comes_up(pe) {
        true => Ok(()),
        false => Err("was started and did not answer for 20 s"),
    });
    if result.is_ok() {
        ON.store(ON.load(Ordering::Relaxed) | 1 << pe, Ordering::Relaxed);
    }
    result
        .inspect_err(|reason| lost::give_up(pe, cpu.mpidr, reason))
        .is_ok()
}

/// Has the PEs that firmware keeps in spin-tables wait in the pen instead.
///
/// # Safety
///
/// The MMU is off, and the release addresses are those of the device tree.
pub unsafe fn pen(cpus: &[Option<Cpu>]) {
    for cpu in cpus.iter().flatten().filter(|cpu| cpu.mpidr != lost::this_mpidr()) {
        if let Enable::SpinTable(release) = cpu.enable {
            let pen = &raw const secondary_pen as u64;
            // SAFETY: by the caller's promise this is where firmware looks.
            unsafe { (release as *mut u64).write_volatile(pen) };
            clean(release as usize, 8);
            sev();
        }
    }
}

unsafe extern "C" {
    static secondary_entry: u8;
    static secondary_pen: u8;
    fn return_to_pen(arrived: u64, load: u64, sctlr: u64) -> !;
}

/// Cleans a range to the point of coherency: a PE without MMU reads memory, not caches.
fn clean(start: usize, size: usize) {
    for address in (start..start + size).step_by(16) {
        // SAFETY: cleaning changes no value.
        unsafe { asm!("dc cvac, {}", in(reg) address, options(nostack, preserves_flags)) };
    }
    dsb_sy();
}

/// Goes on at the runtime address with the MMU on.
extern "C" fn secondary_main(pe: usize, runtime_ttbr: u64) -> ! {
    probe::init();
    start_event_stream();
    let own = OwnRegime::current();
    if own.ttbr() != runtime_ttbr {
        // SAFETY: the runtime tables map everything that those for booting do but the 1:1 page, which is left.
        unsafe { own.set_ttbr(runtime_ttbr) };
        flush_own();
    }
    isb();
    mailbox::serve(pe)
}

/// Turns this PE off. A job that takes no argument.
fn off(_: usize, _: usize) -> Outcome {
    // Returns only if it fails; then the PE waits for ever, and the boot PE notices.
    let _ = match conduit() {
        Some(Conduit::Smc) => cpu_off::<Smc>(),
        Some(Conduit::Hvc) => cpu_off::<Hvc>(),
        None => Ok(()),
    };
    park()
}

/// Has a PE turn itself off and waits until it has. One that does not is lost.
pub fn stop(cpu: &Cpu, pe: usize) {
    if lost::is_lost(pe) {
        return;
    }
    // SAFETY: the job takes no argument.
    unsafe { mailbox::post(pe, off, 0, 0) };
    let is_off = mailbox::comes(|| {
        let state = match conduit() {
            Some(Conduit::Smc) => affinity_info::<Smc>(cpu.mpidr, LowestAffinityLevel::All),
            Some(Conduit::Hvc) => affinity_info::<Hvc>(cpu.mpidr, LowestAffinityLevel::All),
            None => return true,
        };
        state == Ok(AffinityState::Off)
    });
    if is_off {
        ON.store(ON.load(Ordering::Relaxed) & !(1 << pe), Ordering::Relaxed);
    } else {
        lost::give_up(pe, cpu.mpidr, "was turned off and was not off after 20 s");
    }
}

/// Has every PE be where it was before the first was started: off, or in the pen. Returns whether all are.
pub fn all_off(boot: &Handover, identity: Option<&Identity>) -> bool {
    if lost::count() > 0 {
        // It might wake up in the middle of what comes now.
        return false;
    }
    NEXT[0].store(NOBODY, Ordering::Relaxed);
    clean(&raw const NEXT as usize, size_of_val(&NEXT));
    for (pe, cpu) in boot.cpus.iter().enumerate().skip(1) {
        let Some(cpu) = cpu.filter(|_| ON.load(Ordering::Relaxed) & 1 << pe != 0) else {
            continue;
        };
        match cpu.enable {
            Enable::Psci => stop(&cpu, pe),
            Enable::SpinTable(_) => into_pen(boot, identity, &cpu, pe),
        }
    }
    lost::count() == 0
}

/// Has a PE turn its MMU off and wait in the pen.
fn into_pen(boot: &Handover, identity: Option<&Identity>, cpu: &Cpu, pe: usize) {
    let arrived = &raw const ARRIVED as usize;
    ARRIVED.0.store(0, Ordering::Relaxed);
    // Not to be found in a cache again, where it would hide what the PE writes.
    discard(arrived);
    if let Some(identity) = identity {
        identity.entry.set(identity.descriptor);
        dsb_sy();
        isb();
    }
    // SAFETY: the 1:1 map is there, and the job takes the load address.
    unsafe { mailbox::post(pe, to_pen, boot.load as usize, 0) };
    let came = mailbox::comes(|| {
        discard(arrived);
        ARRIVED.0.load(Ordering::Relaxed) != 0
    });
    if let Some(identity) = identity {
        identity.remove();
        flush_own_is();
    }
    if came {
        ON.store(ON.load(Ordering::Relaxed) & !(1 << pe), Ordering::Relaxed);
    } else {
        lost::give_up(pe, cpu.mpidr, "was sent back to wait and did not get there in 20 s");
    }
}

/// Turns this PE's MMU off and has it wait in the pen. A job: the argument is the load address.
///
/// # Safety
///
/// The 1:1 map is there.
unsafe fn to_pen(load: usize, _pe: usize) -> Outcome {
    let off = control::sctlr_off(OwnRegime::current());
    let arrived = (&raw const ARRIVED as usize - image().0 + load) as u64;
    // SAFETY: the caller's promise; this PE has nothing in its cache that another does not see.
    unsafe { return_to_pen(arrived, load as u64, off) }
}

/// Cleans a cache line and throws it away.
fn discard(address: usize) {
    // SAFETY: changes no value.
    unsafe { asm!("dc civac, {}", in(reg) address, options(nostack, preserves_flags)) };
    dsb_sy();
}
