// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the commas and line ends of a chunk of text are.
//!
//! Looking at one byte at a time costs more than all the rest of aggregating does, mostly in mispredicted branches. So
//! eight bytes are tested at once, without a branch, and the places found are written to a list. The test is coarser
//! than needed: every byte below `-` is marked, which is comma and line feed, but also the quote, the carriage return
//! and blanks. Digits, letters, `_`, `-`, `.` and all of UTF-8 beyond ASCII are not marked. A row whose marks are not
//! what a plain row has is left to the general reader, and so nothing odd is ever taken for plain.

use wide::{CmpGt, CmpLt, i8x16};

/// Bytes of text looked at in one go. A place in it fits 16 bits.
pub const CHUNK: usize = 1 << 16;
/// Bytes after the chunk that may be loaded but mean nothing.
pub const SLACK: usize = 128;

/// A chunk of text, and room for loads that go beyond its end.
pub type Text = [u8; CHUNK + SLACK];

/// Bytes tested together, one bit each.
pub const BLOCK: usize = 64;

/// Which bytes of a chunk are marked, one bit each, and blocks without marks after its end.
#[derive(Debug)]
pub struct Marks {
    bits: Box<[u64; CHUNK / BLOCK + 2]>,
}

impl Marks {
    /// Creates marks of nothing.
    pub fn new() -> Self {
        Self {
            bits: Box::new([0; CHUNK / BLOCK + 2]),
        }
    }

    /// Finds the marks in the first `len` bytes of `text`, which must be followed by [`SLACK`] bytes that are no marks.
    pub fn find(&mut self, text: &Text, len: usize) {
        let blocks = text[..len.min(CHUNK).next_multiple_of(BLOCK)].as_chunks().0;
        let (found, after) = self.bits.split_at_mut(blocks.len());
        found
            .iter_mut()
            .zip(blocks)
            .for_each(|(found, block)| *found = bits(block));
        after.fill(0);
    }

    /// Returns the marks of the 64 bytes from `at` on, the first byte in the lowest bit.
    #[inline]
    pub fn from(&self, at: u16) -> u64 {
        let (block, skip) = (usize::from(at) / BLOCK, u32::from(at) % BLOCK as u32);
        let (low, high) = (self.bits[block], self.bits[block + 1]);
        // In two steps, because a shift by 64 is none.
        low >> skip | high << 1 << (63 - skip)
    }
}

/// Returns a bit for every byte of the block, set if the byte is below `-`.
#[inline]
fn bits(block: &[u8; BLOCK]) -> u64 {
    block.as_chunks().0.iter().rev().fold(0, |bits, lanes: &[u8; 16]| {
        let lanes = i8x16::new(lanes.map(|byte| byte as i8));
        // As signed numbers, bytes beyond ASCII are negative.
        let marked = lanes.cmp_lt(i8x16::splat(b'-' as i8)) & lanes.cmp_gt(i8x16::splat(-1));
        bits << 16 | u64::from(marked.move_mask() as u16)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the places of all marks, found through windows that begin at every place in turn.
    fn places(marks: &Marks, len: usize) -> Vec<usize> {
        let mut places = Vec::new();
        for at in 0..len {
            let bits = marks.from(at as u16);
            if bits & 1 == 1 {
                places.push(at);
            }
            let next = (bits >> 1).trailing_zeros() as usize;
            if next < BLOCK - 1 && at + 1 < CHUNK {
                assert_eq!(marks.from(at as u16 + 1).trailing_zeros() as usize, next, "at {at}");
            }
        }
        places
    }

    #[test]
    fn every_byte_in_every_place_is_seen_as_it_is() {
        let mut marks = Marks::new();
        let mut text = Box::new([b'x'; CHUNK + SLACK]);
        for byte in 0..=255_u8 {
            text[..BLOCK].fill(b'7');
            let at = usize::from(byte) % BLOCK;
            text[at] = byte;
            marks.find(&text, BLOCK);
            assert_eq!(marks.from(0), u64::from(byte < b'-') << at, "{byte:#x} at {at}");
        }
    }

    #[test]
    fn dense_and_sparse_marks_are_all_found() {
        let mut marks = Marks::new();
        for every in [1, 2, 3, 7, 40, 63, 64, 65, 5000] {
            let mut text = Box::new([b'x'; CHUNK + SLACK]);
            for len in [0, 1, 63, 64, 65, 4095, CHUNK] {
                text.fill(b'x');
                text[..len].iter_mut().step_by(every).for_each(|byte| *byte = b',');
                marks.find(&text, len);
                assert_eq!(places(&marks, len), (0..len).step_by(every).collect::<Vec<_>>());
            }
        }
    }
}
