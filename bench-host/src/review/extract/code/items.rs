// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where functions start and end.

use crate::review::extract::Function;
use crate::review::extract::code::{Context, MAX_DEPTH};
use crate::review::extract::event::Node;
use crate::review::extract::macros;
use crate::review::extract::token::{Language, Token, TokenKind, closing, split};

/// Reads the functions of a piece of source; `section` names the one it starts in.
pub fn functions(tokens: &[Token], section: &str, context: &Context<'_>) -> Vec<Function> {
    let mut out = Vec::new();
    let name = section_name(section, context.language);
    let mut at = 0;
    // What comes before the first function is the end of one that started earlier, or declarations.
    let first = next_start(tokens, 0, tokens.len(), context, true).map_or(tokens.len(), |start| start.from);
    let first = inside(&tokens[..first], context);
    if first > 0 {
        let closed = tokens[first - 1].is("}");
        read(&name, &tokens[..first], (true, !closed), &mut out, context);
        at = first;
    }
    items(tokens, at, tokens.len(), &mut out, context, 0);
    for token in tokens.iter().filter(|token| token.kind == TokenKind::Directive) {
        template(token, &mut out, context);
    }
    out
}

/// Returns how much of what comes before the first definition is the rest of a function that started earlier.
fn inside(tokens: &[Token], context: &Context<'_>) -> usize {
    let whole_file = tokens.first().is_some_and(|token| token.line == 1);
    let mut depth = 0_usize;
    let mut end = None;
    for (index, token) in tokens.iter().enumerate() {
        if token.is("{") {
            depth += 1;
        } else if token.is("}") && depth > 0 {
            depth -= 1;
        } else if token.is("}") {
            end = Some(index + 1);
        }
    }
    let defines = |(index, token): (usize, &Token)| {
        let called = token.column == Some(0) && tokens.get(index + 1).is_some_and(|next| next.is("(") || next.is("!"));
        let body = || Some(&context.macros.get(&token.text)?.body);
        called
            && (token.text == "global_asm"
                || body().is_some_and(|body| next_start(body, 0, body.len(), context, true).is_some()))
    };
    match end {
        Some(end) => end,
        None if whole_file || tokens.iter().enumerate().any(defines) => 0,
        None => tokens.len(),
    }
}

/// Reads the body of a macro on its own: a sequence where it has no parameter for an operation.
fn template(token: &Token, out: &mut Vec<Function>, context: &Context<'_>) {
    let Some((name, found)) = macros::definition(token) else {
        return;
    };
    let Some(parameters) = found.parameters else {
        return;
    };
    context.found.borrow_mut().template.clone_from(&name);
    if next_start(&found.body, 0, found.body.len(), context, true).is_none() {
        context.found.borrow_mut().parameters = parameters;
        let before = out.len();
        read(&name, &found.body, (false, false), out, context);
        for function in &mut out[before..] {
            function.template = true;
        }
        context.found.borrow_mut().parameters.clear();
        return;
    }
    // The macro defines functions: it is read where it is used; here only for what nobody would use.
    context.found.borrow_mut().parameters = parameters;
    let before = out.len();
    items(&found.body, 0, found.body.len(), out, context, 0);
    for function in &mut out[before..] {
        function.name.clone_from(&name);
        function.template = true;
    }
    context.found.borrow_mut().parameters.clear();
}

fn read(
    name: &str,
    body: &[Token],
    (open_start, open_end): (bool, bool),
    out: &mut Vec<Function>,
    context: &Context<'_>,
) {
    name.clone_into(&mut context.found.borrow_mut().function);
    context.found.borrow_mut().assigned.clear();
    let nodes = context.block(body, 0);
    if Node::has_maintenance(&nodes) || Node::calls_maintenance(&nodes) {
        out.push(Function {
            name: name.to_owned(),
            nodes,
            template: false,
            open_start,
            open_end,
        });
    }
}

fn items(tokens: &[Token], mut at: usize, end: usize, out: &mut Vec<Function>, context: &Context<'_>, depth: usize) {
    while at < end && depth < MAX_DEPTH {
        let next = next_start(tokens, at, end, context, depth == 0);
        let stop = next.as_ref().map_or(end, |start| start.from);
        invocations(&tokens[at..stop], out, context, depth);
        let Some(start) = next else { return };
        let close = body_end(tokens, start.open, end);
        let body = &tokens[start.open + 1..close.min(end)];
        read(&start.name, body, (false, close >= tokens.len()), out, context);
        // Where braces do not match, as in half a hunk, the next function ends this one.
        at = (close + 1).min(end).max(start.open + 1);
        if tokens.get(close).is_some_and(|token| !token.is("}")) {
            at = close;
        }
    }
}

/// Returns where a body ends: its brace, or the next function where text or braces are missing.
fn body_end(tokens: &[Token], open: usize, end: usize) -> usize {
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

/// Reads macro calls between functions, which may stand for functions, and `global_asm!`.
fn invocations(tokens: &[Token], out: &mut Vec<Function>, context: &Context<'_>, depth: usize) {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let bang = tokens.get(at + 1).is_some_and(|next| next.is("!"));
        let open = at + 1 + usize::from(bang);
        let called = token.kind == TokenKind::Word
            && tokens
                .get(open)
                .is_some_and(|next| next.is("(") || bang && next.is("{"));
        if !called {
            at += 1;
            continue;
        }
        let close = closing(tokens, open);
        let inner = &tokens[open + 1..close.min(tokens.len())];
        let c_assembly = matches!(token.text.as_str(), "asm" | "__asm__" | "__asm") && !bang;
        if token.text == "global_asm" || c_assembly {
            context.global_assembly(inner, token, out);
        } else {
            let arguments = split(inner, ",");
            let key = if bang {
                format!("{}!{}", token.text, arguments.len())
            } else {
                token.text.clone()
            };
            if let Some(found) = context.macros.get(&key) {
                let body = macros::expand(found, &arguments, token);
                let before = out.len();
                items(&body, 0, body.len(), out, context, depth + 1);
                if out.len() > before {
                    context.found.borrow_mut().expanded.insert(token.text.clone());
                }
            }
        }
        at = close + 1;
    }
}

struct Start {
    name: String,
    /// The first token of the definition.
    from: usize,
    /// Its `{`.
    open: usize,
}

/// Finds the next function. `margin` says that a body in sight may be unfinished: only what starts at the margin counts.
fn next_start(tokens: &[Token], at: usize, end: usize, context: &Context<'_>, margin: bool) -> Option<Start> {
    match context.language {
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
    match section.find('(') {
        Some(at) => before(&section[..at]),
        None => String::new(),
    }
}
