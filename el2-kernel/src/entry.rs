// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one page that the 1:1 map covers: image header, entry point, and the switch to the runtime address.
#![expect(unsafe_code)]
// UNSAFETY: the first instructions of a machine, before there is a stack.

use core::arch::global_asm;
use core::cell::UnsafeCell;

use results::image::{HEADER_MAGIC, PLAN_CAPACITY};

use crate::boot::{boot_main, runtime_main, wrong_exception_level};
use crate::exception::vectors;

/// Bytes of each stack.
const STACK: usize = 64 * 1024;

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

static STACK_MEMORY: Raw<STACK> = Raw::new();

/// The plan, written into the image by the host. Not zero-initialized data, so that it is part of the file.
#[unsafe(link_section = ".plan")]
#[used]
static PLAN_AREA: Raw<PLAN_CAPACITY> = Raw::new();

global_asm!(
    r#"
    .section .head, "ax"
    // Linux arm64 image header (Documentation/arch/arm64/booting.rst).
    b       entry
    .long   0
    .quad   0                       // text_offset
    // Offsets from the image's start, written as distances from the field: an absolute address would become a
    // relocation, which no loader applies.
    .long   image_end - . + 0x10    // image_size: with the zeroed data
    .long   0
    .quad   0xa                     // little-endian, 4 KiB pages, anywhere in memory
    .quad   0
    .quad   0
    .quad   0
    .ascii  "ARM\x64"
    .long   0
    // Our own header: results::image.
    .quad   {magic}
    .long   plan_start - . + 0x48
    .long   {plan_capacity}

entry:
    msr     daifset, #0xf
    msr     spsel, #1
    mov     x20, x0                 // x20 := device tree
    adr     x19, image_start        // x19 := load address
    adrp    x1, {vectors}
    add     x1, x1, :lo12:{vectors}
    mrs     x2, CurrentEL
    lsr     x21, x2, #2             // x21 := exception level
    cmp     x21, #2
    b.eq    2f
    b.hi    3f

1:  msr     vbar_el1, x1
    mov     x2, #(3 << 20)          // CPACR_EL1.FPEN: do not trap floating point
    msr     cpacr_el1, x2
    b       4f
3:  msr     vbar_el3, x1
    msr     cptr_el3, xzr
    b       4f
2:  msr     vbar_el2, x1
    mov     x2, #0x33ff             // CPTR_EL2 with its RES1 bits: trap nothing
    msr     cptr_el2, x2
    mov     x2, #(1 << 31)          // HCR_EL2.RW; E2H = 0: the EL2 translation regime, no traps
    msr     hcr_el2, x2

4:  isb
    // The loader cleaned the image to memory, but not what lies behind it: a dirty line evicted later would
    // overwrite what is written with the caches off from here on.
    mrs     x2, ctr_el0
    ubfx    x2, x2, #16, #4
    mov     x3, #4
    lsl     x2, x3, x2              // smallest data cache line
    adrp    x0, bss_start
    adrp    x1, bss_end
18: dc      civac, x0
    add     x0, x0, x2
    cmp     x0, x1
    b.lo    18b
    dsb     sy
    adrp    x0, bss_start
5:  stp     xzr, xzr, [x0], #16
    cmp     x0, x1
    b.lo    5b

    mov     x0, x19
    bl      relocate

    adrp    x0, {stack}
    add     sp, x0, #{stack_size}
    mov     x0, x20
    mov     x1, x19
    cmp     x21, #2
    b.ne    6f
    bl      {boot_main}
6:  mov     x2, x21
    bl      {wrong_el}

// Adds x0 to every absolute address in the image. Clobbers x1 to x5.
    .globl  relocate
relocate:
    adr     x5, image_start
    adrp    x1, rela_start
    add     x1, x1, :lo12:rela_start
    adrp    x2, rela_end
    add     x2, x2, :lo12:rela_end
7:  cmp     x1, x2
    b.hs    8f
    ldr     x3, [x1]                // offset
    ldr     x4, [x1, #16]           // addend; the type is R_AARCH64_RELATIVE, the only one a static PIE has
    add     x4, x4, x0
    str     x4, [x5, x3]
    add     x1, x1, #24
    b       7b
8:  ret

// x0 := Switch; does not return.
    .globl  switch_to_runtime
switch_to_runtime:
    ldp     x19, x20, [x0]          // runtime address, TTBR0_EL2
    ldp     x21, x22, [x0, #16]     // TCR_EL2, MAIR_EL2
    ldp     x23, x24, [x0, #32]     // SCTLR_EL2, whether a PMU counts
    mov     x0, x19
    bl      relocate

    // Everything up to here was written with the caches off. Caches may hold older clean copies of the same lines:
    // discard them, or the first cached read would find those.
    mrs     x2, ctr_el0
    ubfx    x2, x2, #16, #4
    mov     x3, #4
    lsl     x2, x3, x2              // smallest data cache line
    adr     x0, image_start
    adrp    x1, image_end
9:  dc      ivac, x0
    add     x0, x0, x2
    cmp     x0, x1
    b.lo    9b
    dsb     sy

    adr     x9, image_start
    adrp    x1, {vectors}
    add     x1, x1, :lo12:{vectors}
    sub     x1, x1, x9
    add     x1, x1, x19
    adr     x2, 10f
    sub     x2, x2, x9
    add     x10, x2, x19            // x10 := runtime address of label 10
    msr     ttbr0_el2, x20
    msr     tcr_el2, x21
    msr     mair_el2, x22
    isb
    // Nothing cached from before may be used: firmware ran with other tables.
    tlbi    alle2
    ic      iallu
    dsb     nsh
    isb
    // From here exceptions are taken at the runtime address, where the vectors stay mapped.
    msr     vbar_el2, x1
    cbz     x24, 11f
    mrs     x25, pmccntr_el0
    b       12f
11: mrs     x25, cntvct_el0
12: msr     sctlr_el2, x23
    isb
    cbz     x24, 13f
    mrs     x26, pmccntr_el0
    b       14f
13: mrs     x26, cntvct_el0
14: br      x10
10: isb
    cbz     x24, 15f
    mrs     x27, pmccntr_el0
    b       16f
15: mrs     x27, cntvct_el0
16: adrp    x0, {stack}
    add     sp, x0, #{stack_size}
    mov     x0, x25
    mov     x1, x26
    mov     x2, x27
    bl      {runtime_main}
17: wfe
    b       17b
    "#,
    magic = const u64::from_le_bytes(HEADER_MAGIC),
    plan_capacity = const PLAN_CAPACITY,
    vectors = sym vectors,
    stack = sym STACK_MEMORY,
    stack_size = const STACK,
    boot_main = sym boot_main,
    wrong_el = sym wrong_exception_level,
    runtime_main = sym runtime_main,
);

/// What the switch to the runtime address needs. Read by assembly: the order of the fields matters.
#[derive(Debug)]
#[repr(C)]
pub struct Switch {
    /// Runtime address of the image.
    pub runtime: u64,
    /// `TTBR0_EL2`.
    pub ttbr: u64,
    /// `TCR_EL2`.
    pub tcr: u64,
    /// `MAIR_EL2`.
    pub mair: u64,
    /// `SCTLR_EL2`, with the MMU on.
    pub sctlr: u64,
    /// 1 if the PMU's cycle counter counts, else 0.
    pub pmu: u64,
}

unsafe extern "C" {
    /// Relocates the image to its runtime address, turns MMU and caches on, and enters [`runtime_main`] there on a
    /// fresh stack.
    ///
    /// # Safety
    ///
    /// The MMU is off; the tables map the entry page 1:1 (or the runtime address is the physical one) and the image at
    /// its runtime address.
    pub fn switch_to_runtime(switch: &Switch) -> !;
}

/// Returns the start and the size of the image in memory, at the address it runs at now.
pub fn image() -> (usize, usize) {
    unsafe extern "C" {
        static image_start: u8;
        static image_end: u8;
    }
    let start = &raw const image_start as usize;
    (start, &raw const image_end as usize - start)
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
