// SPDX-License-Identifier: MIT OR Apache-2.0
//! Conditions as written, and what others that were decided before say about them.
//!
//! One flag often picks a barrier in one helper and an operation in the next. Read apart, the helpers give mixed pairs
//! that no run has. So a condition is taken apart into the parts that are true or false, `!=` is the other side of `==`,
//! `defined(X)` is `#ifdef X`, and what was decided before decides what it can.

use crate::extract::shared::Shared;
use crate::extract::token::{Language, Token, TokenKind, body_tokens, closing, join};
use std::hash::{DefaultHasher, Hash, Hasher};

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Condition {
    /// It holds, or does not.
    Constant(bool),
    /// What is not taken apart further.
    Atom(String),
    /// The contrary.
    Not(Box<Self>),
    /// All of them.
    And(Vec<Self>),
    /// At least one of them.
    Or(Vec<Self>),
}

/// What is decided: parts, and whether they hold.
#[derive(Debug, Clone, Default)]
pub struct Decided {
    facts: Shared<Fact>,
}

/// A part that is decided; its hash, which tells it from most others.
#[derive(Debug)]
struct Fact {
    hash: u64,
    condition: Condition,
    holds: bool,
}

fn hash(condition: &Condition) -> u64 {
    let mut hasher = DefaultHasher::new();
    condition.hash(&mut hasher);
    hasher.finish()
}

impl Decided {
    /// Takes a condition as decided.
    pub fn decide(&mut self, condition: &str, holds: bool) {
        self.take(read(condition), holds);
    }

    /// Takes a condition that was read as decided.
    pub fn take(&mut self, condition: Condition, holds: bool) {
        match (condition, holds) {
            (Condition::Constant(_), _) => {}
            (Condition::Not(inner), _) => self.take(*inner, !holds),
            (Condition::And(parts), true) | (Condition::Or(parts), false) => {
                parts.into_iter().for_each(|part| self.take(part, holds));
            }
            // Of several, the one that is left must be it.
            (Condition::And(parts), false) | (Condition::Or(parts), true) => {
                let open: Vec<_> = parts
                    .iter()
                    .filter(|part| self.value(part).is_none())
                    .cloned()
                    .collect();
                match open.as_slice() {
                    [only] => self.take(only.clone(), holds),
                    _ => {
                        let whole = if holds {
                            Condition::Or(parts)
                        } else {
                            Condition::And(parts)
                        };
                        self.add(whole, holds);
                    }
                }
            }
            (atom, _) => self.add(atom, holds),
        }
    }

    fn add(&mut self, condition: Condition, holds: bool) {
        self.facts.push(Fact {
            hash: hash(&condition),
            condition,
            holds,
        });
    }

    /// Returns the parts that are not taken apart further, and whether they hold, the last first.
    pub fn atoms(&self) -> impl Iterator<Item = (&str, bool)> {
        self.facts.backwards().filter_map(|fact| match &fact.condition {
            Condition::Atom(text) => Some((text.as_str(), fact.holds)),
            _ => None,
        })
    }

    /// Returns what a condition is, where what was decided before says it.
    pub fn of(&self, condition: &str) -> Option<bool> {
        self.value(&read(condition))
    }

    /// Returns what a condition that was read is, where what was decided before says it.
    pub fn value(&self, condition: &Condition) -> Option<bool> {
        let hash = hash(condition);
        let same = |fact: &&Fact| fact.hash == hash && fact.condition == *condition;
        if let Some(fact) = self.facts.backwards().find(same) {
            return Some(fact.holds);
        }
        match condition {
            Condition::Constant(value) => Some(*value),
            Condition::Atom(_) => None,
            Condition::Not(inner) => self.value(inner).map(|value| !value),
            Condition::And(parts) => self.all(parts, false),
            Condition::Or(parts) => self.all(parts, true),
        }
    }

    /// Returns `decides` if a part is it, its contrary if all are.
    fn all(&self, parts: &[Condition], decides: bool) -> Option<bool> {
        let mut open = false;
        for part in parts {
            match self.value(part) {
                Some(value) if value == decides => return Some(decides),
                Some(_) => {}
                None => open = true,
            }
        }
        (!open).then_some(!decides)
    }
}

/// Returns the condition that an assembler's or preprocessor's directive asks.
pub fn of_directive(directive: &str) -> String {
    let text = directive.trim();
    for word in ["ifdef", "ifndef"] {
        if let Some(name) = text
            .strip_prefix(word)
            .filter(|rest| rest.starts_with(char::is_whitespace))
        {
            return format!("defined({})", name.trim());
        }
    }
    text.trim_start_matches("if").trim().to_owned()
}

/// Takes a condition apart.
pub fn read(text: &str) -> Condition {
    // `not (x)` is how the other way is written down.
    if let Some(inner) = text.strip_prefix("not (").and_then(|inner| inner.strip_suffix(')')) {
        return negated(read(inner));
    }
    parse(&body_tokens(text, 1, false, Language::C), 0)
}

/// Returns whether one condition holds where another does not, and only there.
pub fn are_opposite(one: &str, other: &str) -> bool {
    read(one) == negated(read(other))
}

fn negated(condition: Condition) -> Condition {
    match condition {
        Condition::Constant(value) => Condition::Constant(!value),
        Condition::Not(inner) => *inner,
        other => Condition::Not(Box::new(other)),
    }
}

