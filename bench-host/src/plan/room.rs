// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether the kernel has room for a plan, before anything is started or written.

use std::iter::repeat_n;

use results::plan::room::{BOOT_ARENA, TIMED_ARENA, plain_size, room_in_any_order, timed_size};
use results::plan::{BOOT_FLUSH_AT_EL1, encode, flags, is_timed_under};
use results::scenario::Scenario;

use super::level::Level;
use super::sequence::PlannedSequence;
use super::{RunPlan, usage};
use crate::error::Error;

/// Refuses what the plan area or the kernel's executable memory cannot hold.
pub fn check(plan: &RunPlan) -> Result<(), Error> {
    let mut area = vec![0; results::image::PLAN_CAPACITY];
    encode(&plan.settings, &plan.entries(), &mut area).map_err(|error| usage(format!("plan too big: {error}")))?;
    let most = |size: fn(&RunPlan, Level) -> usize| size(plan, Level::El1).max(size(plan, Level::El2));
    for (what, needed, room) in [
        ("timed stubs", most(timed), TIMED_ARENA),
        ("stubs", most(at_boot), BOOT_ARENA),
    ] {
        if needed > room {
            return Err(usage(format!(
                "plan too big: its {what} may take {} KiB, and the kernel has {} KiB for them: leave out sequences or \
                 conditions, or lower --pages",
                needed.div_ceil(1024),
                room / 1024
            )));
        }
    }
    Ok(())
}

/// Returns how many bytes the stubs of all series take; where events are counted too, there are two of each.
fn timed(plan: &RunPlan, level: Level) -> usize {
    let measure = &plan.settings.measure;
    let mut all: Vec<&[u32]> = vec![&[]];
    let is_timed = |s: &&PlannedSequence| s.flags & flags::TIMED != 0 && s.is_for(level);
    let timed = plan.sequences.iter().filter(is_timed);
    all.extend(timed.map(|sequence| &sequence.words[..]));
    let under = |scenario: &Scenario| {
        let all = all.iter().map(|words| words.iter().copied());
        let run = all.filter(|words| words.len() == 0 || is_timed_under(scenario, words.clone()));
        run.map(|words| timed_size(scenario, words)).collect::<Vec<_>>()
    };
    let sizes: Vec<usize> = measure.scenarios.as_slice().iter().flat_map(under).collect();
    room_in_any_order(repeat_n(sizes, if measure.events == 0 { 1 } else { 2 }).flatten())
}

/// Returns how many bytes the stubs take that are emitted at boot: those of the checks, and the boot flush, which is
/// timed.
fn at_boot(plan: &RunPlan, level: Level) -> usize {
    let flush = &plan.sequences[usize::from(plan.settings.boot_flush)];
    let flush = timed_size(&Scenario::PLAIN, flush.words.iter().copied());
    let own_flush = timed_size(&Scenario::PLAIN, BOOT_FLUSH_AT_EL1.into_iter());
    let plain = plan.sequences.iter().filter(|sequence| sequence.is_for(level));
    let plain = plain.map(|sequence| plain_size(sequence.words.len()));
    room_in_any_order(plain.chain([plain_size(0), plain_size(2), flush.max(own_flush)]))
}
