// SPDX-License-Identifier: MIT OR Apache-2.0
//! Any text is a line or none; a record that is read is written as one that reads the same.
//!
//! `cargo +nightly fuzz run wire -- -max_total_time=600` from `results/`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use results::record::Record;
use results::wire::{Binding, PREFIX, parse_line};

fuzz_target!(|text: &str| {
    for line in text.lines() {
        let _ = Binding::apparent(line);
        let _ = parse_line(line, Binding::NONE);
        // Past its checksum too.
        let line = line.strip_prefix(PREFIX).unwrap_or(line);
        let Ok(record) = Record::parse(line) else { continue };
        let written = record.to_string();
        // A start line of an old version has no nonce, whatever stood there.
        if !matches!(record, Record::Start { .. }) {
            assert_eq!(Record::parse(&written).map(|again| again.to_string()), Ok(written));
        }
        if let Record::Sample { pairs, .. } = record {
            pairs.for_each(|_, _| {});
        }
    }
});
