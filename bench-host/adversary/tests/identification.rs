// SPDX-License-Identifier: MIT OR Apache-2.0
//! The identification registers tell the truth: an A64 instruction is executed where its field announces it, and UNDEFINED
//! where not; and no field announces what is not here.
#![allow(missing_docs)]

use adversary::{End, Features, Machine, Options, What};

/// A field that implies A64 instructions: the register's word, shift, the value from which on they are there, and one word of
/// each kind. Registers are those of [`run`]: X1 and X2 point to memory.
type Field = (&'static str, u32, u32, u64, &'static [u32]);

/// `mrs x0, <register>`.
const PFR0: u32 = 0xd538_0400;
const PFR1: u32 = 0xd538_0420;
const ZFR0: u32 = 0xd538_0480;
const SMFR0: u32 = 0xd538_04a0;
const ISAR0: u32 = 0xd538_0600;
const ISAR1: u32 = 0xd538_0620;
const ISAR2: u32 = 0xd538_0640;
const ISAR3: u32 = 0xd538_0660;
const MMFR0: u32 = 0xd538_0700;
const MMFR1: u32 = 0xd538_0720;
const MMFR2: u32 = 0xd538_0740;
const MMFR3: u32 = 0xd538_0760;
const DFR0: u32 = 0xd538_0500;

/// Every field by which the Arm ARM makes instructions of this machine depend on.
const FIELDS: &[Field] = &[
    ("CRC32", ISAR0, 16, 1, &[0x1ac2_4020, 0x9ac2_5c20]),
    (
        "Atomic",
        ISAR0,
        20,
        2,
        // ldadd, swp, cas, casp.
        &[0xf820_0023, 0xf820_8023, 0xc8a0_7c23, 0x4820_7c22],
    ),
    (
        "TS (FlagM)",
        ISAR0,
        52,
        1,
        &[0xd500_401f, 0xba00_0401, 0x3a00_080d, 0x3a00_480d],
    ),
    ("TS (FlagM2)", ISAR0, 52, 2, &[0xd500_403f, 0xd500_405f]),
    // tlbi alle2os; tlbi rvae2is, x3.
    ("TLB (OS)", ISAR0, 56, 1, &[0xd50c_811f]),
    ("TLB (range)", ISAR0, 56, 2, &[0xd50c_8223]),
    ("LRCPC", ISAR1, 20, 1, &[0xf8bf_c023]),
    ("LRCPC (2)", ISAR1, 20, 2, &[0xd940_0023, 0xd900_0023]),
    ("SB", ISAR1, 36, 1, &[0xd503_30ff]),
    // dsb synxs; tlbi alle2nxs.
    ("XS", ISAR1, 56, 1, &[0xd503_3e3f, 0xd50c_971f]),
    ("LO", MMFR1, 16, 1, &[0xc8df_7c23, 0xc89f_7c23, 0xd538_a4e3]),
    // mrs x3, cntpctss_el0; mrs x3, cntvctss_el0.
    ("ECV", MMFR0, 60, 1, &[0xd53b_e0a3, 0xd53b_e0c3]),
];

/// Fields that are not zero and make no instruction: register, shift, and why.
const OTHERS: &[(u32, u32, &str)] = &[
    (PFR0, 0, "EL0"),
    (PFR0, 4, "EL1"),
    (PFR0, 8, "EL2"),
    (PFR0, 12, "EL3, where firmware is"),
    (DFR0, 0, "debug architecture"),
    (DFR0, 8, "PMUv3"),
    (MMFR0, 0, "physical addresses"),
    (MMFR0, 4, "ASID bits"),
    (MMFR0, 20, "16 KiB granule"),
    (MMFR0, 24, "64 KiB granule"),
    (MMFR1, 0, "hardware updates"),
    (MMFR1, 4, "VMID bits"),
    (MMFR1, 8, "EL2&0"),
    (MMFR1, 36, "order of walks"),
    (MMFR2, 48, "level hints, in operands"),
    (MMFR2, 52, "break-before-make level"),
];

const ALL_REGISTERS: [u32; 13] = [
    PFR0, PFR1, ZFR0, SMFR0, ISAR0, ISAR1, ISAR2, ISAR3, MMFR0, MMFR1, MMFR2, MMFR3, DFR0,
];

const MODELS: [(&str, Features); 3] = [
    ("all", Features::ALL),
    ("armv8.0", Features::ARMV8_0),
    (
        "everything",
        Features {
            ets2: true,
            bbm: 2,
            ..Features::ALL
        },
    ),
];

