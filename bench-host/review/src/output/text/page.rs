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

/// Writes a command so that it can be pasted into a shell: broken only between words, behind a backslash.
pub(super) fn command(out: &mut String, label: &str, text: &str) {
    const INDENT: &str = "    ";
    let mut line = label.to_owned();
    let mut empty = true;
    for word in words(text) {
        // A backslash and the space before it may follow.
        let fits = line.chars().count() + usize::from(!empty) + word.chars().count() + 2 <= WIDTH;
        if !fits && !empty {
            out.push_str(&line);
            out.push_str(" \\\n");
            line = INDENT.to_owned();
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    out.push_str(&line);
    out.push('\n');
}

/// Returns the words of a command line; what is between single quotes belongs together.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |character| {
        quoted ^= character == '\'';
        character == ' ' && !quoted
    })
    .filter(|word| !word.is_empty())
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
    fn commands_can_be_pasted() {
        let long = format!("bench-host review '{} b.patch' {}", "a ".repeat(40), "c".repeat(90));
        let mut out = String::new();
        command(&mut out, "Reproduce: ", &long);
        let pasted = out.replace(" \\\n    ", " ");
        assert_eq!(pasted, format!("Reproduce: {long}\n"));
        assert_eq!(out.lines().count(), 3);
        let mut out = String::new();
        command(&mut out, "Reproduce: ", "bench-host review a.patch");
        assert_eq!(out, "Reproduce: bench-host review a.patch\n");
    }

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
