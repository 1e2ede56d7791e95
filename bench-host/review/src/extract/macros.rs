// SPDX-License-Identifier: MIT OR Apache-2.0
//! Macros of C and Rust, as far as they build maintenance: collected and expanded.

mod constant;

pub use constant::Constants;

use crate::extract::token::{Language, Token, TokenKind, body_tokens, closing, join, split};
use std::collections::HashMap;

/// Tokens that one expansion may grow to.
const MAX_TOKENS: usize = 20_000;

/// A macro.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Macro {
    /// Its parameters; `None` for one that takes no arguments.
    pub parameters: Option<Vec<String>>,
    /// Its body.
    pub body: Vec<Token>,
    /// The line of its definition.
    pub line: u32,
}

/// Macros by name.
pub type Table = HashMap<String, Macro>;

/// Collects the macros that tokens define and that may have to do with maintenance.
pub fn collect(tokens: &[Token], language: Language, table: &mut Table) {
    match language {
        Language::Rust => collect_rust(tokens, table),
        Language::C | Language::Assembly => {
            for token in tokens {
                let directive = token.kind == TokenKind::Directive;
                if let Some((name, found)) = definition(token).filter(|_| directive) {
                    table.insert(name, found);
                }
            }
        }
    }
}

/// Reads `define NAME(a, b) body`.
pub fn definition(token: &Token) -> Option<(String, Macro)> {
    let rest = token.text.strip_prefix("define")?;
    let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
    let length = rest
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(rest.len());
    let (name, mut body) = rest.split_at(length);
    let mut parameters = None;
    if let Some(inner) = body.strip_prefix('(') {
        let (list, after) = inner.split_once(')')?;
        let names = list.split(',').map(|name| match name.replace('\n', " ").trim() {
            "..." => "__VA_ARGS__".to_owned(),
            name => name.trim_end_matches("...").trim().to_owned(),
        });
        parameters = Some(names.filter(|name| !name.is_empty()).collect());
        body = after;
    }
    if body.trim().is_empty() {
        return None;
    }
    Some((
        name.to_owned(),
        Macro {
            parameters,
            body: body_tokens(body, token.line, token.changed, Language::C),
            line: token.line,
        },
    ))
}

/// Reads `macro_rules! name { (pattern) => { body }; ... }`. Every arm with another number of arguments is its own.
fn collect_rust(tokens: &[Token], table: &mut Table) {
    let mut at = 0;
    while at + 3 < tokens.len() {
        if !(tokens[at].is_word("macro_rules") && tokens[at + 1].is("!")) {
            at += 1;
            continue;
        }
        let name = tokens[at + 2].text.clone();
        let end = closing(tokens, at + 3);
        let mut inner = at + 4;
        while inner < end && tokens[inner].kind == TokenKind::Sign {
            let pattern_end = closing(tokens, inner).min(end);
            if !tokens.get(pattern_end + 1).is_some_and(|token| token.is("=>")) {
                break;
            }
            let (pattern, variadic) = without_repetitions(&tokens[inner + 1..pattern_end]);
            let mut parameters: Vec<_> = pattern
                .windows(2)
                .filter(|pair| pair[0].text.starts_with('$') && pair[0].text.len() > 1 && pair[1].is(":"))
                .map(|pair| pair[0].text.clone())
                .collect();
            let body_start = pattern_end + 2;
            let body_end = closing(tokens, body_start).min(end);
            if body_start < body_end {
                let (body, _) = without_repetitions(&tokens[body_start + 1..body_end]);
                let key = match variadic {
                    true => format!("{name}!*"),
                    false => format!("{name}!{}", parameters.len()),
                };
                parameters.dedup();
                let found = Macro {
                    parameters: Some(parameters),
                    body,
                    line: tokens[at].line,
                };
                table.insert(key, found);
            }
            inner = body_end + 1;
            if tokens.get(inner).is_some_and(|token| token.is(";")) {
                inner += 1;
            }
        }
        at = end.max(at + 1);
    }
}

/// Drops the repetitions of attributes in a macro's pattern or body, and takes other ones as what they repeat; returns
/// whether there were such.
fn without_repetitions(tokens: &[Token]) -> (Vec<Token>, bool) {
    let (mut out, mut variadic, mut at) = (Vec::new(), false, 0);
    while let Some(token) = tokens.get(at) {
        let repeats = token.is_word("$") && tokens.get(at + 1).is_some_and(|next| next.is("("));
        if !repeats {
            out.push(token.clone());
            at += 1;
            continue;
        }
        let close = closing(tokens, at + 1);
        let inner = tokens.get(at + 2..close).unwrap_or_default();
        if !inner.first().is_some_and(|first| first.is("#")) {
            variadic = true;
            out.extend(without_repetitions(inner).0);
        }
        // A separator, and how often.
        at = close + 1;
        for _ in 0..2 {
            match tokens.get(at) {
                Some(next) if next.is("*") || next.is("+") || next.is("?") => {
                    at += 1;
                    break;
                }
                Some(next) if next.kind == TokenKind::Sign && (next.is(",") || next.is(";")) => at += 1,
                _ => break,
            }
        }
    }
    (out, variadic)
}

/// Returns the macro of Rust that a call with so many arguments means.
pub fn rust_macro<'a>(table: &'a Table, name: &str, arguments: usize) -> Option<(String, &'a Macro)> {
    let exact = format!("{name}!{arguments}");
    if let Some(found) = table.get(&exact) {
        return Some((exact, found));
    }
    let any = format!("{name}!*");
    let found = table.get(&any)?;
    (arguments + 1 >= found.parameters.as_ref().map_or(0, Vec::len)).then_some((any, found))
}

