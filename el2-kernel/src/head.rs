// SPDX-License-Identifier: MIT OR Apache-2.0
//! The image header and the entry point, in the one page that the 1:1 map covers.
//!
//! The page also holds whatever else runs with the MMU off: the switch to the runtime address, the entry of the other PEs,
//! the switch between translation regimes (sections `.head.*`).
//!
//! `uefi_entry` is where a PE file enters whose header the host has put in front of the image (`doors::efi`).
#![expect(unsafe_code)]
// UNSAFETY: the first instructions of a machine, before there is a stack.

use core::arch::global_asm;

use results::image::{HEADER_MAGIC, PLAN_CAPACITY};

use crate::boot::early::{boot_main, wrong_exception_level};
use crate::image::{BOOT_STACK, BOOT_STACK_SIZE};
use crate::platform::exception::{vectors, vectors_el1};
use crate::platform::uefi::uefi_main;
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
    .long   uefi_entry - . + 0x50
    .long   text_end - . + 0x54

entry:
    mov     x23, xzr
entry_again:                        // x23: exception level at the first entry, if this is not it
    msr     daifset, #0xf
    msr     spsel, #1
    mov     x20, x0                 // x20 := device tree
    adr     x19, image_start        // x19 := load address
    adrp    x1, {vectors}
    add     x1, x1, :lo12:{vectors}
    mrs     x2, CurrentEL
    lsr     x21, x2, #2             // x21 := exception level
    cmp     x23, #0
    csel    x22, x21, x23, eq       // x22 := exception level at entry
    cmp     x21, #2
    b.eq    2f
    b.hi    3f

    bl      set_up_el1
    adrp    x1, {vectors_el1}
    add     x1, x1, :lo12:{vectors_el1}
    msr     vbar_el1, x1
    b       4f
3:  msr     vbar_el3, x1
    msr     cptr_el3, xzr
    mrs     x2, id_aa64pfr0_el1
    tst     x2, #(0xf << 8)         // EL2: without it this is the wrong exception level
    b.eq    4f
    bl      leave_el3
    mov     x21, #2
2:  bl      set_up_el2
    msr     vbar_el2, x1

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
    mov     x3, x22
    cmp     x21, #3
    b.eq    6f
    adrp    x2, {runtime_main}
    add     x2, x2, :lo12:{runtime_main}
    bl      {boot_main}
6:  mov     x2, x21
    bl      {wrong_el}

// What firmware and its loaders may have left in EL2 is set to what the kernel needs: the EL2 translation regime, no
// traps, counters that count from 0. HCR_EL2 first: its E2H bit decides what the other names mean. Clobbers x2.
    .globl  set_up_el2
set_up_el2:
    mov     x2, #(1 << 31)          // RW; E2H = 0
    msr     hcr_el2, x2
    isb
    mov     x2, #0x33ff             // its RES1 bits: trap nothing but SVE and SME
    msr     cptr_el2, x2
    msr     hstr_el2, xzr
    mrs     x2, mdcr_el2
    and     x2, x2, #0x1f           // HPMN: the PMU stays as it is divided, nothing traps
    msr     mdcr_el2, x2
    mov     x2, #3                  // do not trap the counter and the timer
    msr     cnthctl_el2, x2
    msr     cntvoff_el2, xzr
    // Traps of single registers and instructions, which would take a TLBI of EL1 away from it.
    mrs     x2, id_aa64mmfr0_el1
    ubfx    x2, x2, #56, #4         // FGT
    cbz     x2, 9f
    msr     s3_4_c1_c1_4, xzr       // HFGRTR_EL2
    msr     s3_4_c1_c1_5, xzr       // HFGWTR_EL2
    msr     s3_4_c1_c1_6, xzr       // HFGITR_EL2
    msr     s3_4_c3_c1_4, xzr       // HDFGRTR_EL2
    msr     s3_4_c3_c1_5, xzr       // HDFGWTR_EL2
9:  mrs     x2, id_aa64mmfr1_el1
    ubfx    x2, x2, #40, #4         // HCX
    cbz     x2, 9f
    msr     s3_4_c1_c2_2, xzr       // HCRX_EL2: no second set of controls, no nXS TLBI instead of another
9:  ret

// The same at EL1, of what is EL1's own: no traps, and pages that EL0 may use are the kernel's too. Clobbers x2.
    .globl  set_up_el1
set_up_el1:
    mov     x2, #(3 << 20)          // CPACR_EL1.FPEN: do not trap floating point
    msr     cpacr_el1, x2
    mrs     x2, id_aa64mmfr1_el1
    ubfx    x2, x2, #20, #4         // PAN
    cbz     x2, 9f
    .inst   0xd500409f              // msr pan, #0
9:  ret

