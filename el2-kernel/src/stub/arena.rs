// SPDX-License-Identifier: MIT OR Apache-2.0
//! The memory that stubs run from: part of the image, mapped read-only and executable.
//!
//! What is emitted at boot is written with the MMU off. The timed stubs are written again and again, through a window of
//! data pages onto the same memory, so that nothing is ever writable and executable at one address.
#![expect(unsafe_code)]
// UNSAFETY: hands out memory by its address.

use results::plan::room::{BOOT_ARENA as BOOT, PAGE, TIMED_ARENA as TIMED};

use crate::image::{Raw, image};

/// A part of the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arena {
    /// What is emitted once, at boot: the stubs of the boot path and of the checks.
    Boot,
    /// The timed stubs.
    Timed,
}

// Both are whole pages, and the timed stubs fit a window.
const _: () = assert!(BOOT.is_multiple_of(PAGE) && TIMED.is_multiple_of(PAGE) && TIMED <= 2 << 20);

#[unsafe(link_section = ".arena")]
static BOOT_MEMORY: Raw<BOOT> = Raw::new();
#[unsafe(link_section = ".arena")]
static TIMED_MEMORY: Raw<TIMED> = Raw::new();

impl Arena {
    /// Returns the bytes of this part.
    pub const fn size(self) -> usize {
        match self {
            Self::Boot => BOOT,
            Self::Timed => TIMED,
        }
    }

    /// Returns the address it runs at. The arena is in the image, which moves: ask when it is used.
    pub fn address(self) -> usize {
        match self {
            Self::Boot => &raw const BOOT_MEMORY as usize,
            Self::Timed => &raw const TIMED_MEMORY as usize,
        }
    }

    /// Returns how far into the image it starts, in bytes.
    pub fn offset_in_image(self) -> usize {
        self.address() - image().0
    }

    /// Returns this part to write to, through a mapping at `address`.
    ///
    /// # Safety
    ///
    /// The mapping is one of this part, and writable; nothing runs from it or refers to it while the result lives.
    pub unsafe fn memory(self, address: usize) -> &'static mut [u32] {
        // SAFETY: the caller's promise; whole pages, zeroed at boot.
        unsafe { core::slice::from_raw_parts_mut(address as *mut u32, self.size() / 4) }
    }
}
