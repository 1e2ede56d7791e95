// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where functions start and end.

use crate::extract::token::{Language, Token, TokenKind, closing, split};

/// The start of a function.
pub(super) struct Start {
    pub(super) name: String,
    /// The first token of the definition.
    pub(super) from: usize,
    /// Its `{`.
    pub(super) open: usize,
}

/// Finds the next function. `margin` says that a body in sight may be unfinished: only what starts at the margin counts.
pub(super) fn next_start(tokens: &[Token], at: usize, end: usize, language: Language, margin: bool) -> Option<Start> {
    match language {
        Language::Rust => rust_start(tokens, at, end),
        Language::C | Language::Assembly => c_start(tokens, at, end, margin),
    }
}

fn rust_start(tokens: &[Token], at: usize, end: usize) -> Option<Start> {
    for index in at..end.saturating_sub(1) {
        if !tokens[index].is_word("fn") || tokens[index + 1].kind != TokenKind::Word {
            continue;
        }
        let mut depth = 0_i32;
        for open in index + 2..end {
            let token = &tokens[open];
            match token.text.as_str() {
                _ if token.kind != TokenKind::Sign => {}
                "(" | "[" => depth += 1,
                ")" | "]" => depth -= 1,
                ";" if depth == 0 => break,
                "{" if depth == 0 => {
                    return Some(Start {
                        name: tokens[index + 1].text.clone(),
                        from: index,
                        open,
                    });
                }
                _ => {}
            }
        }
    }
    None
}

/// Finds `name(...) ... {` where `name` is no keyword and no `;`, `=` or `,` comes between.
fn c_start(tokens: &[Token], at: usize, end: usize, margin: bool) -> Option<Start> {
    let mut from = at;
    let mut index = at;
    while index < end {
        let token = &tokens[index];
        if token.kind == TokenKind::Directive
            || token.is(";")
            || token.is("}")
            || token.is("{")
            || token.gap && index > at
        {
            from = if token.gap && !token.is(";") { index } else { index + 1 };
            if !token.gap || token.kind != TokenKind::Word {
                index += 1;
                continue;
            }
        }
        let keyword = matches!(
            token.text.as_str(),
            "if" | "for"
                | "while"
                | "switch"
                | "do"
                | "return"
                | "sizeof"
                | "else"
                | "__attribute__"
                | "asm"
                | "__asm__"
                | "__declspec"
                | "defined"
                | "alignas"
                | "decltype"
                | "noexcept"
                | "__asm"
                | "catch"
                // Go: what follows is the receiver, and then the name.
                | "func"
        );
        let called =
            token.kind == TokenKind::Word && !keyword && tokens.get(index + 1).is_some_and(|next| next.is("("));
        if !called {
            index += 1;
            continue;
        }
        let close = closing(tokens, index + 1);
        if close >= end {
            index += 1;
            continue;
        }
        if let Some(open) = after_parameters(tokens, close + 1, end) {
            let head = from.min(index);
            // In half a function, `for_each(x) {` looks the same: a definition starts at the margin, or its body does.
            let at_margin = |token: &Token| token.column == Some(0);
            let typed = head < index && tokens[head].kind == TokenKind::Word && tokens[head].column.is_some();
            let plausible = at_margin(&tokens[head])
                || at_margin(&tokens[open]) && tokens[open].column.is_some()
                || (typed || !margin) && head < index && !is_statement(&tokens[head]);
            if plausible {
                return Some(Start {
                    name: token.text.clone(),
                    from: head,
                    open,
                });
            }
        }
        index = close + 1;
        // A macro's call at the margin, without a semicolon: what follows starts anew.
        if token.column == Some(0) && tokens.get(index).is_some_and(|next| next.column == Some(0)) {
            from = index;
        }
    }
    None
}

fn is_statement(token: &Token) -> bool {
    matches!(
        token.text.as_str(),
        "if" | "for" | "while" | "switch" | "do" | "return" | "else" | "case" | "default" | "goto"
    )
}

/// Returns the `{` of a body after a parameter list, attributes and qualifiers skipped.
fn after_parameters(tokens: &[Token], mut at: usize, end: usize) -> Option<usize> {
    let mut budget = 40;
    while at < end && budget > 0 {
        budget -= 1;
        let token = &tokens[at];
        match token.text.as_str() {
            "{" if token.kind == TokenKind::Sign => return Some(at),
            "(" => at = closing(tokens, at),
            // Constructors' initializers, return types.
            ":" | "::" | "->" | "<" | ">" | "&" | "*" | "," => {}
            _ if matches!(token.kind, TokenKind::Word | TokenKind::Directive) => {
                // A word at the margin starts something else: what came before was a macro's call.
                let margin =
                    token.kind == TokenKind::Word && token.column == Some(0) && !token.text.starts_with("__attribute");
                if is_statement(token) || margin {
                    return None;
                }
            }
            _ => return None,
        }
        at += 1;
    }
    None
}

/// Returns the names of the parameters in a function's head.
pub(super) fn parameters(head: &[Token], name: &str, language: Language) -> Vec<String> {
    let Some(at) = head
        .windows(2)
        .position(|pair| pair[0].is_word(name) && !pair[1].is("::"))
    else {
        return Vec::new();
    };
    let Some(open) = (at + 1..head.len()).find(|&index| head[index].is("(")) else {
        return Vec::new();
    };
    let inner = head.get(open + 1..closing(head, open)).unwrap_or_default();
    let rust = language == Language::Rust;
    split(inner, ",")
        .into_iter()
        .filter(|part| !(part.is_empty() || rust && part.iter().any(|token| token.is_word("self"))))
        .map(|part| {
            let end = match rust {
                true => part.iter().position(|token| token.is(":")).unwrap_or(part.len()),
                false => part
                    .iter()
                    .position(|token| token.is("=") || token.is("["))
                    .unwrap_or(part.len()),
            };
            let word = part[..end].iter().rev().find(|token| token.kind == TokenKind::Word);
            word.map(|token| token.text.clone()).unwrap_or_default()
        })
        .collect()
}

/// Returns where a body ends: its brace, or the next function where text or braces are missing.
pub(super) fn body_end(tokens: &[Token], open: usize, end: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().take(end).skip(open) {
        if index > open && token.column == Some(0) && token.is("}") {
            return index;
        }
        if index > open && token.gap && token.column == Some(0) && token.kind == TokenKind::Word {
            return index;
        }
        if token.is("{") {
            depth += 1;
        } else if token.is("}") {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return index;
            }
        }
    }
    end
}

/// Returns the function a hunk's section text names.
pub(super) fn section_name(section: &str, language: Language) -> String {
    let before = |text: &str| {
        let text = text.trim_end();
        let part_of_name = |c: char| c.is_alphanumeric() || c == '_' || c == '!';
        let start = text.trim_end_matches(part_of_name).len();
        text[start..].to_owned()
    };
    if language == Language::Rust {
        let Some(at) = section.find("fn ") else {
            return String::new();
        };
        let rest = section[at + 3..].trim_start();
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        return rest[..length].to_owned();
    }
    if let Some(rest) = section.trim_start().strip_prefix("#") {
        let rest = rest.trim_start().strip_prefix("define").unwrap_or_default();
        return rest.split('(').next().unwrap_or_default().trim().to_owned();
    }
    // Go: `func (c *CPU) SwitchToUser(...)`.
    let receiver = section
        .trim_start()
        .strip_prefix("func (")
        .and_then(|rest| rest.split_once(')'));
    let section = receiver.map_or(section, |(_, rest)| rest);
    match section.find('(') {
        Some(at) => before(&section[..at]),
        None => String::new(),
    }
}
