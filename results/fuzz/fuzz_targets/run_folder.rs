// SPDX-License-Identifier: MIT OR Apache-2.0
//! Any bytes in a file of a run are read or refused. The first byte says in which of them the rest stands.
//!
//! `cargo +nightly fuzz run run_folder -- -max_total_time=600` from `results/`.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use results::store::Run;

const NAMES: [&str; 7] = [
    "run.toml",
    "samples.csv",
    "batches.csv",
    "litmus.csv",
    "verdicts.csv",
    "boot.csv",
    "proofs.csv",
];

/// A run of this repository, copied to be damaged.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let runs = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../runs"));
    let mut runs: Vec<_> = fs::read_dir(runs).unwrap().map(|entry| entry.unwrap().path()).collect();
    runs.sort();
    let whole = runs.into_iter().rfind(|run| run.join("batches.csv").exists()).unwrap();
    let folder = std::env::temp_dir().join(format!("run_folder-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    for name in NAMES {
        let _ = fs::copy(whole.join(name), folder.join(name));
        let _ = fs::copy(whole.join(name), folder.join(name).with_extension("whole"));
    }
    folder
});

fuzz_target!(|bytes: &[u8]| {
    let Some((&which, bytes)) = bytes.split_first() else { return };
    let name = NAMES[usize::from(which) % NAMES.len()];
    let path = FOLDER.join(name);
    fs::write(&path, bytes).unwrap();
    if let Ok(run) = Run::open(&FOLDER) {
        let _ = run.samples().map(Iterator::count);
        let _ = run.batches().map(|rows| rows.map(Iterator::count));
        let _ = run.litmus().map(Iterator::count);
        let _ = run.verdicts().map(Iterator::count);
        let _ = run.boot().map(Iterator::count);
        let _ = run.proofs().map(Iterator::count);
    }
    fs::copy(path.with_extension("whole"), &path).unwrap();
});
