// SPDX-License-Identifier: MIT OR Apache-2.0
//! Everything that is timed: the empty frame and the timed sequences, each under every scenario.

use results::plan::{MAX_SEQUENCES, MAX_STREAMS, Plan, flags, is_timed_under};
use results::scenario::Scenario;

use crate::boot::Handover;
use crate::operands::{Operands, Subject, operands};
use crate::plan_stubs::{Reads, variant};
use crate::sampler::Slot;
use crate::stop::fatal;

/// Id of the empty frame.
const EMPTY: &str = "empty";

/// One series of samples, by the places of its parts in the plan.
#[derive(Debug, Clone, Copy)]
struct Stream {
    /// `None` for the empty frame.
    sequence: Option<u16>,
    scenario: u16,
}

/// All series of a run.
#[derive(Debug)]
pub struct Streams<'a> {
    all: [Stream; MAX_STREAMS],
    count: usize,
    scenarios: &'a [Scenario],
    ids: [&'a str; MAX_SEQUENCES],
    operands: [Operands; MAX_SEQUENCES],
}

impl<'a> Streams<'a> {
    /// Finds what the plan times and this machine can run, under the scenarios that `possible` lets through.
    pub fn new(boot: &Handover, plan: &'a Plan<'a>, possible: impl Fn(&Scenario) -> bool) -> Self {
        let nothing = Stream {
            sequence: None,
            scenario: 0,
        };
        let mut streams = Self {
            all: [nothing; MAX_STREAMS],
            count: 0,
            scenarios: plan.settings.measure.scenarios.as_slice(),
            ids: [""; MAX_SEQUENCES],
            operands: [[0; 8]; MAX_SEQUENCES],
        };
        let subject = Subject::at(boot.layout.live);
        for (index, entry) in plan.entries().enumerate() {
            streams.ids[index] = entry.id;
            streams.operands[index] = operands(&entry, &subject);
        }
        let timed = |flags: u8| flags & flags::TIMED != 0;
        let runs = |index: usize| boot.stubs.timed(index).is_some();
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
        *place = Stream {
            sequence,
            scenario: scenario as u16,
        };
        self.count += 1;
    }

    /// Returns whether there is nothing to time.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the id of the sequence and the scenario of a series.
    pub fn name(&self, series: u16) -> (&'a str, Scenario) {
        let stream = self.all[usize::from(series)];
        let id = stream.sequence.map_or(EMPTY, |index| self.ids[usize::from(index)]);
        (id, self.scenarios[usize::from(stream.scenario)])
    }

    /// Returns the place of the sequence of a series in the plan; `None` for the empty frame.
    pub fn sequence(&self, series: u16) -> Option<usize> {
        self.all[usize::from(series)].sequence.map(usize::from)
    }

    /// Returns what to run for every series whose scenario `fits`.
    pub fn slots(&self, reads: Reads, fits: impl Fn(&Scenario) -> bool) -> impl Iterator<Item = Slot> {
        self.all[..self.count]
            .iter()
            .enumerate()
            .filter_map(move |(series, stream)| {
                let scenario = &self.scenarios[usize::from(stream.scenario)];
                if !fits(scenario) {
                    return None;
                }
                let sequence = stream.sequence.map(usize::from);
                Some(Slot {
                    stub: variant(stream.scenario.into(), sequence, reads)?,
                    operands: sequence.map_or([0; 8], |index| self.operands[index]),
                    series: series as u16,
                    touch: scenario.touched(),
                    dirty: scenario.get(results::scenario::Axis::Dirty),
                })
            })
    }
}
