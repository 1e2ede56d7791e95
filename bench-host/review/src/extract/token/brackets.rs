// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tokens by their brackets: what closes, what splits, what ends a statement.

use super::{Token, TokenKind};

/// Returns by how much a token changes how deep what follows is in brackets.
fn nesting(token: &Token) -> i32 {
    match token.text.as_str() {
        _ if token.kind != TokenKind::Sign => 0,
        "(" | "[" | "{" => 1,
        ")" | "]" | "}" => -1,
        _ => 0,
    }
}

/// Returns the index of the sign that closes the one at `open`, or the end.
pub fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        let change = nesting(token);
        depth = (depth + change).max(0);
        if change < 0 && depth == 0 {
            return index;
        }
    }
    tokens.len()
}

/// Splits at a sign that is not inside brackets.
pub fn split<'a>(tokens: &'a [Token], sign: &str) -> Vec<&'a [Token]> {
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0);
    for (index, token) in tokens.iter().enumerate() {
        depth += nesting(token);
        if depth == 0 && token.is(sign) {
            parts.push(&tokens[start..index]);
            start = index + 1;
        }
    }
    parts.push(&tokens[start..]);
    parts
}

/// Returns the place after the next such sign outside brackets; the end of the block if there is none.
pub fn skip_past(tokens: &[Token], at: usize, sign: &str) -> usize {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().skip(at) {
        if depth <= 0 && token.is(sign) {
            return index + 1;
        }
        depth += nesting(token);
        if depth < 0 && token.is("}") {
            return index;
        }
    }
    tokens.len()
}

/// Returns the `{` of a block after a condition, or the `;` that stands in its place; the end if there is none.
pub fn block_start(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().skip(at) {
        if depth <= 0 && (token.is("{") || token.is(";")) {
            return index;
        }
        // A block among the arguments of a call is skipped with them.
        if !token.is("{") && !token.is("}") {
            depth += nesting(token);
        }
    }
    tokens.len()
}