/// Returns an argument without the attributes before it.
pub fn without_attributes(mut argument: &[Token]) -> &[Token] {
    while argument.first().is_some_and(|first| first.is("#")) && argument.get(1).is_some_and(|next| next.is("[")) {
        argument = argument.get(closing(argument, 1) + 1..).unwrap_or_default();
    }
    argument
}

/// Returns the body with arguments for parameters, all on the line of the call.
pub fn expand(found: &Macro, arguments: &[&[Token]], call: &Token) -> Vec<Token> {
    let parameters = found.parameters.as_deref().unwrap_or_default();
    let argument = |name: &str| -> Option<Vec<Token>> {
        let index = parameters.iter().position(|known| known == name)?;
        if name == "__VA_ARGS__" || index + 1 == parameters.len() && arguments.len() > parameters.len() {
            let rest: Vec<_> = arguments.get(index..).unwrap_or_default().to_vec();
            let mut all = Vec::new();
            for (position, part) in rest.into_iter().enumerate() {
                if position > 0 {
                    all.push(sign(",", call));
                }
                all.extend_from_slice(part);
            }
            return Some(all);
        }
        Some(arguments.get(index).copied().unwrap_or_default().to_vec())
    };
    let mut out: Vec<Token> = Vec::new();
    let mut at = 0;
    let mut paste = false;
    while let Some(token) = found.body.get(at) {
        at += 1;
        if out.len() > MAX_TOKENS {
            break;
        }
        let changed = token.changed || call.changed;
        if token.is("##") {
            paste = true;
            continue;
        }
        let mut new = match token {
            token if token.is("#") => match found.body.get(at).and_then(|next| argument(&next.text)) {
                Some(tokens) => {
                    at += 1;
                    vec![Token {
                        kind: TokenKind::Text,
                        text: join(&tokens),
                        ..token.clone()
                    }]
                }
                None => vec![token.clone()],
            },
            token if token.kind == TokenKind::Word => argument(&token.text).unwrap_or_else(|| vec![token.clone()]),
            token => vec![token.clone()],
        };
        for token in &mut new {
            token.line = call.line;
            token.changed = changed;
            token.column = None;
            token.gap = false;
        }
        let pasted = std::mem::take(&mut paste) && !new.is_empty();
        if let Some(last) = out.last_mut().filter(|_| pasted) {
            last.text.push_str(&new.remove(0).text);
        }
        out.extend(new);
    }
    out
}

fn sign(text: &str, call: &Token) -> Token {
    Token {
        kind: TokenKind::Sign,
        text: text.into(),
        line: call.line,
        column: None,
        changed: call.changed,
        gap: false,
    }
}

/// Returns the text that string tokens, `concat!`, `stringify!` and macros of strings stand for. What is no string
/// stands as `?name` where an instruction's part may be, and is dropped where only a whole instruction could be.
pub fn text(tokens: &[Token], table: &Table) -> String {
    text_within(tokens, table, 0, &mut { MAX_TEXT_MACROS })
}

/// Macros that one text may expand: each may stand in the next more than once, and so the work would double from level to
/// level. What is left over stands as `?name`, which nobody takes for an instruction.
const MAX_TEXT_MACROS: usize = 4096;

/// Takes one of what is left, if anything is.
fn take_one(left: &mut usize) -> bool {
    match left.checked_sub(1) {
        Some(fewer) => {
            *left = fewer;
            true
        }
        None => false,
    }
}

fn text_within(tokens: &[Token], table: &Table, depth: usize, left: &mut usize) -> String {
    let mut out = String::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token.kind {
            TokenKind::Text => out.push_str(&token.text),
            TokenKind::Word => {
                let bang = tokens.get(at).is_some_and(|next| next.is("!"));
                let open = at + usize::from(bang);
                let called = tokens.get(open).is_some_and(|next| next.is("("));
                let end = if called { closing(tokens, open) } else { at };
                let arguments = || tokens.get(open + 1..end).unwrap_or_default();
                let name = token.text.trim_start_matches('_').to_ascii_lowercase();
                match name.as_str() {
                    "concat" if called => {
                        for part in split(arguments(), ",") {
                            out.push_str(&text_within(part, table, depth + 1, left));
                        }
                    }
                    "stringify" | "xstr" | "str" | "xstringify" | "string" | "xstring" if called => {
                        let inner = match tokens.get(open + 1) {
                            Some(word) if end == open + 2 => {
                                table.get(&word.text).filter(|found| found.parameters.is_none())
                            }
                            _ => None,
                        };
                        out.push_str(&inner.map_or_else(|| join(arguments()), |found| join(&found.body)));
                    }
                    _ => match table.get(&token.text).filter(|_| depth < 8 && take_one(left)) {
                        Some(found) if found.parameters.is_none() => {
                            out.push_str(&text_within(&found.body, table, depth + 1, left))
                        }
                        Some(found) if called => {
                            let body = expand(found, &split(arguments(), ","), token);
                            out.push_str(&text_within(&body, table, depth + 1, left));
                        }
                        _ if out.trim_end_matches([' ', '\t']).ends_with(['\n', ';']) || out.trim().is_empty() => {}
                        _ => {
                            out.push('?');
                            out.push_str(&token.text);
                        }
                    },
                }
                if called {
                    at = end + 1;
                }
            }
            TokenKind::Number => out.push_str(&token.text),
            TokenKind::Sign | TokenKind::Directive => {}
        }
    }
    out
}
