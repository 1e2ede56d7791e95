// SPDX-License-Identifier: MIT OR Apache-2.0
//! Statements: blocks, repetitions, and which reader each other statement goes to.

use crate::extract::asm;
use crate::extract::code::branches::push_either;
use crate::extract::code::{Context, MAX_DEPTH, TOO_DEEP, TOO_LARGE, shortened};
use crate::extract::event::{Kind, Node};
use crate::extract::names;
use crate::extract::token::{Language, Token, TokenKind, block_start, closing, join, skip_past};

impl Context<'_> {
    /// Reads a block without its braces.
    pub(super) fn block(&self, tokens: &[Token], depth: usize) -> Vec<Node> {
        let mut nodes = Vec::new();
        let mut at = 0;
        if depth >= MAX_DEPTH {
            self.beyond(tokens, TOO_DEEP);
            return nodes;
        }
        if let Some(end) = switch_out_of_sight(tokens).filter(|_| depth == 0) {
            self.switch(&tokens[..end], None, &mut nodes, depth);
            at = end;
        }
        while at < tokens.len() {
            if self.spent(0) {
                self.beyond(&tokens[at..], TOO_LARGE);
                break;
            }
            let before = nodes.len();
            let next = self.statement(tokens, at, &mut nodes, depth).max(at + 1);
            if leaves(&nodes[before..]) && is_reached(tokens, next, depth == 0) {
                // Nothing leads to what stands behind a jump but a label; without one, what decides about the jump is
                // where the text at hand does not reach.
                let jump = nodes.split_off(before);
                nodes.push(Node::Either {
                    condition: "out of sight".into(),
                    arms: vec![jump, Vec::new()],
                    optional: false,
                });
            }
            at = next;
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
            _ => return self.expression(tokens, at, out, depth),
        }
        let rust = self.language == Language::Rust;
        match token.text.as_str() {
            "if" => self.condition(tokens, at, out, depth),
            "else" => at + 1,
            "while" | "for" if rust => {
                let open = block_start(tokens, at);
                self.calls(&tokens[at + 1..open.min(tokens.len())], out, depth);
                let close = closing(tokens, open);
                let inner = tokens.get(open + 1..close).unwrap_or_default();
                let body = self.block(inner, depth + 1);
                self.push_asked(&tokens[at..open.min(tokens.len())], inner, body, out);
                close + 1
            }
            "let" if rust && or_else(tokens, at).is_some() => {
                let other = or_else(tokens, at).unwrap_or(at);
                let fits = &tokens[at..other];
                self.calls(&fits[1..], out, depth);
                let (arm, end) = self.arm(tokens, other + 1, depth);
                push_either(format!("not ({})", shortened(&join(fits))), vec![arm, Vec::new()], out);
                end
            }
            "while" | "for" if next_is("(") => {
                let close = closing(tokens, at + 1);
                let head = tokens.get(at + 2..close).unwrap_or_default();
                if let Some(end) = head.iter().position(|token| token.is(";")) {
                    self.assign(&head[..end]);
                }
                self.calls(tokens.get(at + 2..close).unwrap_or_default(), out, depth);
                let (body, end) = self.arm(tokens, close + 1, depth);
                let inner = tokens.get(close + 1..end).unwrap_or_default();
                self.push_asked(&tokens[at..close.min(tokens.len())], inner, body, out);
                end
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
                self.switch(
                    tokens.get(open + 1..end).unwrap_or_default(),
                    Some(&subject),
                    out,
                    depth,
                );
                end + 1
            }
            "match" if rust => {
                let open = block_start(tokens, at);
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
                let open = block_start(tokens, at);
                closing(tokens, open) + 1
            }
            "unsafe" | "const" | "async" if next_is("{") => at + 1,
            "macro_rules" => {
                let open = block_start(tokens, at);
                closing(tokens, open) + 1
            }
            name if names::is_each(name) && next_is("(") => {
                let close = closing(tokens, at + 1);
                self.calls(tokens.get(at + 2..close).unwrap_or_default(), out, depth);
                self.repeat(tokens, close + 1, out, depth)
            }
            "tlbi" | "dsb" | "isb" | "dmb" | "TLBI" | "DSB" | "ISB"
                if !next_is("(") && !next_is("!") && !next_is("::") && token.column.is_some() =>
            {
                self.bare_instruction(tokens, at, out)
            }
            "bl" if token.column.is_some() && called_in_assembly(tokens, at).is_some() => {
                let (name, end) = called_in_assembly(tokens, at).unwrap_or_default();
                if names::turns_mmu_on(&name) {
                    self.event(Kind::Call(name), token, out);
                }
                end
            }
            _ => self.expression(tokens, at, out, depth),
        }
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

    /// Adds a repetition. One that the patch puts around something that is not the same each time round may run no time at all:
    /// then that is a condition. Where it goes through a range, none of it is left out.
    fn push_asked(&self, head: &[Token], inner: &[Token], body: Vec<Node>, out: &mut Vec<Node>) {
        let is_new = head.first().is_some_and(|word| word.changed) && !inner.iter().all(|token| token.changed);
        let is_name =
            |token: &&Token| token.kind == TokenKind::Word && !matches!(token.text.as_str(), "in" | "let" | "_");
        let mut names = head.iter().skip(1).filter(is_name);
        let goes_through = names.any(|name| inner.iter().any(|token| token.is_word(&name.text)));
        let mut once = Vec::new();
        push_loop(body, &mut once);
        if is_new && !goes_through && Node::matters(std::slice::from_ref(&once)) {
            push_either(shortened(&join(head)), vec![once, Vec::new()], out);
        } else {
            out.extend(once);
        }
    }

    /// Reads the body of a repetition.
    fn repeat(&self, tokens: &[Token], at: usize, out: &mut Vec<Node>, depth: usize) -> usize {
        let (body, end) = self.arm(tokens, at, depth);
        push_loop(body, out);
        end
    }

    /// Reads a block in braces, or one statement.
    pub(super) fn arm(&self, tokens: &[Token], at: usize, depth: usize) -> (Vec<Node>, usize) {
        let mut body = Vec::new();
        if at >= tokens.len() {
            return (body, tokens.len());
        }
        if depth >= MAX_DEPTH {
            self.beyond(&tokens[at..], TOO_DEEP);
            return (body, tokens.len());
        }
        if tokens[at].is(";") {
            return (body, at + 1);
        }
        // `unsafe { ... }` is its block.
        let opens = tokens.get(at + 1).is_some_and(|next| next.is("{"));
        let at = at + usize::from(opens && matches!(tokens[at].text.as_str(), "unsafe" | "const" | "async"));
        let mut end = self.statement(tokens, at, &mut body, depth + 1);
        if tokens.get(end).is_some_and(|token| token.is(";")) {
            end += 1;
        }
        (body, end)
    }
}

