// SPDX-License-Identifier: MIT OR Apache-2.0
//! Takes samples on the PE it runs on: rounds over everything that is timed under like conditions.
//!
//! What is timed is the stub's own frame. Everything else lies outside it: choosing the next one, what a scenario wants
//! done before it, and keeping the sample, which is one store into a log. After a flush every page that a sample
//! touches costs a walk, so all that the loop needs stands close together: the log is filled from its end, where the
//! stubs to run begin. Counting waits until the log is full.
#![expect(unsafe_code)]
// UNSAFETY: runs stubs, and touches memory at raw addresses.

use results::check::Outcome;
use results::order::Order;
use results::plan::MAX_STREAMS;
use results::record::Event;
use results::scenario::MAX_DIRTY;

use crate::arch::instructions::{dsb_sy, mrs, select_event, ticks};
use crate::image::Raw;
use crate::measure::round_order::RoundOrder;
use crate::measure::tally::{VALUE_BITS, sample};
use crate::stub::call::run_with_loads;
use crate::stub::emit::offset_in_page;
use crate::stub::operands::Operands;

/// Samples that the log has room for: at least two rounds, and some more so that it ends within a page.
const LOG: usize = 2 * MAX_STREAMS + NEAR;
/// Samples that fit between the start of the page that the log ends in and its end. Where few things are timed, no more
/// are kept before they are counted, so that all rounds touch one page.
const NEAR: usize = 256;
/// Bytes of a cache line that is stored to. Where lines are longer, fewer are dirty than asked for.
const LINE: usize = 64;

/// What scenarios store to.
static DIRTY: Raw<{ MAX_DIRTY as usize * LINE }> = Raw::new();

/// One thing that is timed.
#[derive(Debug, Clone, Copy)]
pub struct TimedStub {
    /// Address of the stub.
    pub stub: usize,
    /// Its operand registers.
    pub operands: Operands,
    /// Number of its series.
    pub series: u16,
    /// Pages to touch before the frame.
    pub touch: u16,
    /// Cache lines to store to before the frame.
    pub dirty: u16,
}

impl TimedStub {
    const EMPTY: Self = Self {
        stub: 0,
        operands: [0; 8],
        series: 0,
        touch: 0,
        dirty: 0,
    };

    /// Does what the scenario wants done before the frame.
    ///
    /// Loads and walks are over before the stores begin; the stores are not waited for, that is the point of them. Their
    /// own pages are touched first, so that no walk is still going on when the frame begins.
    #[inline(never)]
    fn prepare(&self, pages: u64) {
        for page in 0..self.touch {
            load(pages + 4096 * u64::from(page) + offset_in_page(page));
        }
        let dirty = &raw const DIRTY as u64;
        let bytes = u64::from(self.dirty) * LINE as u64;
        for page in (0..bytes).step_by(4096) {
            load(dirty + page);
        }
        dsb_sy();
        for line in (0..bytes).step_by(LINE) {
            // SAFETY: inside the buffer, which nothing else uses.
            unsafe { ((dirty + line) as *mut u64).write_volatile(line) };
        }
    }
}

#[inline(always)]
fn load(address: u64) {
    // SAFETY: the caller's addresses are mapped readable, and reading them changes nothing.
    unsafe { (address as *const u64).read_volatile() };
}

/// Everything a PE needs to take samples, and what it has taken. There is one, and one PE uses it at a time.
///
/// The order of the fields matters, see above.
#[derive(Debug)]
#[repr(C, align(4096))]
pub struct Session {
    /// Filled from its end.
    log: [u64; LOG],
    /// The first of the pages that scenarios touch.
    pages: u64,
    /// What the frames read.
    event: Event,
    clock: Event,
    /// RoundOrder to run.
    wanted: usize,
    /// Whether to keep their samples.
    keep: bool,
    /// All values, one over the other: a bit above the bits of a value means that the counter went backwards.
    seen: u64,
    /// Cycles and ticks of the generic timer that the rounds kept have taken.
    elapsed: [u64; 2],
    order: RoundOrder,
    count: usize,
    logged: usize,
    stubs: [TimedStub; MAX_STREAMS],
}

