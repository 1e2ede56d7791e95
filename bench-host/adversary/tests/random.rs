// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whatever an image holds, the machine comes to an end that it names: it never panics, and the same seed gives the same run.
#![allow(missing_docs)]

use adversary::a64::decode;
use adversary::{Choices, End, Features, Machine, Options};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};

const HEADER: usize = 0x40;
/// Where registers point and tables are, from the start of the image.
const DATA: usize = 0x1000;
/// Bytes of data: four pages of 4 KiB.
const DATA_SIZE: usize = 0x4000;
const VECTORS: usize = 0x800;

/// Returns an image: a vector table that goes on behind what faulted, a program, and data.
fn image(program: &[u32], data: &[u64]) -> Vec<u8> {
    let mut image = vec![0_u8; DATA + DATA_SIZE];
    let mut place = |at: usize, words: &[u32]| {
        for (n, word) in words.iter().enumerate() {
            image[at + 4 * n..at + 4 * n + 4].copy_from_slice(&word.to_le_bytes());
        }
    };
    place(0, &[0x1400_0010]);
    let room = (VECTORS - HEADER) / 4 - 1;
    place(HEADER, &program[..program.len().min(room)]);
    for entry in 0..16 {
        // mrs x28, elr_el2; add x28, x28, #4; msr elr_el2, x28; eret
        let skip = [0xd53c_403c, 0x9100_139c, 0xd51c_403c, 0xd69f_03e0];
        place(VECTORS + 0x80 * entry, &skip);
    }
    image[0x38..0x3c].copy_from_slice(b"ARM\x64");
    for (n, word) in data.iter().enumerate().take(DATA_SIZE / 8) {
        image[DATA + 8 * n..DATA + 8 * n + 8].copy_from_slice(&word.to_le_bytes());
    }
    image
}

/// Points registers to the data, and the vectors to theirs.
fn preamble() -> Vec<u32> {
    let adr = |rd: u32, to: usize, at: usize| 0x1000_0000 | ((to - at) as u32 / 4) << 5 | rd;
    let mut words = vec![adr(0, VECTORS, HEADER), 0xd51c_c000, 0xd518_c000];
    for register in 0..8 {
        words.push(adr(
            register,
            DATA + 0x800 * register as usize,
            HEADER + 4 * words.len(),
        ));
    }
    words
}

fn choices() -> impl Strategy<Value = Choices> {
    prop_oneof![
        Just(Choices::Latest),
        Just(Choices::Earliest),
        any::<u64>().prop_map(Choices::Random)
    ]
}

fn features() -> impl Strategy<Value = Features> {
    prop_oneof![Just(Features::ALL), Just(Features::ARMV8_0)]
}

/// Words of any kind, or of the kinds that do most: barriers, maintenance, system registers.
fn word() -> impl Strategy<Value = u32> {
    const SYSTEM: [u32; 12] = [
        0xd503_3f9f, // dsb sy
        0xd503_3fdf, // isb
        0xd50c_871f, // tlbi alle2
        0xd50c_8724, // tlbi vae2, x4
        0xd50c_8324, // tlbi vae2is, x4
        0xd50c_87df, // tlbi vmalls12e1
        0xd508_8724, // tlbi vae1, x4
        0xd51c_2000, // msr ttbr0_el2, x0
        0xd51c_1000, // msr sctlr_el2, x0
        0xd51c_1100, // msr hcr_el2, x0
        0xd51c_2100, // msr vttbr_el2, x0
        0xd69f_03e0, // eret
    ];
    prop_oneof![
        2 => any::<u32>(),
        2 => any::<u32>().prop_filter("no instruction", |word| decode(*word).is_some()),
        // msr and mrs of anything, sys of anything.
        1 => (any::<u32>()).prop_map(|word| 0xd500_0000 | word & 0x003f_ffff),
        2 => prop::sample::select(&SYSTEM[..]),
        // Loads and stores by the registers that point to data.
        2 => (any::<u32>(), any::<bool>()).prop_map(|(word, load)| 0xf900_0000 | u32::from(load) << 22 | word & 0x7c1f | (word >> 20 & 7) << 5),
    ]
}

