// SPDX-License-Identifier: MIT OR Apache-2.0
//! The nearest valid name to one that is not.

use alloc::vec::Vec;

/// Longer names than this are no slip of the keyboard, and would make the search slow.
const MAX_LENGTH: usize = 48;

/// Returns the candidate nearest to `name`, if one is near enough to be what was meant.
///
/// Of two equally near ones the one that is not shorter wins (a letter is more often forgotten than added: `alle2s`
/// is `alle2is`, not `alle2`), then the one that comes first.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > MAX_LENGTH {
        return None;
    }
    let name = name.to_ascii_lowercase();
    // One slip in a short name, two from five letters on, three from nine on.
    let limit = 1 + name.len().saturating_sub(1) / 4;
    candidates
        .into_iter()
        .map(|candidate| {
            (
                distance(name.as_bytes(), candidate.as_bytes()),
                candidate.len() < name.len(),
                candidate,
            )
        })
        .filter(|(distance, _, candidate)| *distance <= limit.min(3) && *distance < candidate.len())
        .min_by_key(|(distance, shorter, _)| (*distance, *shorter))
        .map(|(_, _, candidate)| candidate)
}

/// Returns the number of insertions, deletions, replacements and swaps of neighbors that turn `a` into `b`.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for (j, &y) in b.iter().enumerate() {
            let mut best = (above[j] + usize::from(x != y)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && x == b[j - 1] && a[i - 1] == y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = above;
        above = row;
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};
    use crate::tlbi::TlbiOp;

    #[test]
    fn distances_count_slips() {
        for (a, b, expected) in [
            ("", "", 0),
            ("isb", "", 3),
            ("isb", "isb", 0),
            ("ibs", "isb", 1),
            ("dsb", "isb", 1),
        ] {
            assert_eq!(distance(a.as_bytes(), b.as_bytes()), expected, "{a} {b}");
        }
    }

    #[test]
    fn the_likely_operation_is_suggested() {
        let suggest = |name| nearest(name, TlbiOp::all().map(TlbiOp::name));
        assert_eq!(suggest("alle2s"), Some("alle2is"));
        assert_eq!(suggest("ALLE2I"), Some("alle2is"));
        assert_eq!(suggest("vmale1is"), Some("vmalle1is"));
        assert_eq!(suggest("vmalls12e1si"), Some("vmalls12e1is"));
        assert_eq!(suggest("rvae2i"), Some("rvae2is"));
        assert_eq!(suggest("everything"), None);
        assert_eq!(suggest(&"a".repeat(1000)), None);
    }
}
