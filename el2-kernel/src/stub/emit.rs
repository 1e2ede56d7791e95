// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes the stubs that run a sequence: the words under test and nothing else between two reads of the counter.
//!
//! All stubs have the same frame and start at the same alignment, so two sequences differ in their own words only. A
//! stub that fits into a page does not cross one, so every stub costs the same instruction fetch translations.
//!
//! A scenario may repeat the words, or add loads behind them; there is no branch in a frame, and no call.
//!
//! Which stub stands where in the arena is not decided here: `measure::stub_places` draws it anew for every batch.

use core::iter::repeat_n;

use results::plan::is_tlbi;
use results::plan::room::{ALIGN, PAGE, PAGES_IN_REACH};
use results::record::Event;
use results::scenario::{Axis, Scenario};

/// `isb`.
pub const ISB: u32 = 0xd503_3fdf;
/// `ret`.
pub const RET: u32 = 0xd65f_03c0;

/// What a frame reads before and after the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// `PMCCNTR_EL0`.
    Cycles,
    /// `CNTVCT_EL0`.
    Timer,
    /// `PMEVCNTR0_EL0`, whatever event it is set to.
    Event,
}

impl Counter {
    /// Returns the counter that a clock is read from.
    pub const fn of(event: Event) -> Self {
        match event {
            Event::Cycles => Self::Cycles,
            Event::TimerTicks => Self::Timer,
            _ => Self::Event,
        }
    }

    /// Encodes `mrs x<rt>, <counter>`.
    const fn read(self, rt: u32) -> u32 {
        rt | match self {
            Self::Cycles => 0xd53b_9d00, // mrs x<rt>, pmccntr_el0
            Self::Timer => 0xd53b_e040,  // mrs x<rt>, cntvct_el0
            Self::Event => 0xd53b_e800,  // mrs x<rt>, pmevcntr0_el0
        }
    }
}

/// What a scenario does to the words in the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// How often every TLBI stands where it stands.
    pub tlbis: u16,
    /// How often the whole sequence stands there.
    pub repeat: u16,
    /// Pages loaded from behind it, from `x10` on.
    pub refill: u16,
}

impl Shape {
    /// The sequence, once.
    pub const PLAIN: Self = Self {
        tlbis: 1,
        repeat: 1,
        refill: 0,
    };

    /// Returns what a scenario asks for.
    pub const fn of(scenario: &Scenario) -> Self {
        Self {
            tlbis: scenario.get(Axis::Tlbis),
            repeat: scenario.get(Axis::Repeat),
            refill: scenario.get(Axis::Refill),
        }
    }

    /// Returns the words of a sequence in this shape.
    fn body(self, words: impl Iterator<Item = u32> + Clone) -> impl Iterator<Item = u32> + Clone {
        let tlbis = usize::from(self.tlbis);
        let once = words.flat_map(move |word| repeat_n(word, if is_tlbi(word) { tlbis } else { 1 }));
        repeat_n(once, usize::from(self.repeat))
            .flatten()
            .chain(loads(self.refill))
    }
}

/// Where in a page, in bytes, the load of page `page` goes: pages share a few physical ones, and no two of those may
/// compete for one set of a cache.
pub const fn offset_in_page(page: u16) -> u64 {
    (page % PAGES_IN_REACH) as u64 * 64
}

