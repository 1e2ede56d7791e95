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

/// Returns the first PE from 1 to `count` whose bit in a mask is not set.
pub fn first_missing(mask: u32, count: usize) -> Option<usize> {
    (1..=count).find(|pe| mask >> pe & 1 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(axes: &[(Axis, u16)]) -> Scenario {
        axes.iter()
            .fold(Scenario::PLAIN, |scenario, &(axis, value)| scenario.with(axis, value))
    }

    #[test]
    fn a_scenario_says_how_many_other_pes_do_what() {
        let of = |axes: &[_]| OtherPes::of(&scenario(axes));
        let others = |count, activity| OtherPes { count, activity };
        assert_eq!(of(&[]), others(0, Activity::Wait));
        // What is done on the timed PE itself asks nothing of the others.
        assert_eq!(of(&[(Axis::Dirty, 8)]), others(0, Activity::Wait));
        assert_eq!(of(&[(Axis::Idle, 2)]), others(2, Activity::Wait));
        assert_eq!(of(&[(Axis::Busy, 1)]), others(1, Activity::Load));
        assert_eq!(of(&[(Axis::Broadcast, 3)]), others(3, Activity::Broadcast));
    }

    #[test]
    fn states_are_different_ones_that_the_pes_allow_in_order() {
        let scenarios = [
            scenario(&[]),
            scenario(&[(Axis::Dirty, 8)]),
            scenario(&[(Axis::Busy, 1)]),
            scenario(&[(Axis::Broadcast, 2)]),
            scenario(&[(Axis::Busy, 1), (Axis::Dirty, 8)]),
        ];
        let activities = |pes| -> Vec<_> {
            let states = States::new(&scenarios, pes);
            states.as_slice().iter().map(|state| state.activity).collect()
        };
        assert_eq!(activities(1), [Activity::Wait]);
        assert_eq!(activities(2), [Activity::Wait, Activity::Load]);
        let all = [Activity::Wait, Activity::Load, Activity::Broadcast];
        assert_eq!(activities(3), all);
        let mut states = States::new(&scenarios, 3);
        states.reverse();
        assert!(
            states
                .as_slice()
                .iter()
                .map(|state| state.activity)
                .eq(all.into_iter().rev())
        );
    }

    /// A time-out names a PE that has not begun; it once named the last one, whichever was late.
    #[test]
    fn the_pe_that_has_not_begun_is_named() {
        assert_eq!(first_missing(0b0000, 3), Some(1));
        assert_eq!(first_missing(0b1010, 3), Some(2));
        assert_eq!(first_missing(0b0110, 3), Some(3));
        assert_eq!(first_missing(0b1110, 3), None);
        assert_eq!(first_missing(0, 0), None);
    }
}
