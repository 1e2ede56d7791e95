// SPDX-License-Identifier: MIT OR Apache-2.0
//! Quote marks of replies.

/// Which diffs of a text count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// Those that are not quoted.
    Outside,
    /// Those inside quotes, each at the depth where its first line stands.
    Inside,
}

/// Returns how often a line is quoted, and the line without its marks and the one blank after the last.
pub(super) fn depth(line: &str) -> (usize, &str) {
    let mut rest = line;
    let mut depth = 0;
    loop {
        // `> > x` and `>> x` are both two deep; the text may itself start with blanks.
        let next = match depth {
            0 => rest,
            _ => rest.strip_prefix(' ').unwrap_or(rest),
        };
        match next.strip_prefix('>') {
            Some(inner) => {
                depth += 1;
                rest = inner;
            }
            None if depth == 0 => return (0, line),
            None => return (depth, next),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::depth;

    #[test]
    fn marks_are_counted_in_both_styles() {
        assert_eq!(depth("+ a"), (0, "+ a"));
        assert_eq!(depth(">  dsb"), (1, " dsb"));
        assert_eq!(depth(">> +dsb"), (2, "+dsb"));
        assert_eq!(depth("> > +dsb"), (2, "+dsb"));
        assert_eq!(depth(">"), (1, ""));
    }
}