// From EL3 to EL2, on a machine that starts the kernel without firmware: does what firmware would have done, as far as
// EL2 depends on it, and returns there. Clobbers x2 and x3.
    .globl  leave_el3
leave_el3:
    msr     cptr_el3, xzr           // trap nothing
    msr     mdcr_el3, xzr           // debug and PMU too
    mov     x2, #0x531              // SCR_EL3: NS, RES1, HCE, RW
    mrs     x3, id_aa64isar1_el1
    tst     x3, #0xff0              // APA, API
    b.ne    5f
    mrs     x3, s3_0_c0_c6_2        // ID_AA64ISAR2_EL1
    tst     x3, #0xf000             // APA3
    b.eq    6f
5:  orr     x2, x2, #(3 << 16)      // APK, API: pointer authentication does not trap, whoever turns it on
6:  mrs     x3, id_aa64mmfr0_el1
    ubfx    x3, x3, #56, #4         // FGT
    cbz     x3, 8f
    orr     x2, x2, #(1 << 27)      // FGTEn: EL2 may set its fine-grained traps
8:  mrs     x3, id_aa64mmfr1_el1
    ubfx    x3, x3, #40, #4         // HCX
    cbz     x3, 8f
    orr     x2, x2, #(1 << 38)      // HXEn: and HCRX_EL2
8:  msr     scr_el3, x2
    mrs     x3, id_aa64pfr0_el1
    ubfx    x3, x3, #24, #4         // GIC: the system registers are there
    cbz     x3, 7f
    mov     x3, #0xf                // SRE, DFB, DIB, Enable: EL2 may choose
    msr     s3_6_c12_c12_5, x3      // ICC_SRE_EL3
    isb
7:  adrp    x3, el3_vectors
    add     x3, x3, :lo12:el3_vectors
    msr     vbar_el3, x3
    mov     x3, #0x0830             // SCTLR_EL2: RES1, MMU and caches off
    movk    x3, #0x30c5, lsl #16
    msr     sctlr_el2, x3
    mov     x3, #0x3c9              // EL2h, everything masked
    msr     spsr_el3, x3
    msr     elr_el3, x30
    isb
    eret

// What UEFI enters: x0 is the handle of this image, x1 the system table. On firmware's stack, and in its 1:1 map.
    .section .vectors, "ax"
    .globl  uefi_entry
uefi_entry:
    stp     x29, x30, [sp, #-32]!
    mov     x29, sp
    stp     x0, x1, [sp, #16]
    adrp    x0, image_start
    bl      relocate
    ldp     x0, x1, [sp, #16]
    bl      {uefi_main}             // x0 := address of the device tree or 0; x1 := the image's copy, once firmware is gone
    cbnz    x1, 9f
    ldp     x29, x30, [sp], #32     // x0 is the status
    ret

// Firmware is gone, and everything the kernel will read is in memory. The MMU goes off here, in the 1:1 map.
9:  msr     daifset, #0xf
    adrp    x3, image_start
    adrp    x4, entry
    add     x4, x4, :lo12:entry
    sub     x4, x4, x3
    add     x1, x1, x4              // x1 := the copy's entry
    mrs     x2, CurrentEL
    cmp     x2, #(2 << 2)
    b.eq    10f
    mrs     x2, sctlr_el1
    bic     x2, x2, #(1 << 0)       // M
    bic     x2, x2, #(1 << 2)       // C
    bic     x2, x2, #(1 << 12)      // I
    msr     sctlr_el1, x2
    isb
    tlbi    vmalle1
    b       11f
10: mrs     x2, sctlr_el2
    bic     x2, x2, #(1 << 0)
    bic     x2, x2, #(1 << 2)
    bic     x2, x2, #(1 << 12)
    msr     sctlr_el2, x2
    isb
    tlbi    alle2
11: ic      iallu
    dsb     nsh
    isb
    br      x1

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

// What stays in EL3 once the kernel has left it: a call of firmware that is not there is answered so.
    .balign 2048
el3_vectors:
    .rept   8
    .balign 128
9:  wfe
    b       9b
    .endr
    .balign 128
    mov     x0, #-1                 // NOT_SUPPORTED
    eret
    .rept   7
    .balign 128
9:  wfe
    b       9b
    .endr
    .balign 128
    "#,
    magic = const u64::from_le_bytes(HEADER_MAGIC),
    plan_capacity = const PLAN_CAPACITY,
    vectors = sym vectors,
    vectors_el1 = sym vectors_el1,
    stack = sym BOOT_STACK,
    stack_size = const BOOT_STACK_SIZE,
    boot_main = sym boot_main,
    uefi_main = sym uefi_main,
    wrong_el = sym wrong_exception_level,
    runtime_main = sym runtime_main,
);
