// SPDX-License-Identifier: MIT OR Apache-2.0
//! The text of a saved page: tags dropped, entities resolved, nothing interpreted.
//!
//! Archives show a patch inside `<pre>`, where a line of text is a line of source, so lines are kept as they are.

/// Entities longer than this are not entities.
const MAX_ENTITY: usize = 10;
/// Longest tag that is carried from line to line; a `<` further away than that was text.
const MAX_TAG: usize = 4096;

/// What of a page is still open at the end of a line.
#[derive(Debug, Default)]
pub(super) struct Html {
    tag: Option<String>,
    /// Inside `<script>` or `<style>`.
    hidden: Option<&'static str>,
    text: String,
}

impl Html {
    /// Takes a line of the page; returns the finished lines of text.
    pub(super) fn feed(&mut self, line: &str) -> Vec<String> {
        let mut done = Vec::new();
        for character in line.chars() {
            match &mut self.tag {
                Some(tag) if character == '>' => {
                    let tag = std::mem::take(tag);
                    self.tag = None;
                    if self.close(&tag) {
                        done.push(self.line());
                    }
                }
                Some(tag) if tag.len() < MAX_TAG => tag.push(character),
                Some(_) => self.tag = None,
                None if character == '<' => self.tag = Some(String::new()),
                None if self.hidden.is_some() => {}
                None => self.text.push(character),
            }
        }
        if let Some(tag) = &mut self.tag {
            tag.push(' ');
        } else {
            done.push(self.line());
        }
        done
    }

    /// Returns what is left at the end of the page.
    pub(super) fn finish(&mut self) -> Option<String> {
        let line = self.line();
        (!line.is_empty()).then_some(line)
    }

    fn line(&mut self) -> String {
        entities(&std::mem::take(&mut self.text))
    }

    /// Acts on a tag; returns whether it ends a line.
    fn close(&mut self, tag: &str) -> bool {
        let name: String = tag
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '/')
            .collect::<String>()
            .to_ascii_lowercase();
        match (self.hidden, name.as_str()) {
            (None, "script") => self.hidden = Some("/script"),
            (None, "style") => self.hidden = Some("/style"),
            (Some(end), name) if name == end => self.hidden = None,
            _ => {}
        }
        matches!(name.as_str(), "br" | "/p" | "/div" | "/tr" | "/pre")
    }
}

fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(MAX_ENTITY).position(|byte| byte == b';');
        match end.and_then(|end| entity(&rest[1..end]).map(|c| (end, c))) {
            Some((end, character)) => {
                out.push(character);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    let code = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => match (
            name.strip_prefix("#x").or(name.strip_prefix("#X")),
            name.strip_prefix('#'),
        ) {
            (Some(digits), _) => code(digits, 16),
            (None, Some(digits)) => code(digits, 10),
            (None, None) => None,
        },
    }
}
