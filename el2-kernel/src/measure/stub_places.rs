// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the timed stubs stand: drawn anew for every batch.
//!
//! Two copies of one sequence at two places differ: they meet other cache sets and branch predictor entries, or other
//! buckets of a simulator's hash tables. The difference is small and steady, so no number of samples averages it out,
//! and with one placement for a whole run it would pass for a property of the sequence. With places drawn anew it is
//! noise between batches: of two equal sequences either is as likely to have the better place in a batch, which is what
//! the tests over batches on the host assume.
#![expect(unsafe_code)]
// UNSAFETY: writes code.

use results::plan::MAX_STREAMS;
use results::plan::room::{room_in_any_order, timed_size};
use results::record::Event;

use crate::arch::instructions::publish_code;
use crate::measure::series::AllSeries;
use crate::platform::end::fatal;
use crate::platform::suspect;
use crate::random::Random;
use crate::stub::arena::Arena;
use crate::stub::emit::{Counter, Emitter, Shape};

/// What a frame reads: the clock of the run, or an event counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// The clock.
    Clock,
    /// Event counter 0.
    Events,
}

/// One timed stub.
#[derive(Debug, Clone, Copy)]
struct Frame {
    series: u16,
    reads: Reads,
}

/// The places of all timed stubs: for each series one, and one more where events are counted.
#[derive(Debug)]
pub struct StubPlaces {
    random: Random,
    clock: Counter,
    /// In the order in which they stand.
    frames: [Frame; 2 * MAX_STREAMS],
    count: usize,
    /// Addresses, by series and by what is read.
    stubs: [[usize; 2]; MAX_STREAMS],
}

impl StubPlaces {
    /// Creates a placement of nothing.
    pub const fn new() -> Self {
        let series = 0;
        let reads = Reads::Clock;
        Self {
            random: Random::new(0),
            clock: Counter::Cycles,
            frames: [Frame { series, reads }; 2 * MAX_STREAMS],
            count: 0,
            stubs: [[0; 2]; MAX_STREAMS],
        }
    }

    /// Begins a run: its seed decides all placements from here on. Gives the run up if the stubs might not fit.
    pub fn begin(&mut self, seed: u64, clock: Event, events: bool, all: &AllSeries<'_>) {
        self.random = Random::new(seed ^ 0x0070_6c61_6365_7321);
        self.clock = Counter::of(clock);
        let reads = [Some(Reads::Clock), events.then_some(Reads::Events)];
        let frames = (0..all.count() as u16)
            .flat_map(|series| reads.into_iter().flatten().map(move |reads| Frame { series, reads }));
        self.count = 0;
        for (entry, frame) in self.frames.iter_mut().zip(frames) {
            *entry = frame;
            self.count += 1;
        }
        let sizes = self.frames[..self.count].iter().map(|frame| {
            let (scenario, words) = all.code(frame.series);
            timed_size(&scenario, words)
        });
        if room_in_any_order(sizes) > Arena::Timed.size() {
            fatal(
                "the plan is too big: its sequences do not fit the executable arena; leave out sequences or scenarios",
            );
        }
    }

    /// Writes all stubs to new places, through the mapping of the arena at `window`.
    pub fn draw(&mut self, window: u64, all: &AllSeries<'_>) {
        let frames = &mut self.frames[..self.count];
        self.random.shuffle(frames);
        // SAFETY: the window is the writable mapping of this part; between batches no PE runs a timed stub, and nothing
        // else refers to it.
        let memory = unsafe { Arena::Timed.memory(window as usize) };
        let mut emitter = Emitter::new(memory);
        suspect::clear();
        for &Frame { series, reads } in &*frames {
            let counter = match reads {
                Reads::Clock => self.clock,
                Reads::Events => Counter::Event,
            };
            let (scenario, words) = all.code(series);
            let Ok(offset) = emitter.timed(counter, Shape::of(&scenario), words) else {
                fatal("the timed stubs do not fit the executable arena")
            };
            let address = Arena::Timed.address() + offset;
            self.stubs[usize::from(series)][reads as usize] = address;
            suspect::stands(address, all.sequence(series));
        }
        suspect::stands(Arena::Timed.address() + Arena::Timed.size(), None);
        let code = emitter.emitted();
        publish_code(code.as_ptr() as usize, size_of_val(code));
    }

    /// Returns the address of a stub.
    pub fn address(&self, series: u16, reads: Reads) -> usize {
        self.stubs[usize::from(series)][reads as usize]
    }
}
