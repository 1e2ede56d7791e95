// SPDX-License-Identifier: MIT OR Apache-2.0
//! Inline assembly: the template's text, its alternatives, and what stands behind `%0` and `{0}`.

use crate::extract::asm;
use crate::extract::code::Context;
use crate::extract::event::{Kind, Node};
use crate::extract::token::{Language, SourceLine, Token, TokenKind, closing, join, split};
use crate::extract::{Function, macros};

/// What an operand of the template stands for.
struct AsmOperand {
    name: String,
    text: String,
    changed: bool,
}

impl Context<'_> {
    /// Reads what is inside the parentheses of `asm(...)` in C.
    pub(super) fn c_assembly(&self, inner: &[Token], at: &Token) -> Vec<Node> {
        // `::` is two empty parts as well.
        let mut parts: Vec<&[Token]> = Vec::new();
        for part in split(inner, ":") {
            let pieces = split(part, "::");
            parts.extend(pieces);
        }
        let mut named = Vec::new();
        for list in parts.iter().skip(1).take(2) {
            for operand in split(list, ",") {
                if let Some(found) = c_operand(operand) {
                    named.push(found);
                }
            }
        }
        self.template(parts.first().copied().unwrap_or_default(), &named, at)
    }

    /// Reads what is inside the parentheses of `asm!(...)` in Rust.
    pub(super) fn rust_assembly(&self, inner: &[Token], at: &Token) -> Vec<Node> {
        // The old form separates operands by colons, as C does, and has `$0` for `%0`.
        let ends_text = |pair: &[Token]| pair[0].kind == TokenKind::Text && (pair[1].is(":") || pair[1].is("::"));
        if inner.windows(2).any(ends_text) {
            let as_in_c = |token: &Token| Token {
                text: match token.kind {
                    TokenKind::Text => token.text.replace('$', "%"),
                    _ => token.text.clone(),
                },
                ..token.clone()
            };
            return self.c_assembly(&inner.iter().map(as_in_c).collect::<Vec<_>>(), at);
        }
        let (mut text, mut named) = (Vec::new(), Vec::new());
        for part in split(inner, ",") {
            let Some(first) = part.first() else { continue };
            let second = |sign: &str| part.get(1).is_some_and(|token| token.is(sign));
            if second("=") && first.kind == TokenKind::Word {
                named.push(rust_operand(first.text.clone(), &part[2..]));
            } else if first.kind == TokenKind::Text || second("!") {
                if !text.is_empty() {
                    text.push(Token {
                        kind: TokenKind::Text,
                        text: "\n".into(),
                        ..first.clone()
                    });
                }
                text.extend_from_slice(part);
            } else if second("(") && !matches!(first.text.as_str(), "options" | "clobber_abi") {
                named.push(rust_operand(String::new(), part));
            }
        }
        self.template(&text, &named, at)
    }

    /// Reads assembly at file scope: labels are functions.
    pub(super) fn global_assembly(&self, inner: &[Token], at: &Token, out: &mut Vec<Function>) {
        let mut text = String::new();
        let mut lines = Vec::new();
        for token in inner.iter().filter(|token| token.kind == TokenKind::Text) {
            let kept = token.text.strip_suffix('\n').unwrap_or(&token.text);
            for (offset, line) in kept.split('\n').enumerate() {
                lines.push(SourceLine {
                    number: token.line + offset as u32,
                    text: line.to_owned(),
                    changed: token.changed,
                });
            }
            text.push_str(&token.text);
        }
        if !text.to_ascii_lowercase().contains("tlbi") && !text.contains("dsb") {
            return;
        }
        let statements = asm::statements(&lines, false);
        let mut macros = self.asm_macros.clone();
        macros.extend(asm::collect_macros(&statements));
        let (functions, unread) = asm::functions(&statements, "", &macros);
        for unread in unread {
            if !unread.template {
                self.unread(at, unread.text);
            }
        }
        out.extend(functions);
    }

    /// Reads a template, following `ALTERNATIVE("old", "new", ...)`.
    fn template(&self, tokens: &[Token], named: &[AsmOperand], at: &Token) -> Vec<Node> {
        let mut nodes = Vec::new();
        let mut chunk = 0;
        let mut index = 0;
        while index < tokens.len() {
            let token = &tokens[index];
            let alternative = token.kind == TokenKind::Word
                && token.text.contains("ALTERNATIVE")
                && tokens.get(index + 1).is_some_and(|next| next.is("("));
            if !alternative {
                index += 1;
                continue;
            }
            nodes.extend(self.chunk(&tokens[chunk..index], named, at));
            let close = closing(tokens, index + 1);
            let arguments = split(&tokens[index + 2..close.min(tokens.len())], ",");
            // The first two are templates; a third one is where a feature is asked for by name.
            let text = |part: Option<&&[Token]>| self.chunk(part.copied().unwrap_or_default(), named, at);
            let (old, new) = (text(arguments.first()), text(arguments.get(1)));
            if Node::has_maintenance(&old) || Node::has_maintenance(&new) {
                nodes.push(Node::Either {
                    condition: arguments.get(2).map(|part| join(part)).unwrap_or_default(),
                    arms: vec![old, new],
                    optional: true,
                });
            }
            index = close + 1;
            chunk = index.min(tokens.len());
        }
        nodes.extend(self.chunk(&tokens[chunk..], named, at));
        nodes
    }

    fn chunk(&self, tokens: &[Token], named: &[AsmOperand], at: &Token) -> Vec<Node> {
        // Each string is read with the line it stands on, so that a changed one is known as such.
        let mut lines: Vec<(String, u32, bool)> = Vec::new();
        let mut open = false;
        let mut start = 0;
        let mut index = 0;
        while index <= tokens.len() {
            let ends = tokens.get(index).is_none_or(|token| token.kind == TokenKind::Text) && index > start;
            if ends {
                let first = &tokens[start];
                let text = macros::text(&tokens[start..index], self.macros);
                // A name in the middle of an instruction is one with the string before.
                let text = if first.kind == TokenKind::Text || open {
                    text
                } else {
                    text.trim_start_matches('?').to_owned()
                };
                for (piece, part) in text.split('\n').enumerate() {
                    match lines.last_mut() {
                        // What an earlier string left open is white space: the instruction starts here.
                        Some(last) if piece == 0 && open && last.0.trim().is_empty() => {
                            *last = (part.to_owned(), first.line, first.changed);
                        }
                        Some(last) if piece == 0 && open => {
                            last.0.push_str(part);
                            last.2 |= first.changed;
                            if last.1 != first.line {
                                self.found.borrow_mut().joined.push((last.1, first.line));
                            }
                        }
                        _ => lines.push((part.to_owned(), first.line, first.changed)),
                    }
                }
                open = !text.ends_with([';', '\n']);
                if !open && text.ends_with('\n') {
                    lines.pop();
                }
                start = index;
            }
            index += 1;
        }
        let mut counter = 0;
        let mut nodes = Vec::new();
        let simple = lines
            .iter()
            .all(|(text, _, _)| !text.contains("b ") || !text.contains(':'))
            && !lines.iter().any(|l| is_branchy(&l.0));
        let units: Vec<(String, u32, bool)> = if simple {
            lines
        } else {
            let changed = lines.iter().any(|(_, _, changed)| *changed);
            let text = lines
                .iter()
                .map(|(text, _, _)| text.as_str())
                .collect::<Vec<_>>()
                .join("\n");
            vec![(text, at.line, changed)]
        };
        for (text, line, changed) in units {
            let text = if self.language == Language::Rust {
                number_braces(&text, &mut counter)
            } else {
                text
            };
            let text = with_options(&text, named);
            let (mut found, unread) = asm::inline(&text, line, changed || at.changed, self.asm_macros);
            for unread in unread {
                let place = Token {
                    line: unread.line,
                    changed: unread.changed,
                    ..at.clone()
                };
                self.unread(&place, unread.text);
            }
            resolve(&mut found, named);
            self.see_through(&mut found);
            nodes.extend(found);
        }
        nodes
    }
}

