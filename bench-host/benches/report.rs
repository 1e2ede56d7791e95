// SPDX-License-Identifier: MIT OR Apache-2.0
//! Prints what the report of a run with 50 sequences costs, and fails if it is more than a reader should wait for: 1 s
//! of CPU time from the run folder to the files, and 2 MB of HTML.

use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs};

use bench_host::aggregate::aggregate;
use report::write_reports;

#[path = "../tests/support/synthetic.rs"]
mod synthetic;

/// Most time.
const TIME: Duration = Duration::from_secs(1);
/// Most bytes of the page.
const BYTES: u64 = 2_000_000;
/// Reports made; the quickest counts, as the others were disturbed.
const TIMES: u32 = 5;

fn main() -> ExitCode {
    // `cargo test --benches` calls with this to see whether it runs at all.
    let is_test = env::args().any(|argument| argument == "--test");
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    synthetic::Synthetic {
        deterministic: false,
        more: 47,
        iterations: if is_test { 2000 } else { 100_000 },
        ..synthetic::Synthetic::default()
    }
    .write(&run);
    let (mut best, mut page) = (Duration::MAX, 0);
    let mut series = 0;
    for _ in 0..if is_test { 1 } else { TIMES } {
        let (started, before) = (Instant::now(), cpu_time());
        let summary = aggregate(&run).unwrap();
        let paths = write_reports(&run, &summary).unwrap();
        let took = before.zip(cpu_time()).map(|(before, after)| after - before);
        best = best.min(took.unwrap_or_else(|| started.elapsed()));
        page = fs::metadata(&paths.html).unwrap().len();
        series = summary
            .series
            .iter()
            .filter(|series| series.part != report::model::Part::Empty)
            .count();
    }
    let samples = fs::metadata(run.join("samples.csv")).unwrap().len();
    println!(
        "report of {series} sequences, {:.1} MB of samples:",
        samples as f64 / 1e6
    );
    println!("  time {:.3} s (limit {} s)", best.as_secs_f64(), TIME.as_secs());
    println!("  HTML {:.2} MB (limit {} MB)", page as f64 / 1e6, BYTES / 1_000_000);
    if (best > TIME || page > BYTES) && !is_test {
        eprintln!("error: above the limit");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Returns the CPU time of this process, where the system tells it (Linux), so that a busy machine does not count.
fn cpu_time() -> Option<Duration> {
    let text = fs::read_to_string("/proc/self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
