// SPDX-License-Identifier: MIT OR Apache-2.0
//! Any bytes are a patch, a mail or a mail box, or none of them; what is extracted is text of the language, and every
//! output form takes it, without a character that could command a terminal.
//!
//! `cargo +nightly fuzz run review fuzz/corpus/review review/tests/patches -- -max_total_time=600 -dict=fuzz/review.dict` from
//! `bench-host/`.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use review::diff::{self, Quoting};
use review::extract::spelling::Spellings;
use review::output;
use review::series::{Series, review_series};
use sequences::Sequence;
use sequences::judge::Stated;

static SPELLINGS: LazyLock<Spellings> = LazyLock::new(Spellings::built_in);

fn is_harmless(text: &str) -> bool {
    !text.contains(|c| results::text::is_hostile(c) && !matches!(c, '\n' | '\t'))
}

fuzz_target!(|bytes: &[u8]| {
    for quoting in [Quoting::Outside, Quoting::Inside] {
        let patches = diff::read(bytes, quoting).expect("reading from memory does not fail");
        let found = review_series(Series::of(patches), &SPELLINGS, &Stated::default(), None);
        for side in found.as_one().changes.iter().flat_map(|change| change.before.iter().chain(&change.after)) {
            let text = side.sequence.to_string();
            // (A side on which a function has none is empty, which is no text.)
            if (1..=64).contains(&side.sequence.instructions().count()) {
                assert_eq!(text.parse::<Sequence>().as_ref(), Ok(&side.sequence), "{text}");
            }
        }
        let page = output::html::render(&found);
        assert_eq!(page.matches("<script").count(), 0);
        let text = output::text::render(&found);
        assert!(text.lines().all(|line| line.chars().count() <= output::text::WIDTH), "{text}");
        let markdown = output::markdown::render(&found);
        assert!(!markdown.is_empty());
        assert!(is_harmless(&text) && is_harmless(&markdown), "{text:?} {markdown:?}");
        assert!(!output::json::render(&found).is_empty() && !output::sarif::render(&found).is_empty());
    }
});
