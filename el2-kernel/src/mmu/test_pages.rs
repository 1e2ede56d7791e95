// SPDX-License-Identifier: MIT OR Apache-2.0
//! The pages that the translations under test lead to, and what is in them.
#![expect(unsafe_code)]
// UNSAFETY: writes memory that is later read, written and run through other addresses.

use crate::arch::instructions::publish_code;
use crate::image::{Raw, image};
pub use crate::mmu::test_values::{NEW, OLD, SECRET};

/// Pages of each kind: which one a trial uses decides where in a block it looks, and so which TLB entry.
pub const COUNT: usize = 8;
/// Entries that the Contiguous bit joins at level 3 (4 KiB granule).
pub const CONTIGUOUS: u64 = 16;

static BEFORE: [Raw<4096>; COUNT] = [const { Raw::new() }; COUNT];
static AFTER: [Raw<4096>; COUNT] = [const { Raw::new() }; COUNT];
static CODE: [Raw<4096>; 2] = [const { Raw::new() }; 2];
/// Holds 16 pages at a multiple of their size, whatever the load address.
static BULK: Raw<{ 2 * 16 * 4096 }> = Raw::new();
/// Holds two pages of the largest granule at a multiple of their size, whatever the load address.
static ALIGNED: Raw<{ 3 * LARGEST }> = Raw::new();
/// Bytes of a page of the largest granule.
const LARGEST: usize = 64 << 10;

/// The physical addresses of the pages, and how to write them.
#[derive(Debug, Clone, Copy)]
pub struct Pages {
    /// Runtime address minus physical address of the image.
    offset: u64,
}

impl Pages {
    /// Returns the pages of an image loaded at `load`.
    pub fn new(load: u64) -> Self {
        Self {
            offset: (image().0 as u64).wrapping_sub(load),
        }
    }

    fn physical<T>(self, pointer: *const T) -> u64 {
        (pointer as u64).wrapping_sub(self.offset)
    }

    /// Returns a page that translations lead to before the change.
    pub fn before(self, index: usize) -> u64 {
        self.physical(&raw const BEFORE[index % COUNT])
    }

    /// Returns a page that translations lead to after the change.
    pub fn after(self, index: usize) -> u64 {
        self.physical(&raw const AFTER[index % COUNT])
    }

    /// Returns the code pages before and after the change.
    pub fn code(self) -> [u64; 2] {
        [0, 1].map(|index| self.physical(&raw const CODE[index]))
    }

    /// Returns the first of 16 pages at a multiple of 64 KiB.
    pub fn bulk(self) -> u64 {
        self.physical(&raw const BULK).next_multiple_of(CONTIGUOUS * 4096)
    }

    /// Returns the pages before and after the change for granules above 4 KiB, at multiples of 64 KiB.
    pub fn aligned(self) -> [u64; 2] {
        let first = self.physical(&raw const ALIGNED).next_multiple_of(LARGEST as u64);
        [first, first + LARGEST as u64]
    }

    /// Writes a value into a page by its physical address, through the image's own mapping.
    pub fn write(self, physical: u64, value: u64) {
        // SAFETY: a page of ours, and no Rust reference to its contents exists.
        unsafe { (physical.wrapping_add(self.offset) as *mut u64).write_volatile(value) };
    }

    /// Fills every page with what tells it from the others.
    pub fn fill(self) {
        for index in 0..COUNT {
            self.write(self.before(index), OLD);
            self.write(self.after(index), NEW);
        }
        for page in 0..CONTIGUOUS {
            self.write(self.bulk() + 4096 * page, OLD);
        }
        for (page, value) in self.aligned().into_iter().zip([OLD, NEW]) {
            self.write(page, value);
        }
        for (code, value) in self.code().into_iter().zip([OLD, NEW]) {
            /// `ret` above `mov x0, #0`.
            const RETURN_ZERO: u64 = 0xd65f_03c0_d280_0000;
            self.write(code, RETURN_ZERO | value << 5);
            publish_code(code.wrapping_add(self.offset) as usize, 8);
        }
    }
}
