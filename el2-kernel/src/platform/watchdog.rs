// SPDX-License-Identifier: MIT OR Apache-2.0
//! A watchdog: the interrupt of a timer ends what does not return. At EL2 it is EL2's own physical timer, at EL1 the
//! virtual one, which a hypervisor's guest has as well.
//!
//! While sequences are tried alone, it ends the one call that is tried ([`Watchdog::arm`]), and the run goes on. After
//! that it stands behind whatever is timed or checked ([`watch`], between two lots of samples or two rounds of trials), and
//! what it then interrupts ends the run, by name. Nothing of it is in the way of what is timed: a comparator runs, and PSTATE
//! lets an interrupt come that does not come. That no other one comes is the doing of the priority mask, which lets the
//! timer's through alone; should one come all the same, the vectors mask interrupts until the next lot.
#![expect(unsafe_code)]
// UNSAFETY: device registers, and the routing of interrupts.

use core::arch::asm;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU64, Ordering};

use aarch64_cpu::registers::{CNTFRQ_EL0, HCR_EL2, Readable};

use crate::arch::instructions::{dsb_sy, isb, mrs, ticks};
use crate::arch::regime::OwnRegime;
use crate::platform::rescue::Rescue;

/// Seconds that one sequence may take when it is tried, or half of what a lot of samples or a round of trials may. Both are
/// waited for twice, since a machine that is not real may have stood still.
pub const PATIENCE: u64 = 5;
const RUN_PATIENCE: u64 = 10;

/// What the vectors look at when an interrupt comes: how often the timer may still go off, 0 where no interrupt is
/// expected, and after how many ticks it goes off again.
pub static WATCH: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

/// The private interrupt of the timer, the same on every machine that follows Arm's Base System Architecture.
fn interrupt() -> u64 {
    match OwnRegime::current() {
        OwnRegime::El1 => 27,
        OwnRegime::El2 => 26,
    }
}

/// The bit of [`interrupt`] in the registers that have one for each.
fn bit() -> u32 {
    1 << interrupt()
}

/// Where the registers of the interrupt controller are mapped that concern this PE.
#[derive(Debug, Clone, Copy)]
pub struct Registers {
    /// The distributor.
    pub distributor: u64,
    /// The frame with the enable bits of this PE's private interrupts: the distributor, or one of a redistributor.
    pub private: u64,
    /// GICv2: the CPU interface.
    pub cpu: Option<u64>,
    /// GICv3: the control frame of this PE's redistributor.
    pub redistributor: Option<u64>,
}

/// What registers held before.
#[derive(Debug, Clone, Copy)]
struct Before {
    distributor: u32,
    enabled: u32,
    priority: u32,
    group: u32,
    cpu: u64,
    mask: u64,
}

/// A watchdog that works: it has proven it.
#[derive(Debug)]
pub struct Watchdog {
    registers: Registers,
    before: Before,
}

struct Cell(UnsafeCell<(Option<Registers>, Option<Before>)>);

// SAFETY: the boot PE alone uses it, and no two at a time.
unsafe impl Sync for Cell {}

/// Crosses a call that may not return.
static CELL: Cell = Cell(UnsafeCell::new((None, None)));

fn read(address: u64) -> u32 {
    // SAFETY: a mapped device register, by the promise of `Watchdog::start`.
    unsafe { (address as *const u32).read_volatile() }
}

fn write(address: u64, value: u32) {
    // SAFETY: as `read`.
    unsafe { (address as *mut u32).write_volatile(value) }
}

const GICD_CTLR: u64 = 0;
const IGROUPR0: u64 = 0x80;
const ISENABLER0: u64 = 0x100;
const ICENABLER0: u64 = 0x180;
/// The word with the priority of both timers' interrupts, 26 and 27.
const IPRIORITYR: u64 = 0x400 + 24;
/// Lets the highest priority through and, of the 16 that there are at least, no other.
const MASK: u64 = 0x10;
const GICR_WAKER: u64 = 0x14;
const GICC_CTLR: u64 = 0;
const GICC_PMR: u64 = 4;

