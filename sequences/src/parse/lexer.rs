// SPDX-License-Identifier: MIT OR Apache-2.0
//! Text to tokens: words, punctuation and separators, with their places.

use crate::parse::error::ParseErrorKind;
use core::ops::Range;

/// A token without its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name or a number: ASCII letters, digits, `_` and `.`.
    Word(&'a str),
    /// `;` or the end of a line.
    Separator,
    /// One of `,` `:` `{` `}` `=` `!`.
    Punctuation(char),
    /// `#` or `$` and the name or number right after it: the spelling of an immediate.
    Immediate(&'a str),
    /// The end of the text.
    End,
}

/// The rest of a text.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    source: &'a str,
    offset: usize,
    /// Whether only white space and comments were seen on this line, which makes a `#` start a comment.
    line_start: bool,
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(source: &'a str) -> Self {
        Self {
            source,
            offset: 0,
            line_start: true,
        }
    }

    /// Returns the next token and its place in the text.
    pub(super) fn next(&mut self) -> Result<(Token<'a>, Range<usize>), (ParseErrorKind, Range<usize>)> {
        self.skip_blanks()?;
        let start = self.offset;
        let Some(first) = self.rest().chars().next() else {
            return Ok((Token::End, start..start));
        };
        self.offset += first.len_utf8();
        self.line_start = first == '\n';
        let token = match first {
            ';' | '\n' => Token::Separator,
            ',' | ':' | '{' | '}' | '=' | '!' => Token::Punctuation(first),
            '#' | '$' => {
                self.skip_word();
                Token::Immediate(&self.source[start + 1..self.offset])
            }
            _ if is_word(first) => {
                self.skip_word();
                Token::Word(&self.source[start..self.offset])
            }
            _ => return Err((ParseErrorKind::UnexpectedCharacter(first), start..self.offset)),
        };
        Ok((token, start..self.offset))
    }

    fn rest(&self) -> &'a str {
        &self.source[self.offset..]
    }

    fn skip_word(&mut self) {
        self.offset += self
            .rest()
            .find(|character| !is_word(character))
            .unwrap_or(self.rest().len());
    }

    fn skip_line(&mut self) {
        self.offset += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    /// Skips white space and comments, but not the end of a line.
    fn skip_blanks(&mut self) -> Result<(), (ParseErrorKind, Range<usize>)> {
        loop {
            let rest = self.rest();
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
            self.offset += blanks;
            let rest = self.rest();
            if rest.starts_with("//") || (self.line_start && rest.starts_with('#')) {
                self.skip_line();
            } else if let Some(comment) = rest.strip_prefix("/*") {
                let Some(length) = comment.find("*/") else {
                    return Err((ParseErrorKind::UnterminatedComment, self.offset..self.offset + 2));
                };
                self.offset += 2 + length + 2;
            } else {
                return Ok(());
            }
        }
    }
}

const fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '.')
}

#[cfg(test)]
mod tests {
    use super::{Lexer, Token};
    use alloc::vec::Vec;

    fn tokens(source: &str) -> Vec<Token<'_>> {
        let mut lexer = Lexer::new(source);
        core::iter::from_fn(|| Some(lexer.next().unwrap().0))
            .take_while(|token| *token != Token::End)
            .collect()
    }

    #[test]
    fn comments_vanish_and_ends_of_lines_separate() {
        let expected = [Token::Word("isb"), Token::Separator, Token::Word("sb")];
        assert_eq!(tokens("isb // one\r\nsb"), expected);
        assert_eq!(tokens("isb;/* a\nb */sb"), expected);
        assert_eq!(
            tokens(" # a comment; here\nisb"),
            [Token::Separator, Token::Word("isb")]
        );
        assert_eq!(tokens("/* x */ # a comment"), []);
    }

    #[test]
    fn a_hash_inside_a_line_is_an_immediate() {
        assert_eq!(tokens("dsb #0xb"), [Token::Word("dsb"), Token::Immediate("0xb")]);
        assert_eq!(
            tokens("isb # sync"),
            [Token::Word("isb"), Token::Immediate(""), Token::Word("sync")]
        );
    }
}