/// Descriptors that lead somewhere, and any others.
fn descriptor() -> impl Strategy<Value = u64> {
    const TABLE: u64 = 0x4020_1000;
    prop_oneof![
        1 => any::<u64>(),
        2 => Just(0),
        2 => (0..4_u64).prop_map(|page| (TABLE + 0x1000 * page) | 3),
        // Pages and blocks, with any attributes.
        3 => (any::<u64>(), 0..8_u64).prop_map(|(attributes, page)| {
            attributes & 0xfff0_0000_0000_0ffd | (0x4020_0000 + 0x1000 * page) | attributes >> 11 & 2 | 1
        }),
    ]
}

fn run(image: &[u8], options: &Options) -> (End, Vec<u8>, u64) {
    let mut printed = Vec::new();
    let mut machine = Machine::new(image, options).unwrap();
    machine.keep_story();
    let end = machine.run(&mut |bytes| {
        printed.extend_from_slice(bytes);
        true
    });
    (end, printed, machine.counters().instructions)
}

/// Turns the MMU on with such tables: `movz`, `movk` of a value to X9, and `msr`.
fn set(register: u32, value: u64) -> [u32; 5] {
    let part = |n: u32| (value >> (16 * n) & 0xffff) as u32;
    let keep = |n: u32| 0xf280_0009 | n << 21 | part(n) << 5;
    [0xd280_0009 | part(0) << 5, keep(1), keep(2), keep(3), register | 9]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_words_come_to_an_end_that_is_named(
        words in prop::collection::vec(word(), 1..200),
        data in prop::collection::vec(descriptor(), DATA_SIZE / 8),
        (choices, features, pes) in (choices(), features(), 1..=3_usize),
    ) {
        let program = [preamble(), words].concat();
        let options = Options { pes, features, choices, budget: 5_000 };
        let image = image(&program, &data);
        let first = run(&image, &options);
        prop_assert_eq!(first, run(&image, &options));
    }

    #[test]
    fn any_tables_and_translation_registers_come_to_an_end_that_is_named(
        words in prop::collection::vec(word(), 1..120),
        data in prop::collection::vec(descriptor(), DATA_SIZE / 8),
        (tcr, hcr, vtcr) in (any::<u64>(), any::<u64>(), any::<u64>()),
        wild in any::<bool>(),
        (choices, features) in (choices(), features()),
    ) {
        const TABLES: u64 = 0x4020_1000;
        // 4 KiB granule and 39 bits, or anything; the MMU on. The image is at 0x40200000 of the 1:1 map, if tables have one.
        let tcr = if wild { tcr } else { tcr & !0xffff | 25 | 5 << 16 };
        let mut program = preamble();
        for (register, value) in [
            (0xd51c_1100, if wild { hcr } else { hcr & (1 << 34 | 1 << 27 | 1) | 1 << 31 }),
            (0xd51c_2140, if wild { vtcr } else { 1 << 6 | 25 }),
            (0xd51c_2100, TABLES + 0x2000),
            (0xd51c_a200, 0xff),
            (0xd518_a200, 0xff),
            (0xd51c_2040, tcr),
            (0xd518_2040, tcr),
            (0xd51c_2000, TABLES),
            (0xd518_2000, TABLES + 0x1000),
            (0xd518_1000, 1),
            (0xd51c_1000, 1 | hcr & 0x8_1006),
        ] {
            program.extend(set(register, value));
        }
        program.push(0xd503_3fdf);
        program.extend(words);
        let options = Options { pes: 1, features, choices, budget: 5_000 };
        let image = image(&program, &data);
        let first = run(&image, &options);
        prop_assert_eq!(first, run(&image, &options));
    }

    #[test]
    fn any_file_is_an_image_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..4096), magic in any::<bool>()) {
        let mut bytes = bytes;
        if magic && bytes.len() > 0x40 {
            bytes[0x38..0x3c].copy_from_slice(b"ARM\x64");
        }
        let options = Options { budget: 1_000, ..Options::default() };
        if let Ok(mut machine) = Machine::new(&bytes, &options) {
            machine.run(&mut |_| true);
        }
    }
}
