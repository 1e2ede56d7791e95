// SPDX-License-Identifier: MIT OR Apache-2.0
//! A copy of the kernel's translation tables that nothing changes: what is put into use when a sequence under test has made
//! the tables unusable.
#![expect(unsafe_code)]
// UNSAFETY: puts tables into use.

use crate::arch::instructions::dsb_sy;
use crate::arch::regime::{OwnRegime, flush_own};
use crate::image::image;
use crate::mmu::kernel_tables::{TABLES, tables_base};
use crate::mmu::tables::Tables;

static COPY: Tables<32> = Tables::new();

/// Copies the tables as they are now, and returns `TTBR0_ELx` for the copy.
pub fn keep(load: u64) -> u64 {
    let base = (&raw const COPY as usize - image().0) as u64 + load;
    COPY.copy(base, &TABLES, tables_base(load));
    dsb_sy();
    base
}

/// Makes the kernel's tables what they were when they were copied, and puts them into use.
pub fn restore(load: u64, copy: u64) {
    TABLES.copy(tables_base(load), &COPY, copy);
    dsb_sy();
    // SAFETY: what is mapped and in use is what the copy maps, which is in use now.
    unsafe { OwnRegime::current().set_ttbr(tables_base(load)) };
    flush_own();
}
