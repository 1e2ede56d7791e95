// SPDX-License-Identifier: MIT OR Apache-2.0
//! Functions, and what stands between them: macro calls that may define some, and global assembly.

use crate::extract::Function;
use crate::extract::code::boundary::{body_end, next_start, parameters, section_name};
use crate::extract::code::{Context, MAX_DEPTH, TOO_DEEP};
use crate::extract::event::Node;
use crate::extract::macros;
use crate::extract::token::{Token, TokenKind, closing, split};

/// Reads the functions of a piece of source; `section` names the one it starts in.
pub fn functions(tokens: &[Token], section: &str, context: &Context<'_>) -> Vec<Function> {
    let mut out = Vec::new();
    let name = section_name(section, context.language);
    let mut at = 0;
    // What comes before the first function is the end of one that started earlier, or declarations.
    let first = next_start(tokens, 0, tokens.len(), context.language, true).map_or(tokens.len(), |start| start.from);
    let first = inside(&tokens[..first], context);
    if first > 0 {
        let closed = tokens[first - 1].is("}");
        read(&name, &tokens[..first], (true, !closed), &mut out, context);
        at = first;
    }
    context.found.borrow_mut().touched = false;
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
            // One that is indented closes a block whose head is out of sight: what follows is still inside.
            end = Some(if token.column == Some(0) {
                index + 1
            } else {
                tokens.len()
            });
        }
    }
    let defines = |(index, token): (usize, &Token)| {
        let called = token.column == Some(0) && tokens.get(index + 1).is_some_and(|next| next.is("(") || next.is("!"));
        let body = || Some(&context.macros.get(&token.text)?.body);
        called
            && (token.text == "global_asm"
                || body().is_some_and(|body| next_start(body, 0, body.len(), context.language, true).is_some()))
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
    if next_start(&found.body, 0, found.body.len(), context.language, true).is_none() {
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

/// Returns whether a line that the patch changes speaks of maintenance.
fn is_touched(tokens: &[Token]) -> bool {
    tokens.iter().filter(|token| token.changed).any(|token| {
        let lower = token.text.to_ascii_lowercase();
        matches!(token.kind, TokenKind::Word | TokenKind::Text)
            && ["tlb", "dsb", "isb"].iter().any(|word| lower.contains(word))
    })
}

fn read(
    name: &str,
    body: &[Token],
    (open_start, open_end): (bool, bool),
    out: &mut Vec<Function>,
    context: &Context<'_>,
) {
    name.clone_into(&mut context.found.borrow_mut().function);
    {
        let mut found = context.found.borrow_mut();
        found.assigned.clear();
        found.nodes = 0;
        found.changed = body.iter().any(|token| token.changed);
        found.touched |= is_touched(body);
    }
    let nodes = context.block(body, 0);
    let has = Node::has_maintenance(&nodes) || Node::calls_maintenance(&nodes) || Node::writes_register(&nodes);
    if has || Node::gives_address(&nodes) || Node::is_noted(&nodes) {
        out.push(Function {
            name: name.to_owned(),
            parameters: Vec::new(),
            nodes,
            template: false,
            open_start,
            open_end,
        });
    }
}

fn items(tokens: &[Token], mut at: usize, end: usize, out: &mut Vec<Function>, context: &Context<'_>, depth: usize) {
    if depth >= MAX_DEPTH {
        context.beyond(tokens.get(at..end).unwrap_or_default(), TOO_DEEP);
        return;
    }
    while at < end {
        let next = next_start(tokens, at, end, context.language, depth == 0);
        let stop = next.as_ref().map_or(end, |start| start.from);
        invocations(&tokens[at..stop], out, context, depth);
        let Some(start) = next else { return };
        let close = body_end(tokens, start.open, end);
        let body = &tokens[start.open + 1..close.min(end)];
        let before = out.len();
        context.found.borrow_mut().touched = is_touched(&tokens[start.from..start.open]);
        read(&start.name, body, (false, close >= tokens.len()), out, context);
        context.found.borrow_mut().touched = false;
        if let Some(function) = out.get_mut(before) {
            function.parameters = parameters(&tokens[start.from..start.open], &start.name, context.language);
        }
        // Where braces do not match, as in half a hunk, the next function ends this one.
        at = (close + 1).min(end).max(start.open + 1);
        if tokens.get(close).is_some_and(|token| !token.is("}")) {
            at = close;
        }
    }
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
            let mut arguments: Vec<&[Token]> = split(inner, ",").into_iter().map(macros::without_attributes).collect();
            if arguments.len() > 1 && arguments.last().is_some_and(|last| last.is_empty()) {
                arguments.pop();
            }
            let meant = match bang {
                true => macros::rust_macro(context.macros, &token.text, arguments.len()).map(|(_, found)| found),
                false => context.macros.get(&token.text),
            };
            if let Some(found) = meant {
                let body = macros::expand(found, &arguments, token);
                let before = out.len();
                items(&body, 0, body.len(), out, context, depth + 1);
                if out.len() > before {
                    let mut found = context.found.borrow_mut();
                    found.joined.extend(inner.iter().map(|part| (token.line, part.line)));
                    found.expanded.insert(token.text.clone());
                }
            }
        }
        at = close + 1;
    }
}
