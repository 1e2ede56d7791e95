// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which modules of its crate a source file uses.

use std::collections::BTreeSet;

/// Returns the modules, out of `names`, that the source of `module` uses.
pub fn used(module: &str, source: &str, names: &BTreeSet<String>) -> BTreeSet<String> {
    let source = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let tokens = tokens(source);
    let mut found = Vec::new();
    let mut at = 0;
    let mut re_export = false;
    while at < tokens.len() {
        let token = tokens[at].as_str();
        let before = at.checked_sub(1).map_or("", |before| tokens[before].as_str());
        match token {
            "use" => re_export = [")", "pub"].contains(&before),
            ";" => re_export = false,
            "crate" | "super" if before != "::" && before != "(" => {
                at = tree(&tokens, at, &mut Vec::new(), &mut found);
                continue;
            }
            // A child, by its name alone. Handing on what a child has is not using it.
            _ if before != "::" && tokens.get(at + 1).is_some_and(|next| next == "::") => {
                let child = format!("{module}::{token}");
                if names.contains(&child) && !re_export {
                    found.push(vec!["crate".to_owned()].into_iter().chain(segments(&child)).collect());
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
        .iter()
        .filter_map(|path| resolve(module, path, names))
        .filter(|used| used != module)
        .collect()
}

fn segments(module: &str) -> impl Iterator<Item = String> {
    module.split("::").map(str::to_owned)
}

/// Reads the path, or tree of paths, that begins at a token, and returns where it ends.
fn tree(tokens: &[String], mut at: usize, prefix: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> usize {
    let depth = prefix.len();
    loop {
        match tokens.get(at).map(String::as_str) {
            Some("{") => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token != "}") {
                    at = tree(tokens, at, prefix, found);
                    while tokens
                        .get(at)
                        .is_some_and(|token| ![",", "}"].contains(&token.as_str()))
                    {
                        at += 1;
                    }
                    if tokens.get(at).is_some_and(|token| token == ",") {
                        at += 1;
                    }
                }
                prefix.truncate(depth);
                return at + 1;
            }
            Some(segment) => prefix.push(segment.to_owned()),
            None => return at,
        }
        at += 1;
        if tokens.get(at).is_none_or(|token| token != "::") {
            break;
        }
        at += 1;
    }
    found.push(prefix.clone());
    prefix.truncate(depth);
    at
}

/// Returns the innermost module of a path; `None` for the root, or a name in it.
fn resolve(module: &str, path: &[String], names: &BTreeSet<String>) -> Option<String> {
    let mut base: Vec<String> = match path.first()?.as_str() {
        "crate" => Vec::new(),
        _ => segments(module).collect(),
    };
    for segment in path {
        match segment.as_str() {
            "crate" | "self" => {}
            "super" => {
                base.pop();
            }
            name => {
                base.push(name.to_owned());
            }
        }
    }
    while !base.is_empty() {
        let name = base.join("::");
        if names.contains(&name) {
            return Some(name);
        }
        base.pop();
    }
    None
}

/// Splits a source into words, `::`, and single other characters; comments and literals are left out.
fn tokens(source: &str) -> Vec<String> {
    let chars: Vec<char> = source.chars().collect();
    let starts = |at: usize, text: &str| text.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c));
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        if starts(at, "//") {
            at = (at..chars.len()).find(|&i| chars[i] == '\n').unwrap_or(chars.len());
        } else if starts(at, "/*") {
            at = (at + 2..chars.len()).find(|&i| starts(i, "*/")).unwrap_or(chars.len()) + 2;
        } else if c == '"' {
            at += 1;
            while at < chars.len() && chars[at] != '"' {
                at += if chars[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
        } else if c == '\'' {
            // A character, else a lifetime.
            at = match (chars.get(at + 1), chars.get(at + 2)) {
                (Some('\\'), _) => (at + 3..chars.len()).find(|&i| chars[i] == '\'').unwrap_or(chars.len()) + 1,
                (_, Some('\'')) => at + 3,
                _ => at + 1,
            };
        } else if is_word(c) {
            let end = (at..chars.len()).find(|&i| !is_word(chars[i])).unwrap_or(chars.len());
            let word: String = chars[at..end].iter().collect();
            at = end;
            let hashes = chars[at..].iter().take_while(|c| **c == '#').count();
            if ["r", "br"].contains(&word.as_str()) && chars.get(at + hashes) == Some(&'"') {
                let close = format!("\"{}", "#".repeat(hashes));
                at += hashes + 1;
                at = (at..chars.len()).find(|&i| starts(i, &close)).unwrap_or(chars.len()) + close.len();
            } else {
                tokens.push(word);
            }
        } else if starts(at, "::") {
            tokens.push("::".to_owned());
            at += 2;
        } else {
            if !c.is_whitespace() {
                tokens.push(c.to_string());
            }
            at += 1;
        }
    }
    tokens
}

#[test]
fn every_form_of_a_path_is_seen() {
    let names = ["a", "a::b", "a::b::c", "d", "e", "f", "g"];
    let names = names.into_iter().map(str::to_owned).collect();
    let source = r##"
        mod c;
        pub use c::Handed;
        use crate::{d::{self, X}, e::Y};
        use super::Parent;
        // crate::f
        const TEXT: &str = "crate::f\"crate::f"; const RAW: &str = r#"crate::f "quoted" crate::f"#;
        fn g<'a>(c: &'a char) { 'x'; '\''; crate::g::run(); }
        #[cfg(test)]
mod tests { use crate::f; }
    "##;
    let used = used("a::b", &source.replace("        #[cfg", "#[cfg"), &names);
    let expected = ["a", "d", "e", "g"];
    assert!(used.iter().eq(expected.iter()), "{used:?}");
    let called = self::used("a::b", "fn f() { c::run() }", &names);
    assert!(called.iter().eq(["a::b::c"].iter()), "{called:?}");
}
