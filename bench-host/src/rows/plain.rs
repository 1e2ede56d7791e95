// SPDX-License-Identifier: MIT OR Apache-2.0
//! The quick way from marked text to (group, value): rows as programs write them, with nothing quoted.
//!
//! A plain row has as many marks as columns: commas, and a line end. Everything else, and every number that is not one
//! to eight digits, is left where it is for the general reader, which decides what it means. There is no loop over
//! bytes here, and no branch that depends on how long a field is.

use super::groups::{Groups, QUICK};
use super::layout::Layout;
use super::marks::{BLOCK, CHUNK, Marks, Text};

/// Rows handed on together.
pub const BATCH: usize = 1024;

/// Rows on their way to be counted: places in two lists that belong together.
#[derive(Debug)]
pub struct Batch {
    /// Numbers of the groups.
    pub groups: [u32; BATCH],
    /// The values.
    pub values: [u64; BATCH],
    /// How often each value counts; all 1 in a file that has no such column.
    pub weights: [u64; BATCH],
    /// How many there are.
    pub len: usize,
}

impl Batch {
    /// Creates an empty batch.
    pub fn new() -> Box<Self> {
        Box::new(Self {
            groups: [0; BATCH],
            values: [0; BATCH],
            weights: [1; BATCH],
            len: 0,
        })
    }
}

/// Why reading plain rows stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The batch is full.
    Full,
    /// The row that comes next is not plain.
    Odd,
    /// The row that comes next is not all there.
    End,
}

/// Most columns of a plain row.
const COLUMNS: usize = 64;

/// The text of a chunk and its marks.
#[derive(Debug, Clone, Copy)]
pub struct Chunk<'a> {
    /// The text.
    pub text: &'a Text,
    /// Its marks.
    pub marks: &'a Marks,
    /// Bytes of text.
    pub len: usize,
}

/// Reads rows from `at` on into the batch until something stops it; returns where that is, and what.
pub fn read(chunk: Chunk<'_>, at: usize, layout: &Layout, groups: &mut Groups, batch: &mut Batch) -> (usize, Stop) {
    // The number of columns as a constant unrolls the loops over marks.
    match layout.columns {
        3 => read_rows::<3>(chunk, at, layout, groups, batch),
        4 => read_rows::<4>(chunk, at, layout, groups, batch),
        5 => read_rows::<5>(chunk, at, layout, groups, batch),
        6 => read_rows::<6>(chunk, at, layout, groups, batch),
        7 => read_rows::<7>(chunk, at, layout, groups, batch),
        _ => read_rows::<COLUMNS>(chunk, at, layout, groups, batch),
    }
}

/// Reads rows of `N` columns, or with the most columns of as many as the layout has.
#[inline(always)]
fn read_rows<const N: usize>(
    chunk: Chunk<'_>,
    mut at: usize,
    layout: &Layout,
    groups: &mut Groups,
    batch: &mut Batch,
) -> (usize, Stop) {
    let Chunk { text, marks, .. } = chunk;
    let columns = if N == COLUMNS { layout.columns } else { N };
    if columns == 0 || columns > N {
        return (at, Stop::Odd);
    }
    let mut len = batch.len;
    let stop = loop {
        if len >= BATCH {
            break Stop::Full;
        }
        let Ok(row) = u16::try_from(at) else { break Stop::End };
        // Where the fields end, from the beginning of the row.
        let mut ends = [0_u16; N];
        let mut bits = marks.from(row);
        for end in &mut ends[..columns] {
            *end = bits.trailing_zeros() as u16;
            bits &= bits.wrapping_sub(1);
        }
        if ends[columns - 1] >= BLOCK as u16 && !gather(chunk, at, &mut ends[..columns]) {
            break Stop::End;
        }
        let mut odd = 0;
        for &end in &ends[..columns - 1] {
            odd |= text[at + usize::from(end)] ^ b',';
        }
        let last = at + usize::from(ends[columns - 1]);
        let mut next = last + 1;
        if odd != 0 || text[last] != b'\n' {
            if odd != 0 || text[last] != b'\r' {
                break Stop::Odd;
            }
            if next >= chunk.len {
                break Stop::End;
            }
            // A carriage return directly before the line feed belongs to the line end.
            if text[next] != b'\n' {
                break Stop::Odd;
            }
            next += 1;
        }
        let field = |column: usize| {
            let before = column.checked_sub(1).map_or(0, |before| usize::from(ends[before]) + 1);
            (at + before, at + usize::from(ends[column]))
        };
        let (start, end) = field(layout.value);
        let Some(value) = number(text, start, end) else {
            break Stop::Odd;
        };
        let group = match layout.span {
            Some((first, last)) => {
                let (start, end) = (field(first).0, field(last).1);
                if end - start <= QUICK {
                    groups.quick(text, start, end)
                } else {
                    groups.plain(&text[start..end])
                }
            }
            None => groups.scattered(layout.keys.iter().map(|&column| {
                let (start, end) = field(column);
                &text[start..end]
            })),
        };
        let Some(group) = group else { break Stop::Odd };
        if let Some(column) = layout.count {
            let (start, end) = field(column);
            let Some(weight) = number(text, start, end) else {
                break Stop::Odd;
            };
            batch.weights[len] = weight;
        }
        batch.groups[len] = group;
        batch.values[len] = value;
        len += 1;
        at = next;
    };
    batch.len = len;
    (at, stop)
}