/// Has the interrupt controller pass the timer's interrupt on. Called so that an exception is survived: firmware may keep
/// any of this to itself.
unsafe extern "C" fn enable() {
    // SAFETY: nobody else looks at it now.
    let cell = unsafe { &mut *CELL.0.get() };
    let Some(registers) = cell.0 else { return };
    let Registers {
        distributor, private, ..
    } = registers;
    let mut before = Before {
        distributor: read(distributor + GICD_CTLR),
        enabled: read(private + ISENABLER0),
        priority: read(private + IPRIORITYR),
        group: read(private + IGROUPR0),
        cpu: 0,
        mask: 0,
    };
    // What else firmware had enabled waits meanwhile.
    write(private + ICENABLER0, u32::MAX);
    write(
        private + IPRIORITYR,
        before.priority & !(0xff << (8 * (interrupt() % 4))),
    );
    match registers.cpu {
        Some(cpu) => {
            before.cpu = read(cpu + GICC_CTLR).into();
            before.mask = read(cpu + GICC_PMR).into();
            // Both groups: which of them is ours depends on whether there is a secure world.
            write(distributor + GICD_CTLR, before.distributor | 3);
            write(cpu + GICC_PMR, MASK as u32);
            write(cpu + GICC_CTLR, 3);
        }
        None => {
            if let Some(redistributor) = registers.redistributor {
                const PROCESSOR_SLEEP: u32 = 1 << 1;
                const CHILDREN_ASLEEP: u32 = 1 << 2;
                write(
                    redistributor + GICR_WAKER,
                    read(redistributor + GICR_WAKER) & !PROCESSOR_SLEEP,
                );
                // (The watchdog's first test tells if it never wakes.)
                let mut turns = 0;
                while read(redistributor + GICR_WAKER) & CHILDREN_ASLEEP != 0 && turns < 1 << 16 {
                    turns += 1;
                }
            }
            write(private + IGROUPR0, before.group | bit());
            // Affinity routing, then group 1: the first may only be changed while the other is off.
            write(distributor + GICD_CTLR, before.distributor | 1 << 4);
            write(distributor + GICD_CTLR, before.distributor | 1 << 4 | 1 << 1);
            // SAFETY: the system registers of the controller; nothing but interrupts depends on them, and none is taken
            // outside of a call that ends by it.
            unsafe {
                match OwnRegime::current() {
                    OwnRegime::El1 => asm!(
                        "mrs {value}, s3_0_c12_c12_5", // ICC_SRE_EL1
                        "orr {value}, {value}, #1",
                        "msr s3_0_c12_c12_5, {value}",
                        "isb",
                        value = out(reg) _,
                        options(nostack, preserves_flags),
                    ),
                    OwnRegime::El2 => asm!(
                        "mrs {value}, s3_4_c12_c9_5", // ICC_SRE_EL2
                        "orr {value}, {value}, #1",
                        "msr s3_4_c12_c9_5, {value}",
                        "isb",
                        value = out(reg) _,
                        options(nostack, preserves_flags),
                    ),
                }
                asm!(
                    "mrs {before}, s3_0_c4_c6_0",  // ICC_PMR_EL1
                    "mrs {group}, s3_0_c12_c12_7", // ICC_IGRPEN1_EL1
                    "msr s3_0_c4_c6_0, {mask}",
                    "msr s3_0_c12_c12_7, {on}",
                    "isb",
                    before = out(reg) before.mask,
                    group = out(reg) before.cpu,
                    mask = in(reg) MASK,
                    on = in(reg) 1_u64,
                    options(nostack, preserves_flags),
                );
            }
        }
    }
    write(private + ISENABLER0, bit());
    cell.1 = Some(before);
}

/// Waits until the counter is there.
unsafe extern "C" fn spin(deadline: u64) {
    while ticks() < deadline {}
}

fn frequency() -> u64 {
    // Where nobody has set it, a high one: rather too long than not at all.
    match CNTFRQ_EL0.get() {
        0 => 1_000_000_000,
        frequency => frequency,
    }
}

/// Has the timer's interrupt come at a value of the counter.
fn arm_at(deadline: u64) {
    // SAFETY: a timer that nobody else uses.
    unsafe {
        match OwnRegime::current() {
            OwnRegime::El1 => asm!(
                "msr cntv_cval_el0, {deadline}",
                "msr cntv_ctl_el0, {on}",
                "isb",
                deadline = in(reg) deadline,
                on = in(reg) 1_u64,
                options(nostack, preserves_flags),
            ),
            OwnRegime::El2 => asm!(
                "msr cnthp_cval_el2, {deadline}",
                "msr cnthp_ctl_el2, {on}",
                "isb",
                deadline = in(reg) deadline,
                on = in(reg) 1_u64,
                options(nostack, preserves_flags),
            ),
        }
    }
}

/// Returns whether the timer's interrupt is due.
pub fn is_due() -> bool {
    const ENABLED_AND_DUE: u64 = 1 << 2 | 1;
    let control = match OwnRegime::current() {
        OwnRegime::El1 => mrs!("cntv_ctl_el0"),
        OwnRegime::El2 => mrs!("cnthp_ctl_el2"),
    };
    control & ENABLED_AND_DUE == ENABLED_AND_DUE
}

fn disarm() {
    // SAFETY: as `arm_at`.
    unsafe {
        match OwnRegime::current() {
            OwnRegime::El1 => asm!("msr cntv_ctl_el0, xzr", "isb", options(nostack, preserves_flags)),
            OwnRegime::El2 => asm!("msr cnthp_ctl_el2, xzr", "isb", options(nostack, preserves_flags)),
        }
    }
    dsb_sy();
}

