// SPDX-License-Identifier: MIT OR Apache-2.0
//! How long a verdict and a litmus test take.
//!
//! Goals: a verdict in under 1 ms for up to 16 instructions; a litmus test in under 1 ms (1 PE), 5 ms (2 PEs), 100 ms
//! (3 PEs).
#![allow(missing_docs, reason = "the macros of the harness define undocumented functions")]

use criterion::{Criterion, criterion_group, criterion_main};
use sequences::judge::{After, Change, Observers, Question, Regime, is_sufficient, judge};
use sequences::litmus::{Options, Test};
use sequences::{Instruction, Sequence};
use std::hint::black_box;
use std::path::Path;

fn instructions(text: &str) -> Vec<Instruction> {
    text.parse::<Sequence>().expect("a sequence").instructions().collect()
}

fn verdicts(criterion: &mut Criterion) {
    let local = Question::new(Change::RemoveTable, Regime::El2, Observers::ThisPe, After::DataHere);
    let shared = Question::new(Change::Invalidate, Regime::El10, Observers::Inner, After::PageReuse);
    let cases = [
        ("seed_old", &local, "dsb sy; isb; tlbi alle2; dsb sy; isb"),
        ("seed_new", &local, "dsb nshst; tlbi alle2; dsb nsh; isb"),
        ("inner_sufficient", &shared, "dsb ishst; tlbi vae1is, {va}; dsb ish"),
        ("inner_insufficient", &shared, "dsb ishst; tlbi vae1is, {va}; dsb nsh"),
        (
            "inner_16_instructions",
            &shared,
            "dsb sy; isb; tlbi vae1is, {va}; isb; dsb sy; isb; dsb sy; tlbi vae1is, {va}; dsb ish; isb; dsb ish; isb; \
             dsb ish; tlbi vae1is, {va}; dsb ish; isb",
        ),
    ];
    for (name, question, text) in cases {
        let sequence = instructions(text);
        criterion.bench_function(&format!("judge/{name}"), |bencher| {
            bencher.iter(|| judge(black_box(question), black_box(&sequence)));
        });
        criterion.bench_function(&format!("is_sufficient/{name}"), |bencher| {
            bencher.iter(|| is_sufficient(black_box(question), black_box(&sequence)));
        });
    }
}

fn litmus(criterion: &mut Criterion) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/litmus");
    for name in [
        "CoWinvT.sub1111",
        "MP.RT.sub111",
        "BBM+dsb.ish-vae1is-dsb.ish+none+dmb.ld",
        "WRC.RT.dmb",
    ] {
        let text = std::fs::read_to_string(directory.join(format!("{name}.litmus"))).expect("a test");
        criterion.bench_function(&format!("litmus/{name}"), |bencher| {
            bencher.iter(|| Test::parse(black_box(&text)).and_then(|test| test.run(&Options::default())));
        });
    }
}

criterion_group!(benches, verdicts, litmus);
criterion_main!(benches);
