// SPDX-License-Identifier: MIT OR Apache-2.0
//! Any bytes are a plan or none, and a plan that was read can be walked: with the length and the checksum as they are, and
//! with both made right.
//!
//! `cargo +nightly fuzz run plan -- -max_total_time=600` from `results/`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use results::plan::{MAGIC, Plan};
use results::wire::crc32;

fuzz_target!(|bytes: &[u8]| {
    walk(bytes);
    if bytes.len() > 16 {
        let mut bytes = bytes.to_vec();
        bytes[..8].copy_from_slice(&MAGIC);
        let length = bytes.len() as u32;
        bytes[8..12].copy_from_slice(&length.to_le_bytes());
        let crc = crc32(&bytes[16..]);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        walk(&bytes);
    }
});

fn walk(bytes: &[u8]) {
    if let Ok(Some(plan)) = Plan::read(bytes) {
        for entry in plan.entries() {
            entry.operands().for_each(drop);
            entry.words().for_each(drop);
        }
    }
}
