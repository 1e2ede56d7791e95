// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lines of source into tokens.

use super::{Language, SourceLine, Token, TokenKind, starts_in_comment};

/// Splits lines into tokens. Never fails: a string or comment without end ends with the text.
pub fn tokens(lines: &[SourceLine], language: Language) -> Vec<Token> {
    let mut lexer = Lexer::new(language);
    lexer.comment = u32::from(starts_in_comment(lines));
    if lexer.comment == 0 && starts_in_string(lines, language) {
        lexer.open = Some(("\"".to_owned(), true));
    }
    let mut index = 0;
    while let Some(line) = lines.get(index) {
        index += 1;
        let gap = lexer.previous.is_some_and(|previous| previous + 1 != line.number);
        if gap {
            lexer.comment = 0;
            lexer.open = None;
            if starts_in_string(&lines[index - 1..], language) {
                lexer.open = Some(("\"".to_owned(), true));
            }
        }
        lexer.previous = Some(line.number);
        let directive = language == Language::C
            && lexer.comment == 0
            && lexer.open.is_none()
            && line.text.trim_start().starts_with('#')
            && !line.text.trim_start().starts_with("##");
        if directive {
            let mut text = line.text.trim_start()[1..].trim_start().to_owned();
            let mut changed = line.changed;
            let mut last = line;
            while last.text.trim_end().ends_with('\\') {
                match lines.get(index) {
                    Some(next) if next.number == last.number + 1 || next.text.trim_end().ends_with('\\') => {
                        let kept = text.trim_end().len() - 1;
                        text.truncate(kept);
                        text.push('\n');
                        text.push_str(&next.text);
                        changed |= next.changed;
                        last = next;
                        index += 1;
                    }
                    _ => break,
                }
            }
            lexer.previous = Some(last.number);
            lexer.push(TokenKind::Directive, text, line, Some(0), gap);
            if let Some(token) = lexer.out.last_mut() {
                token.changed = changed;
            }
        } else {
            lexer.line(line, gap);
        }
    }
    lexer.out
}

/// Returns whether lines start inside a string that began before them, as where a hunk cuts the text of an `asm!`: the first quote
/// in them stands alone and what follows it goes on with a list, which no string starts with. Maintenance before it is read as
/// it stands.
fn starts_in_string(lines: &[SourceLine], language: Language) -> bool {
    if language != Language::Rust {
        return false;
    }
    let joined = lines.windows(2).take_while(|pair| pair[0].number + 1 == pair[1].number);
    let near = &lines[..lines.len().min(joined.count() + 1)];
    let Some(at) = near.iter().position(|line| line.text.contains('"')) else {
        return false;
    };
    let says = |line: &SourceLine| {
        let lower = line.text.to_ascii_lowercase();
        line.changed || ["tlb", "dsb", "isb", "msr"].iter().any(|word| lower.contains(word))
    };
    let (before, after) = near[at].text.split_once('"').unwrap_or_default();
    before.trim().is_empty() && after.trim_start().starts_with([',', ')']) && !near[..at].iter().any(says)
}

/// Splits the body of a macro into tokens that all have the macro's line.
pub fn body_tokens(text: &str, first: u32, changed: bool, language: Language) -> Vec<Token> {
    let lines: Vec<_> = (first..)
        .zip(text.split('\n'))
        .map(|(number, text)| SourceLine {
            number,
            text: text.to_owned(),
            changed,
        })
        .collect();
    let mut lexer = Lexer::new(language);
    for line in &lines {
        lexer.line(line, false);
    }
    lexer.out
}

struct Lexer {
    language: Language,
    out: Vec<Token>,
    /// Depth of open block comments.
    comment: u32,
    /// A string that goes on on the next line: its end and whether escapes count.
    open: Option<(String, bool)>,
    previous: Option<u32>,
}

impl Lexer {
    const fn new(language: Language) -> Self {
        Self {
            language,
            out: Vec::new(),
            comment: 0,
            open: None,
            previous: None,
        }
    }

    fn push(&mut self, kind: TokenKind, text: String, line: &SourceLine, column: Option<u32>, gap: bool) {
        self.out.push(Token {
            kind,
            text,
            line: line.number,
            column,
            changed: line.changed,
            gap,
        });
    }