impl Session {
    /// Creates a session with nothing to do.
    pub const fn new() -> Self {
        Self {
            log: [0; LOG],
            pages: 0,
            event: Event::Cycles,
            clock: Event::Cycles,
            wanted: 0,
            keep: false,
            seen: 0,
            elapsed: [0; 2],
            order: RoundOrder::new(Order::ThueMorse, 0),
            count: 0,
            logged: 0,
            stubs: [TimedStub::EMPTY; MAX_STREAMS],
        }
    }

    /// Begins a run: its seed decides all orders from here on.
    pub const fn begin(&mut self, order: Order, seed: u64, clock: Event, pages: u64) {
        self.order = RoundOrder::new(order, seed);
        self.clock = clock;
        self.pages = pages;
    }

    /// Begins a pass: what is timed, and what is counted.
    pub fn pass(&mut self, event: Event, stubs: impl Iterator<Item = TimedStub>) {
        self.event = event;
        self.count = 0;
        for (entry, stub) in self.stubs.iter_mut().zip(stubs) {
            *entry = stub;
            self.count += 1;
        }
        self.order.restart();
        self.elapsed = [0; 2];
    }

    /// Sets how many rounds to run next, at most as many as the log has room for, and returns how many that are.
    pub fn ask(&mut self, rounds: usize, keep: bool) -> usize {
        self.wanted = rounds.min((NEAR / self.count.max(1)).max(2));
        self.keep = keep;
        self.wanted
    }

    /// Returns what is timed, in any order.
    pub fn stubs(&self) -> &[TimedStub] {
        &self.stubs[..self.count]
    }

    /// Returns the samples of the rounds last run; `None` if a value is none: a counter went backwards.
    pub fn log(&self) -> Option<&[u64]> {
        (self.seen >> VALUE_BITS == 0).then(|| &self.log[LOG - self.logged..])
    }

    /// Returns the cycles and the ticks of the generic timer that the rounds kept in this pass have taken.
    pub const fn elapsed(&self) -> [u64; 2] {
        self.elapsed
    }

    /// Runs the rounds that were asked for, on this PE.
    pub fn run_rounds(&mut self) {
        if self.clock == Event::Cycles {
            select_event(self.event.number());
        }
        let before = self.clocks();
        if self.event.number().is_some() {
            // An event counter has 32 bits, and wraps.
            self.run(u64::from(u32::MAX));
        } else {
            self.run(u64::MAX);
        }
        let after = self.clocks();
        if self.keep {
            for (elapsed, (after, before)) in self.elapsed.iter_mut().zip(after.into_iter().zip(before)) {
                *elapsed += after.wrapping_sub(before);
            }
        } else {
            self.logged = 0;
        }
    }

    #[inline(always)]
    fn run(&mut self, mask: u64) {
        let Self { stubs, log, order, .. } = self;
        let stubs = &mut stubs[..self.count];
        let (mut left, mut seen) = (LOG, 0);
        for _ in 0..self.wanted {
            let reversed = order.next(stubs);
            for step in 0..stubs.len() {
                let timed = &stubs[if reversed { stubs.len() - 1 - step } else { step }];
                if timed.touch | timed.dirty != 0 {
                    timed.prepare(self.pages);
                } else {
                    // The sample before was stored, and a barrier under test would wait for that.
                    dsb_sy();
                }
                // SAFETY: an emitted stub of validated words, and the window of pages is mapped.
                let (before, after) = unsafe { run_with_loads(timed.stub, &timed.operands, self.pages) };
                let value = after.wrapping_sub(before) & mask;
                seen |= value;
                left -= 1;
                if let Some(entry) = log.get_mut(left) {
                    *entry = sample(timed.series, value);
                }
            }
        }
        self.logged = LOG - left;
        self.seen = seen;
    }

    fn clocks(&self) -> [u64; 2] {
        let cycles = if self.clock == Event::Cycles {
            mrs!("pmccntr_el0")
        } else {
            0
        };
        [cycles, ticks()]
    }
}

/// Runs the rounds asked for of the [`Session`] that the argument is the address of. A job.
///
/// # Safety
///
/// Nobody else uses the session until the job is done.
pub unsafe fn run_rounds(session: usize, _pe: usize) -> Outcome {
    // SAFETY: the caller's promise.
    unsafe { (*(session as *mut Session)).run_rounds() };
    Outcome::New
}
