// SPDX-License-Identifier: MIT OR Apache-2.0
//! Color for terminals: a few words that decide something, in text that is complete without it.
//!
//! Color is put in where text is printed, after everything in it that could control a terminal is gone: what a run, a log or
//! a patch says cannot color itself, and no form but a terminal's ever has color in it.

use std::borrow::Cow;

/// Ends every color.
const END: &str = "\u{1b}[0m";

/// A color.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Color {
    Good,
    Bad,
    Care,
    Strong,
}

impl Color {
    const fn begin(self) -> &'static str {
        match self {
            Self::Good => "\u{1b}[32m",
            Self::Bad => "\u{1b}[1;31m",
            Self::Care => "\u{1b}[33m",
            Self::Strong => "\u{1b}[1m",
        }
    }
}

/// Words that are bad news wherever they stand.
const BAD: [&str; 7] = [
    "FAIL",
    "FAILED",
    "INCOMPLETE",
    "INSUFFICIENT",
    "DISAGREEMENT",
    "DISAGREEMENTS",
    "MOVED",
];
/// How lines begin, and the color of that beginning.
const STARTS: [(&str, Color); 3] = [
    ("pass,", Color::Good),
    ("skipped,", Color::Care),
    ("not observable,", Color::Care),
];

/// Returns the text with color.
pub fn colored(text: &str) -> String {
    let lines = text.split_inclusive('\n').map(|line| {
        let (line, end) = match line.strip_suffix('\n') {
            Some(line) => (line, "\n"),
            None => (line, ""),
        };
        format!("{}{end}", of_line(line))
    });
    lines.collect()
}

fn of_line(line: &str) -> Cow<'_, str> {
    let whole = |color: Color| Cow::from(format!("{}{line}{END}", color.begin()));
    if line.starts_with("== ") {
        return whole(Color::Strong);
    }
    if line.starts_with("*** ") && line.ends_with(" ***") && !line.contains("INCOMPLETE") {
        return whole(Color::Care);
    }
    if let Some((start, color)) = STARTS.iter().find(|(start, _)| line.starts_with(start)) {
        return format!("{}{start}{END}{}", color.begin(), &line[start.len()..]).into();
    }
    if !BAD.iter().any(|word| line.contains(word)) {
        return line.into();
    }
    let mut out = String::with_capacity(line.len() + 16);
    // Words and what is between them, in turn.
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| is_word(c) != is_word(first)).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        match BAD.contains(&part) {
            true => out.extend([Color::Bad.begin(), part, END]),
            false => out.push_str(part),
        }
        rest = after;
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_and_beginnings_are_colored() {
        let of = |line: &str| colored(line).replace('\u{1b}', "^");
        assert_eq!(of("FAIL a with b\n"), "^[1;31mFAIL^[0m a with b\n");
        assert_eq!(of("a FAILURE, no_FAIL"), "a FAILURE, no_FAIL");
        assert_eq!(
            of("pass, 3 cases\nso pass, too\n"),
            "^[32mpass,^[0m 3 cases\nso pass, too\n"
        );
        assert_eq!(of("== Timing ==\n"), "^[1m== Timing ==^[0m\n");
        assert_eq!(of("*** QEMU TCG ***"), "^[33m*** QEMU TCG ***^[0m");
        assert_eq!(of("*** INCOMPLETE: x ***"), "*** ^[1;31mINCOMPLETE^[0m: x ***");
        assert_eq!(of("plain\n\ntext"), "plain\n\ntext");
    }
}
