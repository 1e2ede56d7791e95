// SPDX-License-Identifier: MIT OR Apache-2.0
//! Times sequences: batches of rounds, one sample of everything per round, in an order that lets drift cancel.
//!
//! A batch has a pass for each state of the other PEs (those of every scenario at once would have to be told what to do
//! between two samples), and in it one for the clock and one for each event: reading more counters in one frame would
//! disturb what is timed. The passes of a batch run forwards in even batches and backwards in odd ones. Before each batch
//! the stubs move to other places.
#![expect(unsafe_code)]
// UNSAFETY: keeps samples and counts in static buffers.

use core::cell::UnsafeCell;
use core::fmt::Write;

use results::order::Places;
use results::plan::{Batching, MAX_PES, Plan};
use results::record::{Event, Pairs, Record, count_room};
use results::scenario::{Axis, Scenario};

use crate::arch::instructions::ticks;
use crate::handover::Handover;
use crate::measure::background_load;
use crate::measure::introduction::{self, Introduction, counted};
use crate::measure::other_pes::{OtherPes, States};
use crate::measure::sampler::{self, Session, TimedStub};
use crate::measure::series::AllSeries;
use crate::measure::stub_places::{Reads, StubPlaces};
use crate::measure::tally::{Count, Tally, pack};
use crate::mmu::identity::Identity;
use crate::mmu::layout::LIVE_PAGES;
use crate::platform::console;
use crate::platform::end::{count_samples, fatal};
use crate::platform::lost;
use crate::platform::message::Message;
use crate::platform::suspect;
use crate::platform::watchdog;
use crate::smp::bring_up;
use crate::smp::kept::Kept;
use crate::smp::mailbox;
use crate::stub::call;
use crate::stub::operands::Operands;

/// Buckets for different values, all series of a pass together, and how many of them may be taken.
const BUCKETS: usize = 1 << 16;
const ROOM: usize = BUCKETS / 4 * 3;

static INTRODUCTION: Kept<Introduction> = Kept::new();

struct Buffers(UnsafeCell<([Count; BUCKETS], [u32; ROOM], Session, StubPlaces)>);

// SAFETY: only `run` refers to it, once, on one PE; it lends the session to one other PE at a time and waits meanwhile.
unsafe impl Sync for Buffers {}

static BUFFERS: Buffers = Buffers(UnsafeCell::new((
    [Count::FREE; BUCKETS],
    [0; ROOM],
    Session::new(),
    StubPlaces::new(),
)));

/// A measurement that is going on.
struct Measurement<'a> {
    boot: &'a Handover,
    plan: &'a Plan<'a>,
    identity: Option<&'a Identity>,
    series: &'a AllSeries<'a>,
    session: &'a mut Session,
    stub_places: &'a mut StubPlaces,
    tally: Tally<'a>,
    /// PEs that could be started, and are not lost.
    started: usize,
    /// Whether a PE fell silent while it took samples: it may still be at it, so nobody else takes any.
    is_cut: bool,
    /// PEs that are on now.
    running: usize,
    /// Cycles, ticks and samples of the batch on each PE, those of the clock only.
    clocks: [[u64; 3]; MAX_PES as usize],
}

