// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a scenario has the other PEs do while one is timed.

use results::scenario::{Axis, MAX_SCENARIOS, Scenario};

/// What other PEs do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Wait in WFE, as they do between jobs.
    Wait,
    /// Load from pages in a loop.
    Load,
    /// Invalidate a page that nobody uses, on every PE, in a loop.
    Broadcast,
}

/// What the PEs other than the timed one are and do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherPes {
    /// How many there are, at least.
    pub count: usize,
    /// What they do.
    pub activity: Activity,
}

impl OtherPes {
    /// None: the timed PE is alone.
    const NONE: Self = Self {
        count: 0,
        activity: Activity::Wait,
    };

    /// Returns what a scenario wants.
    pub fn of(scenario: &Scenario) -> Self {
        let activity = if scenario.get(Axis::Busy) > 0 {
            Activity::Load
        } else if scenario.get(Axis::Broadcast) > 0 {
            Activity::Broadcast
        } else {
            Activity::Wait
        };
        Self {
            count: usize::from(scenario.other_pes()),
            activity,
        }
    }
}

/// The different states of the other PEs that scenarios want, in the order in which they first want them.
#[derive(Debug, Clone, Copy)]
pub struct States {
    all: [OtherPes; MAX_SCENARIOS],
    count: usize,
}

impl States {
    /// Finds those that so many PEs, the timed one included, allow.
    pub fn new(scenarios: &[Scenario], pes: usize) -> Self {
        let mut states = Self {
            all: [OtherPes::NONE; MAX_SCENARIOS],
            count: 0,
        };
        for others in scenarios.iter().map(OtherPes::of) {
            if others.count < pes && !states.as_slice().contains(&others) {
                states.all[states.count] = others;
                states.count += 1;
            }
        }
        states
    }

    /// Returns the states.
    pub fn as_slice(&self) -> &[OtherPes] {
        &self.all[..self.count]
    }

    /// Turns their order round.
    pub fn reverse(&mut self) {
        self.all[..self.count].reverse();
    }
}
