// SPDX-License-Identifier: MIT OR Apache-2.0
//! Messages without an allocator.

use core::fmt::Write;

/// A short text on the stack; what does not fit is cut.
#[derive(Debug)]
pub struct Message {
    bytes: [u8; 120],
    used: usize,
}

impl Message {
    /// Creates an empty text.
    pub const fn new() -> Self {
        Self {
            bytes: [0; 120],
            used: 0,
        }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        // Only whole `str`s of ASCII are written.
        core::str::from_utf8(&self.bytes[..self.used]).unwrap_or("")
    }
}

impl Write for Message {
    fn write_str(&mut self, s: &str) -> core::fmt::Result {
        for byte in s.bytes().filter(u8::is_ascii) {
            if let Some(byte_left) = self.bytes.get_mut(self.used) {
                *byte_left = byte;
                self.used += 1;
            }
        }
        Ok(())
    }
}