/// Returns one load from each page, from `x10` on, with one step of `x10` every eight pages and no branch.
fn loads(pages: u16) -> impl Iterator<Item = u32> + Clone {
    /// `add x10, x10, #8, lsl #12`.
    const STEP: u32 = 0x9140_214a;
    /// `ldr x11, [x10]`; the offset in units of 8 bytes goes to bit 10.
    const LOAD: u32 = 0xf940_014b;
    (0..pages).flat_map(|page| {
        let in_reach = page % PAGES_IN_REACH;
        let step = (page > 0 && in_reach == 0).then_some(STEP);
        let offset = u32::from(in_reach) * 4096 + offset_in_page(page) as u32;
        step.into_iter().chain([LOAD | (offset / 8) << 10])
    })
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

    /// Returns what has been emitted, from the start of the arena on.
    pub fn emitted(&self) -> &[u32] {
        &self.arena[..self.used / 4]
    }

    /// Emits a stub that returns the counter before the words in `x0` and after them in `x1`:
    /// `isb; mrs x0; isb; <words>; isb; mrs x1; ret`. Returns its offset in bytes.
    pub fn timed(
        &mut self,
        counter: Counter,
        shape: Shape,
        words: impl Iterator<Item = u32> + Clone,
    ) -> Result<usize, Full> {
        self.stub(
            &[ISB, counter.read(0), ISB],
            shape.body(words),
            &[ISB, counter.read(1), RET],
        )
    }

    /// Emits a stub that runs the words and returns. Returns its offset in bytes.
    pub fn plain(&mut self, words: impl Iterator<Item = u32> + Clone) -> Result<usize, Full> {
        self.stub(&[], Shape::PLAIN.body(words), &[RET])
    }

    fn stub(&mut self, before: &[u32], words: impl Iterator<Item = u32> + Clone, after: &[u32]) -> Result<usize, Full> {
        let bytes = 4 * (before.len() + words.clone().count() + after.len());
        let mut start = self.used.next_multiple_of(ALIGN);
        if start % PAGE + bytes > PAGE {
            start = start.next_multiple_of(PAGE);
        }
        let words_left = self.arena.get_mut(start / 4..(start + bytes) / 4).ok_or(Full)?;
        let all = before.iter().copied().chain(words).chain(after.iter().copied());
        words_left.iter_mut().zip(all).for_each(|(to, word)| *to = word);
        self.used = start + bytes;
        Ok(start)
    }
}

#[cfg(test)]
mod tests {
    use core::iter::empty;

    use results::plan::room::{plain_size, room_in_any_order, timed_size};

    use super::*;
    use crate::random::Random;

    #[test]
    fn the_frame_is_the_one_in_the_design() {
        let mut arena = [0; 64];
        let at = Emitter::new(&mut arena)
            .timed(Counter::Cycles, Shape::PLAIN, [1, 2].into_iter())
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
            .timed(Counter::Timer, Shape::PLAIN, empty())
            .unwrap();
        assert_eq!((at, arena[1], arena[4]), (0, 0xd53b_e040, 0xd53b_e041));
    }

    #[test]
    fn the_counters_are_those_of_the_manual() {
        // MRS: op0, op1, CRn, CRm, op2 from bit 19 on.
        let mrs = |op1: u32, crn: u32, crm: u32, op2: u32, rt: u32| {
            0xd530_0000 | 1 << 19 | op1 << 16 | crn << 12 | crm << 8 | op2 << 5 | rt
        };
        assert_eq!(Counter::of(Event::Cycles).read(1), mrs(3, 9, 13, 0, 1));
        assert_eq!(Counter::of(Event::TimerTicks).read(1), mrs(3, 14, 0, 2, 1));
        assert_eq!(Counter::of(Event::L1dTlbRefill).read(1), mrs(3, 14, 8, 0, 1));
    }

    #[test]
    fn a_shape_repeats_invalidations_or_the_whole_sequence() {
        const TLBI: u32 = 0xd50c_871f; // tlbi alle2
        let words = |shape: Shape| shape.body([1, TLBI, 2].into_iter()).collect::<Vec<_>>();
        let plain = Shape::PLAIN;
        assert_eq!(words(plain), [1, TLBI, 2]);
        assert_eq!(words(Shape { tlbis: 3, ..plain }), [1, TLBI, TLBI, TLBI, 2]);
        assert_eq!(words(Shape { repeat: 2, ..plain }), [1, TLBI, 2, 1, TLBI, 2]);
        assert_eq!(
            words(Shape {
                tlbis: 2,
                repeat: 2,
                refill: 1
            })
            .len(),
            9
        );
    }

