// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lines that fit the page.

/// The width that survives being quoted a few times.
pub const WIDTH: usize = 72;

/// Writes text after a label, wrapped to the width, further lines indented.
pub(super) fn wrap(out: &mut String, label: &str, text: &str) {
    let indent = label.chars().take_while(|c| *c == ' ').count() + if label.trim().is_empty() { 0 } else { 4 };
    let mut line = label.to_owned();
    let mut empty = true;
    for word in text.split_whitespace() {
        let fits = line.chars().count() + usize::from(!empty) + word.chars().count() <= WIDTH;
        if !fits && !empty {
            out.push_str(line.trim_end());
            out.push('\n');
            line = " ".repeat(indent);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        // A word wider than the page is cut into pieces.
        for character in word.chars() {
            if line.chars().count() >= WIDTH {
                out.push_str(&line);
                out.push('\n');
                line = " ".repeat(indent);
            }
            line.push(character);
        }
        empty = false;
    }
    out.push_str(line.trim_end());
    out.push('\n');
}

/// Cuts a line to the width of the page.
pub(super) fn cut(text: &str) -> Vec<&str> {
    match text.char_indices().nth(WIDTH) {
        Some((at, _)) => {
            let mut parts = vec![&text[..at]];
            parts.extend(cut(&text[at..]));
            parts
        }
        None => vec![text],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_no_wider_than_the_page() {
        let mut out = String::new();
        wrap(
            &mut out,
            "  label: ",
            &format!("{} {}", "word ".repeat(40), "x".repeat(200)),
        );
        assert!(out.lines().all(|line| line.chars().count() <= WIDTH), "{out}");
        assert_eq!(out.matches('x').count(), 200);
    }
}
