// SPDX-License-Identifier: MIT OR Apache-2.0
//! Macros of the assembler and the preprocessor: collected and expanded.

use crate::extract::asm::Macros;
use crate::extract::asm::statement::{Statement, finish};

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

impl AsmMacro {
    /// Returns whether its body may hold maintenance, by its words.
    pub(super) fn has_maintenance(&self) -> bool {
        self.body.iter().any(|statement| {
            let lower = statement.text.to_ascii_lowercase();
            ["tlb", "dsb", "isb"].iter().any(|word| lower.contains(word))
        })
    }
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
        // `\\@` counts the macros that were used before: what counts is that no two have the same labels.
        let number = call.line.to_string();
        let fill = |text: &str| {
            let text = &text.replace("\\@", &number);
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

/// Puts values for `\name`, as the assembler does.
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

/// Puts values for names, as the preprocessor does.
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
