// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which boot lines are of whose start line is not there.
//!
//! A console may be joined in the middle of a run, and a start line may be damaged. The lines that follow are bound to
//! one that nobody has seen; but each shows the binding with which it would be right, and where several of different
//! numbers show the same one, it is theirs: damage would have to hit all of them in the same way.

use results::manifest::Stream;
use results::wire::{Binding, parse_line};

/// Lines that have to agree.
const AGREEING: usize = 3;
/// Most lines that are held until they do.
const MAX_HELD: usize = 256;

/// Lines whose boot is not known yet.
#[derive(Debug, Default)]
pub struct Unbound {
    lines: Vec<String>,
    /// The number of each record among them, and the binding with which it would be right.
    apparent: Vec<(u32, Binding)>,
    /// The counts before the first of them.
    before: Stream,
}

/// What lines agree on.
#[derive(Debug)]
pub struct Found {
    /// The binding.
    pub binding: Binding,
    /// The lines held, to be taken now.
    pub lines: Vec<String>,
    /// The counts before the first of them.
    pub before: Stream,
}

impl Unbound {
    /// Returns the lines that are of the boot whose start line has come after them.
    pub fn take_those_of(&mut self, binding: Binding) -> Vec<String> {
        let mut lines = std::mem::take(self).lines;
        lines.retain(|line| parse_line(line, binding).is_ok_and(|(number, _)| number > 0));
        lines
    }

    /// Looks at a line, and returns what is found if it is the last that was needed.
    pub fn look_at(&mut self, line: &str, stream: &Stream) -> Option<Found> {
        let apparent = Binding::apparent(line);
        if self.lines.is_empty() && apparent.is_none() {
            return None;
        }
        if self.lines.is_empty() {
            self.before = stream.clone();
        } else if self.lines.len() == MAX_HELD {
            // They count as damaged, as they were.
            *self = Self::default();
            return None;
        }
        self.lines.push(line.to_owned());
        let (number, binding) = apparent?;
        // Line 0 is not bound.
        if number == 0 {
            return None;
        }
        let same = |&&(other, of): &&(u32, Binding)| of == binding && other != number;
        let mut others: Vec<u32> = self.apparent.iter().filter(same).map(|&(other, _)| other).collect();
        others.sort_unstable();
        others.dedup();
        self.apparent.push((number, binding));
        (others.len() + 1 >= AGREEING).then(|| {
            let Self { lines, before, .. } = std::mem::take(self);
            Found { binding, lines, before }
        })
    }
}