    #[test]
    fn loads_touch_every_page_once_and_step_every_eight() {
        let words: Vec<_> = loads(17).collect();
        // ldr x11, [x10]; ldr x11, [x10, #4160]; ...; add x10, x10, #8, lsl #12
        assert_eq!(words[..2], [0xf940_014b, 0xf940_014b | (4160 / 8) << 10]);
        assert_eq!((words[8], words[17], words.len()), (0x9140_214a, 0x9140_214a, 19));
        // What the words do, interpreted: a base, and loads relative to it.
        let (mut base, mut touched) = (0, Vec::new());
        for word in words {
            if word == 0x9140_214a {
                base += 8 << 12;
            } else {
                assert_eq!(word & 0xffc0_03ff, 0xf940_014b);
                touched.push(base + (word >> 10 & 0xfff) * 8);
            }
        }
        let expected = (0..17).map(|page| 4096 * u32::from(page) + offset_in_page(page) as u32);
        assert!(touched.into_iter().eq(expected));
        assert_eq!(loads(0).count(), 0);
    }

    #[test]
    fn stubs_are_aligned_alike_and_cross_no_page_they_need_not_cross() {
        let mut arena = vec![0; 3 * PAGE / 4];
        let mut emitter = Emitter::new(&mut arena);
        let lengths = [900, 4, 100, 1, 60, 1000];
        let stubs: Vec<_> = lengths
            .iter()
            .map(|&n| emitter.plain(repeat_n(7, n)).map(|at| (at, at + 4 * n + 4)))
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

    #[test]
    fn a_timed_stub_is_as_long_as_the_host_thinks() {
        const TLBI: u32 = 0xd50c_871f; // tlbi alle2
        let plain = Scenario::PLAIN;
        let scenarios = [
            plain,
            plain.with(Axis::Tlbis, 5),
            plain.with(Axis::Repeat, 3),
            plain.with(Axis::Refill, 1),
            plain.with(Axis::Refill, 8),
            plain.with(Axis::Refill, 17).with(Axis::Tlbis, 2).with(Axis::Live, 64),
        ];
        for scenario in scenarios {
            let words = || [1, TLBI, TLBI, 2].into_iter();
            let mut arena = [0; 256];
            let mut emitter = Emitter::new(&mut arena);
            emitter.timed(Counter::Cycles, Shape::of(&scenario), words()).unwrap();
            let length = 4 * emitter.emitted().len();
            assert_eq!(timed_size(&scenario, words()), length, "{scenario}");
        }
        let mut arena = [0; 8];
        let mut emitter = Emitter::new(&mut arena);
        emitter.plain([1, 2, 3].into_iter()).unwrap();
        assert_eq!(plain_size(3), 4 * emitter.emitted().len());
    }

    #[test]
    fn the_room_suffices_in_every_order_and_is_not_much_more_than_taken() {
        let mut random = Random::new(11);
        for case in 0..200 {
            // Words of stubs: all short, up to a page, and some longer than one.
            let longest = [40, 300, 1000, 2500][case % 4];
            let mut lengths: Vec<usize> = (0..1 + random.below(60)).map(|_| 1 + random.below(longest)).collect();
            let sizes = lengths
                .iter()
                .map(|&length| timed_size(&Scenario::PLAIN, repeat_n(7, length)));
            let room = room_in_any_order(sizes.clone());
            let rounded = sizes.map(|size| match size {
                ..=PAGE => 2 * size.next_multiple_of(ALIGN),
                _ => 2 * PAGE + size,
            });
            assert!(room <= rounded.sum::<usize>() + PAGE);
            let mut arena = vec![0; room / 4];
            for _ in 0..20 {
                random.shuffle(&mut lengths);
                let mut emitter = Emitter::new(&mut arena);
                for &length in &lengths {
                    let emitted = emitter.timed(Counter::Cycles, Shape::PLAIN, repeat_n(7, length));
                    assert!(emitted.is_ok(), "{room} bytes for {lengths:?}");
                }
            }
        }
        // Stubs as they usually are waste nothing.
        assert_eq!(room_in_any_order([ALIGN; 32].into_iter()), 3 * PAGE);
    }
}
