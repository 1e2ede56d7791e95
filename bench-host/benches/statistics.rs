// SPDX-License-Identifier: MIT OR Apache-2.0
//! How long the statistics take: of a million samples of each of two sequences, and of 500 batches.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use stats::bootstrap::SplitMix64;
use stats::rank::{mann_whitney, mann_whitney_of};
use stats::shift::hodges_lehmann;
use stats::signed_rank::{pseudomedian, signed_rank};
use stats::{Histogram, median_interval, modes, moments};

const SAMPLES: u64 = 1_000_000;
const BATCHES: usize = 500;

/// Draws samples as a machine gives them: a bulk of a few hundred values and a long tail.
fn samples(seed: u64, center: u64) -> Vec<u64> {
    let mut random = SplitMix64::new(seed);
    let mut draw = || {
        let bulk = center + random.below(center / 8) + random.below(center / 8);
        if random.below(200) == 0 {
            bulk + random.below(100_000)
        } else {
            bulk
        }
    };
    (0..SAMPLES).map(|_| draw()).collect()
}

fn of_samples(c: &mut Criterion) {
    let (x, y) = (samples(1, 4200), samples(2, 3900));
    let histogram = |values: &[u64]| values.iter().copied().collect::<Histogram>();
    let (h, other) = (histogram(&x), histogram(&y));
    let (weighted, others): (Vec<_>, Vec<_>) = (h.iter().collect(), other.iter().collect());
    let mut group = c.benchmark_group("million_samples");
    group.throughput(Throughput::Elements(SAMPLES));
    group.bench_function("histogram", |b| b.iter(|| histogram(black_box(&x))));
    group.bench_function("percentiles", |b| {
        b.iter(|| [1, 10, 50, 90, 99].map(|percent| black_box(&h).quantile(percent, 100)))
    });
    group.bench_function("mad", |b| b.iter(|| black_box(&h).mad()));
    group.bench_function("moments", |b| {
        b.iter(|| {
            (
                moments::trimmed_mean(black_box(&h)),
                moments::standard_deviation(black_box(&h)),
            )
        })
    });
    group.bench_function("hodges_lehmann", |b| {
        b.iter(|| hodges_lehmann(black_box(&weighted), black_box(&others)))
    });
    group.bench_function("mann_whitney", |b| {
        b.iter(|| mann_whitney(black_box(&weighted), black_box(&others)))
    });
    group.bench_function("modes", |b| b.iter(|| modes::two_modes(black_box(&weighted), 1)));
    group.finish();
}

fn of_batches(c: &mut Criterion) {
    let mut random = SplitMix64::new(3);
    let mut draw = || -> Vec<f64> { (0..BATCHES).map(|_| 4000.0 + random.below(4000) as f64 / 7.0).collect() };
    let (x, y) = (draw(), draw());
    let differences: Vec<f64> = x.iter().zip(&y).map(|(x, y)| x - y).collect();
    let mut group = c.benchmark_group("five_hundred_batches");
    group.bench_function("bootstrap", |b| {
        b.iter(|| median_interval(black_box(&x), SplitMix64::new(1)))
    });
    group.bench_function("signed_rank", |b| b.iter(|| signed_rank(black_box(&differences))));
    group.bench_function("pseudomedian", |b| b.iter(|| pseudomedian(black_box(&differences))));
    group.bench_function("mann_whitney", |b| {
        b.iter(|| mann_whitney_of(black_box(&x), black_box(&y)))
    });
    group.finish();
}

criterion_group!(benches, of_samples, of_batches);
criterion_main!(benches);
