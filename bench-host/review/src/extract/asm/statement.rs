// SPDX-License-Identifier: MIT OR Apache-2.0
//! Statements of assembly source.

use crate::extract::instruction::{self, Read};
use crate::extract::token::{SourceLine, starts_in_comment};
use std::collections::HashSet;

/// A statement: one instruction, directive or label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its line.
    pub line: u32,
    /// It is on one side of the patch only.
    pub changed: bool,
    /// Its text without comments.
    pub text: String,
}

impl Statement {
    /// Returns the first word and the rest.
    pub fn words(&self) -> (&str, &str) {
        let text = self.text.as_str();
        match text.find(char::is_whitespace) {
            Some(at) => (&text[..at], text[at..].trim()),
            None => (text, ""),
        }
    }

    /// Returns the label, if the statement is one.
    pub fn label(&self) -> Option<&str> {
        let label = self.text.strip_suffix(':')?;
        (!label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || "_.$\\()@%=".contains(c))).then_some(label)
    }

    /// Returns the arguments of a macro call, `name a, b`, `name a b` or `NAME(a, b)`; what is in quotes or brackets is one.
    pub(super) fn arguments(&self) -> Vec<String> {
        let at = self.text.find(|c: char| c.is_whitespace() || c == '(');
        let rest = at.map_or("", |at| self.text[at..].trim());
        let rest = rest
            .strip_prefix('(')
            .map_or(rest, |rest| rest.strip_suffix(')').unwrap_or(rest));
        let mut parts = vec![String::new()];
        let (mut depth, mut quoted) = (0_i32, false);
        for c in rest.chars() {
            match c {
                '"' => quoted = !quoted,
                '(' | '[' if !quoted => depth += 1,
                ')' | ']' if !quoted => depth -= 1,
                ',' if !quoted && depth == 0 => {
                    parts.push(String::new());
                    continue;
                }
                _ => {}
            }
            if let Some(last) = parts.last_mut() {
                last.push(c);
            }
        }
        // Words alone may stand apart by white space.
        if let [only] = parts.as_slice() {
            let is_word = |part: &str| part.chars().all(|c| c.is_alphanumeric() || "_.=".contains(c));
            if only.split_whitespace().count() > 1 && only.split_whitespace().all(is_word) {
                parts = only.split_whitespace().map(str::to_owned).collect();
            }
        }
        let plain = |part: &String| {
            let part = part.trim();
            let inner = part.strip_prefix('"').and_then(|part| part.strip_suffix('"'));
            inner.filter(|inner| !inner.contains('"')).unwrap_or(part).to_owned()
        };
        parts
            .iter()
            .map(plain)
            .filter(|argument| !argument.is_empty())
            .collect()
    }

    /// Splits labels off the front.
    pub(super) fn peel_labels(&self) -> Vec<Self> {
        let mut out = Vec::new();
        let mut text = self.text.trim();
        let part = |text: &str| Self {
            text: text.to_owned(),
            ..*self
        };
        while let Some(at) = text.find(':') {
            let statement = part(&text[..=at]);
            if statement.label().is_none() || text[at..].starts_with("::") {
                break;
            }
            out.push(statement);
            text = text[at + 1..].trim();
        }
        if !text.is_empty() {
            out.push(part(text));
        }
        out
    }
}

/// Returns the text before a `//` comment, block comments dropped.
pub(super) fn without_comment(text: &str) -> String {
    let mut out = text.split("//").next().unwrap_or_default().to_owned();
    while let Some(start) = out.find("/*") {
        let end = out[start..].find("*/").map_or(out.len(), |end| start + end + 2);
        out.replace_range(start..end, " ");
    }
    out
}

/// Returns whether a file is written for Arm's own assembler, or Microsoft's, by its name.
pub fn is_armasm(path: &str) -> bool {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    extension.eq_ignore_ascii_case("asm") || extension.eq_ignore_ascii_case("masm")
}

/// Returns a function's frame in the form that other assemblers have it: `PROC name` for `name PROC`.
pub(super) fn framed(text: &str) -> Option<String> {
    let mut words = text.split_whitespace();
    let (name, frame) = (words.next()?, words.next()?);
    let is_name = name
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '$' | '|'));
    let fits = is_name && matches!(frame, "PROC" | "FUNCTION" | "ENDP" | "ENDFUNC");
    fits.then(|| format!("{frame} {}", name.trim_matches('|')))
}

/// What Arm's own assembler writes otherwise than others do, from line to line.
#[derive(Debug, Default)]
struct Armasm {
    /// `MACRO` was read, and what it is called stands on the next line.
    heads: bool,
    /// The parameter of the macro at hand that is the label of a call.
    label: Option<String>,
    /// The macros so far.
    macros: HashSet<String>,
}

