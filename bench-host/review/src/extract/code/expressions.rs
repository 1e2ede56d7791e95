// SPDX-License-Identifier: MIT OR Apache-2.0
//! Expressions: what they call, store and assign.

use crate::extract::code::{Assigned, Context};
use crate::extract::event::{Event, Kind, Node, Stored};
use crate::extract::operand::{self, Names, Value};
use crate::extract::token::{Language, Token, TokenKind, join};
use crate::extract::write::Write;
use crate::extract::{names, text};

impl Context<'_> {
    /// Reads an expression up to its `;`; returns where the next statement starts.
    pub(super) fn expression(&self, tokens: &[Token], at: usize, out: &mut Vec<Node>, depth: usize) -> usize {
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
        if let Some(stored) = store(part) {
            self.event(Kind::Store(stored), &part[0], out);
        }
        match tokens.get(end) {
            Some(token) if token.is(";") || token.is("}") => end + 1,
            _ => end.max(at + 1),
        }
    }

    /// Remembers what a variable is set to, for operands that are given by it.
    pub(super) fn assign(&self, tokens: &[Token]) {
        const MAX_TOKENS: usize = 64;
        const MAX_WHOLE: usize = 400;
        let Some(equals) = tokens.iter().position(|token| {
            token.kind == TokenKind::Sign && (token.text == "=" || token.text == ">=" || token.text == "<=")
        }) else {
            return;
        };
        // `x >>= n` is `>` and `>=` here.
        let compare = tokens[equals].text != "=";
        let (left, value) = (&tokens[..equals], &tokens[equals + 1..]);
        if value.len() > MAX_TOKENS || value.is_empty() {
            return;
        }
        let operator = match left.last() {
            Some(last) if last.kind == TokenKind::Sign => last.text.as_str(),
            _ => "",
        };
        let (left, operator) = match (operator, compare) {
            (">" | "<", true) => (&left[..left.len() - 1], if operator == ">" { ">>" } else { "<<" }),
            (_, true) => return,
            ("|" | "&" | "+" | "-", false) => (&left[..left.len() - 1], operator),
            _ => (left, ""),
        };
        // `let va: usize = x`, `uint64_t va = x`, `va = x`; not `*p = x`, `a.b = x`, `a[i] = x`.
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
        let text = match operator {
            "" => join(value),
            _ => format!("{} {operator} ({})", name.text, join(value)),
        };
        let known = self
            .found
            .borrow()
            .assigned
            .get(&name.text)
            .map(|known| known.whole.clone());
        let whole = match (known, operator) {
            (Some(known), "|" | "&") if known.len() < MAX_WHOLE => format!("({known}) {operator} ({})", join(value)),
            _ => text.clone(),
        };
        let words = left[..colon].iter().chain(value);
        let mut changed = words.clone().any(|token| token.changed);
        let own = !operator.is_empty();
        for word in words.filter(|token| token.kind == TokenKind::Word) {
            let found = self.found.borrow();
            changed |= found
                .assigned
                .get(&word.text)
                .is_some_and(|known| known.changed && (own || word.text != name.text));
        }
        let value = self.evaluate(&text);
        // A number is where counting starts, not what is invalidated.
        if value.known().is_some() && operator.is_empty() {
            self.found.borrow_mut().assigned.remove(&name.text);
            return;
        }
        let assigned = Assigned {
            text,
            whole,
            value,
            changed,
        };
        self.found.borrow_mut().assigned.insert(name.text.clone(), assigned);
    }

    /// Takes an expression apart, with what is known of the variables and macros in it.
    pub(super) fn evaluate(&self, text: &str) -> Value {
        let found = self.found.borrow();
        let names = Names {
            macros: self.macros,
            assigned: &|name| found.assigned.get(name).map(|known| known.value.clone()),
        };
        operand::evaluate(text, &names)
    }

    /// Finds out what a register is written with: through the variable that it is given by.
    pub(super) fn seen_through(&self, mut write: Write) -> Write {
        write.value = self.evaluate(&write.text);
        if let Some(known) = self.found.borrow().assigned.get(without_cast(&write.text)) {
            write.fed |= known.changed;
            write.text.clone_from(&known.whole);
        }
        write
    }

    /// Finds out what operands hold: through the variables that they are given by.
    pub(super) fn see_through(&self, nodes: &mut [Node]) {
        Node::visit_mut(nodes, &mut |node| {
            if let Node::Event(event) = node
                && let Kind::Sysreg(write) = &mut event.kind
                && !write.text.is_empty()
                // What a general-purpose register holds was traced in the assembly.
                && !is_general(&write.text)
            {
                *write = self.seen_through(write.clone());
            }
            if let Node::Event(event) = node
                && let Kind::Tlbi(_, given) = &mut event.kind
                && !given.text.is_empty()
            {
                given.value = self.evaluate(&given.text);
                let found = self.found.borrow();
                event.changed |= text::words(&given.text)
                    .filter_map(|word| found.assigned.get(word))
                    .any(|known| known.changed);
                if let Some(known) = found.assigned.get(given.text.trim()) {
                    given.text.clone_from(&known.text);
                }
            }
        });
    }

    /// Puts the arguments of a call for the parameters of the function that was put in its place: in operands, and in
    /// conditions, where a constant or a flag of the caller decides.
    pub(super) fn give(&self, nodes: &mut [Node], parameters: &[String], arguments: &[&[Token]]) {
        // Assembly has as many parameters as there are registers for them.
        let parameters = match parameters.get(..arguments.len()) {
            Some(given) if parameters == operand::ARGUMENTS => given,
            _ if parameters.len() == arguments.len() => parameters,
            _ => return,
        };
        if parameters.is_empty() {
            return;
        }
        let texts: Vec<String> = arguments.iter().map(|argument| join(argument)).collect();
        let values: Vec<Value> = texts.iter().map(|text| self.evaluate(text)).collect();
        let changed = {
            let found = self.found.borrow();
            let is =
                |token: &Token| token.changed || found.assigned.get(&token.text).is_some_and(|known| known.changed);
            arguments
                .iter()
                .map(|argument| argument.iter().any(is))
                .collect::<Vec<_>>()
        };
        give(nodes, &|text: &str| filled(text, parameters, &texts), &mut |event| {
            if let Kind::Tlbi(_, given) = &mut event.kind {
                let uses = |name: &String| given.value.terms.iter().any(|term| term.base == *name);
                let uses_any = parameters.iter().any(uses);
                event.changed |= parameters
                    .iter()
                    .zip(&changed)
                    .any(|(name, changed)| *changed && uses(name));
                given.value = given.value.with_arguments(parameters, &values);
                // A register that holds something else by now is no argument.
                if uses_any || !parameters.contains(&given.text) {
                    given.text = filled(&given.text, parameters, &texts);
                }
            }
            if let Kind::Sysreg(write) = &mut event.kind
                && text::words(&write.text).any(|word| parameters.iter().any(|name| name == word))
            {
                write.text = filled(&write.text, parameters, &texts);
                *write = self.seen_through(write.clone());
            }
        });
    }
}

