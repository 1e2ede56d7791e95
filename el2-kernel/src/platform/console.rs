// SPDX-License-Identifier: MIT OR Apache-2.0
//! The console: where records go.
//!
//! It has two addresses, physical and virtual, and looks at `SCTLR_ELx.M` to know which one holds: an exception may
//! strike on either side of the switch, and must be able to speak. A kernel that is entered with the MMU on, which it
//! refuses, has no virtual address yet: whoever enters it so has mapped the device 1:1, or nobody can be told.
#![expect(unsafe_code)]
// UNSAFETY: device registers.

use core::fmt;
use core::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering};

use results::plan::Console;
use results::record::Record;
use results::wire::LineWriter;

use crate::arch::instructions::mmu_is_on;

/// No address yet: devices are mapped behind the image, never at 0.
const NOT_SET: usize = 0;

static KIND: AtomicU8 = AtomicU8::new(0);
static PHYSICAL: AtomicUsize = AtomicUsize::new(0);
static VIRTUAL: AtomicUsize = AtomicUsize::new(NOT_SET);
static LINES: AtomicU32 = AtomicU32::new(0);

/// Sets the device, by its physical address.
pub fn init(console: Console) {
    let (kind, address) = match console {
        Console::Pl011(address) => (1, address),
        Console::Uart16550(address) => (2, address),
    };
    PHYSICAL.store(address as usize, Ordering::Relaxed);
    KIND.store(kind, Ordering::Relaxed);
}

/// Sets the address to use while the MMU is on.
pub fn set_virtual(address: u64) {
    VIRTUAL.store(address as usize, Ordering::Relaxed);
}

/// Returns the device's physical address, or `None` without a console.
pub fn physical() -> Option<u64> {
    (KIND.load(Ordering::Relaxed) != 0).then(|| PHYSICAL.load(Ordering::Relaxed) as u64)
}

/// Prints one record as a line.
pub fn record(record: &Record<'_>) {
    let mut writer = LineWriter::resume(Uart, LINES.load(Ordering::Relaxed));
    // The device cannot fail.
    let _ = writer.record(record);
    LINES.store(writer.lines(), Ordering::Relaxed);
}

/// Returns the number of lines printed.
pub fn lines() -> u32 {
    LINES.load(Ordering::Relaxed)
}

/// Starts a new line, whatever was being printed.
pub fn break_line() {
    let _ = fmt::Write::write_str(&mut Uart, "\r\n");
}

/// Waits until everything printed has left the device.
pub fn flush() {
    if let Some((kind, base)) = device() {
        while !kind.is_idle(base) {}
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Pl011,
    Uart16550,
}

impl Kind {
    fn can_take(self, base: usize) -> bool {
        match self {
            // FR.TXFF
            Self::Pl011 => read(base + 0x18) & 1 << 5 == 0,
            // LSR.THRE
            Self::Uart16550 => read(base + 0x14) & 1 << 5 != 0,
        }
    }

    fn is_idle(self, base: usize) -> bool {
        match self {
            // FR.BUSY
            Self::Pl011 => read(base + 0x18) & 1 << 3 == 0,
            // LSR.TEMT
            Self::Uart16550 => read(base + 0x14) & 1 << 6 != 0,
        }
    }
}

fn device() -> Option<(Kind, usize)> {
    let kind = match KIND.load(Ordering::Relaxed) {
        1 => Kind::Pl011,
        2 => Kind::Uart16550,
        _ => return None,
    };
    let address = match VIRTUAL.load(Ordering::Relaxed) {
        address if address != NOT_SET && mmu_is_on() => address,
        _ => PHYSICAL.load(Ordering::Relaxed),
    };
    Some((kind, address))
}

fn read(address: usize) -> u32 {
    // SAFETY: a register of the console, mapped as device memory or reached with the MMU off.
    unsafe { (address as *const u32).read_volatile() }
}

struct Uart;

impl fmt::Write for Uart {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        if let Some((kind, base)) = device() {
            for byte in s.bytes() {
                while !kind.can_take(base) {}
                // SAFETY: the data register of the console, at offset 0 in both kinds.
                unsafe { (base as *mut u32).write_volatile(u32::from(byte)) };
            }
        }
        Ok(())
    }
}
