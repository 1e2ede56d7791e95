// SPDX-License-Identifier: MIT OR Apache-2.0
//! The parts of a litmus test: name, header, initial state, columns of code, condition.

use super::error::{LitmusError, LitmusErrorKind};
use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// A piece of the test and the line it begins on.
#[derive(Debug)]
pub(super) struct Part<'t> {
    pub(super) line: usize,
    pub(super) text: &'t str,
}

/// One cell of the code: the text and its line.
pub(super) type Cell = (usize, String);

/// The parts of a test.
#[derive(Debug)]
pub(super) struct Parts<'t> {
    pub(super) name: String,
    pub(super) header: Vec<(usize, String, String)>,
    pub(super) init: Part<'t>,
    /// Column names (`P0`, `P0.F`) and cells, top to bottom.
    pub(super) columns: Vec<(Cell, Vec<Cell>)>,
    pub(super) tail: Part<'t>,
}

/// Replaces `(* comments *)`, which nest, by blanks; lines stay where they are.
pub(super) fn without_comments(text: &str) -> Result<String, LitmusError> {
    let mut out = String::with_capacity(text.len());
    let (mut depth, mut opened, mut line) = (0_usize, 0, 1);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        line += usize::from(c == '\n');
        match (c, chars.peek()) {
            ('(', Some('*')) => {
                if depth == 0 {
                    opened = line;
                }
                depth += 1;
                chars.next();
                out.push_str("  ");
            }
            ('*', Some(')')) if depth > 0 => {
                depth -= 1;
                chars.next();
                out.push_str("  ");
            }
            ('\n', _) => out.push('\n'),
            _ if depth > 0 => out.push(' '),
            _ => out.push(c),
        }
    }
    if depth > 0 {
        return Err(LitmusErrorKind::Missing("end of the comment that begins here").at(opened));
    }
    Ok(out)
}

/// Splits a test without comments.
pub(super) fn split(text: &str) -> Result<Parts<'_>, LitmusError> {
    let line_of = |at: usize| text[..at].matches('\n').count() + 1;
    let open = text
        .find('{')
        .ok_or_else(|| LitmusErrorKind::Missing("initial state `{ … }`").at(0))?;
    let (name, header) = head(&text[..open])?;
    let mut depth = 0;
    let close = text[open..]
        .char_indices()
        .find_map(|(at, c)| {
            depth += match c {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            (depth == 0).then_some(open + at)
        })
        .ok_or_else(|| LitmusErrorKind::Missing("`}` after the initial state").at(line_of(open)))?;
    let init = Part {
        line: line_of(open),
        text: &text[open + 1..close],
    };
    let (columns, tail_at) = table(text, close + 1)?;
    Ok(Parts {
        name,
        header,
        init,
        columns,
        tail: Part {
            line: line_of(tail_at),
            text: &text[tail_at..],
        },
    })
}

type Head = (String, Vec<(usize, String, String)>);

fn head(text: &str) -> Result<Head, LitmusError> {
    let mut lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
    let (number, first) = lines
        .find(|(_, line)| !line.is_empty())
        .ok_or_else(|| LitmusErrorKind::Missing("first line `AArch64 <name>`").at(1))?;
    let name = match first.split_once(char::is_whitespace) {
        Some(("AArch64", name)) if !name.trim().is_empty() => name.trim().to_string(),
        _ => return Err(LitmusErrorKind::NotAArch64(first.to_owned()).at(number)),
    };
    let mut header = Vec::new();
    for (number, line) in lines {
        if line.is_empty() || line.starts_with('"') {
            continue;
        }
        let (key, value) = line
            .split_once('=')
            .ok_or_else(|| LitmusErrorKind::Header(line.to_owned()).at(number))?;
        header.push((number, key.trim().to_owned(), value.trim().to_owned()));
    }
    Ok((name, header))
}

/// Words that can begin what follows the code.
const TAIL: [&str; 9] = [
    "exists",
    "~exists",
    "~ exists",
    "not exists",
    "forall",
    "locations",
    "filter",
    "observed",
    "final",
];

type Table = (Vec<(Cell, Vec<Cell>)>, usize);

/// Reads rows that end in `;` until the condition begins.
fn table(text: &str, start: usize) -> Result<Table, LitmusError> {
    let mut columns: Vec<(Cell, Vec<Cell>)> = Vec::new();
    let mut at = start;
    loop {
        let blank = text[at..].len() - text[at..].trim_start().len();
        at += blank;
        let line = text[..at].matches('\n').count() + 1;
        let rest = &text[at..];
        let begins = |word: &str| {
            rest.strip_prefix(word)
                .is_some_and(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':'))
        };
        if rest.is_empty() || TAIL.iter().any(|word| begins(word)) {
            if columns.is_empty() {
                return Err(LitmusErrorKind::Missing("code").at(line));
            }
            return Ok((columns, at));
        }
        let end = rest
            .find(';')
            .ok_or_else(|| LitmusErrorKind::Missing("`;` at the end of this row").at(line))?;
        let cells = rest[..end].split('|').map(|cell| {
            cell.split_whitespace().fold(String::new(), |mut joined, word| {
                if !joined.is_empty() {
                    joined.push(' ');
                }
                joined.push_str(word);
                joined
            })
        });
        if columns.is_empty() {
            columns = cells.map(|name| ((line, name), Vec::new())).collect();
        } else {
            for (number, cell) in cells.enumerate() {
                let Some((_, column)) = columns.get_mut(number) else {
                    return Err(LitmusErrorKind::Unexpected {
                        found: cell,
                        expected: "no more columns than PEs",
                    }
                    .at(line));
                };
                column.push((line, cell));
            }
        }
        at += end + 1;
    }
}