/// Returns the `else` of `let Some(x) = y else { ... }`.
fn or_else(tokens: &[Token], at: usize) -> Option<usize> {
    let end = skip_past(tokens, at, ";");
    let mut depth = 0_i32;
    for (index, token) in tokens.iter().enumerate().take(end).skip(at) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            "if" | "match" | "loop" if depth == 0 && token.kind == TokenKind::Word => return None,
            "else" if depth == 0 && token.kind == TokenKind::Word => return Some(index),
            _ => {}
        }
    }
    None
}

/// Returns what a line of assembly calls, `bl name` or `bl {name}`, in a string that starts out of sight, and where the next
/// statement starts.
fn called_in_assembly(tokens: &[Token], at: usize) -> Option<(String, usize)> {
    let line = tokens[at].line;
    let here = |index: usize| tokens.get(index).filter(|token| token.line == line);
    let braced = here(at + 1)?.is("{");
    let name = here(at + 1 + usize::from(braced)).filter(|name| name.kind == TokenKind::Word)?;
    let end = at + 2 + 2 * usize::from(braced);
    let alone = here(end).is_none() && (!braced || here(end - 1).is_some_and(|close| close.is("}")));
    alone.then(|| (name.text.clone(), end))
}

fn push_loop(body: Vec<Node>, out: &mut Vec<Node>) {
    if !body.is_empty() {
        out.push(Node::Loop(body));
    }
}

/// Returns whether nodes are a jump and nothing else.
fn leaves(nodes: &[Node]) -> bool {
    match nodes {
        [Node::Jump] => true,
        [.., Node::Event(event)] => event.kind == Kind::Return,
        _ => false,
    }
}

/// Returns where a `switch` ends that starts before these tokens do: their outermost block has a `case`.
fn switch_out_of_sight(tokens: &[Token]) -> Option<usize> {
    let (mut depth, mut has_case) = (0_i32, false);
    for (index, token) in tokens.iter().enumerate() {
        if token.is("{") {
            depth += 1;
        } else if token.is("}") {
            depth -= 1;
            if depth < 0 {
                if has_case {
                    return Some(index);
                }
                depth = 0;
            }
        } else if depth == 0 && (token.is_word("case") || token.is_word("default")) {
            has_case = tokens.get(index + 1).is_some_and(|next| next.is(":")) || token.is_word("case");
        }
    }
    has_case.then_some(tokens.len())
}

/// Returns whether a statement stands here that no label leads to. In the outermost block, `case` belongs to a `switch`
/// whose head is out of sight: what follows the `switch` is reached by the jump.
fn is_reached(tokens: &[Token], at: usize, outermost: bool) -> bool {
    let rest = tokens.get(at..).unwrap_or_default();
    let first = rest.iter().find(|token| !token.is(";") && !token.is("}"));
    first.is_some_and(|first| {
        let label = rest
            .iter()
            .position(|token| std::ptr::eq(token, first))
            .and_then(|index| rest.get(index + 1))
            .is_some_and(|next| next.is(":"));
        let case = first.is_word("case") || first.is_word("default");
        first.kind != TokenKind::Directive && if case { outermost } else { !label }
    })
}

fn skip_statement(tokens: &[Token], at: usize) -> usize {
    skip_past(tokens, at, ";")
}
