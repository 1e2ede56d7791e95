// SPDX-License-Identifier: MIT OR Apache-2.0
//! Any bytes are a log of a trace, judged as far as it goes, or none.
//!
//! `cargo +nightly fuzz run log fuzz/corpus/log fuzz/seeds -- -max_total_time=600` from `bench-host/trace/`.
#![no_main]

use std::ops::ControlFlow;

use libfuzzer_sys::fuzz_target;
use trace::judge::{Judge, Options};

fuzz_target!(|bytes: &[u8]| {
    // The first bytes are always the same, so they are not part of the input.
    let log = [&b"TLBTRC\x00\x01"[..], bytes].concat();
    if let Ok(report) = Judge::log(&log[..], Options { frames: true }, |_, _| ControlFlow::Continue(())) {
        let _ = format!("{report:?}");
    }
});
