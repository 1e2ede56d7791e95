// SPDX-License-Identifier: MIT OR Apache-2.0
//! Barriers that belong to no sequence.

use crate::Unrecognised;
use crate::extract::words::speaks_of_tables;
use crate::pair::Pair;
use crate::placed::Placed;
use crate::source::LoneBarrier;
use std::collections::HashSet;

/// The barriers of the two sides.
type Lone = [Vec<Placed<LoneBarrier>>; 2];

/// Drops the barriers of helpers, which are judged with their callers, and those that stand as before. `called` are the
/// helpers of each side that are put in place of their calls.
pub(crate) fn drop_known(barriers: &mut Lone, called: &[HashSet<String>; 2]) {
    for (list, used) in barriers.iter_mut().zip(called) {
        list.retain(|lone| !used.contains(&lone.found.function));
    }
    drop_kept_barriers(barriers);
}

/// Drops the barriers of functions that are shown with both sides.
pub(crate) fn drop_shown(barriers: &mut Lone, sites: &[Pair]) {
    for (list, after) in barriers.iter_mut().zip([false, true]) {
        list.retain(|lone| !sites.iter().any(|pair| pair.shows(after, &lone.path, lone.found.line)));
    }
}

/// Returns how many barriers stand beside something of translation: what they order there was not judged.
pub(crate) fn open_barriers(barriers: &Lone) -> usize {
    barriers
        .iter()
        .flatten()
        .filter(|lone| lone.found.beside.is_some())
        .count()
}

/// Returns the barriers that stand beside nothing of translation, where the message is about translation: that they order
/// something of it is likely, and what is not in sight.
pub(crate) fn meant_by(message: &str, barriers: &Lone) -> Vec<Unrecognised> {
    let Some(saying) = speaks_of_tables(message) else {
        return Vec::new();
    };
    if barriers.iter().flatten().any(|lone| lone.found.beside.is_some()) {
        return Vec::new();
    }
    let of_side = |(list, after): (&Vec<Placed<LoneBarrier>>, bool)| {
        let one = |lone: &Placed<LoneBarrier>| Unrecognised {
            file: lone.path.clone(),
            line: lone.found.line,
            text: format!(
                "{}: the message says \"{saying}\", and what this orders is not in sight",
                lone.found.text
            ),
            after,
        };
        list.iter().map(one).collect::<Vec<_>>()
    };
    let sides = [(&barriers[0], false), (&barriers[1], true)];
    sides.into_iter().flat_map(of_side).collect()
}

/// Drops barriers that stand in their function as before, beside the same, under the same conditions.
fn drop_kept_barriers([before, after]: &mut Lone) {
    before.retain(|Placed { path, found: old }| {
        let same = |Placed {
                        path: other,
                        found: new,
                    }: &Placed<LoneBarrier>| {
            other == path
                && new.function == old.function
                && new.text == old.text
                && new.under == old.under
                && new.beside == old.beside
        };
        let kept = after.iter().position(same);
        if let Some(at) = kept {
            after.remove(at);
        }
        kept.is_none()
    });
}

/// Describes barriers outside sequences that are on one side only.
pub(crate) fn lone_barriers([before, after]: &Lone) -> Vec<String> {
    let mut out = Vec::new();
    for (list, word) in [(before, "removed"), (after, "added")] {
        for Placed { path, found: barrier } in list {
            let function = if barrier.function.is_empty() {
                String::new()
            } else {
                format!(" {}", barrier.function)
            };
            let beside = barrier
                .beside
                .as_ref()
                .map(|what| format!(", beside {what}: not judged"));
            out.push(format!(
                "{path}:{}{function}: `{}` {word}{}",
                barrier.line,
                barrier.text,
                beside.unwrap_or_default()
            ));
        }
    }
    out
}
