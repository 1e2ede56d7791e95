// SPDX-License-Identifier: MIT OR Apache-2.0
//! Text of others made harmless: a log, a manifest, a patch or a file name may be made to control a terminal, to forge a
//! line of a report, or to read otherwise than it is.

use std::borrow::Cow;

/// Returns whether a character does something else than stand where it is: control characters, and those that change the
/// direction of text, are not seen, or end a line (U+2028, U+2029).
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// Returns text as one line that can be shown anywhere: line breaks and tabs are blanks, other hostile characters are made
/// visible.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hostile) {
        return Cow::Borrowed(text);
    }
    let shown = |c| match c {
        '\n' | '\t' => ' ',
        c if is_hostile(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    Cow::Owned(text.chars().map(shown).collect())
}

/// Returns text of several lines as it can be printed: lines and tabs stay, other hostile characters are made visible, and
/// no line is a command to a CI service (`::error::`, `##[group]`), which those read from whatever a step prints.
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_bad = |c| is_hostile(c) && c != '\n' && c != '\t';
    let is_command = |line: &str| line.trim_start().starts_with("::") || line.contains("##[");
    if !text.contains(is_bad) && !text.lines().any(is_command) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for line in text.split_inclusive('\n') {
        let mut line: String = line
            .chars()
            .map(|c| if is_bad(c) { char::REPLACEMENT_CHARACTER } else { c })
            .collect();
        if line.trim_start().starts_with("::") {
            line = line.replacen("::", ": :", 1);
        }
        out.push_str(&line.replace("##[", "## ["));
    }
    Cow::Owned(out)
}

/// Makes every text in a document harmless, names included.
pub fn clean_document(value: &mut toml::Value) {
    match value {
        toml::Value::String(text) => {
            if let Cow::Owned(cleaned) = clean(text) {
                *text = cleaned;
            }
        }
        toml::Value::Array(values) => values.iter_mut().for_each(clean_document),
        toml::Value::Table(table) => {
            table.iter_mut().for_each(|(_, value)| clean_document(value));
            if table.keys().any(|key| key.contains(is_hostile)) {
                let old = std::mem::take(table);
                *table = old
                    .into_iter()
                    .map(|(key, value)| (clean(&key).into_owned(), value))
                    .collect();
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_controls_nothing() {
        assert_eq!(clean("plain | <b>"), "plain | <b>");
        let hostile = "a\u{1b}[2J\u{7}\r\u{9b}\u{202e}b\n\u{2028}\u{200b}\u{e0041}c\u{feff}";
        let shown = clean(hostile);
        assert!(!shown.contains(is_hostile), "{shown:?}");
        assert_eq!(
            shown,
            "a\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}\u{fffd}b \u{fffd}\u{fffd}\u{fffd}c\u{fffd}"
        );
    }

    #[test]
    fn lines_stay_lines_and_command_nobody() {
        assert_eq!(printable("a\n\tb\n"), "a\n\tb\n");
        assert_eq!(
            printable("x\n  ::error::y\n##[group]z\r\n"),
            "x\n  : :error::y\n## [group]z\u{fffd}\n"
        );
        // In the middle of a line it is none.
        assert_eq!(printable("std::error::Error"), "std::error::Error");
    }
}