/// Finds the ends of the fields of a long row, or returns `false` if they are not all in the chunk.
#[cold]
#[inline(never)]
fn gather(chunk: Chunk<'_>, row: usize, ends: &mut [u16]) -> bool {
    let blocks = (row..chunk.len.min(CHUNK)).step_by(BLOCK);
    let marks = blocks.flat_map(|at| {
        let mut bits = chunk.marks.from(at as u16);
        std::iter::from_fn(move || {
            let place = at + bits.trailing_zeros() as usize;
            let any = bits != 0;
            bits &= bits.wrapping_sub(1);
            any.then_some(place)
        })
    });
    let mut found = 0;
    for (end, mark) in ends.iter_mut().zip(marks) {
        *end = (mark - row) as u16;
        found += 1;
    }
    found == ends.len()
}

/// Reads a number of one to eight digits.
#[inline]
fn number(text: &Text, start: usize, end: usize) -> Option<u64> {
    const DIGITS: u64 = 0x3030_3030_3030_3030;
    const NIBBLES: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    let len = end.wrapping_sub(start);
    if len.wrapping_sub(1) >= 8 {
        return None;
    }
    let word = u64::from_le_bytes(text.get(start..start + 8)?.try_into().ok()?);
    // The digits go to the top, zeros in front of them: the last digit is the highest byte.
    let word = (word ^ DIGITS) << (64 - 8 * len);
    // A byte that was a digit is 0 to 9 now.
    if (word | word.wrapping_add(0x0606_0606_0606_0606)) & NIBBLES != 0 {
        return None;
    }
    let pairs = word.wrapping_mul((10 << 8) + 1) >> 8 & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul((100 << 16) + 1) >> 16 & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul((10_000 << 32) + 1) >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::marks::SLACK;

    #[test]
    fn numbers_are_one_to_eight_digits() {
        let read = |field: &[u8]| {
            let mut text = Box::new([b'9'; CHUNK + SLACK]);
            text[5..5 + field.len()].copy_from_slice(field);
            number(&text, 5, 5 + field.len())
        };
        for field in ["0", "7", "42", "007", "1234567", "12345678", "99999999", "00000000"] {
            assert_eq!(read(field.as_bytes()), field.parse().ok(), "{field}");
        }
        for field in ["", "123456789", "-1", "1.5", "1e3", "a", "12 ", "1_000", "é", "0x10"] {
            assert_eq!(read(field.as_bytes()), None, "{field}");
        }
        for byte in (0..=255_u8).filter(|byte| !byte.is_ascii_digit()) {
            for place in 0..8 {
                let mut field = *b"12345678";
                field[place] = byte;
                assert_eq!(read(&field), None, "{byte:#x} at {place}");
            }
        }
    }
}
