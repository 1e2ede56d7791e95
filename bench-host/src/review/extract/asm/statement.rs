// SPDX-License-Identifier: MIT OR Apache-2.0
//! Statements of assembly source, and its macros.

use crate::review::extract::asm::Macros;
use crate::review::extract::token::SourceLine;
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

/// A macro of the assembler or the preprocessor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsmMacro {
    parameters: Vec<(String, String)>,
    body: Vec<Statement>,
    /// Parameters are written bare, as the preprocessor does, not `\name`.
    bare: bool,
    /// Its head, with the defaults of its parameters, is on one side of the patch only.
    head_changed: bool,
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

    /// Returns the arguments of a macro call, `name a, b` or `NAME(a, b)`.
    pub(super) fn arguments(&self) -> Vec<String> {
        let at = self.text.find(|c: char| c.is_whitespace() || c == '(');
        let rest = at.map_or("", |at| self.text[at..].trim());
        let rest = rest
            .strip_prefix('(')
            .map_or(rest, |rest| rest.strip_suffix(')').unwrap_or(rest));
        rest.split(',')
            .map(|argument| argument.trim().to_owned())
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

/// Splits lines into statements. `semicolon` says that `;` starts a comment, as Arm's own assembler has it.
pub fn statements(lines: &[SourceLine], semicolon: bool) -> Vec<Statement> {
    let mut out = Vec::new();
    let mut comment = lines
        .iter()
        .find_map(|line| match (line.text.find("/*"), line.text.find("*/")) {
            (None, None) => None,
            (start, end) => Some(end.is_some_and(|end| start.is_none_or(|start| end < start))),
        })
        .unwrap_or(false);
    let mut joined: Option<Statement> = None;
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

fn finish(statement: &Statement, semicolon: bool, out: &mut Vec<Statement>) {
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

/// Names of functions and of branch targets in a piece of source.
pub(super) struct Declared {
    pub(super) functions: HashSet<String>,
    pub(super) targets: HashSet<String>,
}

pub(super) fn declared(source: &[Statement]) -> Declared {
    let mut all = Declared {
        functions: HashSet::new(),
        targets: HashSet::new(),
    };
    for statement in source {
        let (word, rest) = statement.words();
        let last = || rest.rsplit(',').next().unwrap_or_default().trim().to_owned();
        match word {
            "bl" => {
                all.functions.insert(rest.to_owned());
            }
            ".global" | ".globl" | ".type" | ".size" | ".weak" | "EXPORT" => {
                let name = rest.split(',').next().unwrap_or_default().trim();
                all.functions.insert(name.to_owned());
            }
            _ if word.starts_with('b') || word.starts_with("cb") || word.starts_with("tb") => {
                all.targets.insert(last());
            }
            _ => {
                if is_end(statement) {
                    all.functions.extend(inner_name(&statement.text));
                }
            }
        }
    }
    all
}

/// Returns whether a label is local by its form.
pub(super) fn is_local(label: &str) -> bool {
    label.starts_with(['.', '\\', '$'])
        || label.chars().next().is_some_and(|c| c.is_ascii_digit())
        || label.starts_with("L_")
}

/// Returns the name of the function that starts with this statement.
pub(super) fn start(statement: &Statement) -> Option<String> {
    let head = statement.text.split(|c: char| c.is_whitespace() || c == '(').next()?;
    let upper = head.to_ascii_uppercase();
    let known = matches!(
        upper.as_str(),
        "FUNC" | "FUNCTION" | "PROC" | "ENTRY" | "LENTRY" | "EENTRY" | "ASENTRY" | "WEAK_ENTRY"
    ) || upper.ends_with("_START")
        && (upper.contains("FUNC") || upper.contains("CODE") || upper.contains("SYM_"))
        || upper.starts_with("SYM_FUNC_START")
        || upper.starts_with("SYM_CODE_START")
        || upper.ends_with("_FUNC") && !upper.starts_with("END")
        || upper.ends_with("_FUNCTION") && !upper.starts_with("END")
        || upper.starts_with("ENTRY_")
        || upper == "BEGIN_FUNC"
        || upper.starts_with("FUNC_") && !upper.contains("END")
        || upper.starts_with("ASM_FUNC");
    if !known || head.starts_with(['#', '.']) {
        return None;
    }
    inner_name(&statement.text)
}

/// Returns whether a function ends with this statement.
pub(super) fn is_end(statement: &Statement) -> bool {
    let head = statement
        .text
        .split(|c: char| c.is_whitespace() || c == '(')
        .next()
        .unwrap_or_default();
    let upper = head.to_ascii_uppercase();
    let start = upper.starts_with("END") || upper.starts_with("SYM_FUNC_END") || upper.starts_with("SYM_CODE_END");
    start
        && !statement.text.contains(':')
        && upper != "ENDIF"
        && !inner_name(&statement.text).is_none_or(|name| name.is_empty())
        || upper.ends_with("_END") && upper.contains("FUNC")
}

/// Returns the name in `MACRO(name)`, `MACRO(name, ...)` or `macro name`.
fn inner_name(text: &str) -> Option<String> {
    let at = text.find(|c: char| c.is_whitespace() || c == '(')?;
    let rest = text[at..].trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    let name: String = rest
        .chars()
        .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '$'))
        .collect();
    name.starts_with(|c: char| !c.is_ascii_digit()).then_some(name)
}

/// Returns the function a hunk's section text names.
pub fn function_name(section: &str) -> Option<String> {
    let text = without_comment(section);
    let statement = Statement {
        line: 0,
        changed: false,
        text: text.trim().to_owned(),
    };
    if let Some(name) = start(&statement) {
        return Some(name);
    }
    if let Some(rest) = statement.text.strip_prefix(".macro ") {
        return Some(macro_head(rest).0);
    }
    let first = statement.peel_labels().into_iter().next()?;
    first.label().filter(|label| !is_local(label)).map(str::to_owned)
}

/// Returns name and parameters with defaults of `.macro name a, b=1, c:req`.
pub(super) fn macro_head(text: &str) -> (String, Vec<(String, String)>) {
    let mut parts = text.splitn(2, |c: char| c.is_whitespace() || c == ',');
    let name = parts.next().unwrap_or_default().to_owned();
    let parameters = parts
        .next()
        .unwrap_or_default()
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, default) = part.split_once('=').unwrap_or((part, ""));
            (name.split(':').next().unwrap_or(name).to_owned(), default.to_owned())
        })
        .collect();
    (name, parameters)
}

