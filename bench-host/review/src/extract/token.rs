// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tokens of C, C++ and Rust, as far as finding calls, strings and blocks needs them.

mod brackets;
mod lexer;

pub use brackets::{block_start, closing, skip_past, split};
pub use lexer::{body_tokens, tokens};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A name or keyword.
    Word,
    /// A number.
    Number,
    /// A string literal; the text is what it stands for.
    Text,
    /// One character of punctuation, or one of the few pairs that count (`::`, `==`, `##`, `=>`, `->`).
    Sign,
    /// A preprocessor line, continuation lines joined by newlines, without its `#`.
    Directive,
}

/// A token and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Its text.
    pub text: String,
    /// The line it starts on.
    pub line: u32,
    /// It is the first of its line, and this far from the margin (a tab is one).
    pub column: Option<u32>,
    /// Its line is on one side of the patch only.
    pub changed: bool,
    /// The lines do not follow the one before: text is missing here.
    pub gap: bool,
}

impl Token {
    /// Returns whether this is that punctuation.
    pub fn is(&self, sign: &str) -> bool {
        self.kind == TokenKind::Sign && self.text == sign
    }

    /// Returns whether this is that word.
    pub fn is_word(&self, word: &str) -> bool {
        self.kind == TokenKind::Word && self.text == word
    }
}

/// A line of source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLine {
    /// Its number in the file, from 1.
    pub number: u32,
    /// Its text.
    pub text: String,
    /// It is on one side of the patch only.
    pub changed: bool,
}

/// Languages that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// Assembly, with or without preprocessor.
    Assembly,
    /// C and C++, and what looks like them.
    C,
    /// Rust.
    Rust,
}

impl Language {
    /// Returns the language by a path's extension; none for what is not read.
    pub fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        // A file that a build makes another one of is in that one's language: `head.S.in`.
        let made = ["in", "tmpl", "template", "j2", "inc"]
            .iter()
            .find_map(|end| name.strip_suffix(end)?.strip_suffix('.'))
            .and_then(|made| Self::of_extension(made.rsplit_once('.')?.1));
        made.or_else(|| Self::of_extension(name.rsplit_once('.')?.1))
    }

    fn of_extension(extension: &str) -> Option<Self> {
        match extension {
            "S" | "s" | "asm" | "ASM" | "Asm" | "masm" | "sx" | "spp" | "mac" | "macro" | "gas" | "S_shipped" => {
                Some(Self::Assembly)
            }
            "rs" => Some(Self::Rust),
            "c" | "h" | "cc" | "cpp" | "cxx" | "c++" | "hpp" | "hh" | "hxx" | "h++" | "inc" | "inl" | "ipp" | "ixx"
            | "cppm" | "tcc" | "tpp" | "txx" | "def" | "m" | "mm" | "C" | "H" | "CPP" | "in" | "x" | "zig" | "d"
            | "ld" | "go" | "py" | "ev" | "tc" | "nim" | "swift" | "odin" | "c3" => Some(Self::C),
            _ => None,
        }
    }
}

/// Returns whether lines start inside a block comment, as a hunk may: then its end comes before any start.
pub fn starts_in_comment(lines: &[SourceLine]) -> bool {
    let first = lines
        .iter()
        .find_map(|line| match (line.text.find("/*"), line.text.find("*/")) {
            (None, None) => None,
            (start, end) => Some(end.is_some_and(|end| start.is_none_or(|start| end < start))),
        });
    first == Some(true)
}

/// Joins tokens back to text, for operands and messages.
pub fn join(tokens: &[Token]) -> String {
    let mut out = String::new();
    for token in tokens {
        let wordy = |c: char| c.is_alphanumeric() || c == '_';
        let apart = out.chars().last().is_some_and(wordy) && token.text.chars().next().is_some_and(wordy);
        if apart {
            out.push(' ');
        }
        match token.kind {
            TokenKind::Text => {
                out.push('"');
                out.push_str(&token.text.replace('\n', "\\n"));
                out.push('"');
            }
            _ => out.push_str(&token.text),
        }
    }
    out
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Returns the lines of a source that no patch changes.
    pub fn lines(source: &str) -> Vec<SourceLine> {
        let line = |(number, text): (u32, &str)| SourceLine {
            number,
            text: text.into(),
            changed: false,
        };
        (1..).zip(source.lines()).map(line).collect()
    }
}
