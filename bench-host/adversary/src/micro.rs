// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fast path of translation: pages for which there is nothing to choose.
//!
//! It only remembers what the slow path would find again, so it is emptied where that may change, and knows no rules.

use crate::ram::{Frame, PAGE};

const ENTRIES: usize = 256;
const EMPTY: u64 = u64::MAX;

/// A direct-mapped table of pages, tagged with the number of the translation configuration.
#[derive(Debug, Clone)]
pub struct Micro {
    tags: [[u64; ENTRIES]; WAYS],
    frames: [[u32; ENTRIES]; WAYS],
}

const WAYS: usize = 5;

/// What a page may be used for without looking further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Loads.
    Read,
    /// Stores.
    Write,
    /// Instruction fetches; the frame is the number of the code page.
    Fetch,
    /// Loads from a page that needs a closer look, but no translation.
    CarefulRead,
    /// Stores to such a page.
    CarefulWrite,
}

const fn index(address: u64) -> usize {
    (address / PAGE) as usize % ENTRIES
}

const fn tag(address: u64, config: u16) -> u64 {
    address & !(PAGE - 1) | config as u64
}

impl Micro {
    /// Returns an empty table.
    pub fn new() -> Box<Self> {
        Box::new(Self {
            tags: [[EMPTY; ENTRIES]; WAYS],
            frames: [[0; ENTRIES]; WAYS],
        })
    }

    /// Looks a page up.
    #[inline(always)]
    pub fn get(&self, way: Way, address: u64, config: u16) -> Option<Frame> {
        let index = index(address);
        (self.tags[way as usize][index] == tag(address, config)).then(|| Frame(self.frames[way as usize][index]))
    }

    /// Remembers a page.
    pub fn set(&mut self, way: Way, address: u64, config: u16, frame: Frame) {
        let index = index(address);
        self.tags[way as usize][index] = tag(address, config);
        self.frames[way as usize][index] = frame.0;
    }

    /// Forgets what lies in a range of addresses, of any configuration.
    pub fn forget(&mut self, base: u64, shift: u8) {
        if shift > 12 {
            return self.clear();
        }
        let index = index(base);
        for tags in &mut self.tags {
            tags[index] = EMPTY;
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.tags = [[EMPTY; ENTRIES]; WAYS];
    }

    /// Forgets a page by where it is in memory. (Code pages have other numbers, and stay.)
    pub fn forget_frame(&mut self, frame: Frame) {
        for way in [Way::Read, Way::Write] {
            for (tag, of) in self.tags[way as usize].iter_mut().zip(&self.frames[way as usize]) {
                if *of == frame.0 {
                    *tag = EMPTY;
                }
            }
        }
    }
}
