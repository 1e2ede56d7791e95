// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which sequences a check tests, and its verdict on each.

use results::check::Check;
use results::plan::{EntryRef, MAX_SEQUENCES, Plan};
use results::verdict::Class;

use crate::handover::Handover;

/// The verdicts of a check, in the order of the plan's sequences; `None` where a sequence is not under test.
pub type Verdicts = [Option<(Class, &'static str)>; MAX_SEQUENCES];

/// Returns the sequences that a check tests and that can run here, with their index in the plan.
pub fn tested<'a>(boot: &'a Handover, plan: &Plan<'a>, check: Check) -> impl Iterator<Item = (usize, EntryRef<'a>)> {
    plan.entries()
        .enumerate()
        .filter(move |(index, entry)| entry.checks & check.mask() != 0 && boot.stubs.plain(*index).is_some())
}