/// Has the watchdog stand behind what comes next on this PE, the boot PE, for [`RUN_PATIENCE`] and as long again; nothing,
/// where there is none. Never called between the first and the last sample of a lot.
pub fn watch() {
    if WATCH[1].load(Ordering::Relaxed) == 0 {
        return;
    }
    prolong();
    WATCH[0].store(2, Ordering::Relaxed);
    // SAFETY: the vectors know what to do with one.
    unsafe { asm!("msr daifclr, #2", options(nostack)) };
}

/// Has it begin to wait anew, while something else does that has an end of its own.
pub fn prolong() {
    let period = WATCH[1].load(Ordering::Relaxed);
    if period != 0 {
        arm_at(ticks() + period);
    }
}

/// Has it stand back again.
pub fn rest() {
    if WATCH[1].load(Ordering::Relaxed) == 0 {
        return;
    }
    // SAFETY: as it is outside of [`watch`].
    unsafe { asm!("msr daifset, #2", options(nostack)) };
    WATCH[0].store(0, Ordering::Relaxed);
    disarm();
}

/// `HCR_EL2.IMO`: physical interrupts come to EL2.
pub const HCR_IMO: u64 = 1 << 4;

/// Has interrupts come to EL2, or not; they stay masked.
fn route(to_el2: bool) {
    if OwnRegime::current() == OwnRegime::El1 {
        // Where a guest's interrupts go is not for the guest to say.
        return;
    }
    let hcr = HCR_EL2.get();
    let hcr = if to_el2 { hcr | HCR_IMO } else { hcr & !HCR_IMO };
    // SAFETY: says where interrupts go, which are masked.
    unsafe { asm!("msr hcr_el2, {}", "isb", in(reg) hcr, options(nostack, preserves_flags)) };
}

impl Watchdog {
    /// Starts one and has it prove that it ends a call. `None`: it does not, on this machine. The second value is whether
    /// an exception was survived on the way, after which the tables of the rescue are in use.
    ///
    /// # Safety
    ///
    /// The registers are mapped; and as [`Rescue::call`].
    pub unsafe fn start(registers: Registers, rescue: &Rescue) -> (Option<Self>, bool) {
        // SAFETY: as `enable`.
        unsafe { *CELL.0.get() = (Some(registers), None) };
        // SAFETY: the caller's promise.
        let enabled = unsafe { rescue.call(enable as *const () as usize, &[0; 8]) };
        // SAFETY: as `enable`.
        let before = unsafe { (*CELL.0.get()).1 };
        let Some(before) = before.filter(|_| enabled.is_ok()) else {
            return (None, enabled.is_err());
        };
        let watchdog = Self { registers, before };
        route(true);
        let now = ticks();
        arm_at(now + frequency() / 1000);
        let with_interrupts = Rescue {
            interrupts: true,
            ..*rescue
        };
        let deadline = now + 2 * frequency();
        // SAFETY: as above.
        let ended = unsafe { with_interrupts.call(spin as *const () as usize, &[deadline, 0, 0, 0, 0, 0, 0, 0]) };
        let works = is_due() && ended.is_err_and(|caught| caught.is_interrupt());
        disarm();
        if works {
            (Some(watchdog), true)
        } else {
            watchdog.stop();
            (None, ended.is_err())
        }
    }

    /// Has it end a call that does not return for [`PATIENCE`] seconds from now on.
    pub fn arm(&self) {
        arm_at(ticks() + PATIENCE * frequency());
    }

    /// Has it be quiet. Returns whether it was due.
    pub fn disarm(&self) -> bool {
        let was_due = is_due();
        disarm();
        was_due
    }

    /// Has it stand behind the run from now on, whenever [`watch`] is called.
    pub fn keep(&self) {
        WATCH[1].store(RUN_PATIENCE * frequency(), Ordering::Relaxed);
    }

    /// Puts the interrupt controller back.
    pub fn stop(self) {
        rest();
        WATCH[1].store(0, Ordering::Relaxed);
        route(false);
        let Registers {
            distributor,
            private,
            cpu,
            redistributor: _,
        } = self.registers;
        let before = self.before;
        write(private + ICENABLER0, bit());
        write(private + IPRIORITYR, before.priority);
        match cpu {
            Some(cpu) => {
                write(cpu + GICC_CTLR, before.cpu as u32);
                write(cpu + GICC_PMR, before.mask as u32);
            }
            None => {
                // SAFETY: as in `enable`.
                unsafe {
                    asm!(
                        "msr s3_0_c12_c12_7, {group}",
                        "msr s3_0_c4_c6_0, {mask}",
                        "isb",
                        group = in(reg) before.cpu,
                        mask = in(reg) before.mask,
                        options(nostack, preserves_flags),
                    );
                }
                write(private + IGROUPR0, before.group);
            }
        }
        write(distributor + GICD_CTLR, before.distributor);
        write(private + ISENABLER0, before.enabled);
        dsb_sy();
        isb();
    }
}
