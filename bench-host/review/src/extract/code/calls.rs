// SPDX-License-Identifier: MIT OR Apache-2.0
//! Calls: of macros, of functions in sight, of known spellings, of inline assembly.

use crate::extract::code::branches::push_either;
use crate::extract::code::{Context, MAX_DEPTH, TOO_DEEP, TOO_LARGE, shortened};
use crate::extract::event::{Event, Kind, Node, Stored};
use crate::extract::instruction::{self, Read};
use crate::extract::macros;
use crate::extract::names;
use crate::extract::spelling::Spelled;
use crate::extract::token::{Language, Token, TokenKind, closing, join, split};
use crate::extract::words;
use crate::extract::write::Write;
use sequences::Instruction;

impl Context<'_> {
    /// Reads the calls in an expression, inner ones first.
    pub(super) fn calls(&self, tokens: &[Token], out: &mut Vec<Node>, depth: usize) {
        if depth >= MAX_DEPTH {
            self.beyond(tokens, TOO_DEEP);
            return;
        }
        if self.spent(0) {
            self.beyond(tokens, TOO_LARGE);
            return;
        }
        if self.decided(tokens, out, depth) {
            return;
        }
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            if token.kind != TokenKind::Word {
                self.failed(tokens, at, out);
                at += 1;
                continue;
            }
            if let Some(kind) = emitted(&tokens[at..]) {
                self.event(kind, token, out);
                at += 4;
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
            // `dsb<Ish>()` in C++.
            if self.language == Language::C && tokens.get(open).is_some_and(|next| next.is("<")) {
                let close = (open + 1..tokens.len().min(open + 5)).find(|&index| tokens[index].is(">"));
                if let Some(close) = close.filter(|&close| tokens.get(close + 1).is_some_and(|next| next.is("("))) {
                    generics = &tokens[open + 1..close];
                    open = close + 1;
                }
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
                let before = at
                    .checked_sub(2)
                    .filter(|_| tokens[at - 1].is("::") || tokens[at - 1].is("."));
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
        let meant = match bang {
            true => macros::rust_macro(self.macros, &name.text, arguments.len()),
            false => self.macros.get(&name.text).map(|found| (name.text.clone(), found)),
        };
        let busy = |key: &String| self.found.borrow().expanding.contains(key);
        if let Some((key, found)) = meant.filter(|(key, found)| found.parameters.is_some() && !busy(key)) {
            let before = out.len();
            self.found.borrow_mut().expanding.push(key.clone());
            self.expand(found, &arguments, name, out, depth);
            self.found.borrow_mut().expanding.pop();
            if out.len() > before && Node::has_maintenance(&out[before..]) {
                return;
            }
            out.truncate(before);
        }
        if inner.iter().any(is_code) {
            self.instructions(name, &arguments, inner, out, depth);
            return;
        }
        // `kvm_call_hyp(flush, x)`, `on_each_cpu(flush, x, 1)`: the function that is named is what runs.
        if let [[callee], rest @ ..] = arguments.as_slice()
            && callee.kind == TokenKind::Word
            && names::looks_like_maintenance(&callee.text)
            && callee.text.chars().any(|c| c.is_ascii_lowercase())
            && names::runs_another(&name.text)
        {
            let mut parts: Vec<Token> = Vec::new();
            for part in rest {
                if !parts.is_empty() {
                    parts.push(Token {
                        kind: TokenKind::Sign,
                        text: ",".into(),
                        ..(*callee).clone()
                    });
                }
                parts.extend_from_slice(part);
            }
            let called = Token {
                changed: name.changed || callee.changed,
                ..(*callee).clone()
            };
            self.call(&called, "", false, &[], &parts, out, depth + 1);
            return;
        }
        // `live.then(|| flush())`
        if self.language == Language::Rust && matches!(name.text.as_str(), "then" | "then_some") && arguments.len() == 1
        {
            let mut arm = Vec::new();
            self.calls(inner, &mut arm, depth + 1);
            push_either(format!("{path} holds"), vec![arm, Vec::new()], out);
            return;
        }
        // Arguments may call in turn: `f(g(x))`.
        self.calls(inner, out, depth + 1);
        let mut texts: Vec<String> = Vec::new();
        if !generics.is_empty() {
            texts.push(join(generics));
        }
        texts.extend(arguments.iter().map(|argument| join(argument)));
        // `#define __TLBI_ish tlbi_is`: a macro may stand for a name.
        let renamed = self.renamed(&name.text);
        let plain = &renamed;
        let own = self.found.borrow().function == *plain || self.language == Language::Rust && names::is_common(plain);
        // A barrier that the patch puts beside a flush is a part of it.
        let looked_into = name.changed || self.found.borrow().touched;
        let whole = || self.functions.whole.get(plain).filter(|_| looked_into);
        if let Some(nodes) = self.functions.known.get(plain).or_else(whole).filter(|_| !own) {
            let mut nodes = nodes.clone();
            if let Some(parameters) = self.functions.parameters.get(plain) {
                self.give(&mut nodes, parameters, &arguments);
            }
            if name.changed {
                self.look_into(&mut nodes, plain);
            }
            Node::place(&mut nodes, name.line, name.changed, &plain.as_str().into());
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
            .or_else(|| self.spellings.read(plain, &texts, name.line, name.changed))
            .or_else(|| (names::is_long_isb(plain) && texts.is_empty()).then(|| isb(name)));
        let written = Write::by_accessor(plain, &texts)
            .or_else(|| Write::by_method(path, plain, &texts))
            .or_else(|| {
                names::writes_register(plain).then(|| Write {
                    text: texts.join(", "),
                    ..Write::of(names::register(plain))
                })
            });
        match spelled {
            Some(Spelled::Nodes(mut nodes)) => {
                self.see_through(&mut nodes);
                out.extend(nodes);
            }
            Some(Spelled::Unresolved) => self.unread(name, format!("{plain}({})", shortened(&join(inner)))),
            None if written.is_some() => {
                let write = self.seen_through(written.unwrap_or_default());
                self.event(Kind::Sysreg(write), name, out);
            }
            None if names::stores_anything(plain) && texts.first().is_some_and(|text| names::has_entry_word(text)) => {
                self.event(Kind::Store(Stored::by_call(plain, &texts)), name, out);
            }
            None if names::is_write(plain) => self.event(Kind::Store(Stored::by_call(plain, &texts)), name, out),
            None => match self
                .spellings
                .function(self.path, plain, &texts, name.line)
                .filter(|_| looked_into)
            {
                Some(mut nodes) => {
                    self.see_through(&mut nodes);
                    out.push(Node::Region(nodes));
                }
                None if names::looks_like_maintenance(plain) || names::turns_mmu_on(plain) => {
                    self.event(Kind::Call(plain.clone()), name, out);
                    let in_sight = self.functions.whole.contains_key(plain) || self.functions.callers.contains(plain);
                    if in_sight && !own && !plain.to_ascii_lowercase().contains("tlb") {
                        self.event(Kind::Kept(plain.clone()), name, out);
                    }
                }
                // It stands as it was: on what it depends is looked at all the same.
                None if self.spellings.names_function(self.path, plain)
                    || self.functions.whole.contains_key(plain)
                    || self.functions.callers.contains(plain) =>
                {
                    if !own && !names::is_mapping(plain) {
                        self.event(Kind::Kept(plain.clone()), name, out);
                    }
                }
                None => {
                    let noted = words::noted(plain, path, &texts);
                    if let Some(noted) = noted {
                        self.event(Kind::Noted(noted), name, out);
                    }
                }
            },
        }
    }

    /// Reads instruction text, whatever the macro is called that takes it. One that is named after levels or alternatives runs
    /// one of its arguments.
    fn instructions(&self, name: &Token, arguments: &[&[Token]], inner: &[Token], out: &mut Vec<Node>, depth: usize) {
        let read = |tokens: &[Token]| match tokens.iter().find(|token| token.kind != TokenKind::Sign) {
            // Statements in turn: `SWITCH_EL(asm("tlbi alle3"), asm("tlbi alle2"))`.
            Some(first) if first.kind == TokenKind::Word && tokens.len() > 1 => self.block(tokens, depth + 1),
            _ => self.c_assembly(tokens, name),
        };
        let coded: Vec<&[Token]> = arguments
            .iter()
            .copied()
            .filter(|one| one.iter().any(is_code))
            .collect();
        if coded.len() > 1 && names::picks_one(&name.text) {
            let arms = coded.into_iter().map(read).collect();
            out.push(Node::Either {
                condition: format!("{} out of sight", name.text),
                arms,
                optional: false,
            });
            return;
        }
        let before = out.len();
        if inner.first().is_some_and(|first| first.kind == TokenKind::Word) {
            out.extend(coded.into_iter().flat_map(read));
        }
        if out.len() == before {
            out.extend(self.c_assembly(inner, name));
        }
    }

    /// Returns the name that a macro without arguments stands for.
    fn renamed(&self, name: &str) -> String {
        let mut name = name;
        for _ in 0..8 {
            match self.macros.get(name) {
                Some(found) if found.parameters.is_none() => match found.body.as_slice() {
                    [only] if only.kind == TokenKind::Word => name = &only.text,
                    _ => break,
                },
                _ => break,
            }
        }
        name.to_owned()
    }

    /// Puts whole flushes in place of calls in a function that a changed call stands for.
    fn look_into(&self, nodes: &mut [Node], function: &str) {
        Node::visit_mut(nodes, &mut |node| {
            let Node::Event(event) = node else { return };
            let Kind::Call(name) = &event.kind else { return };
            if name == function {
                return;
            }
            let known = self.functions.whole.get(name).cloned();
            let spelled = || self.spellings.function(self.path, name, &[], event.line);
            if let Some(mut body) = known.or_else(spelled) {
                Node::place(&mut body, event.line, false, &name.as_str().into());
                *node = Node::Region(body);
            }
        });
    }

    fn expand(&self, found: &macros::Macro, arguments: &[&[Token]], name: &Token, out: &mut Vec<Node>, depth: usize) {
        if self.language == Language::C && self.constants.contains(&name.text, self.macros) {
            return;
        }
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
        if !useful {
            return;
        }
        if self.spent(body.len() / 8) {
            self.beyond(&body, TOO_LARGE);
            return;
        }
        let before = out.len();
        out.extend(self.block(&body, depth + 1));
        if Node::has_maintenance(&out[before..]) {
            self.found.borrow_mut().expanded.insert(name.text.clone());
        }
    }

    /// Adds an event at the place of a token.
    pub(super) fn event(&self, kind: Kind, token: &Token, out: &mut Vec<Node>) {
        out.push(Node::Event(Event {
            kind,
            line: token.line,
            changed: token.changed,
            given: Vec::new(),
            via: Vec::new(),
        }));
    }
}

/// Returns whether a token is the text of an instruction.
fn is_code(token: &Token) -> bool {
    token.kind == TokenKind::Text && token.text.split(['\n', ';']).any(instruction::is_instruction)
}

/// Returns an ISB at the place of a token.
fn isb(name: &Token) -> Spelled {
    Spelled::Nodes(vec![Node::Event(Event {
        kind: Kind::Barrier(Instruction::Isb),
        line: name.line,
        changed: name.changed,
        given: Vec::new(),
        via: Vec::new(),
    })])
}

/// Returns what `inst(0xd50c83df)` and the like run: an instruction that is given as a number.
fn emitted(tokens: &[Token]) -> Option<Kind> {
    let [name, open, number, close, ..] = tokens else {
        return None;
    };
    let lower = name.text.to_ascii_lowercase();
    let takes = ["inst", "insn", "emit", "exec", "word", "opcode"];
    let is_call = open.is("(") && close.is(")") && number.kind == TokenKind::Number;
    if !is_call || !takes.iter().any(|word| lower.contains(word)) {
        return None;
    }
    match instruction::word(&number.text) {
        Read::Event(kind) => Some(kind),
        Read::Other | Read::Unknown => None,
    }
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
    typed || matches!(inner, [only] if only.is_word("void") || only.is_word("VOID"))
}