/// Splits at `&&` or `||` outside brackets.
fn parts<'a>(tokens: &'a [Token], sign: &str) -> Vec<&'a [Token]> {
    let (mut parts, mut start, mut at) = (Vec::new(), 0, 0);
    while at < tokens.len() {
        if tokens[at].is("(") || tokens[at].is("[") {
            at = closing(tokens, at) + 1;
        } else if tokens[at].is(sign) && tokens.get(at + 1).is_some_and(|next| next.is(sign)) {
            parts.push(&tokens[start..at]);
            at += 2;
            start = at;
        } else {
            at += 1;
        }
    }
    parts.push(tokens.get(start..).unwrap_or_default());
    parts
}

fn parse(tokens: &[Token], depth: u32) -> Condition {
    const MAX_DEPTH: u32 = 16;
    if depth > MAX_DEPTH {
        return Condition::Atom(join(tokens));
    }
    for sign in ["|", "&"] {
        let found = parts(tokens, sign);
        if found.len() > 1 {
            let list = found.into_iter().map(|part| parse(part, depth + 1)).collect();
            return if sign == "|" {
                Condition::Or(list)
            } else {
                Condition::And(list)
            };
        }
    }
    if let Some(value) = optional(tokens) {
        return Condition::Constant(value);
    }
    match tokens {
        [first, rest @ ..] if first.is("!") => negated(parse(rest, depth + 1)),
        [first, .., last] if first.is("(") && last.is(")") && closing(tokens, 0) == tokens.len() - 1 => {
            parse(&tokens[1..tokens.len() - 1], depth + 1)
        }
        [defined, open, name, close] if defined.is_word("defined") && open.is("(") && close.is(")") => {
            Condition::Atom(format!("defined {}", name.text))
        }
        [defined, name] if defined.is_word("defined") => Condition::Atom(format!("defined {}", name.text)),
        [hint, open, .., close]
            if matches!(hint.text.as_str(), "likely" | "unlikely" | "__builtin_expect")
                && open.is("(")
                && close.is(")") =>
        {
            let inner = &tokens[2..tokens.len() - 1];
            let end = inner.iter().position(|token| token.is(",")).unwrap_or(inner.len());
            parse(&inner[..end], depth + 1)
        }
        [word] if matches!(word.text.as_str(), "true" | "TRUE" | "1") => Condition::Constant(true),
        [word] if matches!(word.text.as_str(), "false" | "FALSE" | "0") => Condition::Constant(false),
        _ => compared(tokens).unwrap_or_else(|| Condition::Atom(join(tokens))),
    }
}

/// Returns whether a value of Rust that is written down is there: `let Some(x) = None`, `None.is_some()`, `Some(va).is_none()`.
fn optional(tokens: &[Token]) -> Option<bool> {
    let (pattern, value) = match tokens {
        [word, pattern, ..] if word.is_word("let") => {
            let at = tokens.iter().position(|token| token.is("="))?;
            (pattern.text.as_str(), &tokens[at + 1..])
        }
        [value @ .., dot, method, open, close] if dot.is(".") && open.is("(") && close.is(")") => {
            let pattern = match method.text.as_str() {
                "is_some" => "Some",
                "is_none" => "None",
                _ => return None,
            };
            (pattern, value)
        }
        _ => return None,
    };
    let is_group = value.first().is_some_and(|first| first.is("(")) && closing(value, 0) + 1 == value.len();
    let value = if is_group { &value[1..value.len() - 1] } else { value };
    let is_there = match value {
        [only] if only.is_word("None") => false,
        [some, open, ..] if some.is_word("Some") && open.is("(") && closing(value, 1) + 1 == value.len() => true,
        _ => return None,
    };
    match pattern {
        "Some" => Some(is_there),
        "None" => Some(!is_there),
        _ => None,
    }
}

/// Reads `a == b` and `a != b`; with constants and `NULL`, `true` and `false` on one side.
fn compared(tokens: &[Token]) -> Option<Condition> {
    let at = tokens.iter().position(|token| token.is("==") || token.is("!="))?;
    let (left, right) = (&tokens[..at], &tokens[at + 1..]);
    if right.iter().any(|token| token.is("==") || token.is("!=")) {
        return None;
    }
    let literal = |side: &[Token]| matches!(side, [only] if only.kind == TokenKind::Number);
    let (a, b) = (join(left), join(right));
    let equal = match b.as_str() {
        _ if literal(left) && literal(right) => Condition::Constant(a == b),
        _ if a == b && !a.contains('(') => Condition::Constant(true),
        "true" | "TRUE" => parse(left, 15),
        "false" | "FALSE" | "0" | "NULL" => negated(parse(left, 15)),
        _ => Condition::Atom(format!("{a}=={b}")),
    };
    Some(if tokens[at].is("!=") { negated(equal) } else { equal })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_decided_decides() {
        let mut decided = Decided::default();
        decided.decide("m->stage == 1", false);
        decided.decide("m->os", true);
        assert_eq!(decided.of("(m->stage != 1) && m->os"), Some(true));
        assert_eq!(decided.of("!m->os || m->stage == 1"), Some(false));
        assert_eq!(decided.of("m->other"), None);
        decided.decide("a && m->os", false);
        assert_eq!(decided.of("a"), Some(false));
        decided.decide("not (b || c)", true);
        assert_eq!(decided.of("not (c)"), Some(true));
        assert_eq!(decided.of("!(x == NULL) && false"), Some(false));
    }

    #[test]
    fn one_condition_has_many_spellings() {
        let mut decided = Decided::default();
        decided.decide(&of_directive("ifdef X"), true);
        assert_eq!(decided.of(&of_directive("if defined(X)")), Some(true));
        assert_eq!(decided.of(&of_directive("if !defined X")), Some(false));
        decided.decide("likely(y)", true);
        assert_eq!(decided.of("y != 0"), Some(true));
    }
}
