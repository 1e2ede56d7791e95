// SPDX-License-Identifier: MIT OR Apache-2.0
//! Any text is a litmus test or a message.
//!
//! `cargo +nightly fuzz run litmus fuzz/corpus/litmus tests -- -max_total_time=600` from `sequences/`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sequences::litmus::Test;

fuzz_target!(|source: &str| {
    if let Err(error) = Test::parse(source) {
        assert!(!error.to_string().is_empty());
    }
});