/// Runs a program that prints a character at the end, or another one from its exception handler, and then what X0 or the syndrome was.
fn run(words: &[u32], features: Features) -> (End, Vec<u8>) {
    const HEADER: usize = 0x40;
    const VECTORS: usize = 0x800;
    // adr x1, 1f (data 4 KiB on); mov x2, x1; adr x3, vectors; msr vbar_el2, x3; mov x3, #0; mov x0, #0; isb.
    let mut program: Vec<u32> = vec![
        adr(1, 0x1000 - 0x40),
        0xaa01_03e2,
        adr(3, (VECTORS - HEADER - 8) as u32),
        0xd51c_c003,
        0xd280_0003,
        0xd280_0000,
        0xd503_3fdf,
    ];
    program.extend(words);
    program.extend(print_and_off(b'.'));
    let mut image = vec![0_u8; 0x2000];
    image[..4].copy_from_slice(&0x1400_0010_u32.to_le_bytes());
    image[0x38..0x3c].copy_from_slice(b"ARM\x64");
    let mut place = |at: usize, words: &[u32]| {
        for (n, word) in words.iter().enumerate() {
            image[at + 4 * n..at + 4 * n + 4].copy_from_slice(&word.to_le_bytes());
        }
    };
    place(HEADER, &program);
    // A synchronous exception from the current exception level, with its own stack pointer.
    let mut handler = vec![0xd53c_5200]; // mrs x0, esr_el2
    handler.extend(print_and_off(b'U'));
    place(VECTORS + 0x200, &handler);
    let options = Options {
        features,
        budget: 100_000,
        ..Options::default()
    };
    let mut printed = Vec::new();
    let end = Machine::new(&image, &options).unwrap().run(&mut |bytes| {
        printed.extend_from_slice(bytes);
        true
    });
    (end, printed)
}

/// `adr` of an offset that is a multiple of 4.
fn adr(rd: u32, offset: u32) -> u32 {
    0x1000_0000 | (offset / 4) << 5 | rd
}

/// Prints a character and the 16 nibbles of X0 (as `'0' + nibble`), and turns the machine off.
fn print_and_off(character: u8) -> Vec<u32> {
    let mut words = vec![0xd2a1_2009, 0x5280_000a | u32::from(character) << 5, 0xb900_012a];
    for nibble in (0..16).rev() {
        // ubfx x10, x0, #4n, #4; add w10, w10, #'0'; str w10, [x9].
        let (immr, imms) = (4 * nibble, 4 * nibble + 3);
        words.extend([0xd340_000a | immr << 16 | imms << 10, 0x1100_c14a, 0xb900_012a]);
    }
    // PSCI SYSTEM_OFF.
    words.extend([0x52b0_8000, 0x7280_0100, 0xd400_0003]);
    words
}

fn read(register: u32, features: Features) -> u64 {
    let (end, printed) = run(&[register], features);
    assert_eq!(end, End::Off);
    assert_eq!((printed[0], printed.len()), (b'.', 17));
    number(&printed)
}

/// Returns the number that was printed behind the character.
fn number(printed: &[u8]) -> u64 {
    let nibbles = printed[1..].iter();
    nibbles.fold(0, |value, nibble| value << 4 | u64::from(nibble - b'0'))
}

#[test]
fn what_is_announced_is_executed_and_what_is_not_is_undefined() {
    for (model, features) in MODELS {
        for (field, register, shift, least, words) in FIELDS {
            let announced = read(*register, features) >> shift & 15 >= *least;
            for word in *words {
                let (end, printed) = run(&[*word], features);
                assert_eq!(end, End::Off, "{model}: {field} {word:#010x}");
                // With the MMU off memory is Device memory, where atomics abort: they are executed all the same.
                let undefined = printed[0] == b'U' && number(&printed) >> 26 == 0;
                assert_eq!(undefined, !announced, "{model}: {field} {word:#010x}");
            }
        }
    }
}

#[test]
fn no_field_announces_what_is_not_tested_here() {
    for (model, features) in MODELS {
        for register in ALL_REGISTERS {
            let value = read(register, features);
            for shift in (0..64).step_by(4) {
                let known = FIELDS.iter().any(|field| (field.1, field.2) == (register, shift))
                    || OTHERS.iter().any(|other| (other.0, other.1) == (register, shift));
                assert!(
                    known || value >> shift & 15 == 0,
                    "{model}: {register:#010x} bit {shift}"
                );
            }
        }
    }
}

/// Floating point cannot be announced apart from SIMD, which compilers use: the one promise that is not kept, and then the run
/// ends with the word.
#[test]
fn floating_point_is_the_exception_and_says_so() {
    assert_eq!(read(PFR0, Features::ALL) >> 16 & 0xff, 0);
    // fadd d0, d1, d2
    let (end, _) = run(&[0x1e62_2820], Features::ALL);
    let End::Unimplemented(what) = end else { panic!("{end}") };
    assert_eq!((what.word, what.what), (0x1e62_2820, What::Instruction));
}
