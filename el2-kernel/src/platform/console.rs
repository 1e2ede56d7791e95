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

use results::plan::{Console, Uart, Width};
use results::record::Record;
use results::wire::{Binding, LineWriter};

use crate::arch::instructions::mmu_is_on;
use crate::arch::probe::{self, Probed};
use crate::platform::uart::{self, Bus};

/// No address yet: devices are mapped behind the image, never at 0.
const NOT_SET: usize = 0;

static KIND: AtomicU8 = AtomicU8::new(0);
static PHYSICAL: AtomicUsize = AtomicUsize::new(0);
static VIRTUAL: AtomicUsize = AtomicUsize::new(NOT_SET);
static LINES: AtomicU32 = AtomicU32::new(0);
static BINDING: AtomicU32 = AtomicU32::new(0);

/// Sets the device, by its physical address, at which it is reached.
pub fn init(console: Console) {
    PHYSICAL.store(console.address as usize, Ordering::Relaxed);
    KIND.store(console.uart.code(), Ordering::Relaxed);
    uart::enable(console.uart, &mut Registers(console.address as usize));
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
    let binding = Binding::from_bits(BINDING.load(Ordering::Relaxed));
    let mut writer = LineWriter::resume(Output, LINES.load(Ordering::Relaxed), binding);
    // The device cannot fail.
    let _ = writer.record(record);
    LINES.store(writer.lines(), Ordering::Relaxed);
    BINDING.store(writer.binding().bits(), Ordering::Relaxed);
}

/// Returns the number of lines printed.
pub fn lines() -> u32 {
    LINES.load(Ordering::Relaxed)
}

/// Starts a new line, whatever was being printed.
pub fn break_line() {
    let _ = fmt::Write::write_str(&mut Output, "\r\n");
}

/// Waits until everything printed has left the device.
pub fn flush() {
    if let Some((uart, mut registers)) = device() {
        while !uart::is_idle(uart, &mut registers) {}
    }
}

/// The registers of the console at an address.
struct Registers(usize);

impl Bus for Registers {
    fn read(&mut self, offset: usize, width: Width) -> u32 {
        let address = self.0 + offset;
        // SAFETY: a register of the console, mapped as device memory or reached with the MMU off.
        unsafe {
            match width {
                Width::Byte => u32::from((address as *const u8).read_volatile()),
                Width::Half => u32::from((address as *const u16).read_volatile()),
                Width::Word => (address as *const u32).read_volatile(),
            }
        }
    }

    fn write(&mut self, offset: usize, width: Width, value: u32) {
        let address = self.0 + offset;
        // SAFETY: as for `read`.
        unsafe {
            match width {
                Width::Byte => (address as *mut u8).write_volatile(value as u8),
                Width::Half => (address as *mut u16).write_volatile(value as u16),
                Width::Word => (address as *mut u32).write_volatile(value),
            }
        }
    }
}

/// Registers behind a mapping that may not be there yet.
struct Probing {
    address: u64,
    seen: Probed,
}

impl Bus for Probing {
    fn read(&mut self, offset: usize, width: Width) -> u32 {
        self.seen = probe::read_register(self.address + offset as u64, width);
        match self.seen {
            Probed::Done(value) => value as u32,
            Probed::Fault(_) => 0,
        }
    }

    fn write(&mut self, _: usize, _: Width, _: u32) {}
}

/// Reads the status of the device at a virtual address, which does nothing to it; a fault is an answer too. `None`
/// without a console.
pub fn probe_at(address: u64) -> Option<Probed> {
    let uart = Uart::from_code(KIND.load(Ordering::Relaxed))?;
    let seen = Probed::Done(0);
    let mut registers = Probing { address, seen };
    uart::can_take(uart, &mut registers);
    Some(registers.seen)
}

fn device() -> Option<(Uart, Registers)> {
    let uart = Uart::from_code(KIND.load(Ordering::Relaxed))?;
    let address = match VIRTUAL.load(Ordering::Relaxed) {
        address if address != NOT_SET && mmu_is_on() => address,
        _ => PHYSICAL.load(Ordering::Relaxed),
    };
    Some((uart, Registers(address)))
}

struct Output;

impl fmt::Write for Output {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        if let Some((uart, mut registers)) = device() {
            for byte in s.bytes() {
                while !uart::can_take(uart, &mut registers) {}
                uart::send(uart, &mut registers, byte);
            }
        }
        Ok(())
    }
}
