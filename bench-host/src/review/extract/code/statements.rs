// SPDX-License-Identifier: MIT OR Apache-2.0
//! Statements: conditions, repetitions, calls and stores.

use crate::review::extract::code::{Context, MAX_DEPTH, shortened};
use crate::review::extract::event::{Event, Kind, Node};
use crate::review::extract::instruction::{self, Read};
use crate::review::extract::spelling::Spelled;
use crate::review::extract::token::{Language, Token, TokenKind, closing, join, split};
use crate::review::extract::{asm, macros};
use std::sync::Arc;

/// Words in the names of things that hold translation table entries.
const ENTRIES: [&str; 12] = [
    "pte", "pmd", "pud", "pgd", "p4d", "entry", "desc", "table", "pgtbl", "ttb", "lpae", "slot",
];
/// Words in the names of functions that write them.
const WRITES: [&str; 9] = [
    "set_", "write_", "clear_", "zero_", "put_", "store_", "update_", "remove_", "_set",
];

impl Context<'_> {
    /// Reads a block without its braces.
    pub(super) fn block(&self, tokens: &[Token], depth: usize) -> Vec<Node> {
        let mut nodes = Vec::new();
        let mut at = 0;
        while at < tokens.len() && depth < MAX_DEPTH && !self.spent(0) {
            let next = self.statement(tokens, at, &mut nodes, depth);
            at = next.max(at + 1);
        }
        self.spent(nodes.len());
        nodes
    }

    /// Reads one statement; returns where the next one starts.
    fn statement(&self, tokens: &[Token], at: usize, out: &mut Vec<Node>, depth: usize) -> usize {
        let token = &tokens[at];
        let next_is = |sign: &str| tokens.get(at + 1).is_some_and(|next| next.is(sign));
        match token.kind {
            TokenKind::Directive => return self.directive(tokens, at, out, depth),
            TokenKind::Sign if token.text == "{" => {
                let close = closing(tokens, at);
                out.extend(self.block(&tokens[at + 1..close.min(tokens.len())], depth + 1));
                return close + 1;
            }
            TokenKind::Sign if token.text == "#" && next_is("[") => {
                return self.attribute(tokens, at, out, depth);
            }
            TokenKind::Sign if token.text == "#" && next_is("!") => return at + 2,
            TokenKind::Word => {}
            TokenKind::Sign if token.text == "*" => return self.expression(tokens, at, out, depth),
            _ => return self.expression(tokens, at, out, depth),
        }
        let rust = self.language == Language::Rust;
        match token.text.as_str() {
            "if" => self.condition(tokens, at, out, depth),
            "else" => at + 1,
            "while" | "for" if rust => {
                let open = brace(tokens, at);
                self.calls(&tokens[at + 1..open.min(tokens.len())], out, depth);
                let close = closing(tokens, open);
                let body = self.block(tokens.get(open + 1..close).unwrap_or_default(), depth + 1);
                push_loop(body, out);
                close + 1
            }
            "while" | "for" if next_is("(") => {
                let close = closing(tokens, at + 1);
                self.calls(tokens.get(at + 2..close).unwrap_or_default(), out, depth);
                self.repeat(tokens, close + 1, out, depth)
            }
            "loop" if rust && next_is("{") => self.repeat(tokens, at + 1, out, depth),
            "do" if next_is("{") => {
                let close = closing(tokens, at + 1);
                let body = self.block(tokens.get(at + 2..close).unwrap_or_default(), depth + 1);
                let mut end = close + 1;
                let mut once = false;
                if tokens.get(end).is_some_and(|token| token.is_word("while")) {
                    let last = closing(tokens, end + 1);
                    once = tokens
                        .get(end + 2..last)
                        .is_some_and(|inner| matches!(join(inner).as_str(), "0" | "false"));
                    end = last + 1;
                }
                if once {
                    out.push(Node::Region(body))
                } else {
                    push_loop(body, out)
                }
                end
            }
            "switch" if next_is("(") => {
                let close = closing(tokens, at + 1);
                let open = close + 1;
                if !tokens.get(open).is_some_and(|token| token.is("{")) {
                    return open;
                }
                let end = closing(tokens, open);
                let subject = join(tokens.get(at + 2..close).unwrap_or_default());
                self.switch(tokens.get(open + 1..end).unwrap_or_default(), &subject, out, depth);
                end + 1
            }
            "match" if rust => {
                let open = brace(tokens, at);
                let end = closing(tokens, open);
                let subject = join(tokens.get(at + 1..open).unwrap_or_default());
                self.arms(tokens.get(open + 1..end).unwrap_or_default(), &subject, out, depth);
                end + 1
            }
            "return" => {
                let end = self.expression(tokens, at + 1, out, depth);
                self.event(Kind::Return, token, out);
                end
            }
            "goto" => {
                self.event(Kind::Return, token, out);
                skip_statement(tokens, at)
            }
            "break" | "continue" => {
                out.push(Node::Jump);
                skip_statement(tokens, at)
            }
            "case" | "default" => skip_past(tokens, at, ":"),
            "fn" if rust => {
                // A function in a function is read on its own.
                let open = brace(tokens, at);
                closing(tokens, open) + 1
            }
            "unsafe" | "const" | "async" if next_is("{") => at + 1,
            "macro_rules" => {
                let open = brace(tokens, at);
                closing(tokens, open) + 1
            }
            name if is_each(name) && next_is("(") => {
                let close = closing(tokens, at + 1);
                self.calls(tokens.get(at + 2..close).unwrap_or_default(), out, depth);
                self.repeat(tokens, close + 1, out, depth)
            }
            "tlbi" | "dsb" | "isb" | "dmb"
                if !next_is("(") && !next_is("!") && !next_is("::") && token.column.is_some() =>
            {
                self.bare_instruction(tokens, at, out)
            }
            _ => self.expression(tokens, at, out, depth),
        }
    }

    /// Reads an attribute of Rust and, where it is a `cfg`, the statement that it decides about.
    fn attribute(&self, tokens: &[Token], at: usize, out: &mut Vec<Node>, depth: usize) -> usize {
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
        push_either(shortened(denied.unwrap_or(&text).to_owned()), arms, out);
        end
    }

    /// Reads a line of assembly between lines of C: the part of a header that only assembly sees.
    fn bare_instruction(&self, tokens: &[Token], at: usize, out: &mut Vec<Node>) -> usize {
        let line = tokens[at].line;
        let end = (at..tokens.len())
            .find(|&index| tokens[index].line != line || tokens[index].is(";"))
            .unwrap_or(tokens.len());
        let text = join(&tokens[at + 1..end]);
        let statement = format!("{} {text}", tokens[at].text);
        // Declarations and the like are C; an instruction is words and commas.
        if text.contains(['=', '{', '"', '.']) {
            return end;
        }
        let (nodes, unread) = asm::inline(&statement, line, tokens[at].changed, self.asm_macros);
        out.extend(nodes);
        for unread in unread {
            self.unread(&tokens[at], unread.text);
        }
        end
    }

    fn repeat(&self, tokens: &[Token], at: usize, out: &mut Vec<Node>, depth: usize) -> usize {
        let (body, end) = self.arm(tokens, at, depth);
        push_loop(body, out);
        end
    }

    /// Reads a block in braces, or one statement.
    fn arm(&self, tokens: &[Token], at: usize, depth: usize) -> (Vec<Node>, usize) {
        let mut body = Vec::new();
        if at >= tokens.len() || depth >= MAX_DEPTH {
            return (body, tokens.len());
        }
        if tokens[at].is(";") {
            return (body, at + 1);
        }
        let mut end = self.statement(tokens, at, &mut body, depth + 1);
        if tokens.get(end).is_some_and(|token| token.is(";")) {
            end += 1;
        }
        (body, end)
    }

    fn condition(&self, tokens: &[Token], at: usize, out: &mut Vec<Node>, depth: usize) -> usize {
        let rust = self.language == Language::Rust;
        let mut open = at + 1;
        if tokens.get(open).is_some_and(|token| token.is_word("constexpr")) {
            open += 1;
        }
        let (inner, body) = if rust || !tokens.get(open).is_some_and(|token| token.is("(")) {
            let body = brace(tokens, at);
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
        let condition = shortened(join(condition));
        push_either(condition, arms, out);
        end
    }

    fn switch(&self, body: &[Token], subject: &str, out: &mut Vec<Node>, depth: usize) {
        let mut starts = Vec::new();
        let mut nested = 0_i32;
        for (index, token) in body.iter().enumerate() {
            match token.text.as_str() {
                "{" if token.kind == TokenKind::Sign => nested += 1,
                "}" if token.kind == TokenKind::Sign => nested -= 1,
                "case" | "default" if nested == 0 && token.kind == TokenKind::Word => starts.push(index),
                _ => {}
            }
        }
        let has_default = starts.iter().any(|&start| body[start].is_word("default"));
        // A case runs from its label to the end: `break` ends it, falling through is just going on.
        let mut arms: Vec<_> = starts
            .iter()
            .map(|&start| vec![Node::Region(self.block(&body[start..], depth + 1))])
            .collect();
        arms.truncate(12);
        if !has_default {
            arms.push(Vec::new());
        }
        push_either(shortened(subject.to_owned()), arms, out);
    }

    /// Reads the arms of a `match`.
    fn arms(&self, body: &[Token], subject: &str, out: &mut Vec<Node>, depth: usize) {
        let mut arms = Vec::new();
        let mut at = 0;
        while at < body.len() && arms.len() < 24 {
            let arrow = skip_past(body, at, "=>");
            if arrow >= body.len() {
                break;
            }
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
        push_either(shortened(subject.to_owned()), arms, out);
    }

    /// Reads `#if` and its parts inside a function.
    fn directive(&self, tokens: &[Token], at: usize, out: &mut Vec<Node>, depth: usize) -> usize {
        let text = tokens[at].text.trim();
        if !text.starts_with("if") {
            return at + 1;
        }
        let condition = text
            .trim_start_matches("ifdef")
            .trim_start_matches("ifndef")
            .trim_start_matches("if")
            .trim();
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
            push_either(shortened(condition.to_owned()), arms, out);
        }
        end + 1
    }

    /// Reads an expression up to its `;`; returns where the next statement starts.
    fn expression(&self, tokens: &[Token], at: usize, out: &mut Vec<Node>, depth: usize) -> usize {
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
        for node in nodes {
            match node {
                Node::Event(event) => {
                    if let Kind::Tlbi(_, given) = &mut event.kind
                        && let Some(value) = self.found.borrow().assigned.get(given.text.trim())
                    {
                        given.text.clone_from(value);
                    }
                }
                Node::Either { arms, .. } => arms.iter_mut().for_each(|arm| self.see_through(arm)),
                Node::Loop(body) | Node::Region(body) => self.see_through(body),
                Node::Jump => {}
            }
        }
    }

    /// Reads the calls in an expression, inner ones first.
    pub(super) fn calls(&self, tokens: &[Token], out: &mut Vec<Node>, depth: usize) {
        if depth >= MAX_DEPTH || self.spent(0) {
            return;
        }
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            if token.kind != TokenKind::Word {
                at += 1;
                continue;
            }
            let mut open = at + 1;
            let bang = tokens.get(open).is_some_and(|next| next.is("!"));
            open += usize::from(bang);
            let assembly = matches!(
                token.text.as_str(),
                "asm" | "__asm__" | "__asm" | "asm_inline" | "naked_asm" | "llvm_asm" | "_asm" | "__ASM"
            );
            if assembly {
                while tokens.get(open).is_some_and(|next| next.kind == TokenKind::Word) {
                    open += 1;
                }
            }
            // `dsb::<Ish>()`: what is between the angle brackets is an argument.
            let mut generics: &[Token] = &[];
            if tokens.get(open).is_some_and(|next| next.is("::"))
                && tokens.get(open + 1).is_some_and(|next| next.is("<"))
            {
                let close = (open + 2..tokens.len())
                    .find(|&index| tokens[index].is(">"))
                    .unwrap_or(tokens.len());
                generics = &tokens[open + 2..close.min(tokens.len())];
                open = close + 1;
            }
            let called = tokens
                .get(open)
                .is_some_and(|next| next.is("(") || bang && (next.is("{") || next.is("[")));
            if !called {
                if let Some(found) = self
                    .macros
                    .get(&token.text)
                    .filter(|found| found.parameters.is_none() && !assembly)
                {
                    self.expand(found, &[], token, out, depth);
                } else if assembly && tokens.get(open).is_some_and(|next| next.is("{")) {
                    // Microsoft's `__asm { ... }`.
                }
                at += 1;
                continue;
            }
            let close = closing(tokens, open);
            let inner = tokens.get(open + 1..close).unwrap_or_default();
            if !assembly && !bang && is_declaration(tokens, at, inner) {
                at = close + 1;
                continue;
            }
            if assembly {
                let nodes = match self.language {
                    Language::Rust => self.rust_assembly(inner, token),
                    _ => self.c_assembly(inner, token),
                };
                out.extend(nodes);
            } else {
                let before = at.checked_sub(2).filter(|_| tokens[at - 1].is("::"));
                let path = before.map(|before| tokens[before].text.as_str()).unwrap_or_default();
                self.call(token, path, bang, generics, inner, out, depth);
            }
            at = close + 1;
        }
    }

    #[expect(clippy::too_many_arguments)]
    fn call(
        &self,
        name: &Token,
        path: &str,
        bang: bool,
        generics: &[Token],
        inner: &[Token],
        out: &mut Vec<Node>,
        depth: usize,
    ) {
        let mut arguments = split(inner, ",");
        if arguments.last().is_some_and(|last| last.is_empty()) {
            arguments.pop();
        }
        let key = if bang {
            format!("{}!{}", name.text, arguments.len())
        } else {
            name.text.clone()
        };
        let busy = self.found.borrow().expanding.contains(&key);
        if let Some(found) = self
            .macros
            .get(&key)
            .filter(|found| found.parameters.is_some() && !busy)
        {
            let before = out.len();
            self.found.borrow_mut().expanding.push(key.clone());
            self.expand(found, &arguments, name, out, depth);
            self.found.borrow_mut().expanding.pop();
            if out.len() > before && Node::has_maintenance(&out[before..]) {
                return;
            }
            out.truncate(before);
        }
        // Arguments may call in turn: `f(g(x))`.
        self.calls(inner, out, depth + 1);
        let mut texts: Vec<String> = Vec::new();
        if !generics.is_empty() {
            texts.push(join(generics));
        }
        texts.extend(arguments.iter().map(|argument| join(argument)));
        let plain = &name.text;
        let own = self.found.borrow().function == *plain;
        let whole = || self.whole.get(plain).filter(|_| name.changed);
        if let Some(nodes) = self.known.get(plain).or_else(whole).filter(|_| !own) {
            let mut nodes = nodes.clone();
            place(&mut nodes, name.line, name.changed, &plain.as_str().into());
            self.spent(nodes.len());
            // A call ends where the function does: what returns from it goes on here.
            out.push(Node::Region(nodes));
            return;
        }
        let full = format!("{path}::{plain}");
        let spelled = self
            .spellings
            .read(&full, &texts, name.line, name.changed)
            .filter(|_| !path.is_empty())
            .or_else(|| self.spellings.read(plain, &texts, name.line, name.changed));
        match spelled {
            Some(Spelled::Nodes(mut nodes)) => {
                self.see_through(&mut nodes);
                out.extend(nodes);
            }
            Some(Spelled::Unresolved) => self.unread(name, format!("{plain}({})", shortened(join(inner)))),
            None if matches!(
                plain.as_str(),
                "write_sysreg" | "write_sysreg_s" | "WRITE_SYSREG" | "WRITE_SYSREG64"
            ) =>
            {
                let register = texts.last().map(|text| text.to_ascii_lowercase()).unwrap_or_default();
                if let Read::Event(kind) = instruction::read("msr", &register) {
                    self.event(kind, name, out);
                }
            }
            None if writes_register(plain) => self.event(Kind::Sysreg(register(plain)), name, out),
            None if is_write(plain) => self.event(Kind::Store, name, out),
            None => match self
                .spellings
                .function(plain, &texts, name.line)
                .filter(|_| name.changed)
            {
                Some(nodes) => out.push(Node::Region(nodes)),
                None if looks_like_maintenance(plain) => self.event(Kind::Call(plain.clone()), name, out),
                None => {}
            },
        }
    }

    fn expand(&self, found: &macros::Macro, arguments: &[&[Token]], name: &Token, out: &mut Vec<Node>, depth: usize) {
        let body = macros::expand(found, arguments, name);
        // Only what may hold maintenance is worth reading.
        let useful = body.iter().any(|token| {
            let lower = || token.text.to_ascii_lowercase();
            matches!(token.kind, TokenKind::Word | TokenKind::Text)
                && (lower().contains("tlb")
                    || lower().contains("sb")
                    || lower().contains("asm")
                    || self.macros.contains_key(&token.text))
        });
        if !useful || self.spent(body.len() / 8) {
            return;
        }
        let before = out.len();
        out.extend(self.block(&body, depth + 1));
        if Node::has_maintenance(&out[before..]) {
            self.found.borrow_mut().expanded.insert(name.text.clone());
        }
    }

    fn event(&self, kind: Kind, token: &Token, out: &mut Vec<Node>) {
        out.push(Node::Event(Event {
            kind,
            line: token.line,
            changed: token.changed,
            via: Vec::new(),
        }));
    }
}

