// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which functions and macros the lines of a piece of source stand in.

use crate::extract::place::Place;
use crate::extract::token::{Language, SourceLine, TokenKind, tokens};
use crate::extract::{asm, code};
use std::collections::BTreeSet;

/// Lines of a piece of source that are no comment, and what is where.
pub struct Layout {
    /// In the order of their first lines.
    places: Vec<Place>,
    lines: BTreeSet<u32>,
}

impl Layout {
    /// Lays out a piece of source; `section` names the function it starts in.
    pub fn of(lines: &[SourceLine], section: &str, language: Language, semicolon: bool) -> Self {
        let (mut places, lines) = match language {
            Language::Assembly => {
                let statements = asm::statements(lines, semicolon);
                let places = asm::places(&statements, section);
                (places, statements.iter().map(|statement| statement.line).collect())
            }
            Language::C | Language::Rust => {
                let tokens = tokens(lines, language);
                let own = tokens.iter().flat_map(|token| {
                    // A directive may go on over several lines.
                    let more = match token.kind {
                        TokenKind::Directive => token.text.matches('\n').count(),
                        _ => 0,
                    };
                    token.line..=token.line + more as u32
                });
                (code::places(&tokens, section, language), own.collect())
            }
        };
        places.sort_by_key(|place| place.first);
        Self { places, lines }
    }

    /// Returns whether a line is more than a comment.
    pub fn counts(&self, line: u32) -> bool {
        self.lines.contains(&line)
    }

    /// Returns the names of all places.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.places.iter().map(|place| place.name.as_str())
    }

    /// Returns the innermost function or macro that a line stands in; empty where it stands in none.
    pub fn name(&self, line: u32) -> &str {
        /// Places do not nest deeper in what a person writes.
        const NEAR: usize = 16;
        let end = self.places.partition_point(|place| place.first <= line);
        let near = &self.places[end.saturating_sub(NEAR)..end];
        near.iter()
            .filter(|place| line <= place.last)
            .min_by_key(|place| place.last - place.first)
            .map_or("", |place| &place.name)
    }
}
