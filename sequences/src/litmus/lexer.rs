// SPDX-License-Identifier: MIT OR Apache-2.0
//! Words and signs of the initial state and of the condition.

use super::error::{LitmusError, LitmusErrorKind};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// One word or sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Name(String),
    Number(i64),
    /// Text in double quotes.
    Text(String),
    Sign(&'static str),
}

const SIGNS: [&str; 20] = [
    "<>", "/\\", "\\/", "=>", "==", "!=", "(", ")", "[", "]", "{", "}", ",", ";", ":", "=", "~", "&", "*", "-",
];

/// The tokens of a part of a test, read from the front.
pub(super) struct Tokens {
    tokens: Vec<(usize, Token)>,
    next: usize,
    last_line: usize,
}

impl Tokens {
    /// Splits `text`, which begins on `line`.
    pub(super) fn new(text: &str, mut line: usize) -> Result<Self, LitmusError> {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if first == '\n' {
                line += 1;
            }
            if first.is_whitespace() {
                rest = &rest[first.len_utf8()..];
            } else if first.is_ascii_digit() {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                let number = number(word).ok_or_else(|| {
                    LitmusErrorKind::Unexpected {
                        found: word.to_owned(),
                        expected: "a number",
                    }
                    .at(line)
                })?;
                tokens.push((line, Token::Number(number)));
                rest = after;
            } else if first.is_ascii_alphabetic() || first == '_' {
                let end = rest
                    .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                    .unwrap_or(rest.len());
                // Memory types are the only names with a hyphen: `Device-nGnRE`, `Inner-write-back`.
                let end = match &rest[..end] {
                    "Device" | "Inner" | "Outer" | "Non" | "D" | "I" if rest[end..].starts_with('-') => rest
                        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
                        .unwrap_or(rest.len()),
                    _ => end,
                };
                let (word, after) = rest.split_at(end);
                tokens.push((line, Token::Name(word.to_owned())));
                rest = after;
            } else if let Some((inside, after)) = rest.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
                tokens.push((line, Token::Text(inside.to_owned())));
                rest = after;
            } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                tokens.push((line, Token::Sign(sign)));
                rest = &rest[sign.len()..];
            } else {
                return Err(LitmusErrorKind::Unexpected {
                    found: first.to_string(),
                    expected: "a name, a number or a sign",
                }
                .at(line));
            }
        }
        Ok(Self {
            tokens,
            next: 0,
            last_line: line,
        })
    }

    pub(super) fn line(&self) -> usize {
        self.tokens.get(self.next).map_or(self.last_line, |(line, _)| *line)
    }

    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.next + ahead).map(|(_, token)| token)
    }

    pub(super) fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.next).map(|(_, token)| token.clone());
        self.next += 1;
        token
    }

    /// Skips `sign` if it comes next.
    pub(super) fn eat(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(next)) if *next == sign);
        self.next += usize::from(found);
        found
    }

    /// Skips the word `name` if it comes next.
    pub(super) fn eat_name(&mut self, name: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Name(next)) if next == name);
        self.next += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, sign: &'static str) -> Result<(), LitmusError> {
        if self.eat(sign) {
            Ok(())
        } else {
            Err(self.unexpected(sign))
        }
    }

    pub(super) fn name(&mut self, expected: &'static str) -> Result<String, LitmusError> {
        match self.peek() {
            Some(Token::Name(name)) => {
                let name = name.clone();
                self.next += 1;
                Ok(name)
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    pub(super) fn number(&mut self, expected: &'static str) -> Result<i64, LitmusError> {
        match self.peek() {
            Some(Token::Number(number)) => {
                let number = *number;
                self.next += 1;
                Ok(number)
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    pub(super) fn unexpected(&self, expected: &'static str) -> LitmusError {
        let found = match self.peek() {
            None => "the end".to_owned(),
            Some(Token::Name(name) | Token::Text(name)) => name.clone(),
            Some(Token::Number(number)) => format!("{number}"),
            Some(Token::Sign(sign)) => (*sign).to_owned(),
        };
        LitmusErrorKind::Unexpected { found, expected }.at(self.line())
    }
}

/// Reads a decimal or hexadecimal number.
pub(super) fn number(word: &str) -> Option<i64> {
    match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}
