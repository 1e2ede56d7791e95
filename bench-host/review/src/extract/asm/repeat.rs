// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the assembler repeats: `.rept`, `.irp`, `.irpc`.

use crate::extract::asm::fill::fill_escaped;
use crate::extract::asm::statement::Statement;
use std::borrow::Cow;

/// How often something is written out; more often, it is a loop.
const MAX_TIMES: usize = 16;
/// Most statements that repetitions stand for.
const MAX_STATEMENTS: usize = 4096;

/// Returns statements with their repetitions written out. What nobody can count yet, as in the body of a macro, stays once.
pub(super) fn unrolled(source: &[Statement]) -> Cow<'_, [Statement]> {
    if !source.iter().any(repeats) {
        return Cow::Borrowed(source);
    }
    let mut out = Vec::new();
    unroll(source, &mut out);
    Cow::Owned(out)
}

fn repeats(statement: &Statement) -> bool {
    matches!(statement.words().0, ".rept" | ".rep" | ".irp" | ".irpc" | ".irep")
}

fn unroll(source: &[Statement], out: &mut Vec<Statement>) {
    let mut at = 0;
    let mut in_macro = 0_usize;
    while let Some(statement) = source.get(at) {
        at += 1;
        match statement.words().0 {
            ".macro" => in_macro += 1,
            ".endm" | ".endmacro" => in_macro = in_macro.saturating_sub(1),
            // Without its head in sight.
            ".endr" => continue,
            _ => {}
        }
        if !repeats(statement) {
            out.push(statement.clone());
            continue;
        }
        let end = closing(source, at);
        let body = &source[at..end];
        at = (end + 1).min(source.len());
        let (word, rest) = statement.words();
        if in_macro > 0 || rest.contains('\\') || out.len() > MAX_STATEMENTS {
            unroll(body, out);
            continue;
        }
        let (name, values) = head(word, rest);
        if values.len() > MAX_TIMES {
            // Only how often is too much to write out: it goes round.
            let label = format!(".Lrepeated.{}", statement.line);
            let own = |text: String| Statement { text, ..*statement };
            out.push(own(format!("{label}:")));
            unroll(&filled(body, statement, &name, &values[0]), out);
            out.push(own(format!("b.ne {label}")));
            continue;
        }
        for value in &values {
            unroll(&filled(body, statement, &name, value), out);
        }
    }
}

/// Returns the parameter of a repetition and the values that it takes, one for each time.
fn head(word: &str, rest: &str) -> (String, Vec<String>) {
    let parts: Vec<&str> = rest
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(|part| !part.is_empty())
        .collect();
    let name = parts.first().copied().unwrap_or_default().to_owned();
    let values = || parts.get(1..).unwrap_or_default();
    match word {
        ".rept" | ".rep" => {
            let times = name.parse::<usize>().unwrap_or(MAX_TIMES + 1).min(MAX_TIMES + 1);
            (String::new(), vec![String::new(); times])
        }
        ".irpc" => {
            let text = values().first().copied().unwrap_or_default();
            (name, text.chars().take(MAX_TIMES + 1).map(String::from).collect())
        }
        // With no value it is there once.
        _ if values().is_empty() => (name, vec![String::new()]),
        _ => (name, values().iter().map(|value| (*value).to_owned()).collect()),
    }
}

fn filled(body: &[Statement], head: &Statement, name: &str, value: &str) -> Vec<Statement> {
    let values = [(name, value.to_owned())];
    let fill = |statement: &Statement| Statement {
        text: fill_escaped(&statement.text, if name.is_empty() { &[] } else { &values }),
        changed: statement.changed || head.changed,
        line: statement.line,
    };
    body.iter().map(fill).collect()
}

/// Returns where the repetition ends whose body starts here.
fn closing(source: &[Statement], start: usize) -> usize {
    let mut depth = 0;
    for (index, statement) in source.iter().enumerate().skip(start) {
        if repeats(statement) {
            depth += 1;
        } else if statement.words().0 == ".endr" {
            if depth == 0 {
                return index;
            }
            depth -= 1;
        }
    }
    source.len()
}
