// SPDX-License-Identifier: MIT OR Apache-2.0
//! A flush that a patch puts on the other side of the stores it is for.

use crate::extract::reduce::Found;
use crate::placed::Placed;

/// Marks the side that flushes before it stores where the other side stores and then flushes.
pub(super) fn mark_order(before: &mut Option<Placed<Found>>, after: &mut Option<Placed<Found>>, message: &str) {
    let (Some(a), Some(b)) = (before, after) else { return };
    let (a, b) = (&mut a.found, &mut b.found);
    doubt_live_entry(a, b);
    doubt_live_entry(b, a);
    if a.function != b.function || !a.around.is_early_or_late(&b.around) {
        return;
    }
    let early = if a.around.stores[0] { b } else { a };
    // Where an entry is broken out of sight, the flush has to stand before it is made again.
    let breaks = ["break-before-make", "break before make", "bbm"]
        .iter()
        .any(|word| message.contains(word));
    let text = "the flush stands before the write of the entry, and none follows it; on the other side it stands behind: \
                what is cached between the two stays";
    let certain = early.around.breaks_after || !early.open_start && !breaks;
    if early.open_end || !certain {
        let ask = format!("{text}, unless the entry was made invalid before, out of sight");
        early.around.doubt.get_or_insert(ask);
    } else {
        early.around.fault.get_or_insert_with(|| text.to_owned());
    }
}

/// Doubts a side that writes a new value over an entry and then flushes, where the other side makes the entry invalid, flushes,
/// and writes it after that: it shows that the entry may be valid.
fn doubt_live_entry(live: &mut Found, broken: &Found) {
    let shown = broken.around.breaks_before && broken.around.stores[1] && live.function == broken.function;
    // In assembly nothing says what is stored.
    let writes = live.around.makes.is_some() || live.around.stores == [true, false];
    if !shown || !writes || live.around.breaks_before {
        return;
    }
    let entry = live.around.makes.as_deref().unwrap_or("the entry");
    let doubt = format!(
        "`{entry}` gets a new value before the flush, and on the other side it is made invalid and flushed first: where it was \
         valid, break-before-make asks for that"
    );
    live.around.doubt.get_or_insert(doubt);
}
