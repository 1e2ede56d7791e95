// SPDX-License-Identifier: MIT OR Apache-2.0
//! Text of others made harmless: names and messages in a patch may be hostile.

/// Makes control characters of hostile names visible.
pub fn clean(text: &str) -> String {
    results::text::clean(text).into_owned()
}

/// Escapes what is markup in HTML and so in Markdown too; `other` writes every other character.
pub(super) fn escape(text: &str, other: impl Fn(char, &mut String)) -> String {
    let mut out = String::new();
    for character in clean(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            character => other(character, &mut out),
        }
    }
    out
}

/// Writes a sentence of our own, whose spans between backquotes are code; without pairs of them all is plain.
pub(super) fn spans(text: &str, plain: impl Fn(&str) -> String, code: impl Fn(&str) -> String) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return plain(text);
    }
    let span = |(index, part): (usize, &&str)| match index % 2 {
        0 => plain(part),
        _ => code(part),
    };
    parts.iter().enumerate().map(span).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(clean("a\u{1b}[31m\u{202e}b\tc"), "a\u{fffd}[31m\u{fffd}b c");
    }
}