impl Armasm {
    /// Returns a line in the form that others have it: a label stands at the margin and has no colon, `%f4` is the next place
    /// that is labelled `4`, and directives have no dot.
    fn line(&mut self, line: &str, text: &str) -> String {
        let text = text.split(';').next().unwrap_or_default().trim();
        if self.heads && !text.is_empty() {
            self.heads = false;
            return self.head(text);
        }
        if let Some(framed) = framed(text) {
            return framed;
        }
        let (head, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let rest = rest.trim();
        match head {
            "ENDP" | "ENDFUNC" if rest.is_empty() => return format!("{text} {text}"),
            "MACRO" if rest.is_empty() => {
                self.heads = true;
                return String::new();
            }
            "MEND" => {
                self.label = None;
                return ".endm".to_owned();
            }
            "MEXIT" => return ".exitm".to_owned(),
            "IF" | "[" => return format!(".if {}", asked(rest)),
            "ELSE" | "|" if rest.is_empty() => return ".else".to_owned(),
            "ELIF" => return format!(".elseif {}", asked(rest)),
            "ENDIF" | "]" if rest.is_empty() => return ".endif".to_owned(),
            "WHILE" => return ".rept".to_owned(),
            "WEND" => return ".endr".to_owned(),
            "GET" | "INCLUDE" => return format!(".include \"{rest}\""),
            _ => {}
        }
        if self.label.as_deref() == Some(head) {
            return format!("{head}: {}", with_near_labels(rest));
        }
        let at_margin = line.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '|');
        let is_number = !head.is_empty() && head.bytes().all(|byte| byte.is_ascii_digit());
        let is_named = |rest: &str| {
            head.chars().any(|c| c.is_lowercase())
                && head
                    .chars()
                    .all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '$' | '|'))
                && !matches!(head, "nop" | "wfi" | "wfe" | "sev" | "sevl" | "sb" | "yield" | "hint")
                && matches!(instruction::read(head, rest), Read::Other)
        };
        // What is alone at the margin and neither an instruction nor a directive; those are in capitals there. A macro's call
        // may stand behind it.
        let calls = rest.split(|c: char| c.is_whitespace() || c == '(').next();
        let is_label = rest.is_empty() && is_named("") || calls.is_some_and(|name| self.macros.contains(name));
        if at_margin && (is_number || is_label) {
            return format!("{}: {}", head.trim_matches('|'), with_near_labels(rest));
        }
        with_near_labels(text)
    }

    /// Returns the head of a macro, `$label NAME $a, $b=x`, as `.macro NAME $a, $b=x`.
    fn head(&mut self, text: &str) -> String {
        let (mut name, mut rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        if name.starts_with('$') {
            self.label = Some(name.to_owned());
            (name, rest) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
        }
        self.macros.insert(name.to_owned());
        // No value stands for the label: it is given behind the others.
        let label = self.label.as_deref().map_or(String::new(), |label| format!(" {label}"));
        format!(".macro {name} {}{label}", rest.trim())
    }
}

/// Returns a condition of Arm's own assembler as others write it.
fn asked(condition: &str) -> String {
    condition
        .replace(":LNOT:", "!")
        .replace(":LAND:", " && ")
        .replace(":LOR:", " || ")
        .replace(":DEF:", "defined ")
        .replace("{TRUE}", "1")
        .replace("{FALSE}", "0")
        .trim()
        .to_owned()
}

/// Puts `4f` for `%f4`, and `4b` for `%b4`.
fn with_near_labels(text: &str) -> String {
    let Some((before, target)) = text.rsplit_once('%') else {
        return text.to_owned();
    };
    let digits = target.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let way = &target[..target.len() - digits.len()];
    let number = digits.trim();
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.to_owned();
    }
    let back = way.starts_with(['b', 'B']);
    format!("{before}{number}{}", if back { 'b' } else { 'f' })
}

/// Splits lines into statements. `semicolon` says that `;` starts a comment, as Arm's own assembler has it.
pub fn statements(lines: &[SourceLine], semicolon: bool) -> Vec<Statement> {
    let mut out = Vec::new();
    let mut comment = starts_in_comment(lines);
    let mut joined: Option<Statement> = None;
    let mut armasm = Armasm::default();
    for line in lines {
        let mut text = String::new();
        let mut rest = line.text.as_str();
        loop {
            if comment {
                match rest.find("*/") {
                    Some(end) => {
                        rest = &rest[end + 2..];
                        comment = false;
                        text.push(' ');
                    }
                    None => break,
                }
            }
            match (rest.find("/*"), rest.find("//")) {
                (Some(start), slashes) if slashes.is_none_or(|slashes| start < slashes) => {
                    text.push_str(&rest[..start]);
                    rest = &rest[start + 2..];
                    comment = true;
                }
                (_, Some(slashes)) => {
                    text.push_str(&rest[..slashes]);
                    break;
                }
                _ => {
                    text.push_str(rest);
                    break;
                }
            }
        }
        let continued = text.trim_end().ends_with('\\');
        if semicolon && !text.trim_start().starts_with('#') {
            text = armasm.line(&line.text, &text);
        }
        let text = text.trim_end().trim_end_matches('\\').trim();
        let mut statement = Statement {
            line: line.number,
            changed: line.changed,
            text: text.to_owned(),
        };
        if let Some(open) = joined.take() {
            statement = Statement {
                text: format!("{}\n{}", open.text, statement.text),
                changed: open.changed || statement.changed,
                line: open.line,
            };
        }
        if continued && statement.text.len() < 1 << 16 {
            joined = Some(statement);
            continue;
        }
        finish(&statement, semicolon, &mut out);
    }
    if let Some(statement) = joined {
        finish(&statement, semicolon, &mut out);
    }
    out
}

/// Takes a joined line apart into statements.
pub(super) fn finish(statement: &Statement, semicolon: bool, out: &mut Vec<Statement>) {
    let text = statement.text.trim();
    if let Some(directive) = text.strip_prefix('#') {
        let directive = directive.trim_start();
        let known = ["if", "el", "end", "def", "und", "inc"]
            .iter()
            .any(|word| directive.starts_with(word));
        if known {
            out.push(Statement {
                text: format!("#{directive}"),
                ..*statement
            });
        }
        return;
    }
    let quoted = text.contains('"');
    let parts: Vec<&str> = match (semicolon, quoted) {
        (true, _) => vec![text.split(';').next().unwrap_or_default()],
        (false, true) => vec![text],
        (false, false) => text.split([';', '\n']).collect(),
    };
    for part in parts {
        let part = Statement {
            text: part.trim().to_owned(),
            ..*statement
        };
        out.extend(part.peel_labels());
    }
}
