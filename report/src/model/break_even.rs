// SPDX-License-Identifier: MIT OR Apache-2.0
//! From how many pages on one way to invalidate is cheaper than another.

use results::record::Event;

use super::{BaselineRatio, Interval, Net};

/// Ways to invalidate pages, side by side by number of pages.
#[derive(Debug, Clone, PartialEq)]
pub struct BreakEven {
    /// Whose TLBs: `local`, `broadcast`.
    pub scope: String,
    /// Index of the PE.
    pub pe: u32,
    /// What was counted.
    pub event: Event,
    /// The ways, at most as many as a plot can tell apart.
    pub ways: Vec<Way>,
    /// From where on which is cheaper, one sentence each.
    pub findings: Vec<String>,
}

/// One way to invalidate pages.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// Its name, e.g. `by VA`.
    pub name: String,
    /// Net cost by number of pages, in rising order; the same everywhere for one that does not depend on it.
    pub points: Vec<WayPoint>,
}

/// The cost of one way at one number of pages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WayPoint {
    /// Pages invalidated.
    pub pages: u64,
    /// The median less that of the empty frame.
    pub net: Net,
    /// Its 95% interval; `None` with too few batches or below resolution.
    pub interval: Option<Interval>,
    /// The cost beside that of the full flush; `None` for the full flush itself.
    pub beside: Option<BaselineRatio>,
}
