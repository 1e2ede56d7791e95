// SPDX-License-Identifier: MIT OR Apache-2.0
//! Line numbers: what arrived, what is missing, what came twice.

use std::collections::BTreeMap;

use results::manifest::{Gap, MAX_GAPS, Stream};

/// What a line number says about the lines before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It is the one that was due.
    Due,
    /// Lines before it are missing.
    After(Gap),
    /// The same line has arrived before, or one of its number was given up as missing.
    Repeated,
    /// Another line of this number has arrived before: this one is of another boot.
    Foreign,
}

/// The line numbers of a boot.
#[derive(Debug, Default)]
pub struct Numbers {
    /// The number that is due.
    next: u32,
    /// The checksum of each line that arrived: what tells a line that came twice from that of another boot.
    seen: BTreeMap<u32, u32>,
}

/// Most lines whose checksums are kept; a default run has some thousands.
const MAX_SEEN: usize = 1 << 20;

impl Numbers {
    /// Returns the number that is due.
    pub const fn due(&self) -> u32 {
        self.next
    }

    /// Takes note of a line number and the checksum of its line.
    pub fn arrive(&mut self, stream: &mut Stream, number: u32, checksum: u32) -> Arrival {
        if number >= self.next && self.seen.len() < MAX_SEEN {
            self.seen.insert(number, checksum);
        } else if self.seen.get(&number).is_some_and(|&seen| seen != checksum) {
            return Arrival::Foreign;
        }
        arrive(stream, &mut self.next, number)
    }
}

fn arrive(stream: &mut Stream, next: &mut u32, number: u32) -> Arrival {
    if number < *next {
        stream.duplicates += 1;
        return Arrival::Repeated;
    }
    let first = std::mem::replace(next, number.saturating_add(1));
    stream.lines += 1;
    if number == first {
        return Arrival::Due;
    }
    let gap = Gap {
        first,
        last: number - 1,
    };
    stream.lost_lines += u64::from(number - first);
    if stream.lost.len() < MAX_GAPS {
        stream.lost.push(gap);
    }
    Arrival::After(gap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_another_boot_is_no_repetition() {
        let (mut stream, mut numbers) = (Stream::default(), Numbers::default());
        let mut arrive = |number, checksum| numbers.arrive(&mut stream, number, checksum);
        assert_eq!(
            [arrive(0, 7), arrive(1, 8), arrive(0, 7)],
            [Arrival::Due, Arrival::Due, Arrival::Repeated]
        );
        assert_eq!(arrive(1, 9), Arrival::Foreign);
        assert_eq!((stream.lines, stream.duplicates), (2, 1));
    }

    #[test]
    fn gaps_and_repetitions_are_counted() {
        let (mut stream, mut next) = (Stream::default(), 0);
        let arrivals = [0, 1, 4, 3, 5, 5, u32::MAX].map(|number| arrive(&mut stream, &mut next, number));
        let gap = |first, last| Arrival::After(Gap { first, last });
        assert_eq!(
            arrivals,
            [
                Arrival::Due,
                Arrival::Due,
                gap(2, 3),
                Arrival::Repeated,
                Arrival::Due,
                Arrival::Repeated,
                gap(6, u32::MAX - 1)
            ]
        );
        assert_eq!((stream.lines, stream.duplicates), (5, 2));
        assert_eq!(stream.lost_lines, 2 + u64::from(u32::MAX - 6));
    }
}
