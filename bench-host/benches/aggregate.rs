// SPDX-License-Identifier: MIT OR Apache-2.0
//! How long the host takes from a run folder to its report: 50 sequences of 100,000 samples.

use std::hint::black_box;

use bench_host::aggregate::aggregate;
use criterion::{Criterion, criterion_group, criterion_main};

#[path = "../tests/support/synthetic.rs"]
mod synthetic;

fn fifty_sequences(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    synthetic::Synthetic {
        deterministic: false,
        more: 47,
        ..synthetic::Synthetic::default()
    }
    .write(&run);
    let summary = aggregate(&run).unwrap();
    let mut group = c.benchmark_group("fifty_sequences");
    group.sample_size(10);
    group.bench_function("aggregate", |b| b.iter(|| aggregate(black_box(&run)).unwrap()));
    group.bench_function("html", |b| {
        b.iter(|| report::html::render(black_box(&summary), str::to_owned))
    });
    group.bench_function("write", |b| {
        b.iter(|| report::write_reports(&run, black_box(&summary)).unwrap())
    });
    group.finish();
}

criterion_group!(benches, fifty_sequences);
criterion_main!(benches);
