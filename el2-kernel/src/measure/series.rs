// SPDX-License-Identifier: MIT OR Apache-2.0
//! Everything that is timed: the empty frame and the timed sequences, each under every scenario.

use results::plan::{EMPTY_FRAME, EntryRef, MAX_SEQUENCES, MAX_STREAMS, Plan, flags, is_timed_under};
use results::scenario::Scenario;

use crate::stub::operands::{Operands, Subject, operands};
use crate::stub::planted;

/// The plan times more than there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany;

/// One series of samples, by the indices of its parts in the plan.
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
    /// What stands in the place of a sequence.
    planted: Option<(u16, &'static [u32])>,
}

impl<'a> AllSeries<'a> {
    /// Finds what the plan times and this machine `runs`, by its index in the plan, on the page at `live`, under the
    /// scenarios that `possible` lets through.
    pub fn new(
        plan: &'a Plan<'a>,
        live: u64,
        runs: impl Fn(usize) -> bool,
        possible: impl Fn(&Scenario) -> bool,
    ) -> Result<Self, TooMany> {
        let nothing = Series {
            sequence: None,
            scenario: 0,
        };
        let mut series = Self {
            all: [nothing; MAX_STREAMS],
            count: 0,
            scenarios: plan.settings.measure.scenarios.as_slice(),
            entries: [None; MAX_SEQUENCES],
            operands: [[0; 8]; MAX_SEQUENCES],
            planted: None,
        };
        let subject = Subject::at(live);
        for (index, entry) in plan.entries().enumerate() {
            series.entries[index] = Some(entry);
            series.operands[index] = planted::late_operands(plan, index).unwrap_or_else(|| operands(&entry, &subject));
            if let Some(fault) = planted::fault(plan, index) {
                // Only a late one comes to be timed, and those are the same at both levels.
                series.planted = Some((index as u16, planted::words(fault, false)));
            }
        }
        let timed = || {
            plan.entries()
                .enumerate()
                .filter(|(index, entry)| entry.flags & flags::TIMED != 0 && runs(*index))
        };
        if timed().next().is_none() {
            return Ok(series);
        }
        for (number, scenario) in series.scenarios.iter().enumerate() {
            if !possible(scenario) {
                continue;
            }
            series.push(None, number)?;
            for (index, _) in timed().filter(|(_, entry)| is_timed_under(scenario, entry.words())) {
                series.push(Some(index as u16), number)?;
            }
        }
        Ok(series)
    }

    fn push(&mut self, sequence: Option<u16>, scenario: usize) -> Result<(), TooMany> {
        let scenario = scenario as u16;
        *self.all.get_mut(self.count).ok_or(TooMany)? = Series { sequence, scenario };
        self.count += 1;
        Ok(())
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
        let Series { sequence, scenario } = self.all[usize::from(series)];
        let entry = sequence.and_then(|index| self.entries[usize::from(index)]);
        (entry, self.scenarios[usize::from(scenario)])
    }

    /// Returns the id of the sequence and the scenario of a series.
    pub fn name(&self, series: u16) -> (&'a str, Scenario) {
        let (entry, scenario) = self.parts(series);
        (entry.map_or(EMPTY_FRAME, |entry| entry.id), scenario)
    }

    /// Returns the scenario of a series, and the words under test.
    pub fn code(&self, series: u16) -> (Scenario, impl Iterator<Item = u32> + Clone + use<'a>) {
        let (entry, scenario) = self.parts(series);
        let planted = self
            .planted
            .filter(|(index, _)| self.all[usize::from(series)].sequence == Some(*index));
        let entry = entry.filter(|_| planted.is_none());
        let words = entry.into_iter().flat_map(|entry| entry.words());
        let planted = planted.map_or(&[][..], |(_, words)| words);
        (scenario, words.chain(planted.iter().copied()))
    }

    /// Returns the index of the sequence of a series in the plan; `None` for the empty frame.
    pub fn sequence(&self, series: u16) -> Option<usize> {
        self.all[usize::from(series)].sequence.map(usize::from)
    }

    /// Returns the operand registers of a series.
    pub fn operands(&self, series: u16) -> Operands {
        self.sequence(series).map_or([0; 8], |index| self.operands[index])
    }

