// SPDX-License-Identifier: MIT OR Apache-2.0
//! Any bytes are rows or refused, by name or by position; a table of them is printed without a character that could command a
//! terminal, and its groups have as many samples as it says.
//!
//! `TLBI_KERNEL=IMAGE cargo +nightly fuzz run --fuzz-dir fuzz/rows rows fuzz/rows/corpus/rows fuzz/rows/seeds -- -max_total_time=600` from `bench-host/`; IMAGE is a kernel image
//! that was built before (`target/*/build/bench-host-*/out/el2-kernel.bin`), so that none has to be built with nightly.
#![no_main]

use bench_host::rows::render::{self, Format};
use bench_host::rows::{Aggregation, Limits, Request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // The first byte says how they are asked for.
    let Some((&how, rows)) = bytes.split_first() else { return };
    let by = (how & 1 != 0).then(|| vec!["seq".to_owned(), "g".to_owned()]);
    let request = Request {
        by,
        value: (how & 2 != 0).then(|| "cycles".to_owned()),
        count: (how & 4 != 0).then(|| "count".to_owned()),
        headerless: how & 8 != 0,
    };
    let mut aggregation = Aggregation::new(request, Limits::default());
    // In one piece, and in two reads.
    let (first, second) = rows.split_at(rows.len() / 2);
    let mut from: Box<dyn std::io::Read> = match how & 16 {
        0 => Box::new(rows),
        _ => Box::new(std::io::Read::chain(first, second)),
    };
    let added = aggregation.add("rows", &mut *from, &mut |_| {});
    let table = match added.and_then(|()| aggregation.finish()) {
        Ok(table) => table,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let counted: u128 = table.groups.iter().map(|(_, summary)| summary.count as u128).sum();
    assert_eq!(counted, table.samples as u128);
    for format in [Format::Table, Format::Markdown, Format::Csv, Format::Json] {
        let mut out = Vec::new();
        render::write(&mut out, &table, None, format).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains(|c| results::text::is_hostile(c) && !matches!(c, '\n' | '\t')), "{text:?}");
    }
});
