// SPDX-License-Identifier: MIT OR Apache-2.0
//! Prints a log, one event a line.
#![allow(missing_docs)]
use trace::log::{Event, Reader};
fn main() {
    let path = std::env::args().nth(1).expect("a log");
    let mut reader = Reader::new(std::fs::File::open(path).expect("a file")).expect("a log");
    let mut number = 0_u64;
    while let Ok(event) = reader.event() {
        number += 1;
        match event {
            Event::Table { address, entries } => {
                let used = entries.iter().filter(|entry| **entry != 0).count();
                println!("{number} Table {address:#x} {used} of {}", entries.len());
            }
            event => println!("{number} {event:x?}"),
        }
    }
}
