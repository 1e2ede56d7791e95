// SPDX-License-Identifier: MIT OR Apache-2.0
//! Any bytes are a patch or none; what is extracted is text of the language, and every output form takes it.
//!
//! `cargo +nightly fuzz run review fuzz/corpus/review review/tests/patches -- -max_total_time=600 -dict=fuzz/review.dict` from
//! `bench-host/`.
#![no_main]

use review::diff::{self, Quoting};
use review::extract::spelling::Spellings;
use sequences::judge::Stated;
use review::output;
use review::series::{Series, review_series};
use libfuzzer_sys::fuzz_target;
use sequences::Sequence;
use std::sync::LazyLock;

static SPELLINGS: LazyLock<Spellings> = LazyLock::new(Spellings::built_in);

fuzz_target!(|bytes: &[u8]| {
    for quoting in [Quoting::Outside, Quoting::Inside] {
        let patches = diff::read(bytes, quoting).expect("reading from memory does not fail");
        let found = review_series(Series::of(patches), &SPELLINGS, &Stated::default(), None);
        for side in found.as_one().changes.iter().flat_map(|change| change.before.iter().chain(&change.after)) {
            let text = side.sequence.to_string();
            if side.sequence.instructions().count() <= 64 {
                assert_eq!(text.parse::<Sequence>().as_ref(), Ok(&side.sequence), "{text}");
            }
        }
        let page = output::html::render(&found);
        assert_eq!(page.matches("<script").count(), 0);
        let text = output::text::render(&found);
        assert!(text.lines().all(|line| line.chars().count() <= output::text::WIDTH), "{text}");
        assert!(!output::json::render(&found).is_empty() && !output::sarif::render(&found).is_empty());
        assert!(!output::markdown::render(&found).is_empty());
    }
});