    fn line(&mut self, line: &SourceLine, gap: bool) {
        let characters: Vec<char> = line.text.chars().collect();
        let mut at = 0;
        let mut first = true;
        let mut gap = gap;
        if let Some((end, escapes)) = self.open.take() {
            // Each line of a string is a token of its own, so that it is known which of them the patch changes.
            self.push(TokenKind::Text, String::new(), line, None, false);
            at = self.string(&characters, 0, &end, escapes);
            first = false;
        }
        while let Some(&c) = characters.get(at) {
            let next = characters.get(at + 1).copied();
            if self.comment > 0 {
                match (c, next) {
                    ('*', Some('/')) => {
                        self.comment -= 1;
                        at += 2;
                    }
                    ('/', Some('*')) if self.language == Language::Rust => {
                        self.comment += 1;
                        at += 2;
                    }
                    _ => at += 1,
                }
                continue;
            }
            // A line of a string in Zig: `\\\\ dsb ish`.
            if self.language == Language::C && (c, next) == ('\\', Some('\\')) && first {
                let text: String = characters[at + 2..].iter().collect();
                self.push(TokenKind::Text, format!("{text}\n"), line, Some(at as u32), gap);
                break;
            }
            if c.is_whitespace() || c == '\\' {
                at += 1;
                continue;
            }
            match (c, next) {
                ('/', Some('/')) => break,
                ('/', Some('*')) => {
                    self.comment = 1;
                    at += 2;
                    continue;
                }
                _ => {}
            }
            let column = first.then_some(at as u32);
            first = false;
            let was_gap = std::mem::take(&mut gap);
            if c == '"' || self.raw_prefix(&characters, at).is_some() {
                let (start, end, escapes) = self.raw_prefix(&characters, at).unwrap_or((at + 1, "\"".into(), true));
                self.push(TokenKind::Text, String::new(), line, column, was_gap);
                at = self.string(&characters, start, &end, escapes);
            } else if c == '\'' {
                at = self.quote(&characters, at);
            } else if c.is_alphabetic() || c == '_' || c == '$' || c.is_ascii_digit() {
                let kind = if c.is_ascii_digit() {
                    TokenKind::Number
                } else {
                    TokenKind::Word
                };
                let within = |c: &&char| c.is_alphanumeric() || **c == '_' || **c == '$' && kind == TokenKind::Word;
                let text: String = characters[at..].iter().take_while(within).collect();
                at += text.chars().count();
                self.push(kind, text, line, column, was_gap);
            } else {
                let pair: String = [Some(c), next].into_iter().flatten().collect();
                let known = ["::", "==", "##", "=>", "->", "!=", "<=", ">="].contains(&pair.as_str());
                let text = if known { pair } else { c.to_string() };
                at += text.chars().count();
                self.push(TokenKind::Sign, text, line, column, was_gap);
            }
        }
    }

    /// Returns start, end mark and whether escapes count, for `r"`, `r#"`, `R"(`, `b"`, `L"`, `u8"`.
    fn raw_prefix(&self, characters: &[char], at: usize) -> Option<(usize, String, bool)> {
        let inside_word = at > 0 && (characters[at - 1].is_alphanumeric() || characters[at - 1] == '_');
        if inside_word {
            return None;
        }
        match (self.language, characters[at]) {
            (Language::Rust, 'r') => {
                let hashes = characters[at + 1..].iter().take_while(|c| **c == '#').count();
                let quote = characters.get(at + 1 + hashes) == Some(&'"');
                quote.then(|| (at + 2 + hashes, format!("\"{}", "#".repeat(hashes)), false))
            }
            (_, 'b' | 'L') if characters.get(at + 1) == Some(&'"') => Some((at + 2, "\"".into(), true)),
            (Language::C, 'R') if characters.get(at + 1) == Some(&'"') => {
                let rest = &characters[at + 2..];
                let open = rest.iter().take(17).position(|c| *c == '(')?;
                let mark: String = rest[..open].iter().collect();
                Some((at + 3 + open, format!("){mark}\""), false))
            }
            _ => None,
        }
    }

    /// Reads a string into the last token, from `at` to the end mark; returns where it goes on.
    fn string(&mut self, characters: &[char], mut at: usize, end: &str, escapes: bool) -> usize {
        let mark: Vec<char> = end.chars().collect();
        let mut text = String::new();
        let mut closed = false;
        while let Some(&c) = characters.get(at) {
            if characters[at..].starts_with(&mark) {
                at += mark.len();
                closed = true;
                break;
            }
            at += 1;
            if c != '\\' || !escapes {
                text.push(c);
                continue;
            }
            match characters.get(at) {
                Some('n' | 'r') => text.push('\n'),
                Some('t') => text.push('\t'),
                // A string continued on the next line.
                None => break,
                Some(other) => text.push(*other),
            }
            at += 1;
        }
        if !closed {
            text.push('\n');
            // In C a string ends with its line unless continued; in Rust it goes on.
            let continued = characters.last() == Some(&'\\');
            if self.language == Language::Rust || !escapes || continued {
                self.open = Some((end.to_owned(), escapes));
            }
        }
        if let Some(token) = self.out.last_mut().filter(|token| token.kind == TokenKind::Text) {
            token.text.push_str(&text);
        }
        at
    }

    /// Skips a character literal, or the tick of a lifetime.
    fn quote(&self, characters: &[char], at: usize) -> usize {
        let rest = &characters[at + 1..];
        match rest {
            ['\\', ..] => {
                let end = rest.iter().skip(2).take(12).position(|c| *c == '\'');
                at + end.map_or(2, |end| end + 4)
            }
            [_, '\'', ..] => at + 3,
            _ if self.language == Language::C => {
                let end = rest.iter().take(8).position(|c| *c == '\'');
                at + end.map_or(1, |end| end + 2)
            }
            _ => at + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use super::*;

    fn texts(source: &str, language: Language) -> Vec<String> {
        let lines = lines(source);
        tokens(&lines, language).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_strings_are_told_apart() {
        let source = "a /* \"x\" */ \"dsb\\n\" // b\nc";
        assert_eq!(texts(source, Language::C), ["a", "dsb\n", "c"]);
        assert_eq!(texts("end of comment */ x", Language::C), ["x"]);
        assert_eq!(texts("r#\"a\"b\"# 'a 'x' '\\n' y", Language::Rust), ["a\"b", "a", "y"]);
    }

    #[test]
    fn directives_are_one_token() {
        assert_eq!(
            texts("#define A(x) \\\n  b(x)\nc", Language::C),
            ["define A(x) \n  b(x)", "c"]
        );
    }
}
