// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is put for the parameters of a macro, as each assembler writes them.

/// Puts values for `$name`, as Arm's own assembler does: a dot behind it ends the name.
pub(super) fn fill_dollar(text: &str, values: &[(&str, String)]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = 1 + rest[1..]
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len() - 1);
        match values.iter().find(|(name, _)| *name == &rest[..length]) {
            Some((_, value)) => {
                out.push_str(value);
                rest = rest[length..].strip_prefix('.').unwrap_or(&rest[length..]);
            }
            None => {
                out.push_str(&rest[..length]);
                rest = &rest[length..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// Puts values for `\name`, as the assembler does.
pub(super) fn fill_escaped(text: &str, values: &[(&str, String)]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix("()") {
            rest = after;
            continue;
        }
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        match values.iter().find(|(name, _)| *name == &rest[..length]) {
            Some((_, value)) => out.push_str(value),
            None => {
                out.push('\\');
                out.push_str(&rest[..length]);
            }
        }
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

/// Puts values for names, as the preprocessor does.
pub(super) fn fill_bare(text: &str, values: &[(&str, String)]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_alphabetic() || c == '_') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let word = &rest[..length];
        out.push_str(
            values
                .iter()
                .find(|(name, _)| *name == word)
                .map_or(word, |(_, value)| value),
        );
        rest = &rest[length..];
    }
    out.push_str(rest);
    out.replace("##", "").replace(" # ", " ")
}
