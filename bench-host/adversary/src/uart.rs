// SPDX-License-Identifier: MIT OR Apache-2.0
//! The console, a PL011: what is written to it goes to the reader at once, and nothing ever comes in.

/// Where its registers are.
pub const BASE: u64 = 0x900_0000;
/// Bytes of them.
pub const SIZE: u64 = 0x1000;

/// `UARTDR`.
const DATA: u64 = 0x00;
/// `UARTFR`.
const FLAGS: u64 = 0x18;
/// `UARTFR`: transmit FIFO empty, receive FIFO empty, not busy.
const IDLE: u32 = 1 << 7 | 1 << 4;

/// The registers that keep what is written to them.
#[derive(Debug, Clone, Default)]
pub struct Uart {
    kept: [u32; 19],
    /// What was written and not yet fetched.
    pub output: Vec<u8>,
}

impl Uart {
    /// Reads a register.
    pub fn read(&self, offset: u64) -> u32 {
        match offset {
            FLAGS => IDLE,
            // UARTPeriphID and UARTPCellID.
            0xfe0..=0xffc => u32::from([0x11_u8, 0x10, 0x14, 0, 0x0d, 0xf0, 0x05, 0xb1][(offset - 0xfe0) as usize / 4]),
            _ => self.kept.get(offset as usize / 4).copied().unwrap_or(0),
        }
    }

    /// Writes a register.
    pub fn write(&mut self, offset: u64, value: u32) {
        match offset {
            DATA => self.output.push(value as u8),
            FLAGS => {}
            _ => {
                if let Some(kept) = self.kept.get_mut(offset as usize / 4) {
                    *kept = value;
                }
            }
        }
    }
}
