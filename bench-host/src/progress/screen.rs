// SPDX-License-Identifier: MIT OR Apache-2.0
//! A few lines at the bottom of a terminal that are written anew again and again, and wiped in the end.
//!
//! Every line ends with a line break, so that the cursor waits in the first column below: what the terminal echoes there
//! (`^C`) is overwritten and shifts nothing. A terminal that was made narrower has broken the lines it shows, so the rows
//! to go up by are counted at the width of now.

use std::fmt::Write;

use console::Term;

/// What is on the terminal.
#[derive(Debug)]
pub struct Screen {
    term: Term,
    /// Characters of each line that is shown.
    shown: Vec<usize>,
}

impl Screen {
    /// Begins with nothing on standard error.
    pub fn new() -> Self {
        Self {
            term: Term::stderr(),
            shown: Vec::new(),
        }
    }

    /// Returns rows and columns of the terminal.
    pub fn size(&self) -> (usize, usize) {
        let (rows, columns) = self.term.size();
        (rows.into(), columns.into())
    }

    /// Shows these lines instead of those before.
    pub fn show(&mut self, lines: &[String]) {
        let text = frame(&self.shown, lines, self.size());
        self.shown = lines.iter().map(|line| line.chars().count()).collect();
        // A terminal that is gone shows nothing; the run goes on, and its report is what counts.
        let _ = self.term.write_str(&text);
    }

    /// Wipes the lines.
    pub fn wipe(&mut self) {
        if !self.shown.is_empty() {
            self.show(&[]);
        }
    }
}

/// Returns what makes a terminal of this size show `lines` in the place of lines of these lengths.
fn frame(shown: &[usize], lines: &[String], (rows, columns): (usize, usize)) -> String {
    let before = shown.iter().map(|length| length.div_ceil(columns.max(1)).max(1));
    // What has left the screen at its top cannot be reached.
    let before = before.sum::<usize>().min(rows.max(2) - 1);
    let mut text = String::from("\r");
    // Writing to a string does not fail. Moving up by 0 would move by 1.
    if before > 0 {
        let _ = write!(text, "\u{1b}[{before}A");
    }
    for line in lines {
        // Overwritten and then cut off: wiped first, it would flicker.
        let _ = write!(text, "{line}\u{1b}[K\r\n");
    }
    // Row by row: some terminals keep what is wiped to the end of the screen in their history.
    let left = before.saturating_sub(lines.len());
    text.push_str(&"\u{1b}[K\r\n".repeat(left));
    text.push_str("\u{1b}[K");
    if left > 0 {
        let _ = write!(text, "\u{1b}[{left}A");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn lines_take_the_place_of_those_before() {
        let first = frame(&[], &lines(&["ab", "cdef"]), (24, 80));
        assert_eq!(first, "\rab\u{1b}[K\r\ncdef\u{1b}[K\r\n\u{1b}[K");
        let next = frame(&[2, 4], &lines(&["g"]), (24, 80));
        assert_eq!(next, "\r\u{1b}[2Ag\u{1b}[K\r\n\u{1b}[K\r\n\u{1b}[K\u{1b}[1A");
        assert_eq!(frame(&[1], &[], (24, 80)), "\r\u{1b}[1A\u{1b}[K\r\n\u{1b}[K\u{1b}[1A");
    }

    #[test]
    fn lines_that_a_narrower_terminal_has_broken_are_all_gone_over() {
        // 79, 40 and no characters at 40 columns: two rows, one, one.
        assert!(frame(&[79, 40, 0], &[], (24, 40)).starts_with("\r\u{1b}[4A"));
        assert!(frame(&[3], &[], (24, 0)).starts_with("\r\u{1b}[3A"));
        // Beyond the top of the screen there is nothing to write over.
        assert!(frame(&[79, 79, 79], &[], (4, 40)).starts_with("\r\u{1b}[3A"));
    }
}