/// Runs every batch of the plan. Returns how many PEs are on afterwards.
pub fn run(boot: &'static Handover, plan: &Plan<'_>, identity: Option<&Identity>) -> usize {
    let settings = &plan.settings;
    let measure = &settings.measure;
    if settings.iterations == 0 {
        return 1;
    }
    // SAFETY: put once.
    let introduction = unsafe { INTRODUCTION.put(Introduction { events: measure.events }) };
    introduction.events(0, boot.event);
    let running = if measure.pes() > 1 {
        bring_up::start(boot, identity, 1, measure.pes().into())
    } else {
        1
    };
    if running < usize::from(measure.timed_pes) && !lost::is_lost(running) {
        fatal("the plan times more PEs than could be started here");
    }
    for pe in 1..running.min(measure.timed_pes.into()) {
        // SAFETY: the introduction is kept.
        unsafe { mailbox::call(pe, introduction::make, &raw const *introduction as usize, 0) };
    }
    let running = bring_up::left(running);
    let possible = |scenario: &Scenario| usize::from(scenario.other_pes()) < running;
    for &scenario in measure
        .scenarios
        .as_slice()
        .iter()
        .filter(|scenario| !possible(scenario))
    {
        let mut reason = Message::new();
        let _ = write!(reason, "{running} PEs could be started");
        console::record(&Record::NoScenario {
            scenario,
            reason: reason.as_str(),
        });
    }
    let runs = |index| boot.stubs.plain(index).is_some();
    let Ok(series) = AllSeries::new(plan, boot.layout.live, runs, possible) else {
        fatal("the plan is too big: it times more sequences under more scenarios than the kernel has room for")
    };
    if series.is_empty() {
        return running;
    }
    console::record(&Record::Order {
        order: measure.order.id(),
        block: measure.order.block(),
        warmup: measure.warmup.into(),
        places: Places::Batch,
    });
    let batching = Batching {
        iterations: settings.iterations,
        batch: settings.batch.clamp(1, settings.iterations),
    };
    console::record(&Record::Phase {
        name: "measure",
        steps: batching.batches(),
    });

    // SAFETY: the only reference, see above.
    let (buckets, taken, session, stub_places) = unsafe { &mut *BUFFERS.0.get() };
    session.begin(measure.order, boot.seed, boot.event, boot.layout.live);
    stub_places.begin(boot.seed, boot.event, measure.events != 0, &series);
    let mut measurement = Measurement {
        boot,
        plan,
        identity,
        series: &series,
        session,
        stub_places,
        tally: Tally::new(buckets, taken),
        started: running,
        is_cut: false,
        running,
        clocks: [[0; 3]; MAX_PES as usize],
    };
    for number in 0..batching.batches() {
        if measurement.is_cut {
            break;
        }
        measurement.batch(number, batching.samples(number) as usize);
    }
    bring_up::adjust(boot, identity, measurement.running, 1)
}