/// Collects the macros that a piece of source defines.
pub fn collect_macros(source: &[Statement]) -> Macros {
    let mut all = Macros::new();
    let mut open: Option<(String, AsmMacro)> = None;
    for statement in source {
        let (word, rest) = statement.words();
        match (&mut open, word) {
            (None, ".macro") => {
                let (name, parameters) = macro_head(rest);
                let found = AsmMacro {
                    parameters,
                    body: Vec::new(),
                    bare: false,
                    head_changed: statement.changed,
                };
                open = Some((name, found));
            }
            (Some(_), ".endm" | ".endmacro") => all.extend(open.take()),
            (Some((_, found)), _) => found.body.push(statement.clone()),
            (None, "#define") => {
                let end = rest.find(|c: char| c.is_whitespace() || c == '(').unwrap_or(rest.len());
                let (name, mut body) = rest.split_at(end);
                let mut parameters = Vec::new();
                if let Some(inner) = body.strip_prefix('(') {
                    let Some((list, rest)) = inner.split_once(')') else {
                        continue;
                    };
                    parameters = list.split(',').map(|p| (p.trim().to_owned(), String::new())).collect();
                    body = rest;
                }
                let mut statements = Vec::new();
                let text = Statement {
                    text: body.trim().to_owned(),
                    ..*statement
                };
                finish(&text, false, &mut statements);
                let useful = statements.iter().any(|statement| {
                    let word = statement.words().0.to_ascii_lowercase();
                    matches!(word.as_str(), "tlbi" | "dsb" | "isb" | "sys") || all.contains_key(statement.words().0)
                });
                if useful {
                    let found = AsmMacro {
                        parameters,
                        body: statements,
                        bare: true,
                        head_changed: false,
                    };
                    all.insert(name.to_owned(), found);
                }
            }
            _ => {}
        }
    }
    all
}

impl AsmMacro {
    /// Returns the statements of a call, all on the line of the call.
    pub(super) fn expand(&self, arguments: &[String], call: &Statement) -> Vec<Statement> {
        let value = |index: usize, (name, default): &(String, String)| {
            let named = arguments.iter().find_map(|argument| {
                let (key, value) = argument.split_once('=')?;
                (key.trim() == name).then(|| value.trim().to_owned())
            });
            let positional = arguments.get(index).filter(|argument| !argument.contains('='));
            named.or_else(|| positional.cloned()).unwrap_or_else(|| default.clone())
        };
        let values: Vec<_> = self
            .parameters
            .iter()
            .enumerate()
            .map(|(i, p)| (p.0.as_str(), value(i, p)))
            .collect();
        let fill = |text: &str| {
            if self.bare {
                fill_bare(text, &values)
            } else {
                fill_escaped(text, &values)
            }
        };
        self.body
            .iter()
            .map(|statement| Statement {
                line: call.line,
                changed: call.changed || statement.changed || self.head_changed && statement.text.contains('\\'),
                text: fill(&statement.text).trim().to_owned(),
            })
            .collect()
    }
}

fn fill_escaped(text: &str, values: &[(&str, String)]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix("()") {
            rest = after;
            continue;
        }
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        match values.iter().find(|(name, _)| *name == &rest[..length]) {
            Some((_, value)) => out.push_str(value),
            None => {
                out.push('\\');
                out.push_str(&rest[..length]);
            }
        }
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

fn fill_bare(text: &str, values: &[(&str, String)]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_alphabetic() || c == '_') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let word = &rest[..length];
        out.push_str(
            values
                .iter()
                .find(|(name, _)| *name == word)
                .map_or(word, |(_, value)| value),
        );
        rest = &rest[length..];
    }
    out.push_str(rest);
    out.replace("##", "").replace(" # ", " ")
}
