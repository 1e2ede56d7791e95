// SPDX-License-Identifier: MIT OR Apache-2.0
//! The flush beside what it makes the code after it walk for again.

use report::model::Refill;
use results::scenario::Axis;

use super::baseline_ratios::What;
use super::{Batches, Scenarios, of_batch};
use crate::aggregate::decision::to_model;
use crate::aggregate::samples::Collected;
use crate::aggregate::series::part;
use stats::{Interval, median_interval};

/// The series that the cost after a flush is made of.
struct Parts<'a> {
    /// The flush, with the pages touched before it.
    flush: &'a Collected,
    /// No flush, and the pages touched twice.
    warm: &'a Collected,
    /// No flush, and the pages touched once.
    frame: &'a Collected,
}

impl<'a> Scenarios<'a> {
    /// Returns the cost of every flush beside that of touching pages again after it.
    pub fn refills(&self) -> Vec<Refill> {
        let after = self.timed.iter().filter(|c| c.scenario.get(Axis::Refill) > 0);
        after.filter_map(|c| self.refill(c)).collect()
    }

    fn parts(&self, after: &Collected) -> Option<Parts<'a>> {
        let alone = after.scenario.with(Axis::Live, after.scenario.touched());
        let flush = self.under(after, alone.with(Axis::Refill, 0))?;
        Some(Parts {
            flush,
            warm: self.frame(after)?,
            frame: self.frame(flush)?,
        })
    }

    /// Returns what follows the flush, less the same without one, less the flush itself: all of one batch.
    pub(super) fn refill_batches(&self, after: &Collected) -> Batches {
        let Some(Parts { flush, warm, frame }) = self.parts(after) else {
            return Vec::new();
        };
        let cost = |&(batch, after): &(u32, f64)| {
            let of = |c: &Collected| of_batch(&c.batches, batch);
            Some((batch, (after - of(warm)?) - (of(flush)? - of(frame)?)))
        };
        after.batches.iter().filter_map(cost).collect()
    }

    /// Returns what follows the flush, with its interval.
    fn cost(&self, after: &Collected) -> Option<(f64, Interval)> {
        let costs: Vec<f64> = self.refill_batches(after).into_iter().map(|(_, cost)| cost).collect();
        median_interval(&costs, self.random("refill", after))
    }

    /// Returns whether what follows the flush can be told from nothing.
    pub(super) fn is_refill_seen(&self, after: &Collected) -> bool {
        self.cost(after).is_some_and(|(_, interval)| interval.low > 0.0)
    }

    fn refill(&self, after: &Collected) -> Option<Refill> {
        let Parts { flush, warm, frame } = self.parts(after)?;
        let cost = self.cost(after);
        Some(Refill {
            seq: after.seq.clone(),
            part: part(&after.seq, self.manifest),
            pe: after.pe,
            event: after.event,
            pages: after.scenario.get(Axis::Refill).into(),
            flush: self.net(flush)?,
            refill: cost.filter(|(_, interval)| interval.low > 0.0).map(|(cost, _)| cost),
            refill_interval: cost.map(|(_, interval)| to_model(interval)),
            baseline_ratio: self.baseline_ratio(after, What::Refill, after.scenario),
            warm: warm.whole.median()? - frame.whole.median()?,
        })
    }
}
