// SPDX-License-Identifier: MIT OR Apache-2.0
//! Physical memory, page by page as it is first used, and what is known about each page.

use crate::image::{MEMORY, MEMORY_SIZE};

/// Bytes of a page.
pub const PAGE: u64 = 4096;
const PAGES: usize = (MEMORY_SIZE / PAGE) as usize;
const NONE: u32 = u32::MAX;

/// A page in use: its number in the order of first use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame(pub u32);

/// What is known about a page in use.
#[derive(Debug, Clone, Copy)]
struct About {
    /// Its number among pages that walkers have read.
    table: u32,
    /// Its number among pages that were executed.
    code: u32,
}

/// The memory.
#[derive(Debug, Clone)]
pub struct Ram {
    bytes: Vec<u8>,
    frames: Vec<u32>,
    about: Vec<About>,
}

impl Ram {
    /// Returns memory full of zeros.
    pub fn new() -> Self {
        Self {
            bytes: Vec::new(),
            frames: vec![NONE; PAGES],
            about: Vec::new(),
        }
    }

    /// Returns the page at a physical address, or `None` if no memory is there.
    #[inline]
    pub fn frame(&mut self, address: u64) -> Option<Frame> {
        let index = (address.wrapping_sub(MEMORY) / PAGE) as usize;
        let frame = *self.frames.get(index)?;
        if frame != NONE {
            return Some(Frame(frame));
        }
        let frame = self.about.len() as u32;
        self.frames[index] = frame;
        self.about.push(About {
            table: NONE,
            code: NONE,
        });
        self.bytes.resize(self.bytes.len() + PAGE as usize, 0);
        Some(Frame(frame))
    }

    /// Returns whether memory is at a physical address.
    pub fn has(address: u64) -> bool {
        address.wrapping_sub(MEMORY) < MEMORY_SIZE
    }

    /// Returns the page's number among those that walkers have read.
    #[inline]
    pub fn table(&self, frame: Frame) -> Option<usize> {
        let table = self.about[frame.0 as usize].table;
        (table != NONE).then_some(table as usize)
    }

    /// Remembers that walkers read the page.
    pub fn set_table(&mut self, frame: Frame, table: usize) {
        self.about[frame.0 as usize].table = table as u32;
    }

    /// Returns the page's number among those that were executed.
    #[inline]
    pub fn code(&self, frame: Frame) -> Option<usize> {
        let code = self.about[frame.0 as usize].code;
        (code != NONE).then_some(code as usize)
    }

    /// Remembers that the page was executed.
    pub fn set_code(&mut self, frame: Frame, code: usize) {
        self.about[frame.0 as usize].code = code as u32;
    }

    /// Returns the bytes of a page.
    #[inline(always)]
    pub fn page(&self, frame: Frame) -> &[u8; PAGE as usize] {
        let start = frame.0 as usize * PAGE as usize;
        // A frame is only ever handed out with its bytes.
        self.bytes[start..start + PAGE as usize].first_chunk().unwrap_or(&ZERO)
    }

    /// Returns the bytes of a page, to write to.
    #[inline(always)]
    pub fn page_mut(&mut self, frame: Frame) -> &mut [u8] {
        let start = frame.0 as usize * PAGE as usize;
        &mut self.bytes[start..start + PAGE as usize]
    }

    /// Reads an aligned descriptor.
    pub fn read64(&self, frame: Frame, slot: usize) -> u64 {
        let at = slot * 8;
        self.page(frame)[at..at + 8]
            .first_chunk()
            .map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    /// Writes an aligned descriptor.
    pub fn write64(&mut self, frame: Frame, slot: usize, value: u64) {
        self.page_mut(frame)[slot * 8..slot * 8 + 8].copy_from_slice(&value.to_le_bytes());
    }

    /// Copies bytes to a physical address. What lies outside of memory is left out.
    pub fn load(&mut self, address: u64, bytes: &[u8]) {
        for (place, &byte) in (address..).zip(bytes) {
            if let Some(frame) = self.frame(place) {
                self.page_mut(frame)[(place % PAGE) as usize] = byte;
            }
        }
    }
}

const ZERO: [u8; PAGE as usize] = [0; PAGE as usize];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_made_as_they_are_used_and_keep_their_bytes() {
        let mut ram = Ram::new();
        ram.load(MEMORY + 0xffe, &[1, 2, 3, 4]);
        let (first, second) = (ram.frame(MEMORY).unwrap(), ram.frame(MEMORY + PAGE).unwrap());
        assert_eq!(ram.read64(first, 511), 0x0201_0000_0000_0000);
        assert_eq!(ram.read64(second, 0), 0x0403);
        assert_eq!(ram.frame(MEMORY - 1), None);
        assert_eq!(ram.frame(MEMORY + MEMORY_SIZE), None);
    }
}
