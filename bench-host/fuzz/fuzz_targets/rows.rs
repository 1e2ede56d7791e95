// SPDX-License-Identifier: MIT OR Apache-2.0
//! Any bytes are raw rows of some tool, or are refused.
//!
//! `cargo +nightly fuzz run rows -- -max_total_time=600` from `bench-host/`.
#![no_main]

use bench_host::rows::{Aggregation, Limits, Request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let request = Request {
        by: None,
        value: None,
        count: None,
        headerless: false,
    };
    let mut aggregation = Aggregation::new(request, Limits::default());
    let added = aggregation.add("rows", &mut &bytes[..], &mut |_| {});
    let _ = added.and_then(|()| aggregation.finish().map(|_| ()));
});