/// Moves the events of a called function to the line of the call, and makes its return the end of the call.
pub fn place(nodes: &mut [Node], line: u32, changed: bool, via: &Arc<str>) {
    for node in nodes {
        match node {
            Node::Event(event) if event.kind == Kind::Return => *node = Node::Jump,
            Node::Event(event) => {
                event.line = line;
                event.changed |= changed;
                event.via.push(Arc::clone(via));
            }
            Node::Either { arms, .. } => arms.iter_mut().for_each(|arm| place(arm, line, changed, via)),
            Node::Loop(body) | Node::Region(body) => place(body, line, changed, via),
            Node::Jump => {}
        }
    }
}

fn push_loop(body: Vec<Node>, out: &mut Vec<Node>) {
    if !body.is_empty() {
        out.push(Node::Loop(body));
    }
}

fn push_either(condition: String, mut arms: Vec<Vec<Node>>, out: &mut Vec<Node>) {
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

fn brace(tokens: &[Token], at: usize) -> usize {
    let mut nested = 0_i32;
    for (index, token) in tokens.iter().enumerate().skip(at) {
        match token.text.as_str() {
            _ if token.kind != TokenKind::Sign => {}
            "(" | "[" => nested += 1,
            ")" | "]" => nested -= 1,
            "{" if nested <= 0 => return index,
            ";" if nested <= 0 => return index,
            _ => {}
        }
    }
    tokens.len()
}

/// Returns whether `name(...)` declares a function: a type stands before the name, or its list is `(void)`.
fn is_declaration(tokens: &[Token], at: usize, inner: &[Token]) -> bool {
    const STATEMENTS: [&str; 18] = [
        "return",
        "else",
        "do",
        "case",
        "goto",
        "in",
        "unsafe",
        "await",
        "move",
        "and",
        "or",
        "not",
        "if",
        "while",
        "match",
        "yield",
        "throw",
        "co_return",
    ];
    let typed = at.checked_sub(1).map(|before| &tokens[before]).is_some_and(|before| {
        before.kind == TokenKind::Word && before.line == tokens[at].line && !STATEMENTS.contains(&before.text.as_str())
    });
    typed || matches!(inner, [only] if only.is_word("void"))
}

fn skip_statement(tokens: &[Token], at: usize) -> usize {
    skip_past(tokens, at, ";")
}

/// Returns the place after the next such sign outside brackets; the end of the block if there is none.
fn skip_past(tokens: &[Token], at: usize, sign: &str) -> usize {
    let mut nested = 0_i32;
    for (index, token) in tokens.iter().enumerate().skip(at) {
        if token.kind != TokenKind::Sign {
            continue;
        }
        match token.text.as_str() {
            text if text == sign && nested <= 0 => return index + 1,
            "(" | "[" | "{" => nested += 1,
            ")" | "]" => nested -= 1,
            "}" => {
                nested -= 1;
                if nested < 0 {
                    return index;
                }
            }
            _ => {}
        }
    }
    tokens.len()
}

fn is_each(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.contains("for_each") || lower.contains("foreach")
}

fn has_entry_word(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ENTRIES.iter().any(|word| lower.contains(word))
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
            .any(|token| token.kind == TokenKind::Word && has_entry_word(&token.text))
}

/// Registers whose write changes how addresses are translated, as they stand in the names of accessors.
const REGISTERS: [&str; 6] = ["vttbr", "ttbr", "sctlr", "vtcr", "tcr", "mair"];

/// Returns whether a function writes such a register by its name: `write_sctlr_el1()`, `sysreg_write_ttbr0_el1()`.
fn writes_register(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let writes = ["write", "set", "load", "msr", "install"]
        .iter()
        .any(|word| lower.contains(word));
    writes && REGISTERS.iter().any(|register| lower.contains(register))
}

fn register(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let found = REGISTERS.iter().find_map(|register| lower.find(register));
    found.map_or(lower.clone(), |at| lower[at..].to_owned())
}

fn is_write(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    has_entry_word(&lower)
        && WRITES.iter().any(|word| lower.contains(word))
        && !lower.contains("tlb")
        && !lower.contains("flush")
}

/// Returns whether a name is that of maintenance that this program cannot look into.
pub(super) fn looks_like_maintenance(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    // The TLBs of I/O MMUs and GPUs, bounce buffers, time stamps, and AArch32's operations are other things.
    let other = [
        "iommu", "smmu", "ipmmu", "iotlb", "swiotlb", "pvu", "stamp", "_time", "hugetlb", "cp15", "tlbimva", "tlbiall",
        "tlbiasid", "atsinv",
    ];
    lower.contains("tlb")
        && !other.iter().any(|word| lower.contains(word))
        && ["flush", "inv", "tlbi", "purge", "shootdown", "sync"]
            .iter()
            .any(|word| lower.contains(word))
}