fn give(nodes: &mut [Node], fill: &impl Fn(&str) -> String, each: &mut impl FnMut(&mut Event)) {
    for node in nodes {
        match node {
            Node::Event(event) => each(event),
            Node::Either { condition, arms, .. } => {
                *condition = fill(condition);
                arms.iter_mut().for_each(|arm| give(arm, fill, each));
            }
            Node::Loop(body) | Node::Region(body) => give(body, fill, each),
            Node::Jump => {}
        }
    }
}

/// Returns whether a text names a general-purpose register.
fn is_general(text: &str) -> bool {
    let digits = text.trim().strip_prefix(['x', 'w', 'X', 'W']);
    digits.is_some_and(|digits| !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()))
}

/// Puts arguments for the names of parameters, members of the same name left alone.
fn filled(text: &str, parameters: &[String], arguments: &[String]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_alphabetic() || c == '_') {
        let length = rest[start..]
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len() - start);
        let word = &rest[start..start + length];
        out.push_str(&rest[..start]);
        let member = out.ends_with('.') || out.ends_with("->");
        match parameters.iter().position(|name| name == word).filter(|_| !member) {
            Some(index) => {
                let argument = &arguments[index];
                let simple = argument.chars().all(|c| c.is_alphanumeric() || "_.->".contains(c));
                match simple {
                    true => out.push_str(argument),
                    false => out.push_str(&format!("({argument})")),
                }
            }
            None => out.push_str(word),
        }
        rest = &rest[start + length..];
    }
    out.push_str(rest);
    out
}

/// Returns the store of an expression to what looks like a translation table entry.
fn store(tokens: &[Token]) -> Option<Stored> {
    let equals = tokens.iter().position(|token| token.is("="))?;
    let left = &tokens[..equals];
    let through = left
        .iter()
        .any(|token| token.is("*") || token.is("[") || token.is("->"));
    // `pte_t *p = ...` declares.
    let declares = left.first().is_some_and(|token| token.kind == TokenKind::Word)
        && left.get(1).is_some_and(|token| token.is("*"));
    let names_entry = || {
        let mut words = left.iter().filter(|token| token.kind == TokenKind::Word);
        words.any(|token| names::has_entry_word(&token.text))
    };
    let is_store = through && !declares && (names_entry() || is_descriptor(&tokens[equals + 1..]));
    is_store.then(|| Stored::by_assignment(&join(left), &join(&tokens[equals + 1..])))
}

/// Returns whether a value is put together as a descriptor, by the constants in it: `pa | PTE_VALID`.
fn is_descriptor(value: &[Token]) -> bool {
    const PARTS: [&str; 11] = [
        "PTE", "PMD", "PUD", "PGD", "TTE", "DESC", "PPN", "LPAE", "PT", "PD", "MMU",
    ];
    let is_bit = |token: &Token| {
        token.kind == TokenKind::Word
            && !token.text.chars().any(char::is_lowercase)
            && token.text.split('_').any(|part| PARTS.contains(&part))
    };
    value.iter().any(|token| token.is("|")) && value.iter().any(is_bit)
}

/// Returns what a cast is of: `x` of `(uint64_t)x` and of `((uint64_t)(x))`.
fn without_cast(text: &str) -> &str {
    let text = text.trim();
    let Some(inner) = text.strip_prefix('(') else {
        return text;
    };
    let Some(close) = inner.find(')') else { return text };
    let (head, rest) = (&inner[..close], inner[close + 1..].trim());
    let is_name = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | ' ' | '*'))
    };
    match (is_name(head), rest) {
        (true, "") => head.trim(),
        (true, rest) if is_name(rest) || rest.starts_with('(') => without_cast(rest),
        _ => match inner.strip_suffix(')') {
            Some(whole) if inner.matches('(').count() + 1 == inner.matches(')').count() => without_cast(whole),
            _ => text,
        },
    }
}
