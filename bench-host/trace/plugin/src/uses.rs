// SPDX-License-Identifier: MIT OR Apache-2.0
//! Addresses of a PE that were made valid and are not synchronized: an access through them is worth a record.

use std::collections::HashSet;

const PAGE: u64 = 12;
/// Most pages of one PE at a time; a kernel that makes more valid without any barrier does not use them.
const MAX_PAGES: usize = 1 << 16;
/// Most blocks.
const MAX_SPANS: usize = 64;

/// The addresses.
#[derive(Debug, Default)]
pub struct Uses {
    pages: HashSet<u64>,
    spans: Vec<(u64, u64)>,
    /// How many were not taken in.
    pub dropped: u64,
}

impl Uses {
    /// Takes addresses in.
    pub fn insert(&mut self, first: u64, bytes: u64) {
        if bytes <= 1 << PAGE {
            if self.pages.len() >= MAX_PAGES {
                self.dropped += 1;
            } else {
                self.pages.insert(first >> PAGE);
            }
        } else if self.spans.len() >= MAX_SPANS {
            self.dropped += 1;
        } else {
            self.spans.push((first, first.wrapping_add(bytes - 1)));
        }
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pages.is_empty() && self.spans.is_empty()
    }

    /// Returns whether an address is among them, and takes what holds it out: the first use counts.
    pub fn take(&mut self, address: u64) -> bool {
        let mut found = self.pages.remove(&(address >> PAGE));
        self.spans.retain(|(first, last)| {
            let holds = (*first..=*last).contains(&address);
            found |= holds;
            !holds
        });
        found
    }

    /// Takes all out.
    pub fn clear(&mut self) {
        self.pages.clear();
        self.spans.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::Uses;

    #[test]
    fn the_first_use_counts() {
        let mut uses = Uses::default();
        uses.insert(0x1000, 0x1000);
        uses.insert(0xffff_ffff_ffe0_0000, 0x20_0000);
        assert!(!uses.take(0x2000));
        assert!(uses.take(0x1fff) && !uses.take(0x1000));
        assert!(uses.take(u64::MAX) && uses.is_empty());
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut uses = Uses::default();
        for number in 0..100 {
            uses.insert(number << 21, 1 << 21);
        }
        assert_eq!(uses.dropped, 36);
    }
}
