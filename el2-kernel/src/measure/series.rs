// SPDX-License-Identifier: MIT OR Apache-2.0
//! Everything that is timed: the empty frame and the timed sequences, each under every scenario.

use results::plan::{EntryRef, MAX_SEQUENCES, MAX_STREAMS, Plan, flags, is_timed_under};
use results::scenario::{Axis, Scenario};

use crate::handover::Handover;
use crate::measure::sampler::TimedStub;
use crate::measure::stub_places::{Reads, StubPlaces};
use crate::platform::end::fatal;
use crate::stub::operands::{Operands, Subject, operands};

/// Id of the empty frame.
const EMPTY: &str = "empty";

/// One series of samples, by the places of its parts in the plan.
#[derive(Debug, Clone, Copy)]
struct Series {
    /// `None` for the empty frame.
    sequence: Option<u16>,
    scenario: u16,
}

/// All series of a run.
#[derive(Debug)]
pub struct AllSeries<'a> {
    all: [Series; MAX_STREAMS],
    count: usize,
    scenarios: &'a [Scenario],
    entries: [Option<EntryRef<'a>>; MAX_SEQUENCES],
    operands: [Operands; MAX_SEQUENCES],
}

impl<'a> AllSeries<'a> {
    /// Finds what the plan times and this machine can run, under the scenarios that `possible` lets through.
    pub fn new(boot: &Handover, plan: &'a Plan<'a>, possible: impl Fn(&Scenario) -> bool) -> Self {
        let nothing = Series {
            sequence: None,
            scenario: 0,
        };
        let mut streams = Self {
            all: [nothing; MAX_STREAMS],
            count: 0,
            scenarios: plan.settings.measure.scenarios.as_slice(),
            entries: [None; MAX_SEQUENCES],
            operands: [[0; 8]; MAX_SEQUENCES],
        };
        let subject = Subject::at(boot.layout.live);
        for (index, entry) in plan.entries().enumerate() {
            streams.entries[index] = Some(entry);
            streams.operands[index] = operands(&entry, &subject);
        }
        let timed = |flags: u8| flags & flags::TIMED != 0;
        let runs = |index: usize| boot.stubs.plain(index).is_some();
        if !plan
            .entries()
            .enumerate()
            .any(|(index, entry)| timed(entry.flags) && runs(index))
        {
            return streams;
        }
        for (number, scenario) in streams
            .scenarios
            .iter()
            .enumerate()
            .filter(|(_, scenario)| possible(scenario))
        {
            streams.push(None, number);
            for (index, entry) in plan.entries().enumerate() {
                if timed(entry.flags) && runs(index) && is_timed_under(scenario, entry.words()) {
                    streams.push(Some(index as u16), number);
                }
            }
        }
        streams
    }

    fn push(&mut self, sequence: Option<u16>, scenario: usize) {
        let Some(place) = self.all.get_mut(self.count) else {
            fatal("the plan is too big: it times more sequences under more scenarios than the kernel has room for")
        };
        *place = Series {
            sequence,
            scenario: scenario as u16,
        };
        self.count += 1;
    }

    /// Returns whether there is nothing to time.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns how many series there are.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Returns the sequence of a series, if it is not the empty frame, and the scenario.
    fn parts(&self, series: u16) -> (Option<EntryRef<'a>>, Scenario) {
        let stream = self.all[usize::from(series)];
        let entry = stream.sequence.and_then(|index| self.entries[usize::from(index)]);
        (entry, self.scenarios[usize::from(stream.scenario)])
    }

    /// Returns the id of the sequence and the scenario of a series.
    pub fn name(&self, series: u16) -> (&'a str, Scenario) {
        let (entry, scenario) = self.parts(series);
        (entry.map_or(EMPTY, |entry| entry.id), scenario)
    }

    /// Returns the scenario of a series, and the words under test.
    pub fn code(&self, series: u16) -> (Scenario, impl Iterator<Item = u32> + Clone + use<'a>) {
        let (entry, scenario) = self.parts(series);
        (scenario, entry.into_iter().flat_map(|entry| entry.words()))
    }

    /// Returns the place of the sequence of a series in the plan; `None` for the empty frame.
    pub fn sequence(&self, series: u16) -> Option<usize> {
        self.all[usize::from(series)].sequence.map(usize::from)
    }

    /// Returns what to run for every series whose scenario `fits`.
    pub fn slots(
        &self,
        placement: &StubPlaces,
        reads: Reads,
        fits: impl Fn(&Scenario) -> bool,
    ) -> impl Iterator<Item = TimedStub> {
        self.all[..self.count]
            .iter()
            .enumerate()
            .filter_map(move |(series, stream)| {
                let scenario = &self.scenarios[usize::from(stream.scenario)];
                if !fits(scenario) {
                    return None;
                }
                let sequence = stream.sequence.map(usize::from);
                Some(TimedStub {
                    stub: placement.stub(series as u16, reads),
                    operands: sequence.map_or([0; 8], |index| self.operands[index]),
                    series: series as u16,
                    touch: scenario.touched(),
                    dirty: scenario.get(Axis::Dirty),
                })
            })
    }
}
