// SPDX-License-Identifier: MIT OR Apache-2.0
//! Expressions: what they call, store and assign.

use crate::extract::code::{Context, names};
use crate::extract::event::{Kind, Node};
use crate::extract::token::{Language, Token, TokenKind, join};

impl Context<'_> {
    /// Reads an expression up to its `;`; returns where the next statement starts.
    pub(super) fn expression(&self, tokens: &[Token], at: usize, out: &mut Vec<Node>, depth: usize) -> usize {
        let mut end = at;
        let mut nested = 0_i32;
        while let Some(token) = tokens.get(end) {
            if token.kind == TokenKind::Directive {
                break;
            }
            if token.kind == TokenKind::Sign {
                match token.text.as_str() {
                    "(" | "[" => nested += 1,
                    ")" | "]" => nested -= 1,
                    ";" if nested <= 0 => break,
                    // A block that is a value: `let x = if ... { }`, `unsafe { }`, a closure.
                    "{" if nested <= 0 => break,
                    "}" if nested <= 0 => break,
                    _ => {}
                }
            }
            // A macro call that stands for statements may have no semicolon.
            let fresh = end > at
                && nested == 0
                && token.column.is_some()
                && tokens[end - 1].is(")")
                && token.kind == TokenKind::Word;
            if fresh && self.language == Language::C {
                break;
            }
            let word = matches!(
                token.text.as_str(),
                "if" | "match" | "loop" | "while" | "for" | "return" | "unsafe"
            );
            if end > at && nested == 0 && word && token.kind == TokenKind::Word {
                break;
            }
            end += 1;
        }
        let part = &tokens[at..end];
        self.assign(part);
        self.calls(part, out, depth);
        if is_store(part) {
            self.event(Kind::Store, &part[0], out);
        }
        match tokens.get(end) {
            Some(token) if token.is(";") || token.is("}") => end + 1,
            _ => end.max(at + 1),
        }
    }

    /// Remembers what a variable is set to, for operands that are given by it.
    fn assign(&self, tokens: &[Token]) {
        let Some(equals) = tokens.iter().position(|token| token.is("=")) else {
            return;
        };
        // `let va: usize = x`, `uint64_t va = x`, `va = x`; not `*p = x`, `a.b = x`, `a[i] = x`.
        let left = &tokens[..equals];
        let colon = left.iter().position(|token| token.is(":")).unwrap_or(left.len());
        let plain = left[..colon]
            .iter()
            .all(|token| token.kind == TokenKind::Word || token.is("*") && colon > 1);
        let Some(name) = left[..colon]
            .last()
            .filter(|name| plain && name.kind == TokenKind::Word)
        else {
            return;
        };
        let value = &tokens[equals + 1..];
        if value.len() <= 64
            && value
                .iter()
                .any(|token| token.is(">") || token.is("<") || token.kind == TokenKind::Word)
        {
            self.found.borrow_mut().assigned.insert(name.text.clone(), join(value));
        }
    }

    /// Puts what a variable was set to in place of an operand that is only its name.
    pub(super) fn see_through(&self, nodes: &mut [Node]) {
        let found = self.found.borrow();
        Node::visit_mut(nodes, &mut |node| {
            if let Node::Event(event) = node
                && let Kind::Tlbi(_, given) = &mut event.kind
                && let Some(value) = found.assigned.get(given.text.trim())
            {
                given.text.clone_from(value);
            }
        });
    }
}

/// Returns whether an expression stores to what looks like a translation table entry.
fn is_store(tokens: &[Token]) -> bool {
    let Some(equals) = tokens.iter().position(|token| token.is("=")) else {
        return false;
    };
    let left = &tokens[..equals];
    let through = left
        .iter()
        .any(|token| token.is("*") || token.is("[") || token.is("->"));
    // `pte_t *p = ...` declares.
    let declares = left.first().is_some_and(|token| token.kind == TokenKind::Word)
        && left.get(1).is_some_and(|token| token.is("*"));
    through
        && !declares
        && left
            .iter()
            .any(|token| token.kind == TokenKind::Word && names::has_entry_word(&token.text))
}
