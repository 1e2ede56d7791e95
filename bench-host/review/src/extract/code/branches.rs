// SPDX-License-Identifier: MIT OR Apache-2.0
//! Branches: `if`, `switch`, `match`, `#[cfg]` and `#if`, of which one arm happens.

use crate::extract::asm;
use crate::extract::cases;
use crate::extract::code::{Context, shortened};
use crate::extract::condition;
use crate::extract::event::Node;
use crate::extract::token::{Language, Token, TokenKind, block_start, closing, join, skip_past};

/// Most arms of a `switch` or `match` that are followed.
const MAX_ARMS: usize = 24;
const TOO_MANY_ARMS: &str = "more cases than are followed";

impl Context<'_> {
    /// Reads an attribute of Rust and, where it is a `cfg`, the statement that it decides about.
    pub(super) fn attribute(&self, tokens: &[Token], at: usize, out: &mut Vec<Node>, depth: usize) -> usize {
        let close = closing(tokens, at + 1);
        let inner = tokens.get(at + 2..close).unwrap_or_default();
        if !inner.first().is_some_and(|token| token.is_word("cfg")) || close + 1 >= tokens.len() {
            return close + 1;
        }
        let text = join(inner.get(2..inner.len().saturating_sub(1)).unwrap_or_default());
        let (arm, end) = self.arm(tokens, close + 1, depth);
        // `cfg(not(x))` is the other arm of `cfg(x)`.
        let denied = text.strip_prefix("not(").and_then(|text| text.strip_suffix(')'));
        let arms = match denied {
            Some(_) => vec![Vec::new(), arm],
            None => vec![arm, Vec::new()],
        };
        push_either(shortened(denied.unwrap_or(&text)), arms, out);
        end
    }

    /// Reads an `if` with its `else`.
    pub(super) fn condition(&self, tokens: &[Token], at: usize, out: &mut Vec<Node>, depth: usize) -> usize {
        let rust = self.language == Language::Rust;
        let mut open = at + 1;
        if tokens.get(open).is_some_and(|token| token.is_word("constexpr")) {
            open += 1;
        }
        let (inner, body) = if rust || !tokens.get(open).is_some_and(|token| token.is("(")) {
            let body = block_start(tokens, at);
            (at + 1..body, body)
        } else {
            let close = closing(tokens, open);
            (open + 1..close, close + 1)
        };
        let condition = tokens.get(inner).unwrap_or_default();
        self.calls(condition, out, depth);
        let (then, mut end) = self.arm(tokens, body, depth);
        let mut arms = vec![then];
        if tokens.get(end).is_some_and(|token| token.is_word("else")) {
            let (other, after) = self.arm(tokens, end + 1, depth);
            arms.push(other);
            end = after;
        } else {
            arms.push(Vec::new());
        }
        let condition = shortened(&join(condition));
        push_either(condition, arms, out);
        end
    }

    /// Reads the cases of a `switch`; without its subject, its head is out of sight, and it starts in one of them.
    pub(super) fn switch(&self, body: &[Token], subject: Option<&str>, out: &mut Vec<Node>, depth: usize) {
        let mut starts = Vec::new();
        // Where statements end that leave the `switch` whatever was decided before.
        let mut leaves = Vec::new();
        let mut nested = 0_i32;
        for (index, token) in body.iter().enumerate() {
            let stands_alone = || index == 0 || [";", "}", "{", ":"].iter().any(|sign| body[index - 1].is(sign));
            match token.text.as_str() {
                "break" | "return" | "continue" | "goto"
                    if nested == 0 && token.kind == TokenKind::Word && stands_alone() =>
                {
                    leaves.push(skip_past(body, index, ";"));
                }
                "{" if token.kind == TokenKind::Sign => nested += 1,
                "}" if token.kind == TokenKind::Sign => nested -= 1,
                "case" | "default" if nested == 0 && token.kind == TokenKind::Word => starts.push(index),
                _ => {}
            }
        }
        if subject.is_none() && starts.first() != Some(&0) {
            starts.insert(0, 0);
        }
        let has_default = subject.is_none() || starts.iter().any(|&start| body[start].is_word("default"));
        // A case runs from its label to where it is left for sure, or to the end: falling through is just going on.
        let arm = |&start: &usize| {
            let end = leaves.partition_point(|&end| end <= start);
            let end = leaves.get(end).copied().unwrap_or(body.len()).min(body.len());
            vec![Node::Region(self.block(&body[start..end], depth + 1))]
        };
        let mut arms: Vec<_> = starts.iter().take(MAX_ARMS).map(arm).collect();
        if starts.len() > MAX_ARMS {
            self.beyond(&body[starts[MAX_ARMS]..], TOO_MANY_ARMS);
        }
        if !has_default {
            arms.push(Vec::new());
        }
        // The labels say what the ways are for.
        let label = |&start: &usize| match body[start].is_word("case") {
            true => join(&body[start + 1..skip_past(body, start, ":").saturating_sub(1).max(start + 1)]),
            false => "default".to_owned(),
        };
        let labels: Vec<String> = starts.iter().map(label).collect();
        let subject = subject.unwrap_or("out of sight");
        push_either(cases::written("switch", subject, &labels), arms, out);
    }

    /// Reads the arms of a `match`.
    pub(super) fn arms(&self, body: &[Token], subject: &str, out: &mut Vec<Node>, depth: usize) {
        let (mut arms, mut labels) = (Vec::new(), Vec::new());
        let mut at = 0;
        while at < body.len() {
            if arms.len() >= MAX_ARMS {
                self.beyond(&body[at..], TOO_MANY_ARMS);
                break;
            }
            let arrow = skip_past(body, at, "=>");
            if arrow >= body.len() {
                break;
            }
            labels.push(join(&body[at..(arrow - 1).max(at)]));
            let (arm, end) = if body[arrow].is("{") {
                let close = closing(body, arrow);
                (
                    self.block(body.get(arrow + 1..close).unwrap_or_default(), depth + 1),
                    close + 1,
                )
            } else {
                let end = skip_past(body, arrow, ",");
                (self.block(&body[arrow..end.min(body.len())], depth + 1), end)
            };
            arms.push(arm);
            at = end;
            if body.get(at).is_some_and(|token| token.is(",")) {
                at += 1;
            }
        }
        push_either(cases::written("match", subject, &labels), arms, out);
    }

    /// Reads `#if` and its parts inside a function.
    pub(super) fn directive(&self, tokens: &[Token], at: usize, out: &mut Vec<Node>, depth: usize) -> usize {
        let text = tokens[at].text.trim();
        if !text.starts_with("if") {
            return at + 1;
        }
        let condition = condition::of_directive(text);
        let condition = condition.as_str();
        let mut parts = vec![at + 1];
        let mut nested = 0;
        let mut end = None;
        for (index, token) in tokens.iter().enumerate().skip(at + 1) {
            if token.kind != TokenKind::Directive {
                continue;
            }
            let word = token.text.trim();
            if word.starts_with("if") {
                nested += 1;
            } else if word.starts_with("endif") {
                if nested == 0 {
                    end = Some(index);
                    break;
                }
                nested -= 1;
            } else if word.starts_with("el") && nested == 0 {
                parts.push(index + 1);
            }
        }
        let Some(end) = end else { return at + 1 };
        let has_else = parts.len() > 1;
        let mut arms = Vec::new();
        for (index, &start) in parts.iter().enumerate() {
            let stop = parts.get(index + 1).map_or(end, |next| next - 1);
            let part = &tokens[start..stop];
            // A branch that opens a block the others close cannot be read on its own.
            let count = |sign: &str| part.iter().filter(|token| token.is(sign)).count();
            if count("{") != count("}") || count("(") != count(")") {
                return at + 1;
            }
            arms.push(self.block(part, depth + 1));
        }
        if condition == "0" {
            arms.remove(0);
        } else if !has_else {
            arms.push(Vec::new());
        }
        if text.starts_with("ifndef") && arms.len() == 2 {
            arms.swap(0, 1);
        }
        if arms.len() < 2 {
            out.extend(arms.into_iter().flatten());
        } else if asm::is_erratum(condition) && arms.len() == 2 {
            arms.swap(0, 1);
            push_optional(condition.to_owned(), arms, out);
        } else {
            push_either(shortened(condition), arms, out);
        }
        end + 1
    }
}

/// Adds a branch, where it decides something about a sequence.
pub(super) fn push_either(condition: String, mut arms: Vec<Vec<Node>>, out: &mut Vec<Node>) {
    if asm::is_erratum(&condition) && arms.len() == 2 && !condition.starts_with('!') {
        arms.swap(0, 1);
        push_optional(condition, arms, out);
        return;
    }
    if Node::matters(&arms) {
        out.push(Node::Either {
            condition,
            arms,
            optional: false,
        });
    }
}

fn push_optional(condition: String, arms: Vec<Vec<Node>>, out: &mut Vec<Node>) {
    if Node::matters(&arms) {
        out.push(Node::Either {
            condition,
            arms,
            optional: true,
        });
    }
}
