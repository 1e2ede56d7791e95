// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the functions and macros of a piece of source stand.

use crate::extract::code::boundary::{body_end, next_start, section_name};
use crate::extract::macros;
use crate::extract::place::Place;
use crate::extract::token::{Language, Token, TokenKind};

/// Returns the places of a piece of source; `section` names the function it starts in.
pub fn places(tokens: &[Token], section: &str, language: Language) -> Vec<Place> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(start) = next_start(tokens, at, tokens.len(), language, true) {
        let close = body_end(tokens, start.open, tokens.len()).min(tokens.len() - 1);
        if at == 0 {
            out.extend(rest_of(section, &tokens[..start.from], language));
        }
        out.push(Place {
            name: start.name,
            first: tokens[start.from].line,
            last: tokens[close].line,
        });
        at = close.max(start.open + 1);
    }
    if at == 0 {
        out.extend(rest_of(section, tokens, language));
    }
    for token in tokens.iter().filter(|token| token.kind == TokenKind::Directive) {
        if let Some((name, _)) = macros::definition(token) {
            out.push(Place {
                name,
                first: token.line,
                last: token.line + token.text.matches('\n').count() as u32,
            });
        }
    }
    out.extend(assembler_macros(tokens));
    out
}

/// Returns the macros of the assembler in a header.
fn assembler_macros(tokens: &[Token]) -> Vec<Place> {
    let mut out: Vec<Place> = Vec::new();
    let mut open: Option<Place> = None;
    for (index, pair) in tokens.windows(2).enumerate().filter(|(_, pair)| pair[0].is(".")) {
        if pair[1].is_word("macro") {
            open = tokens.get(index + 2).map(|name| Place {
                name: name.text.clone(),
                first: pair[0].line,
                last: pair[0].line,
            });
        } else if pair[1].is_word("endm") {
            out.extend(open.take().map(|place| Place {
                last: pair[0].line,
                ..place
            }));
        }
    }
    out
}

/// Returns the rest of the function that a piece starts in: up to the brace at the margin that ends it.
fn rest_of(section: &str, tokens: &[Token], language: Language) -> Option<Place> {
    let name = section_name(section, language);
    let end = tokens
        .iter()
        .find(|token| token.is("}") && token.column == Some(0))
        .or(tokens.last())?;
    (!name.is_empty()).then(|| Place {
        name,
        first: tokens[0].line,
        last: end.line,
    })
}