impl Measurement<'_> {
    /// Takes the samples of one batch.
    fn batch(&mut self, number: u32, rounds: usize) {
        let measure = &self.plan.settings.measure;
        self.clocks = [[0; 3]; MAX_PES as usize];
        self.stub_places.draw(self.boot.layout.arena, self.series);
        let mut states = States::new(measure.scenarios.as_slice(), self.started);
        if number % 2 == 1 {
            states.reverse();
        }
        for &others in states.as_slice() {
            let pes = usize::from(measure.timed_pes).max(others.count + 1).min(self.started);
            self.running = bring_up::adjust(self.boot, self.identity, self.running, pes);
            self.started = bring_up::left(self.started);
            self.running = self.running.min(self.started);
            if others.count >= self.running {
                // One is lost by now. The host sees that samples are missing.
                continue;
            }
            // The boot PE tells the others what to do, and so is the only one to be timed beside working ones.
            let timed = if others.count == 0 { pes } else { 1 };
            for pe in (0..timed).filter(|&pe| !lost::is_lost(pe)) {
                self.pe(number, rounds, others, pe);
                if self.is_cut {
                    return;
                }
            }
        }
        for (pe, &[cycles, ticks, samples]) in self.clocks.iter().enumerate() {
            if cycles > 0 {
                console::record(&Record::Batch {
                    pe: pe as u32,
                    batch: number,
                    cycles,
                    ticks,
                    samples,
                });
            }
        }
    }

    /// Takes the samples of one batch on one PE, beside others in one state: by the clock, and of every event.
    fn pe(&mut self, number: u32, rounds: usize, others: OtherPes, pe: usize) {
        let events = counted(pe);
        let all = events.clone().count() + 1;
        for index in 0..all {
            let index = if number % 2 == 1 { all - 1 - index } else { index };
            let event = index.checked_sub(1).and_then(|index| events.clone().nth(index));
            if others.count < self.started && !self.is_cut {
                self.pass(number, rounds, others, pe, event);
            }
        }
    }

    fn pass(&mut self, number: u32, rounds: usize, others: OtherPes, pe: usize, event: Option<Event>) {
        let measure = &self.plan.settings.measure;
        let reads = if event.is_some() { Reads::Events } else { Reads::Clock };
        let counts = event.unwrap_or(self.boot.event);
        let fits = |scenario: &Scenario| OtherPes::of(scenario) == others;
        let stubs = self.series.under(fits).map(|(series, scenario)| TimedStub {
            stub: self.stub_places.address(series, reads),
            operands: self.series.operands(series),
            series,
            touch: scenario.touched(),
            dirty: scenario.get(Axis::Dirty),
        });
        self.session.pass(counts, stubs);
        let live = self.boot.layout.live;
        if !background_load::begin(others, live, live + 4096 * (LIVE_PAGES - 1)) {
            self.started = bring_up::left(self.started);
            return;
        }
        let mut left = usize::from(measure.warmup);
        while left > 0 {
            left -= self.session.ask(left, false);
            if !self.sample(pe) {
                return;
            }
        }
        let started = ticks();
        let mut left = rounds;
        while left > 0 {
            left -= self.session.ask(left, true);
            if !self.sample(pe) {
                return;
            }
            self.count(number, pe, counts);
        }
        let timed = ticks() - started;
        if !background_load::end(others) {
            // Nobody knows for how many of the samples it did what it should have.
            self.tally.drain(|_, _, _| ());
            self.started = bring_up::left(self.started);
            return;
        }
        let samples = rounds * self.session.stubs().len();
        if event.is_none() {
            let [cycles, ticks] = self.session.elapsed();
            for (sum, value) in self.clocks[pe].iter_mut().zip([cycles, ticks, samples as u64]) {
                *sum += value;
            }
        }
        self.emit(number, pe, counts);
        count_samples(samples);
        if measure.overhead && pe == 0 && event.is_none() && others.count == 0 {
            self.overhead(number, rounds, timed);
        }
    }

    /// Has a PE run the rounds asked for. Returns whether it did: one that does not may still use the session.
    fn sample(&mut self, pe: usize) -> bool {
        if pe == 0 {
            watchdog::watch();
            self.session.run_rounds();
            watchdog::rest();
        } else {
            // SAFETY: the session is left alone until the PE has answered, or for good.
            unsafe { mailbox::call(pe, sampler::run_rounds, &raw mut *self.session as usize, 0) };
            if lost::is_lost(pe) {
                self.tally.drain(|_, _, _| ());
                self.is_cut = true;
                self.started = bring_up::left(self.started);
            }
        }
        !self.is_cut
    }

    /// Counts what is in the log. Where there are too many different values, what is counted so far is printed.
    fn count(&mut self, number: u32, pe: usize, event: Event) {
        let Some(log) = self.session.log() else {
            fatal("a counter went backwards")
        };
        for &sample in log {
            if !self.tally.add(sample) {
                print(&mut self.tally, self.series, number, pe, event);
            }
        }
    }

    fn emit(&mut self, number: u32, pe: usize, event: Event) {
        print(&mut self.tally, self.series, number, pe, event);
    }

    /// Prints what the samples of a pass took, beside loops that run the same and keep nothing.
    fn overhead(&mut self, batch: u32, rounds: usize, timed: u64) {
        let stubs = self.session.stubs();
        let plain = |series| match self.series.sequence(series) {
            None => Some(self.boot.stubs.nothing()),
            Some(index) => self.boot.stubs.plain(index),
        };
        let bare_loop = |timed: &TimedStub, stub| {
            suspect::runs(self.series.sequence(timed.series));
            watchdog::watch();
            let ticks = bare_loop(stub, &timed.operands, rounds);
            watchdog::rest();
            suspect::runs(None);
            ticks
        };
        let bare = stubs.iter().map(|timed| bare_loop(timed, timed.stub)).sum();
        let words = stubs
            .iter()
            .filter_map(|timed| Some(bare_loop(timed, plain(timed.series)?)))
            .sum();
        console::record(&Record::Overhead {
            batch,
            samples: (rounds * stubs.len()) as u64,
            timed,
            bare,
            words,
        });
    }
}

/// Runs a stub so often, and returns the ticks of the generic timer that took.
fn bare_loop(stub: usize, operands: &Operands, times: usize) -> u64 {
    let before = ticks();
    for _ in 0..times {
        // SAFETY: an emitted stub of validated words.
        unsafe { call::run(stub, operands) };
    }
    ticks() - before
}

/// Prints what was counted, as many values to a line as fit.
fn print(tally: &mut Tally<'_>, all: &AllSeries<'_>, batch: u32, pe: usize, event: Event) {
    let room = |series| {
        let (seq, scenario) = all.name(series);
        count_room(seq, scenario, event)
    };
    pack(tally, room, |series, pairs| {
        let (seq, scenario) = all.name(series);
        console::record(&Record::Sample {
            seq,
            scenario,
            pe: pe as u32,
            event,
            batch,
            pairs: Pairs::Slice(pairs),
        });
    });
}