    /// Returns the numbers of the series whose scenario `fits`, with it.
    pub fn under(&self, fits: impl Fn(&Scenario) -> bool) -> impl Iterator<Item = (u16, Scenario)> {
        (0..self.count as u16)
            .map(|series| (series, self.parts(series).1))
            .filter(move |(_, scenario)| fits(scenario))
    }
}

#[cfg(test)]
mod tests {
    use results::plan::{Entry, Measure, Scenarios, Settings, encode};
    use results::scenario::Axis;

    use super::*;
    use crate::boot::default_plan;

    const DSB_SY: u32 = 0xd503_3f9f;
    const LIVE: u64 = 0x100_0000;

    fn settings(scenarios: &[Scenario]) -> Settings {
        let mut area = [0; 2048];
        default_plan::write(&mut area).unwrap();
        let settings = Plan::read(&area).unwrap().unwrap().settings;
        let mut all = Scenarios::PLAIN;
        for &scenario in &scenarios[1..] {
            assert!(all.add(scenario));
        }
        let measure = Measure {
            scenarios: all,
            ..Measure::PLAIN
        };
        Settings {
            measure,
            boot_flush: 0,
            ..settings
        }
    }

    fn entry(id: &str, flags: u8) -> Entry<'_> {
        Entry {
            id,
            flags,
            pages: 1,
            checks: 0,
            good_for: 0,
            operands: &[],
            words: &[DSB_SY],
        }
    }

    fn with<R>(scenarios: &[Scenario], entries: &[Entry<'_>], f: impl FnOnce(&Plan<'_>) -> R) -> R {
        let mut area = vec![0; 1 << 16];
        encode(&settings(scenarios), entries, &mut area).unwrap();
        f(&Plan::read(&area).unwrap().unwrap())
    }

    #[test]
    fn every_scenario_has_the_empty_frame_and_what_is_timed_and_runs() {
        let dirty = Scenario::PLAIN.with(Axis::Dirty, 8);
        let busy = Scenario::PLAIN.with(Axis::Busy, 1);
        let entries = [
            entry("a", flags::TIMED),
            entry("checked_only", 0),
            entry("b", flags::TIMED),
            entry("cannot_run", flags::TIMED),
        ];
        with(&[Scenario::PLAIN, dirty, busy], &entries, |plan| {
            let series = AllSeries::new(plan, LIVE, |index| index != 3, |scenario| *scenario != busy).unwrap();
            let named: Vec<_> = (0..series.count() as u16).map(|number| series.name(number)).collect();
            let of = |scenario| [(EMPTY_FRAME, scenario), ("a", scenario), ("b", scenario)];
            assert_eq!(named, [of(Scenario::PLAIN), of(dirty)].concat());
            let sequences: Vec<_> = (0..3).map(|number| series.sequence(number)).collect();
            assert_eq!(sequences, [None, Some(0), Some(2)]);
            let under: Vec<_> = series
                .under(|scenario| *scenario == dirty)
                .map(|(number, _)| number)
                .collect();
            assert_eq!(under, [3, 4, 5]);
            assert_eq!(series.code(0).1.count(), 0);
            assert!(series.code(4).1.eq([DSB_SY]));
            assert_eq!(series.operands(4), [0; 8]);
        });
    }

    #[test]
    fn where_nothing_timed_runs_there_is_no_empty_frame_either() {
        let entries = [entry("a", flags::TIMED), entry("checked_only", 0)];
        with(&[Scenario::PLAIN], &entries, |plan| {
            let series = AllSeries::new(plan, LIVE, |index| index != 0, |_| true).unwrap();
            assert!(series.is_empty());
        });
    }

    #[test]
    fn too_many_series_are_refused() {
        let ids: Vec<_> = (0..MAX_SEQUENCES).map(|i| format!("s{i}")).collect();
        let entries: Vec<_> = ids.iter().map(|id| entry(id, flags::TIMED)).collect();
        let many = (MAX_STREAMS / (MAX_SEQUENCES + 1) + 1) as u16;
        let scenarios: Vec<_> = (0..many).map(|n| Scenario::PLAIN.with(Axis::Dirty, n)).collect();
        with(&scenarios, &entries, |plan| {
            assert_eq!(AllSeries::new(plan, LIVE, |_| true, |_| true).map(|_| ()), Err(TooMany));
        });
    }
}
