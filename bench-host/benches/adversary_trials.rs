// SPDX-License-Identifier: MIT OR Apache-2.0
//! How many trials a second the adversary makes of the default `check`, on one core. The goal: 300,000 in under 60 s on two.
#![allow(missing_docs, reason = "the macros of the harness define undocumented functions")]

use adversary::{Choices, End, Machine, Options};
use bench_host::check::suite::{default, planned};
use bench_host::kernel::Kernel;
use bench_host::plan::{Conformance, RunPlan, Unsaid, runtime};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use results::check::Mask;

/// Trials of each sequence in each check.
const TRIALS: u32 = 10;
const PES: u8 = 3;

/// Returns the kernel with the plan of the default check.
fn image() -> Vec<u8> {
    let mut kernel = Kernel::load(None).expect("the built-in kernel");
    let members = default(Mask::MAX);
    let sequences = planned(&members, Mask::MAX);
    let settings = Conformance {
        seed: 1,
        trials: TRIALS,
        pes: PES,
        stress: 0,
        planted: None,
        unsaid: Unsaid::default(),
        runtime: runtime("level1").expect("a runtime address"),
    };
    let plan = RunPlan::conformance(&settings, &sequences).expect("a plan");
    kernel
        .install(&plan.settings, &plan.entries())
        .expect("room for the plan");
    kernel.bytes
}

/// Runs the checks, and returns the trials that were made of sequences under test.
fn run(image: &[u8]) -> u64 {
    let options = Options {
        pes: usize::from(PES),
        choices: Choices::Latest,
        budget: 10_000_000_000,
        ..Options::default()
    };
    let mut printed = Vec::new();
    let mut machine = Machine::new(image, &options).expect("an image");
    let end = machine.run(&mut |bytes| {
        printed.extend_from_slice(bytes);
        true
    });
    assert!(matches!(end, End::Off), "{end}");
    let verdicts = printed.split(|&byte| byte == b'\n').filter(|line| {
        let line = String::from_utf8_lossy(line);
        line.contains(",verdict,") && !line.contains(",skipped,")
    });
    verdicts.count() as u64 * u64::from(TRIALS)
}

fn trials(criterion: &mut Criterion) {
    let image = image();
    let made = run(&image);
    let mut group = criterion.benchmark_group("adversary_trials");
    group.throughput(Throughput::Elements(made)).sample_size(10);
    group.bench_function("default_check", |bencher| bencher.iter(|| run(&image)));
    group.finish();
}

criterion_group!(benches, trials);
criterion_main!(benches);
