// SPDX-License-Identifier: MIT OR Apache-2.0
//! Line numbers: what arrived, what is missing, what came twice.

use results::manifest::{Gap, MAX_GAPS, Stream};

/// What a line number says about the lines before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It is the one that was due.
    Due,
    /// Lines before it are missing.
    After(Gap),
    /// A line of this number has arrived before, or was given up as missing.
    Repeated,
}

/// Takes note of a line number.
pub fn arrive(stream: &mut Stream, next: &mut u32, number: u32) -> Arrival {
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
