// SPDX-License-Identifier: MIT OR Apache-2.0
//! The conditions a sequence is timed under.
//!
//! A scenario is a point on a few axes, all independent of each other. Its id names every axis that is not at its
//! neutral value, in a fixed order: `live_64_tlbis_8`; with none it is `plain`.

use core::fmt::{self, Display, Formatter, Write};
use core::str::FromStr;

/// Pages in the window that scenarios touch.
pub const MAX_LIVE: u16 = 1024;
/// Cache lines in the buffer that scenarios store to.
pub const MAX_DIRTY: u16 = 1024;
/// Most repetitions of an invalidation, or of the whole sequence.
pub const MAX_REPEAT: u16 = 256;
/// Most scenarios in a plan, the plain one included.
pub const MAX_SCENARIOS: usize = 64;

/// One of the conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Axis {
    /// Pages touched before the frame, so that the TLB holds entries for them (as far as it is large enough).
    Live,
    /// Pages loaded from after the sequence, inside the frame, one load each.
    Refill,
    /// Cache lines stored to right before the frame, with nothing that would wait for the stores.
    Dirty,
    /// Times every TLBI of the sequence is issued before what follows it.
    Tlbis,
    /// Times the whole sequence runs inside the frame.
    Repeat,
    /// Other PEs that are on and wait in WFE.
    Idle,
    /// Other PEs that load in a loop.
    Busy,
    /// Other PEs that broadcast invalidations in a loop.
    Broadcast,
}

impl Axis {
    /// Every axis, in the order of the id.
    pub const ALL: [Self; 8] = [
        Self::Live,
        Self::Refill,
        Self::Dirty,
        Self::Tlbis,
        Self::Repeat,
        Self::Idle,
        Self::Busy,
        Self::Broadcast,
    ];

    /// Returns the stable id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Refill => "refill",
            Self::Dirty => "dirty",
            Self::Tlbis => "tlbis",
            Self::Repeat => "repeat",
            Self::Idle => "idle",
            Self::Busy => "busy",
            Self::Broadcast => "broadcast",
        }
    }

    /// Returns the axis with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|axis| axis.id() == id)
    }

    /// Returns what is counted along it, for the label of a column or an axis.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Live => "pages touched before",
            Self::Refill => "pages touched after",
            Self::Dirty => "cache lines stored to before",
            Self::Tlbis => "TLBIs before the DSB",
            Self::Repeat => "runs of the sequence",
            Self::Idle => "other PEs, waiting",
            Self::Busy => "other PEs, loading",
            Self::Broadcast => "other PEs, broadcasting TLBIs",
        }
    }

    /// Returns the value that means "as without this axis".
    pub const fn neutral(self) -> u16 {
        match self {
            Self::Tlbis | Self::Repeat => 1,
            _ => 0,
        }
    }

    /// Returns the largest value.
    pub const fn largest(self) -> u16 {
        match self {
            Self::Live | Self::Refill => MAX_LIVE,
            Self::Dirty => MAX_DIRTY,
            Self::Tlbis | Self::Repeat => MAX_REPEAT,
            Self::Idle | Self::Busy | Self::Broadcast => crate::plan::MAX_PES as u16 - 1,
        }
    }

    /// Returns whether its values are numbers of other PEs.
    pub const fn is_of_pes(self) -> bool {
        matches!(self, Self::Idle | Self::Busy | Self::Broadcast)
    }

    /// Returns whether the cost is expected to be a straight line along it.
    pub const fn is_linear(self) -> bool {
        matches!(self, Self::Tlbis | Self::Repeat)
    }
}

/// A point on all axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scenario([u16; Axis::ALL.len()]);

impl Scenario {
    /// No conditions: the sequence alone, as a caller would run it.
    pub const PLAIN: Self = {
        let mut values = [0; Axis::ALL.len()];
        let mut i = 0;
        while i < values.len() {
            values[i] = Axis::ALL[i].neutral();
            i += 1;
        }
        Self(values)
    };

    /// Returns the value on an axis.
    pub const fn get(&self, axis: Axis) -> u16 {
        self.0[axis as usize]
    }

    /// Returns the same scenario with another value on an axis.
    #[must_use]
    pub const fn with(mut self, axis: Axis, value: u16) -> Self {
        self.0[axis as usize] = value;
        self
    }

