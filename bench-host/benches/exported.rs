// SPDX-License-Identifier: MIT OR Apache-2.0
//! Criterion's own report of exported runs, with their unit instead of nanoseconds.
//!
//! `CRITERION_HOME=DIR cargo bench -p bench-host --bench exported -- --load-baseline NAME --baseline OTHER` shows the
//! run that `bench-host export criterion RUN --out DIR --name NAME` wrote, and compares it with another one (or
//! with itself: criterion wants both). Nothing is measured.

use std::path::Path;
use std::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter};
use criterion::{BenchmarkId, Criterion, Throughput};

/// Counts of something. Only ever loaded.
#[derive(Clone, Copy)]
struct Counts {
    unit: &'static str,
}

impl ValueFormatter for Counts {
    fn scale_values(&self, _typical: f64, _values: &mut [f64]) -> &'static str {
        self.unit
    }

    fn scale_throughputs(&self, _typical: f64, _throughput: &Throughput, _values: &mut [f64]) -> &'static str {
        self.unit
    }

    fn scale_for_machines(&self, _values: &mut [f64]) -> &'static str {
        self.unit
    }
}

impl Measurement for Counts {
    type Intermediate = ();
    type Value = u64;

    fn start(&self) {}

    fn end(&self, (): ()) -> u64 {
        1
    }

    fn add(&self, a: &u64, b: &u64) -> u64 {
        a + b
    }

    fn zero(&self) -> u64 {
        0
    }

    fn to_f64(&self, value: &u64) -> f64 {
        *value as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        self
    }
}

/// Group, function and parameter of every benchmark that has this baseline, sorted.
fn benchmarks(folder: &Path, baseline: &str) -> Vec<(String, String, Option<String>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path());
        folders.extend(entries.filter(|path| path.is_dir()));
        let Ok(text) = std::fs::read_to_string(folder.join("benchmark.json")) else {
            continue;
        };
        if folder.file_name().is_none_or(|name| name != baseline) {
            continue;
        }
        let id: serde_json::Value = serde_json::from_str(&text).expect("benchmark.json is JSON");
        let text = |name: &str| id[name].as_str().map(str::to_owned);
        found.push((
            text("group_id").unwrap_or_default(),
            text("function_id").unwrap_or_default(),
            text("value_str"),
        ));
    }
    found.sort();
    found
}

/// Shows the baseline named by `--load-baseline`.
pub fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let baseline = arguments
        .windows(2)
        .find(|pair| pair[0] == "--load-baseline")
        .map(|pair| pair[1].clone());
    let (Some(home), Some(baseline)) = (std::env::var_os("CRITERION_HOME"), baseline) else {
        println!(
            "exported: nothing to show; set CRITERION_HOME and name runs with --load-baseline NAME --baseline OTHER"
        );
        return;
    };
    let found = benchmarks(Path::new(&home), &baseline);
    assert!(
        !found.is_empty(),
        "{} has no baseline {baseline}",
        Path::new(&home).display()
    );
    for of_group in found.chunk_by(|a, b| a.0 == b.0) {
        let name = of_group[0].0.as_str();
        // `pe0 sim-cycles`: what was counted comes after the PE.
        let unit = name.split_once(' ').map_or(name, |(_, unit)| unit).to_owned();
        let counts = Counts { unit: unit.leak() };
        let mut criterion = Criterion::default().with_measurement(counts).configure_from_args();
        let mut group = criterion.benchmark_group(name);
        group.warm_up_time(Duration::from_millis(1));
        for (_, function, value) in of_group {
            match value {
                Some(value) => group.bench_function(BenchmarkId::new(function, value), |b| b.iter(|| ())),
                None => group.bench_function(function, |b| b.iter(|| ())),
            };
        }
        group.finish();
    }
}
