// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes the stubs that run a sequence: the words under test and nothing else between two reads of the counter.
//!
//! All stubs have the same frame and start at the same alignment, so two sequences differ in their own words only. A
//! stub that fits into a page does not cross one, so every stub costs the same instruction fetch translations.

use results::record::Event;

/// `isb`.
pub const ISB: u32 = 0xd503_3fdf;
/// `ret`.
pub const RET: u32 = 0xd65f_03c0;

const PAGE: usize = 4096;
/// Every stub starts at a multiple of this many bytes.
const ALIGN: usize = 256;

/// Encodes `mrs x<rt>, <counter>`.
const fn read_counter(event: Event, rt: u32) -> u32 {
    match event {
        Event::Cycles => 0xd53b_9d00 | rt,     // mrs x<rt>, pmccntr_el0
        Event::TimerTicks => 0xd53b_e040 | rt, // mrs x<rt>, cntvct_el0
    }
}

/// The arena is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// Fills the executable arena with stubs, from its start.
#[derive(Debug)]
pub struct Emitter<'a> {
    arena: &'a mut [u32],
    used: usize,
}

impl<'a> Emitter<'a> {
    /// Creates an emitter for an arena that starts at a page boundary.
    pub const fn new(arena: &'a mut [u32]) -> Self {
        Self { arena, used: 0 }
    }

    /// Emits a stub that returns the counter before the words in `x0` and after them in `x1`:
    /// `isb; mrs x0; isb; <words>; isb; mrs x1; ret`. Returns its offset in bytes.
    pub fn timed(&mut self, event: Event, words: impl ExactSizeIterator<Item = u32>) -> Result<usize, Full> {
        self.stub(
            &[ISB, read_counter(event, 0), ISB],
            words,
            &[ISB, read_counter(event, 1), RET],
        )
    }

    /// Emits a stub that runs the words and returns. Returns its offset in bytes.
    pub fn plain(&mut self, words: impl ExactSizeIterator<Item = u32>) -> Result<usize, Full> {
        self.stub(&[], words, &[RET])
    }

    fn stub(
        &mut self,
        before: &[u32],
        words: impl ExactSizeIterator<Item = u32>,
        after: &[u32],
    ) -> Result<usize, Full> {
        let bytes = 4 * (before.len() + words.len() + after.len());
        let mut start = self.used.next_multiple_of(ALIGN);
        if start % PAGE + bytes > PAGE {
            start = start.next_multiple_of(PAGE);
        }
        let place = self.arena.get_mut(start / 4..(start + bytes) / 4).ok_or(Full)?;
        let all = before.iter().copied().chain(words).chain(after.iter().copied());
        place.iter_mut().zip(all).for_each(|(place, word)| *place = word);
        self.used = start + bytes;
        Ok(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_is_the_one_in_the_design() {
        let mut arena = [0; 64];
        let at = Emitter::new(&mut arena)
            .timed(Event::Cycles, [1, 2].into_iter())
            .unwrap();
        // isb; mrs x0, pmccntr_el0; isb; <words>; isb; mrs x1, pmccntr_el0; ret
        let expected = [
            0xd503_3fdf,
            0xd53b_9d00,
            0xd503_3fdf,
            1,
            2,
            0xd503_3fdf,
            0xd53b_9d01,
            0xd65f_03c0,
        ];
        assert_eq!((at, &arena[..8]), (0, &expected[..]));
        let at = Emitter::new(&mut arena)
            .timed(Event::TimerTicks, [].into_iter())
            .unwrap();
        assert_eq!((at, arena[1], arena[4]), (0, 0xd53b_e040, 0xd53b_e041));
    }

    #[test]
    fn stubs_are_aligned_alike_and_cross_no_page_they_need_not_cross() {
        let mut arena = vec![0; 3 * PAGE / 4];
        let mut emitter = Emitter::new(&mut arena);
        let lengths = [900, 4, 100, 1, 60, 1000];
        let stubs: Vec<_> = lengths
            .iter()
            .map(|&n| emitter.plain(vec![7; n].into_iter()).map(|at| (at, at + 4 * n + 4)))
            .collect();
        let stubs: Result<Vec<_>, _> = stubs.into_iter().collect();
        let stubs = stubs.unwrap();
        for (i, &(start, end)) in stubs.iter().enumerate() {
            assert_eq!(start % ALIGN, 0);
            assert_eq!(start / PAGE, (end - 1) / PAGE, "{i}");
            assert!(i == 0 || stubs[i - 1].1 <= start);
        }
        assert_eq!(Emitter::new(&mut [0; 4]).plain([1, 2, 3, 4].into_iter()), Err(Full));
    }
}
