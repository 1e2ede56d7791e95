// SPDX-License-Identifier: MIT OR Apache-2.0
//! Calls of maintenance that a patch leaves as they stand and puts under a condition, or behind a new way out.

use crate::extract::{Doubt, Unread};
use crate::pair::Pair;
use crate::placed::Placed;
use crate::source::Guarded;

/// A call that the patch puts under a condition, or behind a new way out, and the condition.
type NewGuard = (Placed<Guarded>, String);

/// Says of the passages that hold such a call that it stands under a condition now, and returns those that stand in none.
pub(crate) fn note_guards(guarded: &[Vec<Placed<Guarded>>; 2], passages: &mut [Pair]) -> Vec<Placed<Unread>> {
    newly_guarded(guarded)
        .into_iter()
        .filter(|new| !note_guard(passages, new))
        .map(unread_guard)
        .collect()
}

/// Returns the calls that the patch leaves as they stand and puts under a condition, or behind a new way out.
fn newly_guarded([before, after]: &[Vec<Placed<Guarded>>; 2]) -> Vec<NewGuard> {
    let same = |a: &Placed<Guarded>, b: &Placed<Guarded>| {
        a.path == b.path && a.found.function == b.found.function && a.found.text == b.found.text
    };
    let mut out = Vec::new();
    for new in after {
        let mut olds = before.iter().filter(|old| same(old, new)).peekable();
        let more = |old: &Placed<Guarded>| {
            let mut own = new.found.under.iter();
            // What is left out for AArch32 is left in here.
            let counts =
                |condition: &&String| !condition.is_empty() && !condition.to_ascii_lowercase().contains("arch32");
            own.find(|condition| counts(condition) && !old.found.under.contains(*condition))
                .cloned()
        };
        if olds.peek().is_none() {
            continue;
        }
        // Of several calls of one text, one that is as it was is this one.
        let conditions: Option<Vec<String>> = olds.map(more).collect();
        if let Some(condition) = conditions.and_then(|all| all.into_iter().next()) {
            out.push((new.clone(), condition));
        }
    }
    out
}

/// Says of the passage that a call stands in that it stands under a condition now; returns whether there is one.
fn note_guard(passages: &mut [Pair], (call, condition): &NewGuard) -> bool {
    let mut found = false;
    for after in passages.iter_mut().filter_map(|pair| pair.after.as_mut()) {
        let is_its = after.path == call.path && after.found.lines.contains(&call.found.line);
        if is_its && !after.found.around.calls.is_empty() {
            after.found.around.guard.get_or_insert_with(|| condition.clone());
            found = true;
        }
    }
    found
}

/// Lists a call that stands under a condition now.
fn unread_guard((Placed { path, found: call }, condition): NewGuard) -> Placed<Unread> {
    let text = format!("{}: under `{condition}` now", call.text);
    let unread = Unread {
        function: call.function,
        ..Unread::new(call.line, text, true, Doubt::Call)
    };
    Placed::in_file(&path)(unread)
}
