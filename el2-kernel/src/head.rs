// SPDX-License-Identifier: MIT OR Apache-2.0
//! The image header and the entry point, in the one page that the 1:1 map covers.
//!
//! The page also holds whatever else runs with the MMU off: the switch to the runtime address, the entry of the other PEs,
//! the switch between translation regimes (sections `.head.*`).
#![expect(unsafe_code)]
// UNSAFETY: the first instructions of a machine, before there is a stack.

use core::arch::global_asm;

use results::image::{HEADER_MAGIC, PLAN_CAPACITY};

use crate::boot::early::{boot_main, wrong_exception_level};
use crate::image::{BOOT_STACK, BOOT_STACK_SIZE};
use crate::platform::exception::vectors;
use crate::run::runtime_main;

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
    adrp    x2, {runtime_main}
    add     x2, x2, :lo12:{runtime_main}
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
    "#,
    magic = const u64::from_le_bytes(HEADER_MAGIC),
    plan_capacity = const PLAN_CAPACITY,
    vectors = sym vectors,
    stack = sym BOOT_STACK,
    stack_size = const BOOT_STACK_SIZE,
    boot_main = sym boot_main,
    wrong_el = sym wrong_exception_level,
    runtime_main = sym runtime_main,
);
