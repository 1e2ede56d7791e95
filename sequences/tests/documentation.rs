// SPDX-License-Identifier: MIT OR Apache-2.0
//! The examples of `docs/language.md` are what the language does.

use sequences::Sequence;

const PAGE: &str = include_str!("../../docs/language.md");

/// Returns the fenced blocks of a kind.
fn blocks(kind: &str) -> Vec<&str> {
    let open = format!("```{kind}\n");
    let blocks: Vec<_> = PAGE
        .split(&open)
        .skip(1)
        .map(|rest| rest.split_once("```").unwrap().0)
        .collect();
    assert!(!blocks.is_empty(), "{kind}");
    blocks
}

#[test]
fn sequences_parse() {
    for block in blocks("sequence") {
        let sequence = block
            .parse::<Sequence>()
            .unwrap_or_else(|error| panic!("{}", error.render(block)));
        assert!(!sequence.items.is_empty());
    }
}

#[test]
fn messages_are_the_messages() {
    for block in blocks("message") {
        let (source, message) = block.split_once("\n---\n").unwrap();
        let error = source.parse::<Sequence>().expect_err(source);
        assert_eq!(error.render(source), message.trim_end());
    }
}

#[test]
fn numbers_are_current() {
    let entries = sequences::catalogue().count();
    let projects: std::collections::BTreeSet<_> = sequences::catalogue().map(|entry| entry.project).collect();
    assert!(PAGE.contains(&format!("{entries} sequences of {} projects", projects.len())));
    assert!(PAGE.contains(&format!("all {} operations", sequences::TlbiOp::all().count())));
}
