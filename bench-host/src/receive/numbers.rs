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
    /// It was given up as missing.
    Late,
    /// The same line has arrived before; or, where lines are not bound to their boot, one of its number was given up as
    /// missing.
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

    /// Takes note of a line number and the checksum of its line. `is_bound`: the line is of this boot for certain.
    pub fn arrive(&mut self, stream: &mut Stream, number: u32, checksum: u32, is_bound: bool) -> Arrival {
        if number >= self.next && self.seen.len() < MAX_SEEN {
            self.seen.insert(number, checksum);
        } else if let Some(&seen) = self.seen.get(&number) {
            if seen != checksum {
                return Arrival::Foreign;
            }
        } else if is_bound && number < self.next && self.seen.len() < MAX_SEEN {
            self.seen.insert(number, checksum);
            stream.lines += 1;
            stream.lost_lines = stream.lost_lines.saturating_sub(1);
            take_out(&mut stream.lost, number);
            return Arrival::Late;
        }
        arrive(stream, &mut self.next, number)
    }
}

/// Takes a number out of the gaps.
fn take_out(gaps: &mut Vec<Gap>, number: u32) {
    let Some(at) = gaps.iter().position(|gap| (gap.first..=gap.last).contains(&number)) else {
        return;
    };
    let Gap { first, last } = gaps.remove(at);
    if number < last {
        let first = number + 1;
        gaps.insert(at, Gap { first, last });
    }
    if first < number {
        let last = number - 1;
        gaps.insert(at, Gap { first, last });
    }
    gaps.truncate(MAX_GAPS);
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
        let mut arrive = |number, checksum| numbers.arrive(&mut stream, number, checksum, false);
        assert_eq!(
            [arrive(0, 7), arrive(1, 8), arrive(0, 7)],
            [Arrival::Due, Arrival::Due, Arrival::Repeated]
        );
        assert_eq!(arrive(1, 9), Arrival::Foreign);
        assert_eq!((stream.lines, stream.duplicates), (2, 1));
    }

    #[test]
    fn a_late_line_is_taken_where_it_is_of_this_boot_for_certain() {
        let gap = |first, last| Gap { first, last };
        let (mut stream, mut numbers) = (Stream::default(), Numbers::default());
        assert_eq!(numbers.arrive(&mut stream, 5, 0, true), Arrival::After(gap(0, 4)));
        assert_eq!(numbers.arrive(&mut stream, 2, 7, false), Arrival::Repeated);
        assert_eq!(numbers.arrive(&mut stream, 2, 7, true), Arrival::Late);
        assert_eq!(stream.lost, [gap(0, 1), gap(3, 4)]);
        assert_eq!(numbers.arrive(&mut stream, 0, 8, true), Arrival::Late);
        assert_eq!(numbers.arrive(&mut stream, 4, 9, true), Arrival::Late);
        assert_eq!(
            (&stream.lost[..], stream.lost_lines, stream.lines),
            (&[gap(1, 1), gap(3, 3)][..], 2, 4)
        );
        assert_eq!(numbers.arrive(&mut stream, 2, 7, true), Arrival::Repeated);
        assert_eq!(numbers.arrive(&mut stream, 2, 6, true), Arrival::Foreign);
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
