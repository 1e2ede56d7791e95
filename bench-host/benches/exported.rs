// SPDX-License-Identifier: MIT OR Apache-2.0
//! Criterion's own report of exported runs, with their unit instead of nanoseconds.
//!
//! `cargo bench -p bench-host --bench exported -- --load-baseline NAME --baseline OTHER` shows the run that
//! `bench-host export criterion RUN --name NAME` wrote, and compares it with another one (or with itself: criterion
//! wants both). Nothing is measured. Criterion's directory is `target/criterion`; `CRITERION_HOME` names another one,
//! by an absolute path, because cargo runs benchmarks in the folder of their package.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::exit;
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

/// Group, function and parameter of a benchmark.
type Id = (String, String, Option<String>);

/// Every benchmark that has this baseline, sorted, and its folder; and the names of all baselines.
fn benchmarks(home: &Path, baseline: &str) -> (Vec<(Id, PathBuf)>, BTreeSet<String>) {
    let (mut found, mut baselines) = (Vec::new(), BTreeSet::new());
    let mut folders = vec![home.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        folders.extend(entries.map(|entry| entry.path()).filter(|path| path.is_dir()));
        let Some((name, parent)) = folder.file_name().zip(folder.parent()) else {
            continue;
        };
        let Some(id) = json(&folder.join("benchmark.json")) else {
            continue;
        };
        let name = name.to_string_lossy();
        if name == baseline {
            let text = |name: &str| id[name].as_str().map(str::to_owned);
            let id = (
                text("group_id").unwrap_or_default(),
                text("function_id").unwrap_or_default(),
                text("value_str"),
            );
            found.push((id, parent.to_owned()));
        }
        baselines.insert(name.into_owned());
    }
    found.sort();
    (found, baselines)
}

fn json(path: &Path) -> Option<serde_json::Value> {
    serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()
}

/// Says why criterion could not show a benchmark: it would end with a panic, or call the counts impossible.
fn obstacle(folder: &Path, baseline: &str, other: &str) -> Option<String> {
    for name in [baseline, other] {
        let Some(sample) = json(&folder.join(name).join("sample.json")) else {
            return Some(format!("baseline {name} does not have it"));
        };
        let times = sample["times"].as_array();
        if times.is_none_or(|times| times.iter().any(|time| time.as_f64().is_none_or(|time| time <= 0.0))) {
            return Some(format!(
                "a batch of baseline {name} counts 0, which criterion takes for an error"
            ));
        }
    }
    None
}

/// Makes a run the one measured last, as far as criterion is concerned: the summary of a group is drawn from there.
fn make_new(folder: &Path, baseline: &str) -> std::io::Result<()> {
    let new = folder.join("new");
    std::fs::create_dir_all(&new)?;
    for entry in std::fs::read_dir(folder.join(baseline))? {
        let entry = entry?;
        std::fs::copy(entry.path(), new.join(entry.file_name()))?;
    }
    Ok(())
}

/// Returns the value of an option, written `--name VALUE` or `--name=VALUE`.
fn option(name: &str) -> Option<String> {
    let mut arguments = std::env::args().skip_while(|argument| argument.split('=').next() != Some(name));
    let found = arguments.next()?;
    match found.split_once('=') {
        Some((_, value)) => Some(value.to_owned()),
        None => arguments.next(),
    }
}

/// Returns criterion's directory: that which criterion itself takes.
fn home() -> PathBuf {
    let of = |name| std::env::var_os(name).map(PathBuf::from);
    let target =
        || of("CARGO_TARGET_DIR").or_else(|| Some(std::env::current_exe().ok()?.ancestors().nth(3)?.to_owned()));
    of("CRITERION_HOME")
        .or_else(|| Some(target()?.join("criterion")))
        .unwrap_or_else(|| "target/criterion".into())
}

fn fail(message: &str) -> ! {
    eprintln!("error: {message}");
    exit(1)
}

/// Shows the baseline named by `--load-baseline`.
pub fn main() {
    let Some(baseline) = option("--load-baseline") else {
        println!("exported: nothing to show; name exported runs with --load-baseline NAME --baseline OTHER");
        return;
    };
    let Some(other) = option("--baseline") else {
        fail("--baseline is missing: criterion compares; name the same run twice to look at one");
    };
    let home = home();
    let (found, baselines) = benchmarks(&home, &baseline);
    for name in [&baseline, &other] {
        if !baselines.contains(name) {
            let at = std::path::absolute(&home).unwrap_or(home);
            let there: Vec<String> = baselines.into_iter().collect();
            fail(&format!(
                "no baseline {name} in {}; there are: {}. Export a run with --name {name}, or give the absolute path of \
                 another directory as CRITERION_HOME",
                at.display(),
                if there.is_empty() {
                    "none".to_owned()
                } else {
                    there.join(", ")
                }
            ));
        }
    }
    for of_group in found.chunk_by(|a, b| a.0.0 == b.0.0) {
        let name = of_group[0].0.0.as_str();
        let mut shown = Vec::new();
        for (id, folder) in of_group {
            if let Some(reason) = obstacle(folder, &baseline, &other) {
                let value = id.2.as_ref().map_or_else(String::new, |value| format!("/{value}"));
                println!("{name}/{}{value}: left out: {reason}", id.1);
                continue;
            }
            if let Err(error) = make_new(folder, &baseline) {
                fail(&format!("cannot write {}: {error}", folder.join("new").display()));
            }
            shown.push(id);
        }
        if shown.is_empty() {
            continue;
        }
        // `pe0 sim-cycles`: what was counted comes after the PE.
        let unit = name.split_once(' ').map_or(name, |(_, unit)| unit).to_owned();
        let counts = Counts { unit: unit.leak() };
        let mut criterion = Criterion::default()
            .with_measurement(counts)
            .output_directory(&home)
            .configure_from_args();
        let mut group = criterion.benchmark_group(name);
        group.warm_up_time(Duration::from_millis(1));
        for (_, function, value) in shown {
            match value {
                Some(value) => group.bench_function(BenchmarkId::new(function, value), |b| b.iter(|| ())),
                None => group.bench_function(function, |b| b.iter(|| ())),
            };
        }
        group.finish();
    }
    // The page that leads to all others.
    let criterion = Criterion::default().output_directory(&home);
    criterion.configure_from_args().final_summary();
}
