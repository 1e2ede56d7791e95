// SPDX-License-Identifier: MIT OR Apache-2.0
//! Calls of maintenance that a patch leaves as they stand and puts under a condition, or behind a new way out.

use crate::extract::{Doubt, Unread};
use crate::pair::Pair;
use crate::placed::Placed;
use crate::source::Guarded;

/// A call that the patch puts under a condition, or behind a new way out, and the condition.
type NewGuard = (Placed<Guarded>, String);

/// Says of the passages that hold such a call that it stands under a condition now, and returns those that stand in none,
/// and the calls that a condition does not hold any more.
pub(crate) fn note_guards(guarded: &[Vec<Placed<Guarded>>; 2], passages: &mut [Pair]) -> Vec<Placed<Unread>> {
    let [before, after] = guarded;
    let gained = newly_guarded([before, after]).into_iter();
    let mut all: Vec<Placed<Unread>> = gained
        .filter(|new| !note_guard(passages, new))
        .map(|new| unread_guard(new, "now"))
        .collect();
    // What runs on more ways than before.
    let here = |old: &Placed<Guarded>| {
        let same = |new: &&Placed<Guarded>| is_same(old, new) && new.found.under.is_subset(&old.found.under);
        after.iter().find(same).cloned()
    };
    let lost = newly_guarded([after, before]).into_iter();
    all.extend(lost.filter_map(|(old, condition)| Some(unread_guard((here(&old)?, condition), "no longer"))));
    all
}

/// Returns whether two calls are of one text, in one function.
fn is_same(a: &Placed<Guarded>, b: &Placed<Guarded>) -> bool {
    a.path == b.path && a.found.function == b.found.function && a.found.text == b.found.text
}

/// Returns the calls that the patch leaves as they stand and puts under a condition, or behind a new way out.
fn newly_guarded([before, after]: [&[Placed<Guarded>]; 2]) -> Vec<NewGuard> {
    let mut out = Vec::new();
    for new in after {
        let mut olds = before.iter().filter(|old| is_same(old, new)).peekable();
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

/// Lists a call that stands under a condition now, or no longer.
fn unread_guard((Placed { path, found: call }, condition): NewGuard, when: &str) -> Placed<Unread> {
    let text = match when {
        "now" => format!("{}: under `{condition}` now", call.text),
        _ => format!("{}: {when} under `{condition}`", call.text),
    };
    let unread = Unread {
        function: call.function,
        ..Unread::new(call.line, text, true, Doubt::Call)
    };
    Placed::in_file(&path)(unread)
}
