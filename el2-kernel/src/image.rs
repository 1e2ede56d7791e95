// SPDX-License-Identifier: MIT OR Apache-2.0
//! The image as the linker lays it out (`image.ld`): its ranges, its plan area, the boot PE's stack, and memory that only
//! assembly or a raw address touches.
#![expect(unsafe_code)]
// UNSAFETY: the linker's symbols, and a part of the image that the host writes.

use core::cell::UnsafeCell;

use results::image::PLAN_CAPACITY;

/// Memory that only assembly touches.
#[repr(C, align(4096))]
pub struct Raw<const N: usize>(UnsafeCell<[u8; N]>);

// SAFETY: Rust code never refers to the contents.
unsafe impl<const N: usize> Sync for Raw<N> {}

impl<const N: usize> Raw<N> {
    pub(crate) const fn new() -> Self {
        Self(UnsafeCell::new([0; N]))
    }
}

/// Bytes of the boot PE's stack.
pub const BOOT_STACK_SIZE: usize = 64 * 1024;

/// The boot PE's stack: used at the load address, and again from its beginning at the runtime address.
pub static BOOT_STACK: Raw<BOOT_STACK_SIZE> = Raw::new();

/// The plan, written into the image by the host. Not zero-initialized data, so that it is part of the file.
#[unsafe(link_section = ".plan")]
#[used]
static PLAN_AREA: Raw<PLAN_CAPACITY> = Raw::new();

/// Returns the start and the size of the image in memory, at the address it runs at now.
pub fn image() -> (usize, usize) {
    unsafe extern "C" {
        static image_start: u8;
        static image_end: u8;
    }
    let start = &raw const image_start as usize;
    (start, &raw const image_end as usize - start)
}

/// Returns how much of the image is in its file: all but the data that begins as zeros.
pub fn in_file() -> usize {
    unsafe extern "C" {
        static data_end: u8;
    }
    &raw const data_end as usize - image().0
}

/// Returns offsets of the ends of the image's protection ranges: text, read-only data, and start and end of the arena.
pub fn sections() -> [usize; 4] {
    unsafe extern "C" {
        static text_end: u8;
        static rodata_end: u8;
        static arena_start: u8;
        static arena_end: u8;
    }
    let start = image().0;
    let ends = [
        &raw const text_end,
        &raw const rodata_end,
        &raw const arena_start,
        &raw const arena_end,
    ];
    ends.map(|end| end as usize - start)
}

/// Returns the plan area, writable until the MMU is on.
///
/// # Safety
///
/// The MMU is off, and nothing else refers to the area.
pub unsafe fn plan_area_mut() -> &'static mut [u8] {
    // SAFETY: the area is part of the image; that nothing else refers to it is the caller's promise.
    unsafe { core::slice::from_raw_parts_mut(PLAN_AREA.0.get().cast(), PLAN_CAPACITY) }
}

/// Returns the plan area.
pub fn plan_area() -> &'static [u8] {
    // SAFETY: the area is part of the image, and nobody writes to it once `boot_main` has.
    unsafe { core::slice::from_raw_parts(PLAN_AREA.0.get().cast(), PLAN_CAPACITY) }
}
