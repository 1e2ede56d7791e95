// SPDX-License-Identifier: MIT OR Apache-2.0
//! How sequences are timed.

use super::MAX_PES;
use crate::event::Event;
use crate::order::Order;
use crate::scenario::{Axis, MAX_SCENARIOS, Scenario};

/// How and under which conditions sequences are timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// The order in which samples are taken.
    pub order: Order,
    /// Rounds run before each batch whose samples are not kept.
    pub warmup: u16,
    /// Events to count beside the clock, each in samples of its own: bits of [`Event::mask`].
    pub events: u32,
    /// PEs that time themselves one after the other, the boot PE first, 1 to [`MAX_PES`].
    pub timed_pes: u8,
    /// Whether to time the timing itself.
    pub overhead: bool,
    /// The conditions.
    pub scenarios: Scenarios,
}

impl Measure {
    /// Sequences alone, on the boot PE, by its clock.
    pub const PLAIN: Self = Self {
        order: Order::ThueMorse,
        warmup: 8,
        events: 0,
        timed_pes: 1,
        overhead: false,
        scenarios: Scenarios::PLAIN,
    };

    /// Returns how many PEs it takes, the boot PE included.
    pub fn pes(&self) -> u8 {
        let others = self.scenarios.as_slice().iter().map(Scenario::other_pes).max();
        self.timed_pes.max(others.unwrap_or(0) as u8 + 1)
    }
}

/// One or more different scenarios.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scenarios {
    all: [Scenario; MAX_SCENARIOS],
    count: usize,
}

impl Scenarios {
    /// No scenario at all, to begin with.
    pub(super) const NONE: Self = Self {
        count: 0,
        ..Self::PLAIN
    };
    /// The plain scenario only.
    pub const PLAIN: Self = Self {
        all: [Scenario::PLAIN; MAX_SCENARIOS],
        count: 1,
    };

    /// Returns the scenarios.
    pub fn as_slice(&self) -> &[Scenario] {
        &self.all[..self.count]
    }

    /// Adds a scenario that is not in it yet. Returns whether it is in it now: there may be too many.
    pub fn add(&mut self, scenario: Scenario) -> bool {
        if self.as_slice().contains(&scenario) {
            return true;
        }
        let Some(place) = self.all.get_mut(self.count) else {
            return false;
        };
        *place = scenario;
        self.count += 1;
        true
    }
}

/// Returns whether an instruction word is a TLBI: `SYS` with CRn 8, or 9 for the nXS forms (Arm ARM, C5.1, "SYS").
pub const fn is_tlbi(word: u32) -> bool {
    word & 0xfff8_e000 == 0xd508_8000
}

/// Returns whether a sequence is timed under a scenario: one without a TLBI cannot repeat it. The empty frame always is.
pub fn is_timed_under(scenario: &Scenario, words: impl IntoIterator<Item = u32>) -> bool {
    scenario.get(Axis::Tlbis) == Axis::Tlbis.neutral() || words.into_iter().any(is_tlbi)
}

/// Returns what of it no kernel can do.
pub(super) fn check_measure(measure: &Measure) -> Result<(), &'static str> {
    let known = Event::counted().fold(0, |all, event| all | event.mask());
    if !(1..=MAX_PES).contains(&measure.timed_pes) {
        Err("number of timed PEs")
    } else if measure.events & !known != 0 {
        Err("events")
    } else if measure
        .scenarios
        .as_slice()
        .iter()
        .any(|scenario| scenario.obstacle().is_some())
    {
        Err("scenario")
    } else {
        Ok(())
    }
}
