// SPDX-License-Identifier: MIT OR Apache-2.0
//! Macros of the assembler and the preprocessor: collected and expanded.

use crate::extract::asm::Macros;
use crate::extract::asm::fill::{fill_bare, fill_dollar, fill_escaped};
use crate::extract::asm::repeat::unrolled;
use crate::extract::asm::statement::{Statement, finish};

/// Most definitions of one name that are kept apart.
const MAX_DEFINITIONS: usize = 4;

/// What a name of the assembler or the preprocessor stands for: by conditions of the build, or from one line to another,
/// not always the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsmMacro {
    definitions: Vec<Definition>,
}

/// One definition of a macro.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Definition {
    parameters: Vec<(String, String)>,
    body: Vec<Statement>,
    style: Style,
    /// Its head, with the defaults of its parameters, is on one side of the patch only.
    head_changed: bool,
    /// The directive under which it stands; empty where it stands under none, or in another arm.
    condition: String,
    /// From where on it is there, and up to where: `.purgem` ends it.
    lines: (u32, u32),
}

/// How the parameters stand in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// As the preprocessor has it.
    Bare,
    /// `\name`.
    Escaped,
    /// `\name`, or bare, as after `.altmacro`.
    Either,
    /// `$name`, as Arm's own assembler has it.
    Dollar,
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
            let plain = name.split(':').next().unwrap_or(name);
            let rest = if name.ends_with(":vararg") { "..." } else { "" };
            (
                format!("{plain}{rest}"),
                default.trim_matches(['"', '<', '>']).to_owned(),
            )
        })
        .collect();
    (name, parameters)
}

/// Collects the macros that a piece of source defines.
pub fn collect_macros(source: &[Statement]) -> Macros {
    let mut all = Macros::new();
    let mut open: Option<(String, Definition)> = None;
    let mut nested = 0;
    let mut bare = false;
    let mut conditions: Vec<String> = Vec::new();
    for statement in source {
        let (word, rest) = statement.words();
        match (&mut open, word) {
            (None, ".macro") => {
                let (name, parameters) = macro_head(rest);
                let of_arm = parameters.iter().any(|(name, _)| name.starts_with('$'));
                let style = match (of_arm, bare) {
                    (true, _) => Style::Dollar,
                    (false, true) => Style::Either,
                    (false, false) => Style::Escaped,
                };
                let found = Definition {
                    parameters,
                    body: Vec::new(),
                    style,
                    head_changed: statement.changed,
                    condition: conditions.last().cloned().unwrap_or_default(),
                    lines: (statement.line, u32::MAX),
                };
                open = Some((name, found));
            }
            (Some((_, found)), ".macro") => {
                nested += 1;
                found.body.push(statement.clone());
            }
            (Some(_), ".endm" | ".endmacro") if nested == 0 => {
                if let Some((name, found)) = open.take() {
                    define(&mut all, name, found);
                }
            }
            (Some((_, found)), _) => {
                nested -= usize::from(matches!(word, ".endm" | ".endmacro"));
                found.body.push(statement.clone());
            }
            (None, ".altmacro") => bare = true,
            (None, ".noaltmacro") => bare = false,
            (None, ".purgem") => {
                for name in rest.split(',') {
                    for found in all
                        .get_mut(name.trim())
                        .into_iter()
                        .flat_map(|found| &mut found.definitions)
                    {
                        found.lines.1 = found.lines.1.min(statement.line);
                    }
                }
            }
            (
                None,
                "#if" | "#ifdef" | "#ifndef" | ".if" | ".ifdef" | ".ifndef" | ".ifc" | ".ifnc" | ".ifeq" | ".ifne",
            ) => {
                conditions.push(statement.text.clone());
            }
            (None, "#else" | "#elif" | ".else" | ".elseif") => {
                if let Some(last) = conditions.last_mut() {
                    last.clear();
                }
            }
            (None, "#endif" | ".endif") => {
                conditions.pop();
            }
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
                    let found = Definition {
                        parameters,
                        body: statements,
                        style: Style::Bare,
                        head_changed: false,
                        condition: conditions.last().cloned().unwrap_or_default(),
                        lines: (statement.line, u32::MAX),
                    };
                    define(&mut all, name.to_owned(), found);
                }
            }
            _ => {}
        }
    }
    all
}

/// Takes a definition into the table. The preprocessor's, and what is out of `.purgem`'s reach, take the place of the same body.
fn define(all: &mut Macros, name: String, found: Definition) {
    let known = all.entry(name).or_insert_with(|| AsmMacro {
        definitions: Vec::new(),
    });
    let same = |old: &Definition| {
        let texts = |definition: &Definition| -> Vec<String> {
            definition.body.iter().map(|statement| statement.text.clone()).collect()
        };
        old.parameters == found.parameters && texts(old) == texts(&found)
    };
    known.definitions.retain(|old| old.lines.1 < u32::MAX || !same(old));
    if known.definitions.len() >= MAX_DEFINITIONS {
        known.definitions.remove(0);
    }
    known.definitions.push(found);
}