    /// Returns how many other PEs it needs.
    pub fn other_pes(&self) -> u16 {
        Axis::ALL
            .into_iter()
            .filter(|axis| axis.is_of_pes())
            .map(|axis| self.get(axis))
            .max()
            .unwrap_or(0)
    }

    /// Returns how many pages have to be touched before the frame: the live ones, and those touched after it.
    pub fn touched(&self) -> u16 {
        self.get(Axis::Live).max(self.get(Axis::Refill))
    }

    /// Returns why the conditions cannot be had together.
    pub fn obstacle(&self) -> Option<&'static str> {
        let in_use = |axis: &Axis| self.get(*axis) != axis.neutral();
        if Axis::ALL.iter().any(|axis| self.get(*axis) > axis.largest()) {
            Some("a value is larger than its axis goes")
        } else if self.get(Axis::Tlbis) == 0 || self.get(Axis::Repeat) == 0 {
            Some("`tlbis` and `repeat` start at 1")
        } else if Axis::ALL.iter().filter(|axis| axis.is_of_pes() && in_use(axis)).count() > 1 {
            Some("only one of `idle`, `busy` and `broadcast` can be given: they say what all other PEs do")
        } else {
            None
        }
    }
}

impl Default for Scenario {
    fn default() -> Self {
        Self::PLAIN
    }
}

impl Display for Scenario {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if *self == Self::PLAIN {
            return f.write_str("plain");
        }
        let mut first = true;
        for axis in Axis::ALL {
            let value = self.get(axis);
            if value != axis.neutral() {
                if !first {
                    f.write_char('_')?;
                }
                first = false;
                write!(f, "{}_{value}", axis.id())?;
            }
        }
        Ok(())
    }
}

/// A text that is no scenario id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAScenario;

impl Display for NotAScenario {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("not a scenario id, such as plain or live_64_tlbis_8")
    }
}

impl core::error::Error for NotAScenario {}

impl FromStr for Scenario {
    type Err = NotAScenario;

    fn from_str(text: &str) -> Result<Self, NotAScenario> {
        let mut scenario = Self::PLAIN;
        if text == "plain" {
            return Ok(scenario);
        }
        let mut parts = text.split('_');
        let mut next = 0;
        while let Some(name) = parts.next() {
            let axis = Axis::from_id(name).ok_or(NotAScenario)?;
            let value = parts.next().and_then(|value| value.parse().ok()).ok_or(NotAScenario)?;
            // Each axis once and in order, never at its neutral value: a scenario has one id only.
            if (axis as usize) < next || value == axis.neutral() {
                return Err(NotAScenario);
            }
            next = axis as usize + 1;
            scenario = scenario.with(axis, value);
        }
        scenario.obstacle().map_or(Ok(scenario), |_| Err(NotAScenario))
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn ids_read_back_and_every_scenario_has_one_only() {
        let some = [
            (Scenario::PLAIN, "plain"),
            (Scenario::PLAIN.with(Axis::Live, 64), "live_64"),
            (
                Scenario::PLAIN.with(Axis::Tlbis, 8).with(Axis::Live, 64),
                "live_64_tlbis_8",
            ),
            (Scenario::PLAIN.with(Axis::Broadcast, 3), "broadcast_3"),
        ];
        for (scenario, id) in some {
            assert_eq!((scenario.to_string().as_str(), id.parse()), (id, Ok(scenario)));
        }
        let wrong = [
            "",
            "live",
            "live_",
            "live_x",
            "live_0",
            "tlbis_1",
            "tlbis_8_live_64",
            "live_1_live_2",
            "Plain",
        ];
        for id in wrong
            .into_iter()
            .chain(["live_1025", "tlbis_0", "busy_1_idle_1", "busy_8", "plain_live_1"])
        {
            assert_eq!(id.parse::<Scenario>(), Err(NotAScenario), "{id}");
        }
    }

    #[test]
    fn pages_touched_after_are_touched_before_too() {
        let scenario = Scenario::PLAIN.with(Axis::Refill, 64);
        assert_eq!((scenario.touched(), scenario.other_pes()), (64, 0));
        assert_eq!(scenario.with(Axis::Live, 100).touched(), 100);
        assert_eq!(scenario.with(Axis::Busy, 3).other_pes(), 3);
    }

    #[test]
    fn axes_are_in_the_order_of_their_numbers() {
        for (index, axis) in Axis::ALL.into_iter().enumerate() {
            assert_eq!((axis as usize, Axis::from_id(axis.id())), (index, Some(axis)));
        }
    }
}
