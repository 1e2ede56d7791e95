// SPDX-License-Identifier: MIT OR Apache-2.0
//! How fast the machine is.
//!
//! Goals: 30 million instructions a second on one core; with the kernel, 300,000 trials of the default `check` in under
//! 60 s on two.
#![allow(missing_docs, reason = "the macros of the harness define undocumented functions")]

use adversary::{Choices, End, Machine, Options};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Returns an image of these words, behind its header.
fn image(words: &[u32]) -> Vec<u8> {
    let mut image = vec![0; 0x40];
    image[..4].copy_from_slice(&0x1400_0010_u32.to_le_bytes());
    image[0x38..0x3c].copy_from_slice(b"ARM\x64");
    image.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    image
}

fn run(image: &[u8], choices: Choices, budget: u64) {
    let options = Options {
        choices,
        budget,
        ..Options::default()
    };
    let mut machine = Machine::new(image, &options).expect("an image");
    let end = machine.run(&mut |_| true);
    assert!(matches!(end, End::Budget { .. }), "{end}");
}

fn loops(criterion: &mut Criterion) {
    const BUDGET: u64 = 1_000_000;
    let cases: [(&str, &[u32]); 3] = [
        // 1: add x0, x0, #1; eor x1, x1, x0; b 1b
        ("registers", &[0x9100_0400, 0xca00_0021, 0x17ff_fffe]),
        // adrp x2, .+4096; 1: ldr x0, [x2]; add x0, x0, #1; str x0, [x2]; b 1b
        (
            "memory",
            &[
                0x1000_00c2,
                0xf940_0040,
                0x9100_0400,
                0xf900_0040,
                0x17ff_fffd,
                0xd503_201f,
                0,
                0,
            ],
        ),
        // 1: dsb ishst; tlbi alle2; dsb nsh; isb; b 1b
        (
            "maintenance",
            &[0xd503_3a9f, 0xd50c_871f, 0xd503_379f, 0xd503_3fdf, 0x17ff_fffc],
        ),
    ];
    let mut group = criterion.benchmark_group("instructions");
    group.throughput(Throughput::Elements(BUDGET)).sample_size(20);
    for (name, words) in cases {
        let image = image(words);
        group.bench_function(name, |bencher| bencher.iter(|| run(&image, Choices::Latest, BUDGET)));
    }
    group.finish();
}

criterion_group!(benches, loops);
criterion_main!(benches);