impl Definition {
    fn has_maintenance(&self) -> bool {
        self.body.iter().any(|statement| {
            let lower = statement.text.to_ascii_lowercase();
            ["tlb", "dsb", "isb"].iter().any(|word| lower.contains(word))
        })
    }

    fn expand(&self, arguments: &[String], call: &Statement) -> Vec<Statement> {
        let value = |index: usize, (name, default): &(String, String)| {
            let name = name.trim_start_matches('$');
            let named = arguments.iter().find_map(|argument| {
                let (key, value) = argument.split_once('=')?;
                (key.trim() == name).then(|| value.trim().to_owned())
            });
            let positional = arguments.get(index).filter(|argument| !argument.contains('='));
            // `|` asks for the default in Arm's own assembler.
            let positional = positional.filter(|argument| argument.as_str() != "|");
            named.or_else(|| positional.cloned()).unwrap_or_else(|| default.clone())
        };
        // `\\@` counts the macros that were used before: what counts is that no two have the same labels.
        let number = call.line.to_string();
        let mut values: Vec<(&str, String)> = Vec::new();
        for (index, parameter) in self.parameters.iter().enumerate() {
            match parameter.0.strip_suffix("...") {
                Some(name) => values.push((name, arguments.get(index..).unwrap_or_default().join(", "))),
                None => values.push((&parameter.0, value(index, parameter))),
            }
        }
        if self.style == Style::Either {
            for statement in &self.body {
                let (word, rest) = statement.words();
                if word.eq_ignore_ascii_case("LOCAL") {
                    values.extend(
                        rest.split(',')
                            .map(|name| (name.trim(), format!(".L{}{number}", name.trim()))),
                    );
                }
            }
        }
        let fill = |text: &str| {
            let text = &text.replace("\\@", &number);
            match self.style {
                Style::Bare => fill_bare(text, &values),
                Style::Escaped => fill_escaped(text, &values),
                Style::Either => fill_bare(&fill_escaped(text, &values), &values).replace('&', ""),
                Style::Dollar => fill_dollar(text, &values),
            }
        };
        let is_nothing = |text: &str| matches!(text, "" | ":") || self.style == Style::Either && is_local(text);
        let statements = self.body.iter().map(|statement| Statement {
            line: call.line,
            changed: call.changed || statement.changed || self.head_changed && statement.text.contains(['\\', '$']),
            text: fill(&statement.text).trim().to_owned(),
        });
        statements.filter(|statement| !is_nothing(&statement.text)).collect()
    }
}

/// Returns whether a statement names labels that are a macro's own.
fn is_local(text: &str) -> bool {
    text.get(..6).is_some_and(|head| head.eq_ignore_ascii_case("local "))
}

impl AsmMacro {
    /// Returns whether a body of it may hold maintenance, by its words.
    pub(super) fn has_maintenance(&self) -> bool {
        self.definitions.iter().any(Definition::has_maintenance)
    }

    /// Returns what it is at a line: what was purged before it, or is defined anew behind a `.purgem`, is not meant.
    fn at(&self, line: u32) -> Vec<&Definition> {
        let is_there = |found: &&Definition| found.lines.0 <= line && line < found.lines.1;
        let here: Vec<&Definition> = self.definitions.iter().filter(is_there).collect();
        // In another file than the one at hand.
        let left = || {
            self.definitions
                .iter()
                .filter(|found| found.lines.1 == u32::MAX)
                .collect()
        };
        let is_purged = self.definitions.iter().any(|found| found.lines.1 < u32::MAX);
        match is_purged && !here.is_empty() {
            true => here,
            false => left(),
        }
    }

    /// Returns the statements of a call, all on the line of the call; of several definitions, each as a way of its own.
    pub(super) fn expand(&self, arguments: &[String], call: &Statement) -> Vec<Statement> {
        let here = self.at(call.line);
        let Some(last) = here.last() else { return Vec::new() };
        if here.len() == 1 || !here.iter().any(|found| found.has_maintenance()) {
            return unrolled(&last.expand(arguments, call)).into_owned();
        }
        let directive = |text: &str| Statement {
            text: text.to_owned(),
            ..*call
        };
        let mut out = Vec::new();
        for (index, found) in here.iter().enumerate() {
            if index == 0 {
                out.push(directive(match found.condition.as_str() {
                    "" => ".if another definition",
                    condition => condition,
                }));
            } else if index + 1 == here.len() {
                out.push(directive(".else"));
            } else {
                out.push(directive(".elseif another definition"));
            }
            out.extend(found.expand(arguments, call));
        }
        out.push(directive(".endif"));
        unrolled(&out).into_owned()
    }
}
