// SPDX-License-Identifier: MIT OR Apache-2.0
//! Judgements as plain text, at most 72 columns wide.

use super::judgement::{Judgement, Verdict};
use super::rule::Reason;
use crate::sequence::Sequence;
use alloc::format;
use core::fmt;

const WIDTH: usize = 72;

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.text, self.citation())
    }
}

/// Writes `text` wrapped, the first line after `head`, the others indented as far.
fn wrapped(f: &mut fmt::Formatter<'_>, head: &str, text: &str) -> fmt::Result {
    let indent = head.chars().count();
    let mut column = indent;
    f.write_str(head)?;
    for (number, word) in text.split_whitespace().enumerate() {
        let length = word.chars().count();
        if number > 0 && column + 1 + length > WIDTH {
            write!(f, "\n{:indent$}", "")?;
            column = indent;
        } else if number > 0 {
            f.write_str(" ")?;
            column += 1;
        }
        f.write_str(word)?;
        column += length;
    }
    writeln!(f)
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.verdict)?;
        for reason in &self.reasons {
            wrapped(f, "- ", &format!("{reason}"))?;
        }
        if let Some(weakest) = &self.weakest {
            wrapped(
                f,
                "weakest sufficient: ",
                &format!("{}", weakest.iter().copied().collect::<Sequence>()),
            )?;
        }
        if !self.counterexample.is_empty() {
            writeln!(f, "counterexample:")?;
            for (number, step) in self.counterexample.iter().enumerate() {
                wrapped(f, &format!("{:>3}. PE {}: ", number + 1, step.pe), &step.text)?;
            }
        }
        for note in &self.notes {
            wrapped(f, "note: ", &format!("{note}"))?;
        }
        Ok(())
    }
}
