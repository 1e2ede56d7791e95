// SPDX-License-Identifier: MIT OR Apache-2.0
//! A set of 128-bit state fingerprints.
//!
//! States are remembered by fingerprint, not by value: with fewer than 2^20 states the chance that two different
//! states share one is below 2^-88, and a state is a few hundred bytes.

use alloc::vec;
use alloc::vec::Vec;

/// Two multiply-rotate lanes over 64-bit words; not for hostile input.
#[derive(Clone)]
pub(super) struct Fingerprint {
    low: u64,
    high: u64,
}

impl Fingerprint {
    pub(super) const fn new() -> Self {
        Self {
            low: 0x9e37_79b9_7f4a_7c15,
            high: 0xc2b2_ae3d_27d4_eb4f,
        }
    }

    pub(super) fn word(&mut self, word: u64) {
        self.low = (self.low.rotate_left(29) ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd);
        self.high = (self.high.rotate_left(31) ^ word).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    }

    pub(super) fn finish128(&self) -> u128 {
        let mix = |mut word: u64| {
            word ^= word >> 32;
            word = word.wrapping_mul(0x9fb2_1c65_1e98_df25);
            word ^ (word >> 29)
        };
        (u128::from(mix(self.high)) << 64) | u128::from(mix(self.low))
    }
}

/// An open-addressing set; zero marks a free cell, so the fingerprint zero is stored as one.
pub(super) struct FingerprintSet {
    cells: Vec<u128>,
    len: usize,
}

impl FingerprintSet {
    pub(super) fn new() -> Self {
        Self {
            cells: vec![0; 256],
            len: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds `fingerprint`; returns whether it was new.
    pub(super) fn insert(&mut self, fingerprint: u128) -> bool {
        if self.len * 2 >= self.cells.len() {
            let old = core::mem::replace(&mut self.cells, vec![0; self.len.max(128) * 8]);
            for key in old.into_iter().filter(|key| *key != 0) {
                let cell = self.cell_of(key);
                self.cells[cell] = key;
            }
        }
        let key = fingerprint.max(1);
        let cell = self.cell_of(key);
        if self.cells[cell] == key {
            return false;
        }
        self.cells[cell] = key;
        self.len += 1;
        true
    }

    fn cell_of(&self, key: u128) -> usize {
        let mut cell = key as usize % self.cells.len();
        while self.cells[cell] != 0 && self.cells[cell] != key {
            cell = (cell + 1) % self.cells.len();
        }
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::{Fingerprint, FingerprintSet};

    #[test]
    fn set_keeps_each_fingerprint_once_while_it_grows() {
        let mut set = FingerprintSet::new();
        for round in 0..2 {
            for number in 0..5000_u64 {
                let mut fingerprint = Fingerprint::new();
                fingerprint.word(number);
                assert_eq!(set.insert(fingerprint.finish128()), round == 0, "{number}");
            }
        }
        assert_eq!(set.len(), 5000);
        assert!(set.insert(0));
        assert!(!set.insert(0));
    }
}