fn is_branchy(text: &str) -> bool {
    text.split(['\n', ';']).any(|part| {
        let word = part.split_whitespace().next().unwrap_or_default();
        word == "b" || word.starts_with("b.") || matches!(word, "cbz" | "cbnz" | "tbz" | "tbnz") || word.ends_with(':')
    })
}

/// Puts the options of barriers that are given as operands in their place: `dsb %0`, `dsb #%[domain]`, `dsb {0}`.
fn with_options(text: &str, named: &[AsmOperand]) -> String {
    let lower = text.to_ascii_lowercase();
    if !lower.contains("dsb") && !lower.contains("isb") || !text.contains(['%', '{']) {
        return text.to_owned();
    }
    let part = |part: &str| -> String {
        let trimmed = part.trim();
        let option = trimmed
            .split_once(char::is_whitespace)
            .filter(|(mnemonic, _)| matches!(mnemonic.to_ascii_lowercase().as_str(), "dsb" | "dmb" | "isb"));
        let given = option.and_then(|(mnemonic, option)| {
            let place = option.trim().trim_start_matches('#');
            if !place.starts_with(['%', '{']) {
                return None;
            }
            let bare = place.trim_start_matches('%').trim_matches(['{', '}', '[', ']']);
            let bare = bare.trim_start_matches(['c', 'a']).trim_matches(['[', ']']);
            let found = match bare.parse::<usize>() {
                Ok(index) => named.get(index),
                Err(_) => named.iter().find(|named| named.name == bare),
            }?;
            let last = found.text.rsplit([':', '.']).next().unwrap_or(&found.text);
            Some(format!("{mnemonic} {}", last.trim_matches(['(', ')', ' '])))
        });
        given.unwrap_or_else(|| part.to_owned())
    };
    text.split('\n')
        .map(|line| line.split(';').map(part).collect::<Vec<_>>().join(";"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Gives `{}` their numbers.
fn number_braces(text: &str, counter: &mut usize) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..=at]);
        rest = &rest[at + 1..];
        if rest.starts_with('{') {
            rest = &rest[1..];
        } else if rest.starts_with(['}', ':']) {
            out.push_str(&counter.to_string());
            *counter += 1;
        }
    }
    out.push_str(rest);
    out
}

