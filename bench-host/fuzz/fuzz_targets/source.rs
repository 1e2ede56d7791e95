// SPDX-License-Identifier: MIT OR Apache-2.0
//! Any bytes are a source file: as assembly, C and Rust.
//!
//! `cargo +nightly fuzz run source -- -max_total_time=600 -dict=fuzz/review.dict` from `bench-host/`.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use review::extract::spelling::Spellings;
use review::tree::Tree;
use sequences::judge::Stated;

static SPELLINGS: LazyLock<Spellings> = LazyLock::new(Spellings::built_in);
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("source-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
});

fuzz_target!(|bytes: &[u8]| {
    for name in ["a.S", "a.c", "a.rs"] {
        fs::write(FOLDER.join(name), bytes).unwrap();
    }
    let tree = Tree::open(&FOLDER, &SPELLINGS).unwrap();
    let _ = tree.scan(&SPELLINGS, &Stated::default());
});
