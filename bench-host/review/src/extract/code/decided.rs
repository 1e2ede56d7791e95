// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an expression decides: `live ? flush() : 0`, `live && flush()`, `find(va)?`.

use crate::extract::code::branches::push_either;
use crate::extract::code::{Context, shortened};
use crate::extract::event::{Event, Kind, Node};
use crate::extract::token::{Language, Token, join, split};

/// Where an expression decides, and how.
struct Choice {
    at: usize,
    /// How many tokens the sign has.
    width: usize,
    /// The `:` of a `?`.
    other: Option<usize>,
    /// What stands behind is reached where what stands before does not hold.
    unless: bool,
}

impl Context<'_> {
    /// Reads an expression of which one part runs by what another one is; returns whether it was one.
    pub(super) fn decided(&self, tokens: &[Token], out: &mut Vec<Node>, depth: usize) -> bool {
        let Some(choice) = choice(tokens, self.language) else {
            return false;
        };
        let arm = |tokens: &[Token]| {
            let mut nodes = Vec::new();
            self.calls(tokens, &mut nodes, depth + 1);
            nodes
        };
        let (left, right) = (&tokens[..choice.at], &tokens[choice.at + choice.width..]);
        let asked = arm(left);
        let mut arms = match choice.other {
            Some(other) => vec![arm(&tokens[choice.at + 1..other]), arm(&tokens[other + 1..])],
            None => vec![arm(right), Vec::new()],
        };
        if choice.unless {
            arms.swap(0, 1);
        }
        out.extend(asked);
        if Node::matters(&arms) {
            // What is given a value is not asked.
            let value = left
                .iter()
                .rposition(|token| token.is("="))
                .map_or(left, |at| &left[at + 1..]);
            push_either(shortened(&join(value)), arms, out);
        } else {
            out.extend(arms.into_iter().flatten());
        }
        true
    }

    /// Reads a `?` of Rust that one side of a patch has: what failed goes no further.
    pub(super) fn failed(&self, tokens: &[Token], at: usize, out: &mut Vec<Node>) {
        let token = &tokens[at];
        if self.language != Language::Rust || !token.is("?") || !token.changed || at == 0 {
            return;
        }
        let leaves = Node::Event(Event {
            kind: Kind::Return,
            line: token.line,
            changed: true,
            given: Vec::new(),
            via: Vec::new(),
        });
        let value = tokens[..at]
            .iter()
            .rposition(|token| token.is("="))
            .map_or(0, |at| at + 1);
        let condition = format!("{} fails", shortened(&join(&tokens[value..at])));
        push_either(condition, vec![vec![leaves], Vec::new()], out);
    }
}

/// Returns where an expression decides first, in the order in which its signs bind; none in a list.
fn choice(tokens: &[Token], language: Language) -> Option<Choice> {
    let is_twice = |at: usize, sign: &str| {
        tokens[at].is(sign)
            && tokens.get(at + 1).is_some_and(|next| next.is(sign))
            && at > 0
            && !tokens[at - 1].is(sign)
    };
    if !tokens
        .iter()
        .any(|token| token.is("?") || token.is("|") || token.is("&"))
    {
        return None;
    }
    let (mut depth, mut question, mut or, mut and) = (0_i32, None, None, None);
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ if depth != 0 => {}
            "," | ";" => return None,
            "?" if language == Language::C && question.is_none() => question = Some(at),
            "|" if or.is_none() && is_twice(at, "|") => or = Some(at),
            "&" if and.is_none() && is_twice(at, "&") => and = Some(at),
            _ => {}
        }
    }
    if let Some(at) = question {
        let behind = split(&tokens[at + 1..], ":");
        let other = at + 1 + behind.first()?.len();
        return (other < tokens.len()).then_some(Choice {
            at,
            width: 1,
            other: Some(other),
            unless: false,
        });
    }
    // `= || x` is a closure without arguments.
    let is_value = |at: usize| !tokens[at - 1].is("=") && !tokens[at - 1].is_word("move");
    let both = |at: usize, unless: bool| Choice {
        at,
        width: 2,
        other: None,
        unless,
    };
    or.filter(|at| is_value(*at))
        .map(|at| both(at, true))
        .or_else(|| and.map(|at| both(at, false)))
}
