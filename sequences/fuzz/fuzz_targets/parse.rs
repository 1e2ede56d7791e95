// SPDX-License-Identifier: MIT OR Apache-2.0
//! Any text is a sequence or a message; a sequence survives text, words and back.
//!
//! `cargo +nightly fuzz run parse -- -max_total_time=600` from `sequences/`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sequences::validate::MAX_WORDS;
use sequences::{LowerError, decode, lower, parse, validate_words};

fuzz_target!(|source: &str| {
    match parse(source) {
        Ok(sequence) => {
            let text = sequence.to_string();
            assert_eq!(parse(&text).as_ref(), Ok(&sequence));
            match lower(&sequence, 3) {
                Ok(lowered) => {
                    assert_eq!(validate_words(&lowered.words, MAX_WORDS), Ok(()));
                    assert!(lowered.words.iter().all(|word| decode(*word).is_some()));
                }
                Err(LowerError::TooManyOperands) => {}
                Err(error) => panic!("{text}: {error}"),
            }
        }
        Err(error) => {
            assert!(source.get(error.span()).is_some());
            assert!(!error.render(source).is_empty());
        }
    }
});