/// Reads `[name] "constraint" (expression)`.
fn c_operand(tokens: &[Token]) -> Option<AsmOperand> {
    let open = tokens.iter().position(|token| token.is("("))?;
    let name = match tokens.first() {
        Some(token) if token.is("[") => tokens.get(1)?.text.clone(),
        _ => String::new(),
    };
    let inner = &tokens[open + 1..closing(tokens, open).min(tokens.len())];
    Some(AsmOperand {
        name,
        text: join(inner),
        changed: inner.iter().any(|token| token.changed),
    })
}

/// Reads `in(reg) expression`.
fn rust_operand(name: String, tokens: &[Token]) -> AsmOperand {
    let open = tokens.iter().position(|token| token.is("("));
    let text = match open {
        Some(open) if open <= 1 => join(tokens.get(closing(tokens, open) + 1..).unwrap_or_default()),
        _ => join(tokens),
    };
    let changed = tokens.iter().any(|token| token.changed);
    AsmOperand { name, text, changed }
}

/// Returns the operand that a place in the text stands for.
fn operand<'a>(text: &str, named: &'a [AsmOperand]) -> Option<&'a AsmOperand> {
    let text = text.trim();
    let bare = text.trim_start_matches('%').trim_matches(['{', '}']);
    let bare = bare.split(':').next().unwrap_or(bare);
    let bracket = bare.find('[').map(|at| bare[at + 1..].trim_end_matches(']'));
    let place = bracket.unwrap_or_else(|| bare.trim_start_matches(['x', 'w']));
    match place.parse::<usize>() {
        Ok(index) if text.starts_with(['%', '{']) => named.get(index),
        _ => named
            .iter()
            .find(|named| !named.name.is_empty() && [place, bare].contains(&named.name.as_str())),
    }
}

/// Puts expressions for `%0`, `%x0`, `%[name]`, `{0}`, `{name:x}`.
fn resolve(nodes: &mut [Node], named: &[AsmOperand]) {
    for node in nodes {
        match node {
            Node::Event(event) => match &mut event.kind {
                Kind::Tlbi(_, given) => {
                    if let Some(found) = operand(&given.text, named) {
                        given.text.clone_from(&found.text);
                        event.changed |= found.changed;
                    }
                }
                Kind::Sysreg(write) => {
                    if let Some(found) = operand(&write.text, named) {
                        write.text.clone_from(&found.text);
                    }
                }
                _ => {}
            },
            Node::Either { arms, .. } => arms.iter_mut().for_each(|arm| resolve(arm, named)),
            Node::Loop(body) | Node::Region(body) => resolve(body, named),
            Node::Jump => {}
        }
    }
}
